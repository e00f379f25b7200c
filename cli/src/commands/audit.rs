//! `tollgate audit`: the log of what a verifier decided.

use super::receipt::read_key_set;
use crate::error::CliError;
use crate::output::{Format, Report};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use tollgate_client::Pubkey;
use tollgate_gate::siwx::Timestamp;
use tollgate_verifier::audit::verify::{Expectations, Findings, verify};
use tollgate_verifier::audit::{AuditError, Head, Kind, Record};

/// What to do with a log.
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// Find out whether a log is the one that was written
    Verify(VerifyArgs),
    /// Show records
    Show(ShowArgs),
    /// Write records to standard output for other programs
    Export(ExportArgs),
}

/// Which log, and what is known of it.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The log's folder, or one of its files
    pub path: PathBuf,
    /// A record that must be in it (NUMBER:HASH), noted when the log was verified before
    #[arg(long)]
    pub head: Vec<Head>,
    /// What the first record follows (NUMBER:HASH), where older files were taken away
    #[arg(long)]
    pub anchor: Option<Head>,
    /// A file with a signed checkpoint that must be in it; needs --jwks
    #[arg(long, requires = "jwks")]
    pub checkpoint: Vec<PathBuf>,
    /// The service's key set (a file or an http(s) URL), to verify the checkpoints in the log
    #[arg(long)]
    pub jwks: Option<String>,
}

/// Which records.
#[derive(Args, Clone, Debug)]
pub struct FilterArgs {
    /// Of this key only
    #[arg(long)]
    pub beneficiary: Option<Pubkey>,
    /// Of this product (slug) only
    #[arg(long)]
    pub product: Option<String>,
    /// Of these kinds only
    #[arg(long)]
    pub kind: Vec<Kind>,
    /// Not before this time (RFC 3339)
    #[arg(long, value_parser = parse_time)]
    pub since: Option<i64>,
    /// Before this time (RFC 3339)
    #[arg(long, value_parser = parse_time)]
    pub until: Option<i64>,
}

/// Arguments of `audit show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// Which log
    #[command(flatten)]
    pub log: VerifyArgs,
    /// Which records
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// Arguments of `audit export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// Which log
    #[command(flatten)]
    pub log: VerifyArgs,
    /// Which records
    #[command(flatten)]
    pub filter: FilterArgs,
    /// How they are written
    #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
    pub format: ExportFormat,
}

/// Formats for other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a head line (RFC 4180)
    Csv,
}

/// The columns of a table, in the order of a record's fields.
const COLUMNS: [&str; 16] = [
    "sequence",
    "time",
    "kind",
    "code",
    "request",
    "route",
    "product",
    "beneficiary",
    "proof",
    "entitlement",
    "slot",
    "last_intent",
    "payment_id",
    "receipt",
    "count",
    "previous",
];

/// Runs the command.
///
/// # Errors
/// [`CliError::Audit`]; what was printed before it holds.
pub async fn run(command: AuditCommand, format: Format) -> Result<(), CliError> {
    match command {
        AuditCommand::Verify(args) => {
            let findings = read(&args, |_| Ok(())).await?;
            report(&findings).print(format);
        }
        AuditCommand::Show(args) => {
            let filter = args.filter;
            let mut out = BufWriter::new(io::stdout().lock());
            read(&args.log, |record| {
                if !filter.takes(record) {
                    return Ok(());
                }
                match format {
                    Format::Json => write_json(&mut out, record),
                    Format::Text => writeln!(out, "{}", in_words(record)),
                }
            })
            .await?;
        }
        AuditCommand::Export(args) => {
            let filter = args.filter;
            let mut out = BufWriter::new(io::stdout().lock());
            if args.format == ExportFormat::Csv {
                writeln!(out, "{}\r", COLUMNS.join(",")).map_err(CliError::Output)?;
            }
            read(&args.log, |record| {
                if !filter.takes(record) {
                    return Ok(());
                }
                match args.format {
                    ExportFormat::Jsonl => write_json(&mut out, record),
                    ExportFormat::Csv => writeln!(out, "{}\r", csv(record)),
                }
            })
            .await?;
        }
    }
    Ok(())
}

/// Verifies a log and gives its records to `each`.
async fn read(
    args: &VerifyArgs,
    mut each: impl FnMut(&Record) -> io::Result<()>,
) -> Result<Findings, CliError> {
    let keys = match &args.jwks {
        Some(place) => Some(read_key_set(place).await?),
        None => None,
    };
    let mut checkpoints = Vec::new();
    for path in &args.checkpoint {
        let text = std::fs::read_to_string(path).map_err(|error| AuditError::Io {
            path: path.clone(),
            error,
        })?;
        checkpoints.push(text.trim().to_owned());
    }
    let expectations = Expectations {
        anchor: args.anchor,
        heads: args.head.clone(),
        checkpoints,
        keys,
    };
    let mut failed = Ok(());
    let findings = verify(&args.path, &expectations, |record| {
        if failed.is_ok() {
            failed = each(record);
        }
    })?;
    failed.map_err(CliError::Output)?;
    Ok(findings)
}

fn report(findings: &Findings) -> Report {
    Report::default()
        .with("holds", true)
        .with("records", findings.records)
        .with("files", findings.files)
        .with("checkpoints", findings.checkpoints)
        .with("dropped", findings.dropped)
        .with("recoveries", findings.recoveries)
        .with("lines_set_aside", findings.lines_set_aside)
        .with_text("head", &findings.head)
}

impl FilterArgs {
    fn takes(&self, record: &Record) -> bool {
        (self.beneficiary.is_none() || self.beneficiary == record.beneficiary)
            && (self.product.is_none() || self.product == record.product)
            && (self.kind.is_empty() || self.kind.contains(&record.kind))
            && self.since.is_none_or(|since| record.time >= since)
            && self.until.is_none_or(|until| record.time < until)
    }
}

fn write_json(out: &mut impl Write, record: &Record) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record)?;
    writeln!(out)
}

/// `time kind code product beneficiary route`, what is missing as a dash.
fn in_words(record: &Record) -> String {
    fn or_dash(value: &Option<impl ToString>) -> String {
        value
            .as_ref()
            .map_or_else(|| "-".to_owned(), ToString::to_string)
    }
    format!(
        "{:>8}  {}  {:12}  {:24}  {}  {}  {}",
        record.sequence,
        time_in_words(record.time),
        record.kind.word(),
        or_dash(&record.code),
        or_dash(&record.product),
        or_dash(&record.beneficiary),
        or_dash(&record.route),
    )
}

fn time_in_words(milliseconds: i64) -> String {
    let seconds = tollgate_client::UnixSeconds(milliseconds.div_euclid(1_000));
    Timestamp(seconds)
        .to_text()
        .unwrap_or_else(|| milliseconds.to_string())
}

fn csv(record: &Record) -> String {
    // A record serialises to an object.
    let fields = serde_json::to_value(record).unwrap_or_default();
    let cells = COLUMNS.iter().map(|column| match fields.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => quoted(text),
        Some(other) => other.to_string(),
    });
    cells.collect::<Vec<_>>().join(",")
}

/// In quotes where RFC 4180 wants them. A cell that a spreadsheet would take for a
/// formula is kept from being one by a quote in front.
fn quoted(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Milliseconds since 1970 of an RFC 3339 time.
fn parse_time(text: &str) -> Result<i64, String> {
    let Timestamp(seconds) = Timestamp::from_text(text)
        .ok_or_else(|| "expected a time such as 2026-11-21T08:00:00Z".to_owned())?;
    Ok(seconds.0.saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (text, cell) in [
            ("plain", "plain"),
            ("/v1/{a},b", "\"/v1/{a},b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("@x,y", "\"'@x,y\""),
        ] {
            assert_eq!(quoted(text), cell);
        }
    }

    #[test]
    fn times_are_read_and_shown() {
        let time = parse_time("2026-11-21T08:00:00Z").unwrap();
        assert_eq!(time, 1_795_248_000_000);
        assert_eq!(time_in_words(time + 999), "2026-11-21T08:00:00Z");
        assert!(parse_time("yesterday").is_err());
    }
}
