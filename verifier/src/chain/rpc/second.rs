//! Second opinions: what one provider says of a large grant has to be said by another
//! (reference/service.md, section 2.3, invariant 10).
//!
//! A single provider, or whoever has taken it over, can invent an account that passes
//! every check: the program's signature is not on it. Two providers that do not know of
//! each other seldom invent the same one.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};
use tollgate_client::accounts;
use tollgate_client::{Entitlement, Pubkey};
use tracing::error;

use super::accounts::{Reading, with_clock};
use super::asking::Call;
use super::{Endpoint, Pool, RpcFailure, SLOT_TIME, chain_time};
use crate::chain::cache::{Grant, Provider};
use crate::chain::question::ReadFailure;

impl Pool {
    /// For each grant: whether a server of another provider than the one that said so
    /// says it as well. A server that does not know the slot of a grant yet is asked
    /// again until the deadline.
    pub(super) async fn second_opinions(&self, grants: &[Grant]) -> Vec<Result<(), ReadFailure>> {
        let mut opinions = vec![Err(ReadFailure::Unconfirmed); grants.len()];
        let mut providers: Vec<&Provider> = Vec::new();
        for grant in grants {
            if !providers.contains(&&grant.provider) {
                providers.push(&grant.provider);
            }
        }
        for provider in providers {
            let (places, grants): (Vec<usize>, Vec<&Grant>) = grants
                .iter()
                .enumerate()
                .filter(|(_, grant)| grant.provider == *provider)
                .unzip();
            let found = self.beside(provider, &grants).await;
            for (place, opinion) in places.into_iter().zip(found) {
                if let Some(known) = opinions.get_mut(place) {
                    *known = opinion;
                }
            }
        }
        opinions
    }

    /// The opinions of others than `provider`.
    async fn beside(&self, provider: &Provider, grants: &[&Grant]) -> Vec<Result<(), ReadFailure>> {
        let addresses: Vec<Pubkey> = grants
            .iter()
            .map(|grant| self.entitlement_address(&grant.key))
            .collect();
        let asked = with_clock(&addresses);
        let (commitment, floor) = (self.limits.commitment, self.floor());
        let deadline = Instant::now() + self.limits.deadline;
        let mut confirmed = vec![false; grants.len()];
        let mut contradicted = vec![false; grants.len()];
        loop {
            let pause = Instant::now() + SLOT_TIME / 2;
            let others: Vec<Arc<Endpoint>> = self
                .in_order()
                .into_iter()
                .filter(|endpoint| endpoint.provider() != provider)
                .collect();
            let call = |endpoint: Arc<Endpoint>| -> Call<'_, Reading> {
                let asked = &asked;
                Box::pin(async move { endpoint.accounts(asked, commitment, floor).await })
            };
            let judge = |endpoint: &Endpoint, (slot, mut found): Reading| {
                let time = chain_time(found.pop().flatten())?;
                let mut missing = None;
                for (index, (grant, (address, account))) in
                    grants.iter().zip(addresses.iter().zip(found)).enumerate()
                {
                    let Some(confirmed) = confirmed.get_mut(index).filter(|known| !**known) else {
                        continue;
                    };
                    let of = &self.limits.addresses;
                    let says = account.and_then(|account| {
                        accounts::decode::<Entitlement>(of, address, &account).ok()
                    });
                    if says.is_some_and(|says| says.is_usable(time) && stands_behind(&says, grant))
                    {
                        *confirmed = true;
                    } else if slot < grant.slot {
                        missing = missing.or(Some(RpcFailure::Behind));
                    } else {
                        if let Some(contradicted) = contradicted.get_mut(index) {
                            *contradicted = true;
                        }
                        error!(
                            first = %provider,
                            second = %endpoint.provider(),
                            entitlement = %address,
                            slot,
                            "two RPC providers disagree about an entitlement: it is not granted"
                        );
                        missing = Some(RpcFailure::Contradicts);
                    }
                }
                missing.map_or(Ok(()), Err)
            };
            let outcome = self.ask(others, call, judge).await;
            let later = matches!(outcome, Err(RpcFailure::Behind)) && pause < deadline;
            if !later {
                break;
            }
            sleep_until(pause).await;
        }
        confirmed
            .into_iter()
            .zip(contradicted)
            .map(
                |(confirmed, contradicted)| match (confirmed, contradicted) {
                    (true, _) => Ok(()),
                    (false, true) => Err(ReadFailure::Contradicted),
                    (false, false) => Err(ReadFailure::Unconfirmed),
                },
            )
            .collect()
    }
}

/// Whether what another server says covers all that is granted. It may be newer: more
/// credits booked as used, or one more payment.
fn stands_behind(says: &Entitlement, grant: &Grant) -> bool {
    let granted = &grant.entitlement;
    says.merchant == granted.merchant
        && says.metered == granted.metered
        && says.created_at == granted.created_at
        && says.generation == granted.generation
        && says.expires_at >= granted.expires_at
        && says.credits_granted >= granted.credits_granted
}
