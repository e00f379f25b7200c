//! `tollgate pay URL`.

use super::{ClusterArgs, KeyArgs, state_folder};
use crate::error::CliError;
use crate::output::{Format, Report};
use clap::Args;
use solana_pubkey::Pubkey;
use std::path::PathBuf;
use std::time::Duration;
use tollgate_agent::{Fetched, HowServed, Journal, PayError, PayingClient, SpendingPolicy};
use tollgate_client::amounts;
use tollgate_client::chain::SubmitLimits;

/// Longest time for one request, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Arguments of `pay`.
#[derive(Args, Debug)]
pub struct PayArgs {
    /// What to fetch
    pub url: String,
    /// The most that may be paid, in the token's units
    #[arg(long, default_value = "0.10")]
    pub limit: String,
    /// A mint that may be spent besides USDC (may be given several times)
    #[arg(long)]
    pub mint: Vec<Pubkey>,
    /// Folder of the journal of payments; default: `payments` in the state folder
    #[arg(long, env = "TOLLGATE_JOURNAL")]
    pub journal: Option<PathBuf>,
    /// Price of a compute unit in millionths of a lamport
    #[arg(long, default_value_t = 0)]
    pub priority_price: u64,
    /// Seconds to wait for the fate of a payment
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub wait: u64,
    /// Cluster
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Payer
    #[command(flatten)]
    pub key: KeyArgs,
}

/// Fetches the URL, paying if it has to and may. The body goes to standard output,
/// what was paid to standard error.
///
/// # Errors
/// [`CliError`].
pub async fn run(args: PayArgs, format: Format) -> Result<(), CliError> {
    if amounts::parse(&args.limit, 19).is_err() && amounts::parse(&args.limit, 6).is_err() {
        return Err(CliError::Argument(format!(
            "{:?} is not an amount like 0.05",
            args.limit
        )));
    }
    let mut policy = SpendingPolicy::usdc(args.limit);
    policy.mints.extend(args.mint);
    let journal = match args.journal {
        Some(folder) => folder,
        None => state_folder()?.join("payments"),
    };
    let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT);
    let client = PayingClient::new(http, args.key.read()?, args.cluster.chain())?
        .with_policy(policy)
        .with_journal(Journal::folder(journal))
        .with_priority_price(args.priority_price)
        .with_limits(SubmitLimits {
            deadline: Duration::from_secs(args.wait),
            ..SubmitLimits::default()
        });
    let fetched = client.fetch(&args.url, None).await?;
    eprintln!("{}", report(&fetched).render(format));
    print!("{}", fetched.answer.text());
    if fetched.answer.status.is_success() {
        return Ok(());
    }
    let detail = fetched.answer.text().chars().take(300).collect();
    Err(PayError::NotServed {
        status: fetched.answer.status.as_u16(),
        detail,
    }
    .into())
}

fn report(fetched: &Fetched) -> Report {
    let report = Report::default().with("status", fetched.answer.status.as_u16());
    match &fetched.how {
        HowServed::Free => report.with("served", "free"),
        HowServed::Session => report.with("served", "session"),
        HowServed::Entitled => report.with("served", "entitled_already"),
        HowServed::Paid(payment) => report
            .with("served", "paid")
            .with_text("signature", &payment.signature)
            .with_text("payment_id", &payment.payment_id)
            .with_text("amount", &payment.amount),
    }
}
