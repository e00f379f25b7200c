//! Where the test address may be deployed.

use super::{DeployError, TEST_PROGRAM};
use solana_pubkey::Pubkey;
use tollgate_gate::network::{DEVNET_GENESIS_HASH, MAINNET_GENESIS_HASH, TESTNET_GENESIS_HASH};
use tollgate_gate::origin::is_this_machine;
use url::Url;

/// Refuses the test address on clusters of others. Anybody can derive its key, so there
/// anybody can deploy first, and nobody's money belongs there.
///
/// Mainnet and testnet are never for it. Elsewhere a server on this machine passes (the
/// local chain reports devnet's genesis hash), and so does the user's own word,
/// `allowed`; a cluster that nobody knows does not.
///
/// # Errors
/// [`DeployError::TestProgram`].
pub fn require_own_program(
    program: &Pubkey,
    genesis_hash: &str,
    rpc_url: &str,
    allowed: bool,
) -> Result<(), DeployError> {
    if *program != TEST_PROGRAM {
        return Ok(());
    }
    let is_local = || Url::parse(rpc_url).is_ok_and(|url| is_this_machine(&url));
    let cluster = match genesis_hash {
        MAINNET_GENESIS_HASH => "mainnet",
        TESTNET_GENESIS_HASH => "testnet",
        _ if allowed || is_local() => return Ok(()),
        DEVNET_GENESIS_HASH => "devnet",
        _ => "a cluster that is not on this machine",
    };
    Err(DeployError::TestProgram { cluster })
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
        // Written out: what the clusters say of themselves.
        let mainnet = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
        let testnet = "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY";
        for genesis_hash in [mainnet, testnet] {
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
        let unknown = "11111111111111111111111111111111";
        assert!(refused(unknown, REMOTE, false));
        assert!(!refused(unknown, REMOTE, true));
        assert_eq!(DEVNET_GENESIS_HASH, tollgate_localnet::DEVNET_GENESIS_HASH);
    }

    #[test]
    fn local_chains_and_an_explicit_word_let_it_pass() {
        assert!(!refused(DEVNET_GENESIS_HASH, REMOTE, true));
        for url in [LOCAL, "http://localhost:1", "http://[::1]:8899"] {
            assert!(!refused(DEVNET_GENESIS_HASH, url, false), "{url}");
        }
        assert!(!refused("11111111111111111111111111111111", LOCAL, false));
        let own = Pubkey::new_from_array([7; 32]);
        assert!(require_own_program(&own, MAINNET_GENESIS_HASH, REMOTE, false).is_ok());
    }
}
