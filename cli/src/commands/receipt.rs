//! `tollgate receipt verify`: whether a receipt is its issuer's, and whether the
//! chain bears it out.

use super::ClusterArgs;
use crate::error::CliError;
use crate::output::{Format, Report};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::io::Read;
use std::path::Path;
use std::time::Duration;
use tollgate_client::{Chain, ChainError, UnixSeconds};
use tollgate_gate::receipt::evidence::{check_statement, compare};
use tollgate_gate::receipt::{
    Evidence, JWKS_PATH, KeySet, MAX_RECEIPT_BYTES, Observation, ReceiptError, ReceiptFacts,
    verify_peac,
};
use tollgate_gate::siwx::Timestamp;
use tollgate_gate::{Network, Origin};

/// The largest key set that is read, in bytes.
const MAX_KEY_SET_BYTES: usize = 64 * 1024;
/// How long fetching a key set may take.
const FETCH_DEADLINE: Duration = Duration::from_secs(10);

/// What to do with receipts.
#[derive(Subcommand, Debug)]
pub enum ReceiptCommand {
    /// Verify a receipt's signature, and check what it states against the chain
    Verify(VerifyArgs),
}

/// Arguments of `receipt verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// A file with the value of a PEAC-Receipt header; - reads standard input
    pub file: String,
    /// The service that must have issued it, such as <https://api.example.com>
    #[arg(long)]
    pub issuer: String,
    /// The service's key set: a file or URL, instead of the well-known place at the issuer
    #[arg(long)]
    pub jwks: Option<String>,
    /// Check the signature and what follows from the receipt alone; do not ask the chain
    #[arg(long)]
    pub offline: bool,
    /// Cluster
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// What a verification found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What is stated.
    pub facts: ReceiptFacts,
    /// The receipt's id.
    pub id: String,
    /// What the chain says; `None` when it was not asked.
    pub evidence: Option<Evidence>,
    /// What was paid last, in the smallest unit, and in which currency: from the
    /// intent that the receipt names, where it still stands.
    pub paid: Option<(u64, String)>,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::Receipt`] when it does not hold; [`CliError::NotFound`] when the
/// account is not there; [`CliError::Chain`] when the chain cannot be asked, which
/// says nothing about the receipt.
pub async fn run(command: ReceiptCommand, format: Format) -> Result<(), CliError> {
    let ReceiptCommand::Verify(args) = command;
    let text = read_text(&args.file)?;
    let origin = Origin::parse(&args.issuer)
        .map_err(|error| CliError::Argument(format!("--issuer: {error}")))?;
    let place = args
        .jwks
        .clone()
        .unwrap_or_else(|| format!("{origin}{JWKS_PATH}"));
    let keys = read_key_set(&place).await?;
    let chain = (!args.offline).then(|| args.cluster.chain());
    let verdict = check(text.trim(), &keys, &origin, chain.as_ref()).await?;
    report(&verdict).print(format);
    if verdict.evidence == Some(Evidence::Gone) {
        return Err(CliError::NotFound(
            "the chain holds no such entitlement now: it was closed since, or never was".to_owned(),
        ));
    }
    Ok(())
}

/// Verifies `text` as a PEAC record of `origin`, with the chain unless it is `None`.
///
/// # Errors
/// As [`run`].
pub async fn check(
    text: &str,
    keys: &KeySet,
    origin: &Origin,
    chain: Option<&Chain>,
) -> Result<Verdict, CliError> {
    let (facts, id) = verify_peac(text, keys, &origin.issuer())?;
    let Some(chain) = chain else {
        return Ok(Verdict {
            facts,
            id,
            evidence: None,
            paid: None,
        });
    };
    let genesis = chain.genesis_hash().await?.to_string();
    let network = Network::from_genesis_hash(&genesis)
        .map_err(|error| CliError::Argument(error.to_string()))?;
    check_statement(&facts, &chain.addresses(), &network)?;
    let grounds = &facts.grounds;
    let reading = chain
        .entitlement(&grounds.product, &grounds.beneficiary)
        .await?;
    let evidence = compare(
        &facts,
        &Observation {
            slot: reading.slot,
            entitlement: reading.entitlement.as_ref(),
        },
    )?;
    let intent = match chain.intent(&grounds.last_intent).await {
        // Something else lives at the address that the receipt names.
        Err(ChainError::Decode(_)) => return Err(ReceiptError::Contradicted.into()),
        intent => intent?,
    };
    let paid = match intent {
        Some(intent) => {
            // The intent is named by the entitlement; it cannot be another's.
            if (intent.product, intent.merchant, intent.beneficiary)
                != (grounds.product, grounds.merchant, grounds.beneficiary)
            {
                return Err(ReceiptError::Contradicted.into());
            }
            Some((intent.amount.0, intent.mint.to_string()))
        }
        None => None,
    };
    Ok(Verdict {
        facts,
        id,
        evidence: Some(evidence),
        paid,
    })
}

fn report(verdict: &Verdict) -> Report {
    let facts = &verdict.facts;
    let grounds = &facts.grounds;
    let time = |time: UnixSeconds| {
        if time == UnixSeconds::NEVER {
            "never".to_owned()
        } else {
            Timestamp(time)
                .to_text()
                .unwrap_or_else(|| time.to_string())
        }
    };
    let evidence = verdict.evidence.map_or("not_asked", Evidence::code);
    let report = Report::default()
        .with("signature", "valid")
        .with("chain", evidence)
        .with("id", verdict.id.clone())
        .with("issuer", facts.issuer.clone())
        .with("issued_at", time(facts.issued_at))
        .with("resource", facts.resource_url.clone())
        .with("action", facts.action.clone())
        .with("network", facts.network.clone())
        .with_text("program", &grounds.program)
        .with_text("merchant", &grounds.merchant)
        .with_text("product", &grounds.product)
        .with_text("beneficiary", &grounds.beneficiary)
        .with_text("entitlement", &grounds.entitlement)
        .with("expires_at", time(grounds.expires_at))
        .with("slot", grounds.slot)
        .with_text("last_intent", &grounds.last_intent);
    match &verdict.paid {
        Some((amount, mint)) => report
            .with("paid_amount", amount.to_string())
            .with("paid_mint", mint.clone()),
        None => report,
    }
}

fn read_text(file: &str) -> Result<String, CliError> {
    let most = u64::try_from(MAX_RECEIPT_BYTES + 1).unwrap_or(u64::MAX);
    let mut text = String::new();
    let read = if file == "-" {
        std::io::stdin().lock().take(most).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(most).read_to_string(&mut text))
    };
    read.map_err(|error| CliError::Argument(format!("{file} cannot be read: {error}")))?;
    Ok(text)
}

/// A key set from a file or an http(s) URL.
///
/// # Errors
/// [`CliError::KeySet`].
pub async fn read_key_set(place: &str) -> Result<KeySet, CliError> {
    let failed = |why: String| CliError::KeySet {
        place: place.to_owned(),
        why,
    };
    let text = if place.starts_with("https://") || place.starts_with("http://") {
        fetch(place).await.map_err(failed)?
    } else {
        let path = Path::new(place);
        let length = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?;
        if length.len() > MAX_KEY_SET_BYTES as u64 {
            return Err(failed("it is too long for a key set".to_owned()));
        }
        std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?
    };
    serde_json::from_str::<Value>(&text)
        .ok()
        .and_then(|document| KeySet::from_jwks(&document))
        .ok_or_else(|| failed("it is not a key set with an Ed25519 key".to_owned()))
}

/// Without redirects: who publishes the keys decides who may sign.
async fn fetch(url: &str) -> Result<String, String> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(FETCH_DEADLINE)
        .build()
        .map_err(|error| error.to_string())?;
    let sent = client.get(url).send().await;
    let mut response = sent.map_err(|error| error.without_url().to_string())?;
    if !response.status().is_success() {
        return Err(format!("the server answered {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| error.without_url().to_string())?
    {
        body.extend_from_slice(&piece);
        if body.len() > MAX_KEY_SET_BYTES {
            return Err("it is too long for a key set".to_owned());
        }
    }
    String::from_utf8(body).map_err(|_| "it is not text".to_owned())
}
