//! Where the test address may be deployed.

use super::{DeployError, TEST_PROGRAM};
use solana_pubkey::Pubkey;
use std::net::IpAddr;
use tollgate_localnet::DEVNET_GENESIS_HASH;
use url::{Host, Url};

/// Genesis hash of mainnet.
const MAINNET: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
/// Genesis hash of testnet.
const TESTNET: &str = "4uhcVJyU9pJkvQyUS88uRDiswHXSCkY3zQawwpjk2NsY";

/// Refuses the test address on public clusters. Anybody can derive its key, so on a
/// public cluster anybody can deploy there first, and nobody's money belongs there.
///
/// The local chain reports devnet's genesis hash, so that hash counts as devnet only
/// when the server is not on this machine; `allow_on_devnet` is the user's own word.
///
/// # Errors
/// [`DeployError::TestProgram`].
pub fn require_own_program(
    program: &Pubkey,
    genesis_hash: &str,
    rpc_url: &str,
    allow_on_devnet: bool,
) -> Result<(), DeployError> {
    if *program != TEST_PROGRAM {
        return Ok(());
    }
    let cluster = match genesis_hash {
        MAINNET => "mainnet",
        TESTNET => "testnet",
        DEVNET_GENESIS_HASH if !is_loopback(rpc_url) && !allow_on_devnet => "devnet",
        _ => return Ok(()),
    };
    Err(DeployError::TestProgram { cluster })
}

/// Whether a URL leads to this very machine.
fn is_loopback(rpc_url: &str) -> bool {
    let Ok(url) = Url::parse(rpc_url) else {
        return false;
    };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = "http://127.0.0.1:8899";
    const REMOTE: &str = "https://rpc.example.com";

    fn refused(genesis_hash: &str, url: &str, allow: bool) -> bool {
        require_own_program(&TEST_PROGRAM, genesis_hash, url, allow)
            .is_err_and(|error| error.code() == "test_program_refused")
    }

    #[test]
    fn the_test_address_stays_off_public_clusters() {
        for genesis_hash in [MAINNET, TESTNET] {
            for url in [LOCAL, REMOTE] {
                assert!(refused(genesis_hash, url, true), "{genesis_hash} {url}");
            }
        }
        assert!(refused(DEVNET_GENESIS_HASH, REMOTE, false));
        assert!(refused(
            DEVNET_GENESIS_HASH,
            "http://127.0.0.1.example.com",
            false
        ));
        assert!(refused(DEVNET_GENESIS_HASH, "not a url", false));
    }

    #[test]
    fn local_chains_and_an_explicit_word_let_it_pass() {
        assert!(!refused(DEVNET_GENESIS_HASH, REMOTE, true));
        for url in [LOCAL, "http://localhost:1", "http://[::1]:8899"] {
            assert!(!refused(DEVNET_GENESIS_HASH, url, false), "{url}");
        }
        assert!(!refused("11111111111111111111111111111111", LOCAL, false));
        let own = Pubkey::new_from_array([7; 32]);
        assert!(require_own_program(&own, MAINNET, REMOTE, false).is_ok());
    }
}
