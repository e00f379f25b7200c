//! A merchant and its products from a file.

use crate::support::{SOL, Site};
use solana_keypair::Keypair;
use solana_signer::Signer;
use tollgate_cli::commands::send::send;
use tollgate_cli::deploy::catalog::{Catalog, CatalogFile, CatalogPlan, apply};
use tollgate_cli::error::CliError;
use tollgate_client::{Amount, Chain, Purchase, Slug, UnixSeconds, random_payment_id};
use tollgate_localnet::{DEVNET_GENESIS_HASH, USDC_MINT, test_keypair};

fn text(merchant: &str, products: &str) -> String {
    format!(
        "[cluster]\ngenesis_hash = \"{DEVNET_GENESIS_HASH}\"\n[merchant]\n{merchant}\n{products}"
    )
}

fn product(slug: &str, rest: &str) -> String {
    format!("[[product]]\nslug = \"{slug}\"\nmint = \"{USDC_MINT}\"\n{rest}\n")
}

struct Shop<'a> {
    site: &'a Site,
    chain: Chain,
}

impl Shop<'_> {
    fn catalog<'b>(&'b self, file: &'b CatalogFile, signer: &'b Keypair) -> Catalog<'b> {
        Catalog {
            chain: &self.chain,
            file,
            signer,
            compute_unit_price: 500,
        }
    }

    async fn plan(&self, text: &str) -> Result<CatalogPlan, CliError> {
        let file: CatalogFile = text.parse().unwrap();
        self.catalog(&file, &self.site.payer).plan().await
    }

    /// Applies a file and returns how many steps that took; afterwards nothing is left.
    async fn apply(&self, text: &str) -> usize {
        let file: CatalogFile = text.parse().unwrap();
        let catalog = self.catalog(&file, &self.site.payer);
        let plan = catalog.plan().await.unwrap();
        apply(&catalog, &plan).await.unwrap();
        assert_eq!(catalog.plan().await.unwrap().steps, []);
        plan.steps.len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployed_program_with_a_catalog_takes_a_payment() {
    let site = Site::deployed().await;
    let shop = Shop {
        chain: site.chain(),
        site: &site,
    };
    let operator = test_keypair("operator").pubkey();
    let merchant = format!("operator = \"{operator}\"");
    // More products than one transaction holds.
    let mut products: String = (0..10)
        .map(|number| product(&format!("bulk-{number}"), "price = \"1\"\ncredits = 10"))
        .collect();
    products += &product("day-pass", "price = \"0.01\"\naccess_seconds = 86400");
    let first = text(&merchant, &products);
    let before = site.landed().await;
    assert_eq!(shop.plan(&first).await.unwrap().steps.len(), 13);
    assert_eq!(site.landed().await, before);
    assert_eq!(shop.apply(&first).await, 13);
    let sent = site.landed().await - before;
    assert!((2..13).contains(&sent), "{sent} transactions");
    assert_eq!(shop.apply(&first).await, 0);
    assert_eq!(site.landed().await, before + sent);

    // Somebody buys.
    let buyer = Keypair::new();
    site.localnet.airdrop(&buyer.pubkey(), SOL).unwrap();
    site.localnet
        .mint_test_usdc(&buyer.pubkey(), 1_000_000)
        .unwrap();
    site.localnet.finalize();
    let addresses = shop.chain.addresses();
    let owner = addresses.merchant(&site.payer.pubkey());
    let address = addresses.product(&owner, &Slug::new("day-pass").unwrap());
    let day_pass = shop.chain.product(&address).await.unwrap().unwrap();
    let expiry = UnixSeconds(site.localnet.time() + 600);
    let id = random_payment_id();
    let purchase = Purchase::of_product(address, &day_pass, buyer.pubkey(), id, expiry);
    send(&shop.chain, &purchase.instructions(&addresses), &buyer)
        .await
        .unwrap();
    let reading = shop.chain.entitlement(&address, &buyer.pubkey()).await;
    let reading = reading.unwrap();
    assert!(reading.entitlement.unwrap().is_usable(reading.chain_time));
    let vault = shop.chain.token_balance(&day_pass.vault).await.unwrap();
    assert_eq!(vault, Some(Amount(10_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_follows_the_file_and_nothing_else() {
    let site = Site::deployed().await;
    let shop = Shop {
        chain: site.chain(),
        site: &site,
    };
    let first = text(
        "paused = true",
        &(product("basic", "price = \"1\"") + &product("extra", "price = \"2\"\ncredits = 5")),
    );
    assert_eq!(shop.apply(&first).await, 5);
    let changed = text(
        "paused = false",
        &product(
            "basic",
            "price = \"1.5\"\naccess_seconds = 60\nrefund_window_seconds = 30\nactive = false",
        ),
    );
    let plan = shop.plan(&changed).await.unwrap();
    assert_eq!(plan.unlisted, Some(vec!["extra".to_owned()]));
    assert_eq!(shop.apply(&changed).await, 2);

    let addresses = shop.chain.addresses();
    let merchant = addresses.merchant(&site.payer.pubkey());
    assert!(
        !shop
            .chain
            .merchant(&merchant)
            .await
            .unwrap()
            .unwrap()
            .paused
    );
    let read = async |slug| {
        let address = addresses.product(&merchant, &Slug::new(slug).unwrap());
        shop.chain.product(&address).await.unwrap().unwrap()
    };
    let basic = read("basic").await;
    assert_eq!(
        (
            basic.price,
            basic.access.0,
            basic.refund_window.0,
            basic.active
        ),
        (Amount(1_500_000), 60, 30, false)
    );
    let extra = read("extra").await;
    assert_eq!(
        (extra.price, extra.credits.0, extra.active),
        (Amount(2_000_000), 5, true)
    );

    // What can never become so is refused before anything is sent.
    let landed = site.landed().await;
    let refused = async |text: String| shop.plan(&text).await.unwrap_err().code();
    let basic = |rest: &str| text("", &product("basic", rest));
    assert_eq!(
        refused(basic("price = \"1\"\ncredits = 1")).await,
        "catalog_metering_fixed"
    );
    assert_eq!(
        refused(basic("price = \"0.0000001\"")).await,
        "catalog_price_invalid"
    );
    assert_eq!(
        refused(basic("price = \"0\"")).await,
        "catalog_terms_invalid"
    );
    let nobody = Keypair::new().pubkey().to_string();
    let other_mint = |text: String| text.replace(&USDC_MINT.to_string(), &nobody);
    assert_eq!(
        refused(other_mint(basic("price = \"1\""))).await,
        "catalog_mint_unknown"
    );
    assert_eq!(
        refused(text(&format!("owner = \"{nobody}\""), "")).await,
        "catalog_not_owner"
    );
    assert_eq!(
        refused(first.replace(DEVNET_GENESIS_HASH, &nobody)).await,
        "wrong_cluster"
    );
    let file: CatalogFile = text(&format!("owner = \"{}\"", site.payer.pubkey()), "")
        .parse()
        .unwrap();
    let stranger = Keypair::new();
    let refused = shop.catalog(&file, &stranger).plan().await.unwrap_err();
    assert_eq!(refused.code(), "catalog_not_authority");
    assert_eq!(site.landed().await, landed);
}
