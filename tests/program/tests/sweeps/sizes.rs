//! Every transaction that the client can build fits into a packet, however large its
//! arguments are and however many different keys take part. LiteSVM would not notice.

use crate::schema::{Schema, list, text};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use std::collections::BTreeSet;
use std::path::Path;
use tollgate_client::instructions::{AttestedPayment, NewIntent, NewProduct, create_token_account};
use tollgate_client::transaction::{ComputeBudget, MAX_TRANSACTION_BYTES, to_bytes, unsigned};
use tollgate_client::{
    Addresses, Amount, Credits, DurationSeconds, IntentTerms, PROGRAM_ID, PaymentId, Purchase,
    Quote, Slug, UnixSeconds,
};
use tollgate_program_tests::rehearsal::{IDL, Rehearsal};
use tollgate_program_tests::substitution::idl::{self, InstructionShape};

/// Builders that the IDL does not know: token accounts, quotes and what is recorded of
/// them, and several at once.
const OTHER_BUILDERS: [&str; 5] = [
    "create_vault",
    "create_token_account",
    "create",
    "record_quoted",
    "instructions",
];

#[test]
fn the_client_has_a_builder_for_every_instruction_and_this_file_knows_the_others() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../client/src");
    let mut builders = BTreeSet::new();
    builders_below(&sources, &mut builders);
    let known: BTreeSet<String> = idl::instructions(IDL)
        .into_iter()
        .map(|shape| shape.name)
        .chain(OTHER_BUILDERS.map(str::to_owned))
        .collect();
    assert_eq!(builders, known);
}

/// Names of the public functions that return instructions.
fn builders_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            builders_below(&path, found);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for function in source.split("pub fn ").skip(1) {
            let signature = function.split('{').next().unwrap();
            let returned = signature.split("->").nth(1).unwrap_or_default();
            if returned
                .split(|letter: char| !letter.is_alphanumeric())
                .any(|word| word == "Instruction")
            {
                found.insert(signature.split('(').next().unwrap().to_owned());
            }
        }
    }
}

#[test]
fn every_instruction_fits_at_its_largest() {
    let schema = Schema::kept();
    let entries = list(&schema.idl["instructions"]).iter();
    for (shape, entry) in idl::instructions(IDL).iter().zip(entries) {
        assert_eq!(shape.name, text(&entry["name"]));
        let arguments = list(&entry["args"]).iter();
        let longest: usize = arguments
            .map(|argument| schema.longest(&argument["type"]))
            .sum();
        require_fits(&shape.name, &[largest(shape, longest)]);
    }
    // What is called the largest is at least as large as what is really built.
    Rehearsal::default().each(|_, shape, instruction| {
        let entry = list(&schema.idl["instructions"])
            .iter()
            .find(|entry| entry["name"] == shape.name.as_str())
            .unwrap();
        let arguments = list(&entry["args"]).iter();
        let longest: usize = arguments
            .map(|argument| schema.longest(&argument["type"]))
            .sum();
        assert!(
            instruction.data.len() <= shape.discriminator.len() + longest,
            "{}",
            shape.name
        );
    });
}

/// With every argument at its longest and another key in every slot.
fn largest(shape: &InstructionShape, arguments: usize) -> Instruction {
    let mut data = shape.discriminator.clone();
    data.resize(shape.discriminator.len() + arguments, 0xff);
    let accounts = shape
        .slots
        .iter()
        .map(|slot| AccountMeta {
            pubkey: slot.address.unwrap_or_else(Pubkey::new_unique),
            is_signer: slot.signer,
            is_writable: slot.writable,
        })
        .collect();
    Instruction {
        program_id: PROGRAM_ID,
        accounts,
        data,
    }
}

#[test]
fn instructions_that_go_together_fit_together() {
    let at = Addresses::default();
    let [owner, rent_payer, operator, payer, beneficiary, mint] =
        std::array::from_fn(|_| Pubkey::new_unique());
    let merchant = at.merchant(&owner);
    let product = |name: &str| {
        let new = NewProduct {
            slug: Slug::new(name).unwrap(),
            mint,
            price: Amount(u64::MAX),
            access: DurationSeconds(u64::MAX),
            credits: Credits(u64::MAX),
            refund_window: DurationSeconds(u64::MAX),
        };
        at.create_product(owner, rent_payer, merchant, &new)
    };
    let bought = at.product(&merchant, &Slug::new("a").unwrap());
    let purchase = Purchase {
        payer,
        rent_payer,
        beneficiary,
        merchant,
        product: bought,
        mint,
        payment_id: PaymentId([1; 32]),
        amount: Amount(u64::MAX),
        access: DurationSeconds(u64::MAX),
        credits: Credits(u64::MAX),
        expires_at: UnixSeconds(i64::MAX),
    };
    let [_, pay] = purchase.instructions(&at);
    let quote = at.create_intent(&NewIntent {
        creator: operator,
        rent_payer,
        merchant,
        product: bought,
        payment_id: PaymentId([1; 32]),
        expires_at: UnixSeconds(i64::MAX),
        beneficiary: Some(beneficiary),
        terms: IntentTerms::Quote(Quote {
            payer,
            amount: Amount(u64::MAX),
            access: DurationSeconds(u64::MAX),
            credits: Credits(u64::MAX),
            refund_window: DurationSeconds(u64::MAX),
        }),
    });
    let purse = create_token_account(rent_payer, payer, mint);
    require_fits("a purchase", &purchase.instructions(&at));
    let deposit = create_token_account(rent_payer, purchase.intent(&at), mint);
    require_fits("a quote and its deposit account", &[quote.clone(), deposit]);
    let attested = AttestedPayment {
        rail: u16::MAX,
        reference: [1; 32],
        payer,
        beneficiary,
    };
    let intent = purchase.intent(&at);
    let record = at.record_quoted(operator, rent_payer, intent, (merchant, bought), &attested);
    require_fits("a quote and its record", &[quote.clone(), record]);
    require_fits("a quote and its payment", &[quote, pay]);
    require_fits(
        "a merchant, its vault and a product",
        &[
            at.create_merchant(owner, rent_payer, operator),
            at.create_vault(rent_payer, merchant, mint),
            product(&"a".repeat(32)),
        ],
    );
    require_fits("two products", &[product("a"), product(&"b".repeat(32))]);
    let till = create_token_account(rent_payer, owner, mint);
    let withdraw = at.withdraw(owner, merchant, mint, till.accounts[1].pubkey, Amount(1));
    require_fits("a withdrawal into a new account", &[till, withdraw]);
    let mut shapes = idl::instructions(IDL).into_iter();
    let mut bare = |name: &str| {
        let shape = shapes.find(|shape| shape.name == name).unwrap();
        largest(&shape, 64)
    };
    // In the IDL's order.
    let (close, reclaim, refund, settle) = (
        bare("close_intent"),
        bare("reclaim_deposit"),
        bare("refund"),
        bare("settle_deposit"),
    );
    require_fits("a refund into a new account", &[purse, refund]);
    require_fits("a deposit's way back", &[reclaim.clone(), close]);
    require_fits("a deposit with surplus", &[settle, reclaim]);
}

/// With a fee payer of its own, a limit and a price of compute units.
fn require_fits(what: &str, instructions: &[Instruction]) {
    let budget = ComputeBudget {
        units: u32::MAX,
        price: u64::MAX,
    };
    let instructions = [budget.instructions(), instructions.to_vec()].concat();
    let hash = Default::default();
    let transaction = unsigned(&instructions, hash, &Pubkey::new_unique());
    let bytes = transaction.and_then(|transaction| to_bytes(&transaction));
    let bytes = bytes.unwrap_or_else(|error| panic!("{what}: {error}"));
    println!("{what}: {} bytes", bytes.len());
    assert!(bytes.len() <= MAX_TRANSACTION_BYTES, "{what}");
}
