//! Every check against the embedded chain of this project.

use std::{process::ExitCode, time::Duration};

use solana_keypair::Keypair;
use solana_signer::Signer;
use tollgate_conformance::{Chain, run};
use tollgate_localnet::{Localnet, LocalnetError};

/// Four times as fast as a cluster, so that a blockhash expires in 15 seconds.
const SLOT_DURATION: Duration = Duration::from_millis(100);
/// Lamports of the key that pays for the checks: 100,000 SOL.
const TREASURY_LAMPORTS: u64 = 100_000_000_000_000;

fn main() -> ExitCode {
    run(|runtime| {
        let localnet =
            runtime.block_on(Localnet::builder().slot_duration(SLOT_DURATION).start())?;
        let treasury = Keypair::new();
        localnet.airdrop(&treasury.pubkey(), TREASURY_LAMPORTS)?;
        // The checks ask at `confirmed` from the first moment.
        localnet.finalize();
        let chain = Chain::new(
            localnet.rpc_url(),
            localnet.websocket_url(),
            treasury,
            SLOT_DURATION,
        );
        Ok::<_, LocalnetError>((chain, localnet))
    })
}
