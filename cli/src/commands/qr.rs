//! `tollgate qr`: a payment as a code in the terminal, for a wallet's camera.

use crate::error::CliError;
use clap::Args;
use http::StatusCode;
use percent_encoding::percent_decode_str;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde_json::Value;
use std::time::Duration;
use tollgate_agent::PayError;
use url::Url;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer that is read.
const MOST_ANSWER_BYTES: usize = 64 * 1024;
/// The longest text that is drawn: a terminal of some seventy columns holds it.
const MOST_BYTES: usize = 600;

/// Arguments of `qr`.
#[derive(Args, Debug)]
pub struct QrArgs {
    /// A paid resource, whose 402 says what to pay; or a solana: URL
    pub url: String,
    /// A transfer request: for wallets that only make plain transfers
    #[arg(long)]
    pub transfer: bool,
}

/// Prints the code and the URL in it.
///
/// # Errors
/// [`CliError`].
pub async fn run(args: QrArgs) -> Result<(), CliError> {
    let uri = if args.url.starts_with("solana:") {
        args.url
    } else {
        payment_uri(&args.url, args.transfer).await?
    };
    print!("{}", drawn(&uri)?);
    println!("{uri}");
    Ok(())
}

/// What the 402 of `resource` asks wallets to open.
async fn payment_uri(resource: &str, transfer: bool) -> Result<String, CliError> {
    let resource = parse(resource)?;
    let asked = json(&resource, StatusCode::PAYMENT_REQUIRED).await?;
    if !transfer {
        return text(&asked, "/payment_uri");
    }
    // The code for wallets holds the transaction request: solana:<escaped URL>.
    let code = text(&asked, "/payment_uri")?;
    let escaped = code.strip_prefix("solana:").unwrap_or(&code);
    let request = percent_decode_str(escaped).decode_utf8_lossy();
    let mut request = parse(&request)?;
    // Whoever is asked next is whoever was asked first.
    if request.origin() != resource.origin() {
        return Err(unusable("its transaction request is of another origin"));
    }
    request
        .path_segments_mut()
        .map_err(|()| unusable("its transaction request is no HTTP URL"))?
        .push("transfer");
    text(&json(&request, StatusCode::OK).await?, "/payment_uri")
}

async fn json(url: &Url, expected: StatusCode) -> Result<Value, CliError> {
    let failed = |error: reqwest::Error| {
        CliError::NotFound(format!("{url} does not answer: {}", error.without_url()))
    };
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(failed)?;
    let mut answer = client.get(url.clone()).send().await.map_err(failed)?;
    let status = answer.status();
    if status != expected {
        return Err(CliError::NotFound(format!(
            "expected {expected}, but {url} answers {status}: nothing is to be paid there"
        )));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_ANSWER_BYTES {
            return Err(unusable("its answer is too long"));
        }
    }
    serde_json::from_slice(&body).map_err(|_| unusable("its answer is not JSON"))
}

fn text(value: &Value, pointer: &str) -> Result<String, CliError> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| unusable("its answer names no way for wallets"))
}

fn parse(url: &str) -> Result<Url, CliError> {
    Url::parse(url).map_err(|error| CliError::Argument(format!("{url:?} is not a URL: {error}")))
}

fn unusable(reason: &str) -> CliError {
    PayError::Challenge(reason.to_owned()).into()
}

/// A text as a code of half blocks, with the quiet zone that cameras need. Dark modules
/// are drawn as spaces: most terminals are dark, and the code stays right side out.
///
/// # Errors
/// [`CliError::Argument`] when it is too long.
pub fn drawn(text: &str) -> Result<String, CliError> {
    let code = Some(text)
        .filter(|text| text.len() <= MOST_BYTES)
        .and_then(|text| QrCode::with_error_correction_level(text, EcLevel::L).ok())
        .ok_or_else(|| {
            CliError::Argument(format!("a code holds at most {MOST_BYTES} characters"))
        })?;
    let mut drawn = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .build();
    drawn.push('\n');
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use qrcode::Color;

    /// What is drawn is the code, module for module, with four light ones around.
    #[test]
    fn a_code_is_drawn_as_it_is() {
        let uri = "solana:https%3A%2F%2Fshop.example%2Fv1%2Fpay%2Fday-pass%2F1";
        let code = QrCode::with_error_correction_level(uri, EcLevel::L).unwrap();
        let width = code.width();
        let mut modules: Vec<Vec<Color>> = Vec::new();
        for line in drawn(uri).unwrap().lines() {
            let (mut upper, mut lower) = (Vec::new(), Vec::new());
            for character in line.chars() {
                let (top, bottom) = match character {
                    ' ' => (Color::Dark, Color::Dark),
                    '\u{2580}' => (Color::Light, Color::Dark),
                    '\u{2584}' => (Color::Dark, Color::Light),
                    _ => (Color::Light, Color::Light),
                };
                upper.push(top);
                lower.push(bottom);
            }
            modules.extend([upper, lower]);
        }
        for row in 0..width + 8 {
            for column in 0..width + 8 {
                let inside = |place: usize| (4..width + 4).contains(&place);
                let expected = if inside(row) && inside(column) {
                    code[(column - 4, row - 4)]
                } else {
                    Color::Light
                };
                let found = modules.get(row).and_then(|row| row.get(column));
                assert_eq!(found, Some(&expected), "row {row}, column {column}");
            }
        }
    }

    #[test]
    fn what_is_too_long_is_not_drawn() {
        assert!(drawn(&"x".repeat(MOST_BYTES)).is_ok());
        assert!(drawn(&"x".repeat(MOST_BYTES + 1)).is_err());
    }
}
