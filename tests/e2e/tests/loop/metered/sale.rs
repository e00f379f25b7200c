//! The scene of most tests: a shop, one verifier, one customer with a session.

use super::shop::{Called, Customer, Shop};
use futures::future::join_all;
use tollgate_verifier::{Config, RunningVerifier};

/// Somebody has bought calls and made the first of them.
pub struct Sale {
    pub shop: Shop,
    pub verifier: RunningVerifier,
    pub url: String,
    pub customer: Customer,
    pub session: String,
}

impl Sale {
    /// So many calls are bought; what is used is booked when the verifier stops.
    pub async fn of(calls: u64) -> Self {
        Self::with(calls, |_| {}).await
    }

    /// The same with a changed configuration.
    pub async fn with(calls: u64, change: impl FnOnce(&mut Config)) -> Self {
        let shop = Shop::open(calls).await;
        let mut config = shop.quiet_config().await;
        change(&mut config);
        let verifier = shop.verifier(&config).await;
        let url = verifier.public_url().to_string();
        let customer = shop.customer(1).await;
        let session = customer.sign_in(&shop, &url).await;
        Self {
            shop,
            verifier,
            url,
            customer,
            session,
        }
    }

    /// One call of the customer.
    pub async fn call(&self, path: &str) -> Called {
        self.customer.call(&self.url, path, &self.session).await
    }

    /// So many calls at once: how many were served, and how many told to pay.
    pub async fn crowd(&self, calls: usize) -> (usize, usize) {
        let answers = join_all((0..calls).map(|_| self.call("/v1/call"))).await;
        let count = |status| {
            let with = answers.iter().filter(|answer| answer.status == status);
            with.count()
        };
        assert_eq!(count(200) + count(402), calls, "{answers:?}");
        (count(200), count(402))
    }

    /// Calls until so many were served, each leaving one less, to none.
    pub async fn spend(&self, calls: u64) {
        for left in (0..calls).rev() {
            assert_eq!(self.call("/v1/call").await, Called::served(left));
        }
        self.is_exhausted().await;
    }

    /// A call is answered by a 402, because nothing is left.
    pub async fn is_exhausted(&self) {
        let refused = self.call("/v1/call").await;
        let found = (refused.status, refused.error.as_str());
        assert_eq!(found, (402, "credits_exhausted"));
    }

    /// What the chain has as used once the verifier has stopped.
    pub async fn booked_at_the_end(self) -> u64 {
        self.verifier.shutdown().await;
        self.shop.booked(&self.customer).await
    }
}
