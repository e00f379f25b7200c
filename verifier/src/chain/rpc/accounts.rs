//! Reading accounts, from whichever server answers.

use solana_account::Account;
use tollgate_client::accounts::{self, ProgramAccount};
use tollgate_client::chain::CLOCK;
use tollgate_client::{Entitlement, Pubkey, UnixSeconds};

use super::{Pool, RpcFailure, chain_time};
use crate::chain::cache::{Answer, Ask};
use crate::config::Commitment;

/// Accounts as of a slot.
pub(super) type Reading = (u64, Vec<Option<Account>>);

impl Pool {
    /// Reads accounts, all from one answer at the configured commitment, and makes
    /// something of them with `take`, which is told the answer's slot. A server whose
    /// answer `take` refuses is passed over for the next.
    ///
    /// # Errors
    /// The last server's failure.
    pub(crate) async fn read_accounts<T: Send>(
        &self,
        addresses: &[Pubkey],
        mut take: impl FnMut(u64, Vec<Option<Account>>) -> Result<T, RpcFailure> + Send,
    ) -> Result<T, RpcFailure> {
        let mut taken = None;
        let commitment = self.limits.commitment;
        self.ask_accounts(addresses, commitment, self.floor(), |_, (slot, found)| {
            self.saw_slot(slot);
            taken = Some(take(slot, found)?);
            Ok(())
        })
        .await?;
        taken.ok_or(RpcFailure::NoServer)
    }

    /// An account of the program as an answer of this pool has it, decoded and checked;
    /// `None` when it does not exist.
    ///
    /// # Errors
    /// When it is not what its address promises.
    pub(crate) fn decode<T: ProgramAccount>(
        &self,
        address: &Pubkey,
        account: Option<Account>,
    ) -> Result<Option<T>, RpcFailure> {
        let of = self.limits.addresses;
        let decoded = account.map(|account| accounts::decode(&of, address, &account));
        Ok(decoded.transpose()?)
    }

    /// Accounts of the program at their addresses, decoded and checked; `None` for
    /// those that do not exist. A server with an account that is not what its address
    /// promises is passed over for the next.
    ///
    /// # Errors
    /// The last server's failure.
    pub(crate) async fn decoded<T: ProgramAccount + Send>(
        &self,
        addresses: &[Pubkey],
    ) -> Result<Vec<Option<T>>, RpcFailure> {
        self.read_accounts(addresses, |_, found| {
            addresses
                .iter()
                .zip(found)
                .map(|(address, account)| self.decode(address, account))
                .collect()
        })
        .await
    }

    /// Chain time and its slot at the configured commitment.
    ///
    /// # Errors
    /// The last server's failure.
    pub(crate) async fn clock(&self) -> Result<(u64, UnixSeconds), RpcFailure> {
        self.read_accounts(&[CLOCK], |slot, mut found| {
            Ok((slot, chain_time(found.pop().flatten())?))
        })
        .await
    }

    /// Entitlements as the finalized chain has them, with its slot and time. The outer
    /// `None` stands for accounts that are not what their address promises.
    ///
    /// # Errors
    /// The last server's failure.
    pub(crate) async fn finalized(
        &self,
        asks: &[Ask],
    ) -> Result<(u64, UnixSeconds, Vec<Option<Option<Entitlement>>>), RpcFailure> {
        let addresses = with_clock(&self.entitlement_addresses(asks));
        let mut answer = (0, UnixSeconds(0), Vec::new());
        let judge = |_: &_, (slot, mut found): Reading| {
            let time = chain_time(found.pop().flatten())?;
            let entitlements = addresses
                .iter()
                .zip(found)
                .map(|(address, account)| self.decode(address, account).ok())
                .collect();
            answer = (slot, time, entitlements);
            Ok(())
        };
        self.ask_accounts(&addresses, Commitment::Finalized, 0, judge)
            .await?;
        Ok(answer)
    }

    /// Entitlements at their addresses, each with the slot and the time of its answer.
    /// One that no server has as its address promises, or none as `is_settled` wants it,
    /// does not spoil the others: it stays as far as it was found out, and the failure
    /// stands beside the answers.
    pub(crate) async fn entitlements(
        &self,
        addresses: &[Pubkey],
        is_settled: impl Fn(usize, &Answer) -> bool + Send + Sync,
    ) -> (Vec<Option<Answer>>, Option<RpcFailure>) {
        let mut answers: Vec<Option<Answer>> = vec![None; addresses.len()];
        let asked = with_clock(addresses);
        let (commitment, floor) = (self.limits.commitment, self.floor());
        let outcome = self
            .ask_accounts(&asked, commitment, floor, |endpoint, (slot, mut found)| {
                let chain_time = chain_time(found.pop().flatten())?;
                self.saw_slot(slot);
                let behind = self.behind(slot);
                let mut missing = None;
                let places = answers.iter_mut().zip(addresses).zip(found).enumerate();
                for (index, ((place, address), account)) in places {
                    let settled = |place: &Option<Answer>| {
                        place.as_ref().is_some_and(|known| is_settled(index, known))
                    };
                    let entitlement = match self.decode(address, account) {
                        Ok(entitlement) => entitlement,
                        Err(failure) => {
                            missing = Some(failure);
                            continue;
                        }
                    };
                    if !settled(place) {
                        *place = Some(Answer {
                            entitlement,
                            slot,
                            chain_time,
                            behind,
                            provider: endpoint.provider().clone(),
                        });
                    }
                    if !settled(place) {
                        missing = missing.or(Some(RpcFailure::Behind));
                    }
                }
                missing.map_or(Ok(()), Err)
            })
            .await;
        (answers, outcome.err())
    }

    /// The addresses of what is asked for.
    pub(super) fn entitlement_addresses(&self, asks: &[Ask]) -> Vec<Pubkey> {
        asks.iter()
            .map(|ask| self.entitlement_address(&ask.key))
            .collect()
    }

    async fn ask_accounts(
        &self,
        addresses: &[Pubkey],
        commitment: Commitment,
        floor: u64,
        judge: impl FnMut(&super::Endpoint, Reading) -> Result<(), RpcFailure> + Send,
    ) -> Result<(), RpcFailure> {
        let call = |endpoint: std::sync::Arc<super::Endpoint>| -> super::asking::Call<'_, Reading> {
            Box::pin(async move { endpoint.accounts(addresses, commitment, floor).await })
        };
        self.ask(self.in_order(), call, judge).await
    }
}

pub(super) fn with_clock(addresses: &[Pubkey]) -> Vec<Pubkey> {
    addresses.iter().copied().chain([CLOCK]).collect()
}
