//! What real clients send (reference/protocols.md 1.6): message, order, limits, memos.

use crate::case::{Case, Expected};
use crate::instructions::{guard, limit, memo, price, transfer};
use crate::payment::Payment;
use crate::world::World;
use solana_instruction::Instruction;
use std::rc::Rc;
use tollgate_gate::exact::ExactError;
use tollgate_gate::x402::Version;

type Instructions = fn(&World) -> Vec<Instruction>;

/// A client, the instructions that it sends, and whether it honours `extra.memo`.
const CLIENTS: [(&str, Instructions, bool); 9] = [
    ("@x402/svm, PyPI x402, solana-pay-kit", stock, true),
    ("x402-fetch, x402-solana", without_memo, false),
    ("@dexterai/x402", few_units, false),
    ("Faremeter", many_units, true),
    ("x402-chain-solana", simulated, false),
    ("a wallet that appends guards", guarded, false),
    (
        "a wallet that prepends its guards to the memo",
        guard_first,
        true,
    ),
    ("highest price of a unit", dear, false),
    ("lowest limit and price", idle, false),
];

fn stock(world: &World) -> Vec<Instruction> {
    vec![limit(20_000), price(1), transfer(world), memo(&world.memo)]
}

fn without_memo(world: &World) -> Vec<Instruction> {
    vec![limit(6_420), price(1), transfer(world)]
}

fn few_units(world: &World) -> Vec<Instruction> {
    vec![limit(12_000), price(1), transfer(world)]
}

fn many_units(world: &World) -> Vec<Instruction> {
    vec![limit(50_000), price(1), transfer(world), memo(&world.memo)]
}

fn simulated(world: &World) -> Vec<Instruction> {
    let random = memo("q83vEjRWeJCrze8SNFZ4kA==");
    vec![limit(7_911), price(1_000_000), transfer(world), random]
}

fn guarded(world: &World) -> Vec<Instruction> {
    let guards = [guard(&[world.source()]), guard(&[])];
    [stock(world), guards.to_vec()].concat()
}

fn guard_first(world: &World) -> Vec<Instruction> {
    let [first, second, third] = [limit(20_000), price(1), transfer(world)];
    let guard = guard(&[world.source(), world.destination()]);
    vec![first, second, third, guard, memo(&world.memo)]
}

fn dear(world: &World) -> Vec<Instruction> {
    vec![limit(u32::MAX), price(5_000_000), transfer(world)]
}

fn idle(world: &World) -> Vec<Instruction> {
    vec![limit(0), price(0), transfer(world), memo("")]
}

/// Each client's payment, with a memo in the requirements where it honours one, in both
/// kinds of message.
pub fn cases(world: &Rc<World>, version: Version) -> Vec<Case> {
    let mut cases = Vec::new();
    for legacy in [false, true] {
        let kind = if legacy { "legacy" } else { "version 0" };
        let mut add = |name: &str, instructions: Instructions, named: bool, expected| {
            let mut payment = Payment::new(world, version);
            payment.legacy = legacy;
            payment.instructions = instructions(world);
            if named {
                payment.requirements["extra"]["memo"] = world.memo.clone().into();
            }
            cases.push(Case::new(format!("{name}, {kind}"), &payment, expected));
        };
        for (name, instructions, honours_memo) in CLIENTS {
            add(name, instructions, false, Expected::Valid);
            if honours_memo {
                add(name, instructions, true, Expected::Valid);
            }
        }
        // A payment for MPP is none for x402.
        let swapped: Instructions = |world| {
            let [first, second, third] = [price(1), limit(200_000), transfer(world)];
            vec![first, second, third, memo(&world.memo)]
        };
        let refused = Expected::broken(ExactError::ComputeLimit);
        add("@solana/mpp", swapped, true, refused);
    }
    cases
}
