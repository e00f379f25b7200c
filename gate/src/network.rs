//! A cluster's names in the wire formats (reference/protocols.md 1.4).

use crate::encoding::base58_decode;
use tollgate_client::Pubkey;

/// Digits of the genesis hash that make a CAIP-2 reference.
const CAIP2_REFERENCE_LENGTH: usize = 32;

/// Genesis hash of mainnet.
pub const MAINNET_GENESIS_HASH: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
/// Genesis hash of devnet, which local chains report as well.
pub const DEVNET_GENESIS_HASH: &str = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG";
/// Genesis hash of testnet.
pub const TESTNET_GENESIS_HASH: &str = "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY";

/// Clusters with a name and a USDC: genesis hash, name in x402 v1, USDC mint.
const KNOWN: [(&str, &str, &str); 2] = [
    (
        MAINNET_GENESIS_HASH,
        "solana",
        "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
    ),
    (
        DEVNET_GENESIS_HASH,
        "solana-devnet",
        "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU",
    ),
];

/// Why a cluster cannot be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not 32 bytes in base58.
    #[error("a genesis hash is 32 bytes in base58")]
    GenesisHashInvalid,
}

impl NetworkError {
    /// Stable code for configuration errors.
    pub fn code(self) -> &'static str {
        match self {
            Self::GenesisHashInvalid => "genesis_hash_invalid",
        }
    }
}

/// The one cluster that a gate works with. Every challenge names exactly one,
/// because stock clients fail on clusters that they do not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    caip2: String,
    v1_name: Option<&'static str>,
    usdc: Option<Pubkey>,
}

impl Network {
    /// The cluster with this genesis hash.
    ///
    /// # Errors
    /// [`NetworkError::GenesisHashInvalid`].
    pub fn from_genesis_hash(hash: &str) -> Result<Self, NetworkError> {
        let valid = base58_decode::<32>(hash).is_some();
        let reference = hash.get(..CAIP2_REFERENCE_LENGTH).filter(|_| valid);
        let reference = reference.ok_or(NetworkError::GenesisHashInvalid)?;
        let known = KNOWN.iter().find(|(genesis, _, _)| *genesis == hash);
        Ok(Self {
            caip2: format!("solana:{reference}"),
            v1_name: known.map(|(_, name, _)| *name),
            usdc: known
                .and_then(|(_, _, mint)| base58_decode(mint))
                .map(Pubkey::new_from_array),
        })
    }

    /// CAIP-2 id: `solana:` and the first 32 digits of the genesis hash.
    pub fn caip2(&self) -> &str {
        &self.caip2
    }

    /// Name in x402 v1; a cluster without one goes by its CAIP-2 id there.
    pub fn v1_name(&self) -> &str {
        self.v1_name.unwrap_or(&self.caip2)
    }

    /// Whether `mint` is this cluster's USDC.
    pub fn is_usdc(&self, mint: &Pubkey) -> bool {
        self.usdc.as_ref() == Some(mint)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn known_clusters_have_the_names_that_stock_clients_know() {
        for ((genesis, v1, mint), caip2) in KNOWN.into_iter().zip([
            "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
            "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1",
        ]) {
            let network = Network::from_genesis_hash(genesis).unwrap();
            assert_eq!(network.caip2(), caip2);
            assert_eq!(network.v1_name(), v1);
            assert!(network.is_usdc(&mint.parse().unwrap()));
            assert!(!network.is_usdc(&Pubkey::default()));
        }
    }

    #[test]
    fn other_clusters_are_named_by_their_genesis_hash() {
        let genesis = "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY";
        let network = Network::from_genesis_hash(genesis).unwrap();
        assert_eq!(network.caip2(), "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z");
        assert_eq!(network.v1_name(), network.caip2());
        assert!(!network.is_usdc(&KNOWN[0].2.parse().unwrap()));
    }

    #[test]
    fn what_is_not_a_hash_is_refused() {
        for hash in [
            "",
            "devnet",
            "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp",
            "11111111111111111111111111111111111111111111",
        ] {
            assert_eq!(
                Network::from_genesis_hash(hash),
                Err(NetworkError::GenesisHashInvalid),
                "{hash}"
            );
        }
    }
}
