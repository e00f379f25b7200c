//! Random orders of instructions, and mutated bytes.

use crate::case::{Case, Expected};
use crate::instructions::{foreign, guard, limit, memo, price, transfer};
use crate::payment::Payment;
use crate::world::World;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use solana_instruction::{AccountMeta, Instruction};
use solana_message::AddressLookupTableAccount;
use solana_signer::Signer;
use std::rc::Rc;
use tollgate_client::Pubkey;
use tollgate_gate::x402::Version;

/// Most instructions of a random payment.
const MOST_INSTRUCTIONS: usize = 9;

/// Payments of random instructions: mostly the beginning that is asked for, so that
/// the later rules are reached.
pub fn instructions(random: &mut StdRng, version: Version, count: usize) -> Vec<Case> {
    (0..count)
        .map(|number| {
            let world = World::random(random);
            let mut payment = Payment::new(&world, version);
            shuffle(random, &mut payment);
            Case::new(
                format!("random instructions {number}"),
                &payment,
                Expected::Agreement,
            )
        })
        .collect()
}

fn shuffle(random: &mut StdRng, payment: &mut Payment) {
    let world = payment.world.clone();
    payment.legacy = random.random_ratio(1, 3);
    let mut instructions = payment.instructions[..3].to_vec();
    if random.random_ratio(1, 4) {
        instructions.truncate(random.random_range(0..3));
    }
    let more = random.random_range(0..=MOST_INSTRUCTIONS - instructions.len());
    instructions.extend((0..more).map(|_| instruction(random, &world)));
    if random.random_ratio(1, 4) && !instructions.is_empty() {
        let (from, to) = (
            random.random_range(0..instructions.len()),
            random.random_range(0..instructions.len()),
        );
        instructions.swap(from, to);
    }
    if random.random_ratio(1, 2) {
        payment.requirements["extra"]["memo"] = world.memo.clone().into();
    }
    if random.random_ratio(1, 4) {
        disturb(random, &world, &mut instructions);
    }
    if !payment.legacy && random.random_ratio(1, 10) {
        payment.lookups = vec![AddressLookupTableAccount {
            key: Pubkey::new_from_array(random.random()),
            addresses: vec![world.destination(), world.mint],
        }];
    }
    if random.random_ratio(1, 10) {
        let signers = [world.payer.pubkey(), world.stranger.pubkey()];
        payment.unsigned = signers.choose(random).copied().into_iter().collect();
    }
    payment.instructions = instructions;
}

/// An instruction that may be part of a payment, or may not.
fn instruction(random: &mut StdRng, world: &World) -> Instruction {
    match random.random_range(0..12) {
        0 => limit(random.random()),
        1 => price(random.random_range(4_999_990..5_000_010)),
        2 => transfer(world),
        3 => foreign(world),
        4 | 5 => guard(&[world.source()]),
        6 => guard(&[world.relay.pubkey()]),
        7..=9 => memo(&world.memo),
        _ => memo(format!("{:016x}", random.random::<u64>())),
    }
}

/// Puts another key in the place of an account of one instruction.
fn disturb(random: &mut StdRng, world: &World, instructions: &mut [Instruction]) {
    let keys = [
        world.relay.pubkey(),
        world.other_relay.pubkey(),
        world.stranger.pubkey(),
        world.destination(),
        world.pay_to,
    ];
    let key = *keys.choose(random).expect("there are keys");
    let is_signer = random.random();
    let Some(last) = instructions.len().checked_sub(1) else {
        return;
    };
    let instruction = &mut instructions[random.random_range(0..=last)];
    let place = random.random_range(0..=instruction.accounts.len());
    let account = AccountMeta::new(key, is_signer);
    match instruction.accounts.get_mut(place) {
        Some(old) => *old = account,
        None => instruction.accounts.push(account),
    }
}

/// Valid payments with some bytes changed: after they were signed, or before, so that
/// the rules behind the signatures are reached.
pub fn mutations(random: &mut StdRng, version: Version, count: usize) -> Vec<Case> {
    let mut world = World::random(random);
    (0..count)
        .map(|number| {
            if number.is_multiple_of(10) {
                world = World::random(random);
            }
            mutation(random, &world, version, number)
        })
        .collect()
}

fn mutation(random: &mut StdRng, world: &Rc<World>, version: Version, number: usize) -> Case {
    let mut payment = Payment::new(world, version);
    payment.legacy = random.random();
    if random.random() {
        payment.with_memo();
    }
    let changes: Vec<(u32, Change)> = (0..random.random_range(1..=3))
        .map(|_| (random.random(), Change::random(random)))
        .collect();
    let mutate = Box::new(move |bytes: &mut Vec<u8>| {
        for (place, change) in &changes {
            change.apply(bytes, usize::try_from(*place).expect("32 bits"));
        }
    });
    let signed = random.random_ratio(2, 3);
    if signed {
        payment.before_signing = Some(mutate);
    } else {
        payment.after_signing = Some(mutate);
    }
    let when = if signed { "before" } else { "after" };
    let name = format!("mutation {number}, {when} signing");
    Case::new(name, &payment, Expected::Agreement)
}

/// A change to bytes at one place.
#[derive(Clone, Copy)]
enum Change {
    Flip(u8),
    Set(u8),
    Step,
    Insert(u8),
    Remove,
    Truncate,
}

impl Change {
    fn random(random: &mut StdRng) -> Self {
        match random.random_range(0..12) {
            0..=4 => Self::Flip(1 << random.random_range(0..8)),
            5 | 6 => Self::Set(random.random()),
            7 | 8 => Self::Step,
            9 => Self::Insert(random.random()),
            10 => Self::Remove,
            _ => Self::Truncate,
        }
    }

    fn apply(self, bytes: &mut Vec<u8>, place: usize) {
        let Some(place) = place.checked_rem(bytes.len()) else {
            return;
        };
        match self {
            Self::Flip(bit) => bytes[place] ^= bit,
            Self::Set(value) => bytes[place] = value,
            Self::Step => bytes[place] = bytes[place].wrapping_add(1),
            Self::Insert(value) => bytes.insert(place, value),
            Self::Remove => drop(bytes.remove(place)),
            // Rarely far from the end, or nothing would be left to look at.
            Self::Truncate => bytes.truncate(bytes.len() - place % 8),
        }
    }
}
