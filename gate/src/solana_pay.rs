//! Solana Pay URLs: what wallets open, and what their codes hold
//! (`solana-foundation/solana-pay:SPEC.md` 1.1).
//!
//! A *transaction request* names a link from which the wallet gets the transaction to
//! sign: everything happens in it, or nothing. A *transfer request* names a recipient
//! and an amount: the wallet makes a plain transfer, and what it paid for has to be
//! found out afterwards. Its reference and its memo say so.

use std::fmt::{self, Display, Formatter};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tollgate_client::{PaymentId, Pubkey};

use crate::offer::ProductOffer;

/// What JavaScript's `encodeURIComponent` leaves alone.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// What the memo of a purchase begins with; its payment id follows in base58.
pub const MEMO_PREFIX: &str = "tollgate:";

/// The memo of a purchase.
pub fn memo(payment_id: &PaymentId) -> String {
    format!("{MEMO_PREFIX}{payment_id}")
}

/// The transaction request whose link is `url`.
pub fn transaction_request(url: &str) -> String {
    format!("solana:{}", utf8_percent_encode(url, COMPONENT))
}

/// A transfer request; written, it is the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferRequest<'a> {
    /// What is bought.
    pub offer: &'a ProductOffer,
    /// Whose associated token account is paid into: the merchant account, which owns the
    /// vault, or that of an order.
    pub recipient: &'a Pubkey,
    /// The name of the purchase.
    pub payment_id: &'a PaymentId,
    /// Among the transfer's accounts, so that it can be found by them: the address of
    /// the intent that the merchant would quote ([`tollgate_client::Addresses::quoted_intent`]).
    pub reference: &'a Pubkey,
    /// Who asks, as people know them.
    pub merchant_name: &'a str,
}

impl TransferRequest<'_> {
    /// What wallets show beside the amount.
    pub fn message(&self) -> String {
        format!(
            "{}: {}",
            self.offer.text.title(),
            self.offer.grant_in_words()
        )
    }
}

impl Display for TransferRequest<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let escape = |text: &str| utf8_percent_encode(text, COMPONENT).to_string();
        write!(
            formatter,
            "solana:{}?amount={}&spl-token={}&reference={}&label={}&message={}&memo={}",
            self.recipient,
            self.offer.price_in_units(),
            self.offer.mint,
            self.reference,
            escape(self.merchant_name),
            escape(&self.message()),
            escape(&memo(self.payment_id)),
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::offer::OfferText;
    use tollgate_client::{Amount, Credits, DurationSeconds, Slug};

    #[test]
    fn a_transfer_request_reads_as_the_specification_writes_it() {
        let key = |byte| Pubkey::new_from_array([byte; 32]);
        let offer = ProductOffer {
            merchant: key(1),
            product: key(2),
            slug: Slug::new("day-pass").unwrap(),
            mint: key(3),
            decimals: 6,
            vault: key(4),
            price: Amount(10_000),
            access: DurationSeconds(86_400),
            credits: Credits(0),
            refund_window: DurationSeconds(0),
            for_sale: true,
            text: OfferText::new("Tee & Kaffee", "", "text/plain").unwrap(),
        };
        let id = PaymentId([5; 32]);
        let request = TransferRequest {
            offer: &offer,
            recipient: &offer.merchant,
            payment_id: &id,
            reference: &key(6),
            merchant_name: "Caf\u{e9} #1",
        };
        let (merchant, mint, reference) = (key(1), key(3), key(6));
        assert_eq!(
            request.to_string(),
            format!(
                "solana:{merchant}?amount=0.01&spl-token={mint}&reference={reference}\
                 &label=Caf%C3%A9%20%231&message=Tee%20%26%20Kaffee%3A%20access%20for%201%20day\
                 &memo=tollgate%3A{id}"
            )
        );
    }

    #[test]
    fn a_link_is_escaped_whole() {
        assert_eq!(
            transaction_request("https://a.example/v1/pay/b/c?d=e"),
            "solana:https%3A%2F%2Fa.example%2Fv1%2Fpay%2Fb%2Fc%3Fd%3De"
        );
    }
}
