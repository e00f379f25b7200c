//! All entitlements of a merchant in one answer.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tollgate_client::accounts::ProgramAccount;
use tollgate_client::{Addresses, Entitlement, Pubkey};

use super::{Elements, Endpoint, KeyedAccount, Pool, RpcFailure, entitlement_of};
use crate::config::Commitment;

/// Where an entitlement names its merchant: behind the discriminator and eight bytes
/// (program, `Entitlement`).
const MERCHANT_OFFSET: u64 = 16;

/// How long a snapshot may pause.
const PAUSE: Duration = Duration::from_secs(20);

/// Pieces that may wait to be decoded.
const WAITING_PIECES: usize = 8;

/// What names the entitlements of `merchant` among all accounts of the program, besides
/// their size: these bytes at these places.
pub(crate) fn marks(merchant: &Pubkey) -> [(u64, Vec<u8>); 2] {
    [
        (0, discriminator::<Entitlement>().to_vec()),
        (MERCHANT_OFFSET, merchant.to_bytes().to_vec()),
    ]
}

/// The same for searches and subscriptions by JSON-RPC.
pub(crate) fn filters(merchant: &Pubkey) -> Value {
    let marks = marks(merchant).map(|(offset, bytes)| {
        json!({ "memcmp": {
            "offset": offset,
            "bytes": STANDARD.encode(bytes),
            "encoding": "base64",
        } })
    });
    let mut filters = vec![json!({ "dataSize": Entitlement::SPACE })];
    filters.extend(marks);
    Value::Array(filters)
}

/// The first bytes of every account of a type.
fn discriminator<T: ProgramAccount>() -> &'static [u8] {
    T::DISCRIMINATOR
}

/// Decodes the pieces of a snapshot. `take` is handed each entitlement with the slot
/// of the snapshot, and ends it by returning false.
pub(crate) struct SnapshotReader {
    elements: Elements,
    addresses: Addresses,
    merchant: Pubkey,
}

impl SnapshotReader {
    pub(crate) fn new(addresses: Addresses, merchant: Pubkey) -> Self {
        Self {
            elements: Elements::new(),
            addresses,
            merchant,
        }
    }

    /// The next bytes. Returns whether to go on.
    ///
    /// # Errors
    /// When they are no such snapshot. One account that is not what its address
    /// promises spoils the whole: its server is not to be believed.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(&Entitlement, u64) -> bool,
    ) -> Result<bool, RpcFailure> {
        let Self {
            elements,
            addresses,
            merchant,
        } = self;
        elements.feed(bytes, &mut |slot, element| {
            let keyed: KeyedAccount = serde_json::from_slice(element)
                .map_err(|_| RpcFailure::Malformed("not an account with its address"))?;
            let entitlement = entitlement_of(&keyed, addresses, merchant)?;
            Ok(take(&entitlement, slot))
        })
    }

    /// After the last bytes.
    ///
    /// # Errors
    /// When the answer was not complete, or was a refusal.
    pub(crate) fn finish(&self) -> Result<(), RpcFailure> {
        self.elements.finish()
    }
}

impl Pool {
    /// Reads all entitlements of `merchant` from the first server that lets itself be
    /// searched. What was taken before a failure stays taken.
    ///
    /// # Errors
    /// The last server's failure.
    pub(crate) async fn snapshot(
        &self,
        merchant: Pubkey,
        min_slot: u64,
        take: impl FnMut(&Entitlement, u64) -> bool + Send + Clone + 'static,
    ) -> Result<(), RpcFailure> {
        let mut last = RpcFailure::NoServer;
        for endpoint in self.in_order() {
            endpoint.begins();
            let outcome = self
                .snapshot_of(&endpoint, merchant, min_slot, take.clone())
                .await;
            // Many servers refuse searches; that alone speaks against none.
            endpoint.note(
                outcome
                    .as_ref()
                    .err()
                    .filter(|failure| matches!(failure, RpcFailure::WrongCluster { .. })),
            );
            match outcome {
                Ok(()) => return Ok(()),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    async fn snapshot_of(
        &self,
        endpoint: &Endpoint,
        merchant: Pubkey,
        min_slot: u64,
        mut take: impl FnMut(&Entitlement, u64) -> bool + Send + 'static,
    ) -> Result<(), RpcFailure> {
        let commitment: Commitment = self.limits.commitment;
        let params = json!([
            self.limits.addresses.program_id.to_string(),
            {
                "encoding": "base64",
                "commitment": commitment.as_str(),
                "withContext": true,
                "minContextSlot": min_slot,
                "filters": filters(&merchant),
            }
        ]);
        // The search itself may take long before its first byte.
        let mut body = timeout(PAUSE, endpoint.open("getProgramAccounts", params))
            .await
            .map_err(|_| RpcFailure::Timeout)??;
        let (sender, mut pieces) = mpsc::channel::<Bytes>(WAITING_PIECES);
        let mut reader = SnapshotReader::new(self.limits.addresses, merchant);
        // Checking addresses is work for the processor: not on the threads that serve.
        let decoding = tokio::task::spawn_blocking(move || {
            while let Some(piece) = pieces.blocking_recv() {
                if !reader.feed(&piece, &mut take)? {
                    return Ok(());
                }
            }
            reader.finish()
        });
        let mut broken = None;
        loop {
            match timeout(PAUSE, body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    let Ok(piece) = frame.into_data() else {
                        continue;
                    };
                    // Decoding has ended: enough was read, or it cannot be read.
                    if sender.send(piece).await.is_err() {
                        break;
                    }
                }
                Ok(None) => break,
                Ok(Some(Err(_))) => {
                    broken = Some(RpcFailure::Unreachable("connection broken"));
                    break;
                }
                Err(_) => {
                    broken = Some(RpcFailure::Timeout);
                    break;
                }
            }
        }
        drop(sender);
        let decoded = decoding
            .await
            .unwrap_or(Err(RpcFailure::Malformed("decoding ended early")));
        broken.map_or(decoded, Err)
    }
}
