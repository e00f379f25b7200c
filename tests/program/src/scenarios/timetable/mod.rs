//! Every deadline of the program in one table: what is tried around it, and what
//! becomes of that one second before, at the deadline, and one second after.
//!
//! Valid while now is before the deadline, over from the deadline on: each row names
//! one outcome for "before" and one for "from", so that neither a gap nor an overlap
//! of a single second fits into the table.

mod scenes;

use crate::World;
use crate::world::REFUND_WINDOW;
use scenes::*;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use tollgate::constants::MAX_INTENT_LIFETIME;
use tollgate_client::{DurationSeconds, PaymentIntent, TollgateError, UnixSeconds};

/// What becomes of an attempt.
#[derive(Clone, Copy)]
pub enum Outcome {
    /// It succeeds.
    Done,
    /// It succeeds, and the payer's entitlement to the scene's product expires then.
    Expires(fn(&Scene, UnixSeconds) -> i64),
    /// It is refused, and nothing changes.
    Refused(TollgateError),
}

/// One row: a deadline and something that is tried around it.
pub struct Deadline {
    /// The field that holds it, as the IDL calls it.
    pub field: &'static str,
    /// What is tried.
    pub attempt: &'static str,
    /// Sets the scene; the number keeps it apart from the other scenes.
    pub scene: fn(&mut World, u8) -> Scene,
    /// One second before.
    pub before: Outcome,
    /// At the deadline and one second after.
    pub from: Outcome,
}

/// An attempt that waits for its time.
pub struct Scene {
    deadline: UnixSeconds,
    attempt: Vec<Instruction>,
    signer: Keypair,
    product: Pubkey,
}

/// Access of the products made here: shorter than their refund window.
const MINUTE: i64 = 60;

/// Every deadline.
pub const DEADLINES: &[Deadline] = &[
    Deadline {
        field: "CreateIntentArgs.expires_at",
        attempt: "create_intent, payable until a given second",
        scene: |world, id| creation(world, id, 100, 100),
        before: Outcome::Done,
        from: Outcome::Refused(TollgateError::ExpiryInvalid),
    },
    Deadline {
        field: "CreateIntentArgs.expires_at",
        attempt: "create_intent, payable until thirty days from a given second",
        scene: |world, id| {
            let lifetime = i64::try_from(MAX_INTENT_LIFETIME.0).unwrap();
            creation(world, id, 100 + lifetime, 100)
        },
        before: Outcome::Refused(TollgateError::ExpiryInvalid),
        from: Outcome::Done,
    },
    Deadline {
        field: "PaymentIntent.expires_at",
        attempt: "pay",
        scene: |world, id| {
            let (address, payment) = world.open_intent(id);
            let pay = world.addresses.pay(&payment);
            around_expiry(world, address, |_, _| pay, |world| &world.payer)
        },
        before: Outcome::Done,
        from: Outcome::Refused(TollgateError::IntentExpired),
    },
    Deadline {
        field: "PaymentIntent.expires_at",
        attempt: "settle_deposit",
        scene: |world, id| {
            let address = funded_quote(world, id);
            around_expiry(world, address, settle, |world| &world.payer)
        },
        before: Outcome::Done,
        from: Outcome::Refused(TollgateError::IntentExpired),
    },
    Deadline {
        field: "PaymentIntent.expires_at",
        attempt: "record_payment",
        scene: |world, id| {
            let address = funded_quote(world, id);
            around_expiry(world, address, record, |world| &world.operator)
        },
        before: Outcome::Done,
        from: Outcome::Refused(TollgateError::IntentExpired),
    },
    Deadline {
        field: "PaymentIntent.expires_at",
        attempt: "reclaim_deposit",
        scene: |world, id| {
            let address = funded_quote(world, id);
            around_expiry(world, address, reclaim, |world| &world.payer)
        },
        before: Outcome::Refused(TollgateError::DepositPending),
        from: Outcome::Done,
    },
    Deadline {
        field: "PaymentIntent.expires_at",
        attempt: "close_intent, unpaid",
        scene: |world, id| {
            let (address, _) = world.open_intent(id);
            around_expiry(world, address, close_intent, |world| &world.payer)
        },
        before: Outcome::Refused(TollgateError::NotFinal),
        from: Outcome::Done,
    },
    Deadline {
        field: "PaymentIntent.expires_at",
        attempt: "cancel_intent: no deadline for it",
        scene: |world, id| {
            let (address, _) = world.open_intent(id);
            around_expiry(world, address, cancel, |world| &world.payer)
        },
        before: Outcome::Done,
        from: Outcome::Done,
    },
    Deadline {
        field: "PaymentIntent.refund_until",
        attempt: "refund",
        scene: |world, id| {
            let address = paid(world, id, REFUND_WINDOW);
            around_refund_deadline(world, address, refund, |world| &world.operator)
        },
        before: Outcome::Done,
        from: Outcome::Refused(TollgateError::RefundWindowOver),
    },
    Deadline {
        field: "PaymentIntent.refund_until",
        attempt: "close_intent, paid",
        scene: |world, id| {
            let address = paid(world, id, REFUND_WINDOW);
            around_refund_deadline(world, address, close_intent, |world| &world.payer)
        },
        before: Outcome::Refused(TollgateError::NotFinal),
        from: Outcome::Done,
    },
    Deadline {
        field: "Entitlement.expires_at",
        attempt: "pay again: adds to what is left, or begins from now",
        scene: |world, id| {
            let (product, _) = subscriber(world, id, REFUND_WINDOW);
            let again = world.purchase(&product, id + 100);
            let attempt = again.instructions(&world.addresses).to_vec();
            around_entitlement_expiry(world, product, attempt, |world| &world.payer)
        },
        before: Outcome::Expires(|scene, _| scene.deadline.0 + MINUTE),
        from: Outcome::Expires(|_, now| now.0 + MINUTE),
    },
    Deadline {
        field: "Entitlement.expires_at",
        attempt: "pay again and refund the first payment: takes back its seconds while they last",
        scene: |world, id| {
            let (product, first) = subscriber(world, id, REFUND_WINDOW);
            let again = world.purchase(&product, id + 100);
            let attempt = again.instructions(&world.addresses).to_vec();
            let mut scene =
                around_entitlement_expiry(world, product, attempt, |world| &world.payer);
            let stored: PaymentIntent = world.read(&first).unwrap();
            scene.attempt.push(refund(world, (first, &stored)));
            scene
        },
        before: Outcome::Expires(|scene, _| scene.deadline.0),
        from: Outcome::Expires(|_, now| now.0 + MINUTE),
    },
    Deadline {
        field: "Entitlement.expires_at",
        attempt: "close_entitlement",
        scene: |world, id| {
            let (product, _) = subscriber(world, id, DurationSeconds(0));
            let close = close_entitlement(world, product);
            around_entitlement_expiry(world, product, vec![close], |world| &world.payer)
        },
        before: Outcome::Refused(TollgateError::NotFinal),
        from: Outcome::Done,
    },
    Deadline {
        field: "Entitlement.expires_at",
        attempt: "revoke: never moves an expiry that is past",
        scene: |world, id| {
            let (product, _) = subscriber(world, id, REFUND_WINDOW);
            let revoke = revoke(world, product);
            around_entitlement_expiry(world, product, vec![revoke], |world| &world.operator)
        },
        before: Outcome::Expires(|scene, _| scene.deadline.0 - 1),
        from: Outcome::Expires(|scene, _| scene.deadline.0),
    },
    Deadline {
        field: "Entitlement.refundable_until",
        attempt: "close_entitlement, expired",
        scene: |world, id| {
            let (product, _) = subscriber(world, id, REFUND_WINDOW);
            let mut scene = Scene {
                attempt: vec![close_entitlement(world, product)],
                ..around_entitlement_expiry(world, product, Vec::new(), |world| &world.payer)
            };
            scene.deadline = world.entitlement(&product).unwrap().refundable_until;
            scene
        },
        before: Outcome::Refused(TollgateError::NotFinal),
        from: Outcome::Done,
    },
    Deadline {
        // Two lives of an address must differ in their `created_at`: the second
        // after it is the first one in which the account may close.
        field: "Entitlement.created_at",
        attempt: "close_entitlement, revoked as soon as it was created",
        scene: |world, id| {
            let (product, _) = subscriber(world, id, DurationSeconds(0));
            let operator = world.operator.insecure_clone();
            let revoke = revoke(world, product);
            world.send(&[revoke], &[&operator]).unwrap();
            let mut scene = Scene {
                attempt: vec![close_entitlement(world, product)],
                ..around_entitlement_expiry(world, product, Vec::new(), |world| &world.payer)
            };
            scene.deadline = second_after(world.entitlement(&product).unwrap().created_at);
            scene
        },
        before: Outcome::Refused(TollgateError::NotFinal),
        from: Outcome::Done,
    },
];

/// Times in accounts that are no deadlines, and why.
pub const NO_DEADLINES: &[(&str, &str)] = &[
    ("Merchant.created_at", "history"),
    ("Product.created_at", "history"),
    ("PaymentIntent.created_at", "history"),
    ("PaymentIntent.paid_at", "history"),
    (
        "Entitlement.timed_until",
        "what `expires_at` becomes when a payment without limit is refunded",
    ),
];

pub fn deadlines_of_creation_hold_to_the_second(world: &mut World) {
    sweep(world, &["CreateIntentArgs.expires_at"]);
}

pub fn deadlines_of_open_intents_hold_to_the_second(world: &mut World) {
    sweep(world, &["PaymentIntent.expires_at"]);
}

pub fn deadlines_of_refunds_hold_to_the_second(world: &mut World) {
    sweep(world, &["PaymentIntent.refund_until"]);
}

pub fn deadlines_of_access_hold_to_the_second(world: &mut World) {
    sweep(world, &["Entitlement.expires_at"]);
}

pub fn deadlines_of_an_entitlements_end_hold_to_the_second(world: &mut World) {
    sweep(
        world,
        &["Entitlement.refundable_until", "Entitlement.created_at"],
    );
}

/// The fields that the scenarios above sweep.
pub const SWEPT: &[&str] = &[
    "CreateIntentArgs.expires_at",
    "PaymentIntent.expires_at",
    "PaymentIntent.refund_until",
    "Entitlement.expires_at",
    "Entitlement.refundable_until",
    "Entitlement.created_at",
];

/// Every row of the `fields`, one second before, at and one second after.
fn sweep(world: &mut World, fields: &[&str]) {
    let start = world.now();
    let mut id = 0;
    for row in DEADLINES.iter().filter(|row| fields.contains(&row.field)) {
        for offset in [-1, 0, 1] {
            id += 1;
            world.set_time(start);
            let scene = (row.scene)(world, id);
            let now = UnixSeconds(scene.deadline.0 + offset);
            world.set_time(now);
            let outcome = if offset < 0 { row.before } else { row.from };
            let what = format!("{} {offset:+} s of {}", row.attempt, row.field);
            try_at(world, &scene, now, outcome, &what);
        }
    }
    assert!(id > 0, "no deadline is called {fields:?}");
}

fn try_at(world: &mut World, scene: &Scene, now: UnixSeconds, outcome: Outcome, what: &str) {
    // The operator signs as well where a refund is part of the attempt.
    let operator = world.operator.insecure_clone();
    let by_operator = scene
        .attempt
        .iter()
        .flat_map(|instruction| &instruction.accounts)
        .any(|meta| meta.is_signer && meta.pubkey == operator.pubkey());
    let mut signers = vec![&scene.signer];
    if by_operator {
        signers.push(&operator);
    }
    if let Outcome::Refused(expected) = outcome {
        let failure = world.fails(&scene.attempt, &signers);
        assert_eq!(failure.program(), Some(expected), "{what}: {failure:#?}");
        return;
    }
    if let Err(failure) = world.send(&scene.attempt, &signers) {
        panic!("{what}: {failure:#?}");
    }
    if let Outcome::Expires(expected) = outcome {
        let held = world.entitlement(&scene.product).unwrap();
        assert_eq!(held.expires_at.0, expected(scene, now), "{what}");
    }
}
