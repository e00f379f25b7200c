//! Rules about the number of instructions, the compute budget, memos and guards.

use super::Rule;
use crate::case::{Case, Expected};
use crate::instructions::{foreign, guard, limit, memo, price, transfer};
use crate::payment::Payment;
use crate::world::World;
use std::rc::Rc;
use tollgate_client::Pubkey;
use tollgate_gate::exact::ExactError;
use tollgate_gate::x402::Version;

const COUNT: Expected = Expected::broken(ExactError::InstructionCount);
const LIMIT: Expected = Expected::broken(ExactError::ComputeLimit);
const PRICE: Expected = Expected::broken(ExactError::ComputePrice);
const DEAR: Expected = Expected::broken(ExactError::ComputePriceTooHigh);
const FOURTH: Expected = Expected::broken(ExactError::UnknownFourth);
const MEMO_COUNT: Expected = Expected::broken(ExactError::MemoCount);
const MEMO: Expected = Expected::broken(ExactError::MemoMismatch);
const NO_TRANSFER: Expected = Expected::broken(ExactError::NoTransfer);

/// The memo program before the one that wallets use.
const OLD_MEMO_PROGRAM: Pubkey =
    Pubkey::from_str_const("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo");

pub(super) const RULES: &[Rule] = &[
    ("no instructions", COUNT, |it| keep(it, &[])),
    ("one instruction", COUNT, |it| keep(it, &[2])),
    ("two instructions", COUNT, |it| keep(it, &[0, 2])),
    ("three instructions", Expected::Valid, |it| {
        keep(it, &[0, 1, 2])
    }),
    ("the price before the limit", LIMIT, |it| {
        it.instructions.swap(0, 1)
    }),
    ("no limit", LIMIT, |it| keep(it, &[1, 2, 3])),
    ("no price", PRICE, |it| keep(it, &[0, 2, 3])),
    ("the transfer first", LIMIT, |it| keep(it, &[2, 0, 1])),
    ("the transfer second", PRICE, |it| keep(it, &[0, 2, 1])),
    ("two limits", PRICE, |it| it.instructions[1] = limit(1)),
    ("two prices", LIMIT, |it| it.instructions[0] = price(1)),
    ("a limit of another program", LIMIT, |it| {
        it.instructions[0].program_id = it.world.token_program;
    }),
    ("a limit without data", LIMIT, |it| {
        it.instructions[0].data.clear()
    }),
    ("a limit of three bytes", LIMIT, |it| {
        it.instructions[0].data.truncate(4)
    }),
    ("a limit with bytes behind it", Expected::Valid, |it| {
        it.instructions[0].data.extend([1, 2, 3]);
    }),
    ("a heap instead of a limit", LIMIT, |it| {
        it.instructions[0].data[0] = 1
    }),
    ("an account in the limit", Expected::Valid, |it| {
        let payer = it.instructions[2].accounts[3].clone();
        it.instructions[0].accounts.push(payer);
    }),
    ("a price of another program", PRICE, |it| {
        it.instructions[1].program_id = it.world.token_program;
    }),
    ("a price without data", PRICE, |it| {
        it.instructions[1].data.clear()
    }),
    ("a price of seven bytes", PRICE, |it| {
        it.instructions[1].data.truncate(8)
    }),
    ("a price with bytes behind it", Expected::Valid, |it| {
        it.instructions[1].data.push(0);
    }),
    ("the highest price", Expected::Valid, |it| {
        it.instructions[1] = price(5_000_000)
    }),
    ("a price above the highest", DEAR, |it| {
        it.instructions[1] = price(5_000_001)
    }),
    ("the highest number as the price", DEAR, |it| {
        it.instructions[1] = price(u64::MAX)
    }),
    ("the highest number as the limit", Expected::Valid, |it| {
        it.instructions[0] = limit(u32::MAX);
    }),
    ("a memo before the transfer", NO_TRANSFER, |it| {
        it.instructions.swap(2, 3)
    }),
    ("a foreign program", FOURTH, |it| {
        it.instructions[3] = foreign(&it.world)
    }),
    ("a second transfer", FOURTH, |it| {
        it.instructions[3] = transfer(&it.world)
    }),
    ("a third compute budget instruction", FOURTH, |it| {
        it.instructions[3] = limit(1)
    }),
    ("the old memo program", FOURTH, |it| {
        it.instructions[3].program_id = OLD_MEMO_PROGRAM;
    }),
    (
        "a foreign program in the fifth place",
        Expected::broken(ExactError::UnknownFifth),
        |it| {
            it.instructions.push(foreign(&it.world));
        },
    ),
    (
        "a foreign program in the sixth place",
        Expected::broken(ExactError::UnknownSixth),
        |it| {
            it.instructions.extend([guard(&[]), foreign(&it.world)]);
        },
    ),
    ("two memos that nobody asked for", Expected::Valid, |it| {
        it.instructions.push(memo("another"));
    }),
    (
        "the memo that is asked for",
        Expected::Valid,
        Payment::with_memo,
    ),
    ("an empty memo in the requirements", Expected::Valid, |it| {
        it.requirements["extra"]["memo"] = "".into();
    }),
    ("no memo where one is asked for", MEMO_COUNT, |it| {
        it.with_memo();
        it.instructions.truncate(3);
    }),
    ("a guard where a memo is asked for", MEMO_COUNT, |it| {
        it.with_memo();
        it.instructions[3] = guard(&[]);
    }),
    ("the memo that is asked for, twice", MEMO_COUNT, |it| {
        it.with_memo();
        it.instructions.push(memo(&it.world.memo));
    }),
    (
        "the memo that is asked for, and another",
        MEMO_COUNT,
        |it| {
            it.with_memo();
            it.instructions.push(memo("another"));
        },
    ),
    ("another memo than the one asked for", MEMO, |it| {
        it.with_memo();
        it.instructions[3] = memo("another");
    }),
    ("an empty memo where one is asked for", MEMO, |it| {
        it.with_memo();
        it.instructions[3] = memo("");
    }),
    ("the beginning of the memo", MEMO, |it| {
        it.with_memo();
        it.instructions[3].data.pop();
    }),
    ("more than the memo", MEMO, |it| {
        it.with_memo();
        it.instructions[3].data.push(b' ');
    }),
    ("the memo in capitals", MEMO, |it| {
        it.with_memo();
        it.instructions[3].data.make_ascii_uppercase();
    }),
    ("the memo behind guards", Expected::Valid, |it| {
        it.with_memo();
        it.instructions.splice(3..3, [guard(&[]), guard(&[])]);
    }),
];

/// The number of instructions, which the versions bound differently.
pub(super) fn counts(world: &Rc<World>, version: Version) -> Vec<Case> {
    let most = match version {
        Version::V1 => 6,
        Version::V2 => 7,
    };
    let with = |count: usize, last: fn(&World) -> _| {
        let mut payment = Payment::new(world, version);
        payment.instructions.resize(count - 1, guard(&[]));
        payment.instructions.push(last(world));
        payment
    };
    let last_is_foreign = match version {
        Version::V1 => ExactError::UnknownSixth,
        Version::V2 => ExactError::UnknownSeventh,
    };
    [
        (
            "the most instructions",
            most,
            guards as fn(&World) -> _,
            Expected::Valid,
        ),
        ("one instruction too many", most + 1, guards, COUNT),
        ("many instructions", 20, guards, COUNT),
        (
            "a foreign program in the last place",
            most,
            foreign,
            Expected::broken(last_is_foreign),
        ),
    ]
    .into_iter()
    .map(|(name, count, last, expected)| Case::new(name, &with(count, last), expected))
    .collect()
}

fn guards(world: &World) -> solana_instruction::Instruction {
    guard(&[world.source()])
}

/// Keeps the instructions at these places, in this order.
fn keep(payment: &mut Payment, places: &[usize]) {
    let all = &payment.instructions;
    payment.instructions = places.iter().map(|place| all[*place].clone()).collect();
}
