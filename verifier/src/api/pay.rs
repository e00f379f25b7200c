//! `/v1/pay/{slug}/{payment_id}`: a Solana Pay transaction request.
//!
//! `GET` names the merchant; `POST {"account"}` answers with the transaction that
//! buys the product for that account at its present list price: unsigned, to be
//! signed and sent by the wallet. The payment id names the purchase: while it is
//! unpaid the same request can be repeated, and once it is paid the answer is 409,
//! so that a wallet that asks twice never pays twice.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use solana_instruction::AccountMeta;
use tollgate_client::chain::CLOCK;
use tollgate_client::instructions::Payment;
use tollgate_client::transaction::{ComputeBudget, PURCHASE_UNITS, to_bytes, unsigned};
use tollgate_client::{
    Addresses, DurationSeconds, IntentStatus, Merchant, PaymentId, PaymentIntent, Product, Pubkey,
    Purchase, Slug, UnixSeconds,
};
use tollgate_gate::gate::PAY_PATH;
use tollgate_gate::headers::forbid_storing;
use tollgate_gate::{GateError, solana_pay};
use tracing::warn;

use super::{ICON_PATH, actions, json_body, qr};
use crate::app::App;
use crate::chain::{Listing, Pool, RpcFailure, chain_time};
use crate::error::{ServiceError, json_response};
use crate::request_record::{self, Wait};

/// How long an intent made here may be paid. It is paid in the transaction that
/// creates it, whose blockhash lives for about a minute.
const INTENT_LIFETIME: DurationSeconds = DurationSeconds(15 * 60);

/// The body of a transaction request.
#[derive(Debug, Deserialize)]
struct TransactionRequest {
    /// Who will sign and pay.
    account: String,
}

/// `GET`: who asks for money.
pub(super) async fn describe(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, ServiceError> {
    let _ = named(&app, path)?;
    let mut response = json_response(
        StatusCode::OK,
        &json!({
            "label": app.merchant_name,
            "icon": format!("{}{ICON_PATH}", app.public_url),
        }),
    );
    forbid_storing(response.headers_mut());
    Ok(response)
}

/// `GET …/qr.svg`: the transaction request as a code.
pub(super) async fn code(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, ServiceError> {
    let (listing, payment_id) = named(&app, path)?;
    let link = format!("{}{PAY_PATH}/{}/{payment_id}", app.public_url, listing.slug);
    qr::picture(&solana_pay::transaction_request(&link))
}

/// `POST`: the transaction to sign.
pub(super) async fn transaction(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ServiceError> {
    let (listing, payment_id) = named(&app, path)?;
    let request: TransactionRequest = json_body::read(&headers, body).await?;
    // An address off the curve belongs to a program and cannot sign for fees.
    let payer: Pubkey = request
        .account
        .parse()
        .ok()
        .filter(Pubkey::is_on_curve)
        .ok_or(GateError::PublicKeyInvalid)?;
    let _turn = app
        .payment_turns
        .try_acquire()
        .map_err(|_| GateError::Overloaded)?;
    let reading = read(&app.pool, &listing, &payer, &payment_id);
    let facts = request_record::waiting(Wait::Chain, reading)
        .await
        .map_err(|error| {
            warn!(code = error.code(), %error, "reading for a transaction request failed");
            GateError::ChainUnavailable
        })?;
    let addresses = app.pool.addresses();
    let mut instructions = match &facts.intent {
        None => {
            if facts.paused || !facts.product.active {
                return Err(GateError::ProductNotForSale.into());
            }
            let expires_at = UnixSeconds(
                facts
                    .now
                    .0
                    .saturating_add(i64::try_from(INTENT_LIFETIME.0).unwrap_or(i64::MAX)),
            );
            Purchase::of_product(
                listing.address,
                &facts.product,
                payer,
                payment_id,
                expires_at,
            )
            .instructions(&addresses)
            .to_vec()
        }
        Some(intent) => {
            require_payable(intent, &listing, &facts)?;
            vec![addresses.pay(&payment_of(intent, &facts.intent_address, payer))]
        }
    };
    // By it the purchase's status and wallets' own libraries find the payment, whoever
    // makes it. The program takes no notice of accounts behind its own.
    if let Some(pay) = instructions.last_mut() {
        let reference = addresses.quoted_intent(&listing.product.merchant, &payment_id);
        pay.accounts
            .push(AccountMeta::new_readonly(reference, false));
    }
    let budget = ComputeBudget {
        units: PURCHASE_UNITS,
        price: 0,
    };
    let instructions = [budget.instructions(), instructions].concat();
    let bytes = unsigned(&instructions, facts.blockhash, &payer)
        .and_then(|transaction| to_bytes(&transaction))
        .map_err(|error| {
            warn!(code = error.code(), %error, "a transaction could not be built");
            GateError::Internal
        })?;
    let mut response = json_response(
        StatusCode::OK,
        &json!({
            // For clients of actions; other wallets pass it over.
            "type": "transaction",
            "transaction": STANDARD.encode(bytes),
            "message": format!("{} from {}", listing.slug, app.merchant_name),
        }),
    );
    forbid_storing(response.headers_mut());
    actions::declare(&app, response.headers_mut());
    Ok(response)
}

/// The product and the payment id that the path names.
pub(super) fn named(
    app: &App,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<(Listing, PaymentId), ServiceError> {
    let Path((slug, payment_id)) = path.map_err(|_| GateError::PathInvalidUtf8)?;
    let slug = Slug::new(&slug).map_err(|_| GateError::ProductNotFound)?;
    let payment_id = payment_id
        .parse()
        .map_err(|_| GateError::PaymentIdInvalid)?;
    let market = app.known_market()?;
    let listing = market
        .snapshot
        .listings
        .iter()
        .find(|listing| listing.slug == slug)
        .ok_or(GateError::ProductNotFound)?;
    Ok((listing.clone(), payment_id))
}

/// What a transaction depends on, read for this request.
struct Facts {
    now: UnixSeconds,
    blockhash: solana_hash::Hash,
    paused: bool,
    product: Product,
    intent_address: Pubkey,
    intent: Option<PaymentIntent>,
}

async fn read(
    pool: &Pool,
    listing: &Listing,
    payer: &Pubkey,
    payment_id: &PaymentId,
) -> Result<Facts, RpcFailure> {
    const GONE: RpcFailure = RpcFailure::Malformed("the merchant or product account is gone");
    let merchant = listing.product.merchant;
    let intent_address = pool.addresses().intent(&merchant, payer, payment_id);
    let asked = [merchant, listing.address, intent_address, CLOCK];
    // One answer, so that all of it belongs together.
    let accounts = pool.read_accounts(&asked, |_, found| {
        let found: [_; 4] = found.try_into().map_err(|_| GONE)?;
        let [merchant_account, product, intent, clock] = found;
        let merchant: Option<Merchant> = pool.decode(&merchant, merchant_account)?;
        let product: Option<Product> = pool.decode(&listing.address, product)?;
        let intent: Option<PaymentIntent> = pool.decode(&intent_address, intent)?;
        let (merchant, product) = merchant.zip(product).ok_or(GONE)?;
        Ok((merchant, product, intent, chain_time(clock)?))
    });
    let ((merchant, product, intent, now), blockhash) =
        tokio::try_join!(accounts, pool.latest_blockhash())?;
    Ok(Facts {
        now,
        blockhash: blockhash.hash,
        paused: merchant.paused,
        product,
        intent_address,
        intent,
    })
}

/// Whether an intent that is already on chain can be paid by this transaction.
fn require_payable(
    intent: &PaymentIntent,
    listing: &Listing,
    facts: &Facts,
) -> Result<(), ServiceError> {
    match intent.status {
        IntentStatus::Paid => return Err(GateError::AlreadyPaid.into()),
        IntentStatus::Open => {}
        _ => return Err(GateError::PaymentIdSpent.into()),
    }
    if intent.product != listing.address {
        return Err(GateError::PaymentIdTaken.into());
    }
    if facts.now >= intent.expires_at {
        return Err(GateError::PaymentExpired.into());
    }
    if facts.paused {
        return Err(GateError::ProductNotForSale.into());
    }
    Ok(())
}

/// The payment of an open intent, by whoever asks for the transaction.
fn payment_of(intent: &PaymentIntent, address: &Pubkey, payer: Pubkey) -> Payment {
    let beneficiary = if intent.beneficiary == Pubkey::default() {
        payer
    } else {
        intent.beneficiary
    };
    Payment {
        payer,
        rent_payer: payer,
        merchant: intent.merchant,
        product: intent.product,
        intent: *address,
        beneficiary,
        source: Addresses::token_account(&payer, &intent.mint),
        vault: intent.vault,
        mint: intent.mint,
        amount: intent.amount,
    }
}
