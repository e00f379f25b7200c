//! The chain cache over whichever chain: what is paid is served by push, what is
//! revoked is refused, and neither a lost feed nor a restart changes that.

use std::time::Duration;

use solana_keypair::Keypair;
use solana_signer::Signer;
use tokio::time::{Instant, sleep};
use tollgate_cli::commands::send::{send, send_signed_by};
use tollgate_cli::stack::configure_for;
use tollgate_client::{Amount, Purchase, UnixSeconds, random_payment_id};
use tollgate_verifier::Config;
use tollgate_verifier::config::{Push, SecretUrl};

use crate::{Cluster, Door, Service};

const FUNDS: Amount = Amount(1_000_000);
/// The longest that anything here may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the verifier is asked.
const POLL: Duration = Duration::from_millis(5);

/// A service whose verifier reaches the chain through doors.
pub struct ChainCache<'a> {
    cluster: &'a Cluster,
    service: Service,
    rpc: Door,
    feed: Door,
    push: Push,
    slot: Duration,
}

/// The whole story. `slot` is how long the chain takes for one slot. Panics where a
/// promise is broken; prints how fast the changes were seen.
pub async fn chain_cache(cluster: &Cluster, feed_url: &str, slot: Duration) {
    let mut scene = ChainCache::set(cluster, feed_url, slot).await;
    let payer = scene.paid_is_served_by_push().await;
    scene.revoked_is_refused(&payer).await;
    scene.a_lost_feed_hides_nothing().await;
    scene.a_restart_knows_who_has_paid().await;
    scene.strike().await;
}

impl<'a> ChainCache<'a> {
    /// A verifier with a feed: a WebSocket (`ws`), or a Yellowstone server (`http`).
    pub async fn set(cluster: &'a Cluster, feed_url: &str, slot: Duration) -> Self {
        let rpc = Door::to(&cluster.rpc_url).await;
        let feed = Door::to(feed_url).await;
        let rpc_url = format!("http://{}", rpc.address());
        let push = push(&feed, feed_url);
        let service = Service::start_with(cluster, &rpc_url, |config| {
            config.chain.push = push.clone();
        })
        .await;
        let scene = Self {
            cluster,
            service,
            rpc,
            feed,
            push,
            slot,
        };
        scene.feed_settles().await;
        scene
    }

    /// The doors between the verifier and the chain: for JSON-RPC and for the feed.
    pub fn doors(&self) -> (&Door, &Door) {
        (&self.rpc, &self.feed)
    }

    /// A fresh wallet pays while the verifier cannot read anything: what it knows, it
    /// was told by the feed.
    pub async fn paid_is_served_by_push(&self) -> Keypair {
        let wallet = self.cluster.wallet(100_000_000, FUNDS).await;
        assert_eq!(self.access(&wallet).await, Some(false));
        self.rpc.shut();
        self.pay(&wallet).await;
        let confirmed = Instant::now();
        self.until(&wallet, true, "what is paid is served").await;
        println!(
            "served {:?} after the payment was seen confirmed (a slot takes {:?})",
            confirmed.elapsed(),
            self.slot
        );
        self.rpc.open();
        wallet
    }

    /// The merchant revokes.
    pub async fn revoked_is_refused(&self, wallet: &Keypair) {
        self.until(wallet, true, "access before the revocation")
            .await;
        self.revoke(wallet).await;
        let confirmed = Instant::now();
        self.until(wallet, false, "what is revoked is refused")
            .await;
        println!(
            "refused {:?} after the revocation was seen confirmed",
            confirmed.elapsed()
        );
    }

    /// One pays and one is revoked while the feed is away.
    pub async fn a_lost_feed_hides_nothing(&self) {
        let early = self.cluster.wallet(100_000_000, FUNDS).await;
        let late = self.cluster.wallet(100_000_000, FUNDS).await;
        self.pay(&early).await;
        self.until(&early, true, "access before the gap").await;
        self.feed.shut();
        self.revoke(&early).await;
        self.pay(&late).await;
        self.until(&early, false, "refused during the gap").await;
        self.until(&late, true, "served during the gap").await;
        self.feed.open();
        self.feed_settles().await;
        self.until(&early, false, "refused after the gap").await;
        self.until(&late, true, "served after the gap").await;
        // And the feed reports again.
        let next = self.paid_is_served_by_push().await;
        self.revoked_is_refused(&next).await;
    }

    /// A new process knows who has paid before it is asked, from the chain alone.
    pub async fn a_restart_knows_who_has_paid(&mut self) {
        let wallet = self.cluster.wallet(100_000_000, FUNDS).await;
        self.pay(&wallet).await;
        let config = self.config().await;
        self.service.restart(config).await;
        self.feed_settles().await;
        self.rpc.shut();
        self.until(&wallet, true, "known after a restart").await;
        self.rpc.open();
    }

    /// The chain behind the doors was restarted at other addresses: what was paid is
    /// still paid, and new payments are seen.
    pub async fn a_restarted_chain_is_found_again(&self, paid: &Keypair) {
        self.until(paid, true, "paid before the chain was restarted")
            .await;
        let wallet = self.cluster.wallet(100_000_000, FUNDS).await;
        self.pay(&wallet).await;
        self.until(&wallet, true, "paid after the chain was restarted")
            .await;
    }

    /// Waits until everything so far is rooted on a cluster.
    pub async fn rooted(&self) {
        sleep(self.slot * 48).await;
    }

    /// The same service, with the chain at another place.
    pub fn on(self, cluster: &Cluster) -> ChainCache<'_> {
        ChainCache {
            cluster,
            service: self.service,
            rpc: self.rpc,
            feed: self.feed,
            push: self.push,
            slot: self.slot,
        }
    }

    /// Another chain answers behind the doors: whether somebody paid is unknown.
    pub async fn another_chain_is_not_believed(&self, paid: &Keypair) {
        self.wait(paid, None, "another cluster is no answer").await;
    }

    /// Stops everything.
    pub async fn strike(self) {
        self.rpc.open();
        self.feed.open();
        self.service.shutdown().await;
    }

    async fn config(&self) -> Config {
        let genesis = self.cluster.chain().genesis_hash().await.unwrap();
        let rpc_url = format!("http://{}", self.rpc.address());
        let merchant = self.service.merchant.address;
        let upstream = self.service.upstream.address;
        let mut config = configure_for(&rpc_url, genesis, merchant, upstream, 0).unwrap();
        config.chain.push = self.push.clone();
        config
    }

    /// Time for a feed to connect, to see a complete slot and to read what it missed.
    async fn feed_settles(&self) {
        sleep(self.slot * 5 + Duration::from_secs(5)).await;
    }

    /// `None` when the verifier says that it does not know.
    async fn access(&self, wallet: &Keypair) -> Option<bool> {
        let (status, answer) = self.service.check(wallet).await;
        match status {
            200 => answer["has_access"].as_bool(),
            503 => None,
            other => panic!("{other}: {answer}"),
        }
    }

    async fn until(&self, wallet: &Keypair, wanted: bool, what: &str) {
        self.wait(wallet, Some(wanted), what).await;
    }

    async fn wait(&self, wallet: &Keypair, wanted: Option<bool>, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.access(wallet).await != wanted {
            assert!(Instant::now() < deadline, "in vain: {what}");
            sleep(POLL).await;
        }
    }

    async fn pay(&self, wallet: &Keypair) {
        let chain = self.cluster.chain();
        let product_address = self.service.merchant.day_pass;
        let product = chain.product(&product_address).await.unwrap().unwrap();
        let expires_at = UnixSeconds(chain.time().await.unwrap().0 + 3_600);
        let purchase = Purchase::of_product(
            product_address,
            &product,
            wallet.pubkey(),
            random_payment_id(),
            expires_at,
        );
        let instructions = purchase.instructions(&chain.addresses());
        send(&chain, &instructions, wallet).await.unwrap();
    }

    async fn revoke(&self, wallet: &Keypair) {
        let chain = self.cluster.chain();
        let merchant = &self.service.merchant;
        let addresses = chain.addresses();
        let entitlement = addresses.entitlement(&merchant.day_pass, &wallet.pubkey());
        let operator = &merchant.operator;
        let revoke = addresses.revoke(operator.pubkey(), merchant.address, entitlement);
        send_signed_by(&chain, &[revoke], &merchant.owner, &[operator])
            .await
            .unwrap();
    }
}

/// The feed of this URL, through its door.
fn push(feed: &Door, feed_url: &str) -> Push {
    let address = feed.address();
    #[cfg(feature = "yellowstone")]
    if feed_url.starts_with("http:") {
        let url = SecretUrl::parse(&format!("http://{address}")).unwrap();
        return Push::Yellowstone(tollgate_verifier::config::YellowstoneConfig::new(url));
    }
    assert!(feed_url.starts_with("ws:"), "{feed_url}");
    Push::At(SecretUrl::parse_websocket(&format!("ws://{address}")).unwrap())
}
