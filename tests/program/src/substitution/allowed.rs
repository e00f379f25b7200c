//! Substitutions that are no mistake: what may stand in the slot as well, and why.

use super::stage::RIVAL;

const ANY_RENT_PAYER: &str = "whoever signs may pay the rent, and is recorded for its return";
const SIGNER_CHOOSES: &str = "of the same merchant: the merchant's signer chooses which one";
const OWN_ADDRESS_ONLY: &str =
    "only the address is compared, and an address has one account, whoever owns that";
const ACCOUNT_OF_THE_PERSON: &str = "any token account of the same holder";

/// Why `name` may stand in `slot` of `instruction`; `None` where it must be refused.
pub fn reason_to_allow(instruction: &str, slot: &str, name: &str) -> Option<&'static str> {
    const IN_PLACE: &str = "in place, of another owner";
    const COPY: &str = "copy at another address";
    let applies = |names: &[&str], reason| names.contains(&name).then_some(reason);
    match (instruction, slot) {
        (
            "create_merchant" | "create_product" | "create_intent" | "pay" | "settle_deposit"
            | "record_payment",
            "rent_payer",
        ) => is_key(name).then_some(ANY_RENT_PAYER),
        (
            "close_product" | "close_intent" | "close_entitlement" | "reclaim_deposit",
            "rent_payer",
        ) => applies(&[IN_PLACE], OWN_ADDRESS_ONLY),
        ("pay" | "refund" | "settle_deposit", "mint") => applies(&[IN_PLACE], OWN_ADDRESS_ONLY),
        ("refund", "entitlement") => applies(
            &[IN_PLACE],
            "at the derived address an account of another owner means that it was closed",
        ),
        ("update_product" | "close_product", "product") => applies(
            &["other product", "metered product", "product in other mint"],
            SIGNER_CHOOSES,
        ),
        ("create_intent", "product") => applies(
            &["product in other mint"],
            "the creator chooses; the offered numbers fit, and `pay` names the mint again",
        ),
        ("revoke", "entitlement") => applies(&OTHER_ENTITLEMENTS, SIGNER_CHOOSES),
        ("close_entitlement", "entitlement") => applies(
            &OTHER_ENTITLEMENTS,
            "it is over as well, and the same key paid its rent",
        ),
        ("cancel_intent", "signer") => applies(
            &["operator"],
            "the operator cancels every intent of its merchant",
        ),
        ("cancel_intent", "intent") => applies(
            &["open intent for other product", "open intent in other mint"],
            "an open intent of the same author",
        ),
        ("pay", "intent") => applies(
            &["quote"],
            "open to the same payer on the same terms for the same beneficiary",
        ),
        ("pay", "source") | ("reclaim_deposit" | "refund", "destination") => {
            applies(&["second purse", COPY], ACCOUNT_OF_THE_PERSON)
        }
        ("reclaim_deposit" | "settle_deposit", "deposit") => {
            applies(&[COPY], "any token account of the intent itself")
        }
        ("withdraw", "destination") => {
            let of_the_mint = !name.contains("other mint") && is_token_account(name);
            (name == COPY || of_the_mint)
                .then_some("the authority chooses any token account of the mint")
        }
        _ => None,
    }
}

const OTHER_ENTITLEMENTS: [&str; 4] = [
    "entitlement of other payer",
    "entitlement paid in other mint",
    "entitlement to other product",
    "entitlement with credits",
];

fn is_key(name: &str) -> bool {
    matches!(
        name.strip_prefix(RIVAL).unwrap_or(name),
        "owner"
            | "operator"
            | "payer"
            | "other payer"
            | "rent payer"
            | "new authority"
            | "newcomer"
    )
}

fn is_token_account(name: &str) -> bool {
    let rival = name.strip_prefix(RIVAL);
    match rival.unwrap_or(name) {
        // Its own vault is the source.
        "vault" => rival.is_some(),
        "purse"
        | "second purse"
        | "owner's purse"
        | "other payer's purse"
        | "deposit"
        | "deposit of other payer"
        | "deposit to cancelled quote" => true,
        _ => false,
    }
}
