//! Every number that a caller can choose, at 0, at 1, at what fits exactly, at one
//! more, and at the largest value: each is accepted with its exact effect, or refused
//! with its code and without any. Nothing overflows and nothing panics, because a
//! row names its code and a crash has none.

mod attempts;
mod terms;

use crate::World;
use crate::world::{FUNDS, PRICE};
use attempts::{Attempt, attempt_of};
use spl_token_interface::error::TokenError;
use tollgate::constants::{MAX_ACCESS, MAX_REFUND_WINDOW};
use tollgate_client::TollgateError;

/// What becomes of a value.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Accepted, with the attempt's whole effect.
    Done,
    /// Refused by the program.
    Refused(TollgateError),
    /// Refused by SPL Token.
    Token(TokenError),
}

use Outcome::{Done, Refused, Token};
use TollgateError::*;

/// One argument and what becomes of its values.
pub struct Argument {
    /// The instruction and the path of the argument, as the IDL calls them.
    pub name: &'static str,
    /// Value and outcome.
    pub rows: &'static [(u64, Outcome)],
}

const MAX: u64 = u64::MAX;
/// Chain time of a fresh world.
const NOW: u64 = 1_800_000_000;
/// Credits of the metered products here.
const CREDITS: u64 = 10;

/// What the payer's purse holds is the most that can be paid.
const PRICES: &[(u64, Outcome)] = &[
    (0, Refused(PriceZero)),
    (1, Done),
    (FUNDS.0, Done),
    (FUNDS.0 + 1, Token(TokenError::InsufficientFunds)),
    (MAX, Token(TokenError::InsufficientFunds)),
];
const ACCESS: &[(u64, Outcome)] = &[
    (0, Done),
    (1, Done),
    (MAX_ACCESS.0, Done),
    (MAX_ACCESS.0 + 1, Refused(AccessTooLong)),
    (MAX, Refused(AccessTooLong)),
];
const REFUND_WINDOWS: &[(u64, Outcome)] = &[
    (0, Done),
    (1, Done),
    (MAX_REFUND_WINDOW.0, Done),
    (MAX_REFUND_WINDOW.0 + 1, Refused(RefundWindowTooLong)),
    (MAX, Refused(RefundWindowTooLong)),
];
/// Whether credits are counted never changes.
const CREDITS_WHERE_COUNTED: &[(u64, Outcome)] =
    &[(0, Refused(MeteringFixed)), (1, Done), (MAX, Done)];

/// Every number in the arguments of every instruction, but for `expires_at`, which is
/// a deadline and stands in the timetable.
pub const ARGUMENTS: &[Argument] = &[
    Argument {
        name: "pay.amount",
        rows: &[
            (0, Refused(AmountMismatch)),
            (1, Refused(AmountMismatch)),
            (PRICE.0 - 1, Refused(AmountMismatch)),
            (PRICE.0, Done),
            (PRICE.0 + 1, Refused(AmountMismatch)),
            (MAX, Refused(AmountMismatch)),
        ],
    },
    Argument {
        name: "create_intent.terms.ListPrice.amount",
        rows: &[
            (0, Refused(TermsChanged)),
            (1, Refused(TermsChanged)),
            (PRICE.0, Done),
            (PRICE.0 + 1, Refused(TermsChanged)),
            (MAX, Refused(TermsChanged)),
        ],
    },
    Argument {
        name: "create_intent.terms.ListPrice.access",
        rows: &[
            (0, Refused(TermsChanged)),
            (1, Refused(TermsChanged)),
            (crate::world::DAY.0, Done),
            (crate::world::DAY.0 + 1, Refused(TermsChanged)),
            (MAX, Refused(TermsChanged)),
        ],
    },
    Argument {
        name: "create_intent.terms.ListPrice.credits",
        rows: &[
            (0, Refused(TermsChanged)),
            (1, Refused(TermsChanged)),
            (CREDITS, Done),
            (CREDITS + 1, Refused(TermsChanged)),
            (MAX, Refused(TermsChanged)),
        ],
    },
    Argument {
        name: "create_intent.terms.Quote.amount",
        rows: PRICES,
    },
    Argument {
        name: "create_intent.terms.Quote.access",
        rows: ACCESS,
    },
    Argument {
        name: "create_intent.terms.Quote.credits",
        rows: CREDITS_WHERE_COUNTED,
    },
    Argument {
        name: "create_intent.terms.Quote.refund_window",
        rows: REFUND_WINDOWS,
    },
    Argument {
        name: "create_product.price",
        rows: PRICES,
    },
    Argument {
        name: "create_product.access",
        rows: ACCESS,
    },
    Argument {
        name: "create_product.credits",
        rows: &[(0, Done), (1, Done), (MAX, Done)],
    },
    Argument {
        name: "create_product.refund_window",
        rows: REFUND_WINDOWS,
    },
    Argument {
        name: "update_product.price",
        rows: PRICES,
    },
    Argument {
        name: "update_product.access",
        rows: ACCESS,
    },
    Argument {
        name: "update_product.credits",
        rows: CREDITS_WHERE_COUNTED,
    },
    Argument {
        name: "update_product.refund_window",
        rows: REFUND_WINDOWS,
    },
    Argument {
        // The vault holds the price of one payment.
        name: "withdraw.amount",
        rows: &[
            (0, Refused(AmountZero)),
            (1, Done),
            (PRICE.0, Done),
            (PRICE.0 + 1, Token(TokenError::InsufficientFunds)),
            (MAX, Token(TokenError::InsufficientFunds)),
        ],
    },
    Argument {
        // The vault holds more than what was paid, of others.
        name: "refund.amount",
        rows: &[
            (0, Refused(AmountZero)),
            (1, Done),
            (PRICE.0, Done),
            (PRICE.0 + 1, Refused(RefundTooLarge)),
            (MAX, Refused(RefundTooLarge)),
        ],
    },
    Argument {
        name: "refund.amount after a part",
        rows: &[
            (0, Refused(AmountZero)),
            (1, Done),
            (PRICE.0 - 1, Done),
            (PRICE.0, Refused(RefundTooLarge)),
            (MAX, Refused(ArithmeticOverflow)),
        ],
    },
    Argument {
        name: "consume.used",
        rows: &[
            (0, Done),
            (1, Done),
            (CREDITS, Done),
            (CREDITS + 1, Refused(CreditsOutOfRange)),
            (MAX, Refused(CreditsOutOfRange)),
        ],
    },
    Argument {
        name: "consume.created_at",
        rows: &[
            (0, Refused(EntitlementReplaced)),
            (1, Refused(EntitlementReplaced)),
            (NOW, Done),
            (NOW + 1, Refused(EntitlementReplaced)),
            (MAX, Refused(EntitlementReplaced)),
        ],
    },
    Argument {
        name: "record_payment.rail",
        rows: &[(0, Done), (1, Done), (u16::MAX as u64, Done)],
    },
    Argument {
        name: "settle_deposit with so much in the deposit",
        rows: &[
            (0, Refused(DepositShort)),
            (1, Refused(DepositShort)),
            (PRICE.0 - 1, Refused(DepositShort)),
            (PRICE.0, Done),
            (PRICE.0 + 1, Done),
            (MAX, Done),
        ],
    },
    Argument {
        name: "reclaim_deposit with so much in the deposit",
        rows: &[(0, Done), (1, Done), (PRICE.0, Done), (MAX - FUNDS.0, Done)],
    },
];

pub fn amounts_of_payments_hold(world: &mut World) {
    sweep(
        world,
        &["pay.", "record_payment.", "create_intent.terms.ListPrice."],
    );
}

pub fn amounts_of_quotes_hold(world: &mut World) {
    sweep(world, &["create_intent.terms.Quote."]);
}

pub fn amounts_of_new_products_hold(world: &mut World) {
    sweep(world, &["create_product."]);
}

pub fn amounts_of_changed_products_hold(world: &mut World) {
    sweep(world, &["update_product."]);
}

pub fn amounts_of_what_follows_a_payment_hold(world: &mut World) {
    sweep(world, &["withdraw.", "refund.", "consume."]);
}

pub fn amounts_of_deposits_hold(world: &mut World) {
    sweep(world, &["settle_deposit ", "reclaim_deposit "]);
}

/// How the names begin of what the scenarios above sweep.
pub const SWEPT: &[&str] = &[
    "pay.",
    "record_payment.",
    "create_intent.",
    "create_product.",
    "update_product.",
    "withdraw.",
    "refund.",
    "consume.",
    "settle_deposit ",
    "reclaim_deposit ",
];

/// Credits add up to at most the largest number; the payment over it is refused.
pub fn credits_never_overflow(world: &mut World) {
    let (owner, payer) = (world.owner.insecure_clone(), world.payer.insecure_clone());
    let product = world.create_product(&owner, "all-calls", |new| {
        new.credits = tollgate_client::Credits(MAX);
    });
    world.buy(&product, 1);
    let again = world.purchase(&product, 2).instructions(&world.addresses);
    world.refused(&again, &[&payer], ArithmeticOverflow);
}

fn sweep(world: &mut World, prefixes: &[&str]) {
    assert_eq!(u64::try_from(world.now().0), Ok(NOW));
    let mut id = 0;
    for argument in ARGUMENTS {
        if !prefixes
            .iter()
            .any(|prefix| argument.name.starts_with(prefix))
        {
            continue;
        }
        for (value, outcome) in argument.rows {
            id += 1;
            attempts::restock(world);
            let attempt = attempt_of(world, argument.name, id, *value);
            let what = format!("{} = {value}", argument.name);
            try_value(world, attempt, outcome, &what);
        }
    }
    assert!(id > 0, "no argument begins with {prefixes:?}");
}

fn try_value(world: &mut World, attempt: Attempt, outcome: &Outcome, what: &str) {
    let signers: Vec<_> = attempt.signers.iter().collect();
    let expected = match outcome {
        Done => {
            let vault = world.vault_balance();
            if let Err(failure) = world.send(&attempt.instructions, &signers) {
                panic!("{what}: {failure:#?}");
            }
            let change = i128::from(world.vault_balance().0) - i128::from(vault.0);
            assert_eq!(change, attempt.vault_change, "{what}: change of the vault");
            (attempt.check)(world, what);
            return;
        }
        Refused(error) => u32::from(*error),
        Token(error) => error.clone() as u32,
    };
    let failure = world.fails(&attempt.instructions, &signers);
    assert_eq!(failure.custom(), Some(expected), "{what}: {failure:#?}");
}
