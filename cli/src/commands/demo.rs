//! `tollgate demo`: the whole story with a fresh agent wallet.

use super::entitlement;
use super::send::send;
use crate::error::CliError;
use crate::output::Format;
use crate::stack::{Stack, StackOptions};
use clap::Args;
use http::StatusCode;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::path::PathBuf;
use std::time::Duration;
use tollgate_agent::{
    Answer, Challenge, Fetched, HowServed, Journal, PayError, PayingClient, SpendingPolicy,
};
use tollgate_client::amounts;
use tollgate_client::chain::SubmitLimits;
use tollgate_client::instructions::create_token_account;
use tollgate_client::{Addresses, PaymentIntent};

/// What the agent starts with: 1 USDC.
const AGENT_USDC: u64 = 1_000_000;
const DECIMALS: u8 = 6;

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Milliseconds of a slot
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(10..=10_000))]
    pub slot: u64,
}

/// Plays and prints the story; an error if it does not go as it has to.
///
/// # Errors
/// [`CliError`].
pub async fn run(args: DemoArgs) -> Result<(), CliError> {
    let slot = Duration::from_millis(args.slot);
    let stack = Stack::start(StackOptions {
        slot,
        ..StackOptions::default()
    })
    .await?;
    let folder = ScratchFolder::create()?;
    let told = tell(&stack, &folder.0).await;
    drop(folder);
    stack.shutdown().await;
    told
}

async fn tell(stack: &Stack, journal: &std::path::Path) -> Result<(), CliError> {
    let chain = stack.chain();
    let wallet = stack.new_wallet(AGENT_USDC)?;
    let key = wallet.pubkey();
    let url = format!("{}/v1/report", stack.url);

    heading("A chain, a merchant, an API behind a verifier");
    line("program", &tollgate_client::PROGRAM_ID);
    line("merchant", &stack.merchant.address);
    line("product", &stack.merchant.day_pass);
    line("verifier", &stack.url);

    heading("A stranger asks and is told the price");
    let refused = reqwest::get(&url).await;
    let refused = refused.map_err(|error| PayError::Http(Box::new(error)))?;
    let refused = Answer::read(refused).await?;
    expect(
        refused.status == StatusCode::PAYMENT_REQUIRED,
        "the first answer is a 402",
    )?;
    let challenge = Challenge::of(&refused.headers)?;
    request("GET", &url, &refused);
    line(
        "price",
        &format!(
            "{} USDC for {} seconds",
            amounts::format(challenge.amount, DECIMALS),
            challenge.access
        ),
    );
    line("payment id", &challenge.payment_id);

    heading("An agent with 1 USDC follows the 402");
    let agent = PayingClient::new(reqwest::Client::builder(), wallet, stack.chain())?
        .with_policy(SpendingPolicy::usdc("0.10"))
        .with_journal(Journal::folder(journal))
        .with_limits(SubmitLimits {
            poll_every: Duration::from_millis(50),
            ..SubmitLimits::default()
        });
    line("agent", &key);
    line("limit", &format!("{} USDC a payment", agent.policy().limit));
    let paid = agent.fetch(&url, None).await?;
    let HowServed::Paid(payment) = &paid.how else {
        return Err(CliError::Story(
            "the agent was served without paying".to_owned(),
        ));
    };
    line(
        "paid",
        &format!("{} USDC", amounts::format(payment.amount, DECIMALS)),
    );
    line("signature", &payment.signature);
    served(&url, &paid)?;

    heading("It asks again and pays nothing");
    let purse = Addresses::token_account(&key, &stack.merchant.mint);
    let before = chain.token_balance(&purse).await?;
    let again = agent.fetch(&url, paid.session.as_deref()).await?;
    expect(
        again.how == HowServed::Session,
        "the session token is enough",
    )?;
    served(&url, &again)?;
    let signed_in = agent.fetch(&url, None).await?;
    expect(
        signed_in.how == HowServed::Entitled,
        "without the token, signing in is enough",
    )?;
    expect(
        chain.token_balance(&purse).await? == before,
        "the second call costs nothing",
    )?;
    line(
        "agent has",
        &format!(
            "{} USDC",
            amounts::format(before.unwrap_or_default(), DECIMALS)
        ),
    );

    heading("What stands on chain");
    show_accounts(stack, &key).await?;

    heading("The merchant withdraws");
    withdraw(stack).await?;
    println!("\nThe story is told.");
    Ok(())
}

async fn show_accounts(stack: &Stack, key: &Pubkey) -> Result<(), CliError> {
    let chain = stack.chain();
    let product = stack.merchant.day_pass;
    let address = chain.addresses().entitlement(&product, key);
    let reading = chain.entitlement(&product, key).await?;
    let report = entitlement::report(&address, &reading)
        .ok_or_else(|| CliError::Story("there is no entitlement".to_owned()))?;
    for text in report.render(Format::Text).lines() {
        println!("  {text}");
    }
    let last = reading
        .entitlement
        .map(|entitlement| entitlement.last_intent)
        .unwrap_or_default();
    let intent: PaymentIntent = chain
        .intent(&last)
        .await?
        .ok_or_else(|| CliError::Story("there is no payment intent".to_owned()))?;
    line("intent", &last);
    line(
        "its status",
        &format!("{:?}, by rail {:?}", intent.status, intent.rail),
    );
    Ok(())
}

async fn withdraw(stack: &Stack) -> Result<(), CliError> {
    let chain = stack.chain();
    let merchant = &stack.merchant;
    let owner = merchant.owner.pubkey();
    let vault = chain.addresses().vault(&merchant.address, &merchant.mint);
    let held = chain.token_balance(&vault).await?.unwrap_or_default();
    let till = Addresses::token_account(&owner, &merchant.mint);
    let instructions = [
        create_token_account(owner, owner, merchant.mint),
        chain
            .addresses()
            .withdraw(owner, merchant.address, merchant.mint, till, held),
    ];
    let signature = send(&chain, &instructions, &merchant.owner).await?;
    let received = chain.token_balance(&till).await?.unwrap_or_default();
    expect(
        received == held && held.0 > 0,
        "the merchant receives what the vault held",
    )?;
    line(
        "withdrawn",
        &format!("{} USDC", amounts::format(received, DECIMALS)),
    );
    line("signature", &signature);
    Ok(())
}

fn served(url: &str, fetched: &Fetched) -> Result<(), CliError> {
    request("GET", url, &fetched.answer);
    println!("  {}", fetched.answer.text());
    expect(
        fetched.answer.status == StatusCode::OK,
        "the answer is a 200",
    )?;
    expect(
        fetched.answer.text().contains("lemonade"),
        "the body is the upstream's",
    )
}

fn request(method: &str, url: &str, answer: &Answer) {
    println!("  {method} {url} → {}", answer.status);
}

fn heading(text: &str) {
    println!("\n{text}");
}

fn line(name: &str, value: &impl ToString) {
    println!("  {name:17} {}", value.to_string());
}

fn expect(holds: bool, what: &str) -> Result<(), CliError> {
    if holds {
        Ok(())
    } else {
        Err(CliError::Story(format!("expected that {what}")))
    }
}

/// A folder for the journal that goes away with the story.
struct ScratchFolder(PathBuf);

impl ScratchFolder {
    fn create() -> Result<Self, CliError> {
        let name = format!("tollgate-demo-{}", tollgate_client::random_payment_id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).map_err(|error| {
            CliError::Argument(format!("{} cannot be made: {error}", path.display()))
        })?;
        Ok(Self(path))
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
