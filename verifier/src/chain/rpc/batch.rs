//! The servers as the cache asks them.

use super::{Pool, RpcFailure};
use crate::chain::cache::{Answer, Ask, Grant, ReadBatch};
use crate::chain::question::ReadFailure;

impl ReadBatch for Pool {
    async fn read(&self, asks: &[Ask]) -> Vec<Result<Answer, ReadFailure>> {
        let addresses = self.entitlement_addresses(asks);
        let is_settled = |index: usize, answer: &Answer| {
            asks.get(index).is_some_and(|ask| ask.is_settled_by(answer))
        };
        let (answers, failure) = self.entitlements(&addresses, is_settled).await;
        let failure = match failure {
            None => ReadFailure::Chain("read_abandoned"),
            Some(RpcFailure::Behind) => ReadFailure::Lagging,
            Some(failure) => ReadFailure::Chain(failure.code()),
        };
        answers
            .into_iter()
            .map(|answer| answer.ok_or(failure))
            .collect()
    }

    async fn confirm(&self, grants: &[Grant]) -> Vec<Result<(), ReadFailure>> {
        self.second_opinions(grants).await
    }
}
