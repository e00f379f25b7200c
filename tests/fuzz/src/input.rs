//! What the program is given.

use crate::bytes::{mutate, noise};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;
use tollgate_client::PROGRAM_ID;
use tollgate_program_tests::rehearsal::Rehearsal;
use tollgate_program_tests::substitution::stage::Kind;

/// Instructions of the program in one transaction, accounts that are not as the stage
/// has them, and the time.
#[derive(Clone, Debug)]
pub struct Input {
    /// Most of the time one.
    pub instructions: Vec<Instruction>,
    /// Accounts that nobody could have made so.
    pub planted: BTreeMap<Pubkey, Account>,
    /// Chain time.
    pub now: i64,
}

/// What mutations choose from.
pub struct Material {
    /// Every instruction as it should be, with its time.
    pub valid: Vec<Input>,
    keys: Vec<Pubkey>,
    programs: Vec<Pubkey>,
    accounts: BTreeMap<Pubkey, Account>,
    keys_as_bytes: Vec<Vec<u8>>,
    accounts_as_bytes: Vec<Vec<u8>>,
    data: Vec<Vec<u8>>,
}

impl Material {
    /// Of a stage.
    pub fn gather(rehearsal: &mut Rehearsal) -> Self {
        let mut valid = Vec::new();
        rehearsal.each(|rehearsal, _, instruction| {
            valid.push(Input {
                instructions: vec![instruction.clone()],
                planted: BTreeMap::new(),
                now: rehearsal.stage.world.now().0,
            });
        });
        let snapshot = rehearsal.snapshot(&[]);
        let accounts: BTreeMap<Pubkey, Account> = snapshot
            .iter()
            .filter_map(|(address, account)| Some((*address, account?.clone())))
            .collect();
        let keys: Vec<Pubkey> = rehearsal
            .stage
            .figures
            .values()
            .map(|figure| figure.address)
            .chain([Pubkey::default()])
            .collect();
        let programs = rehearsal
            .stage
            .figures
            .values()
            .filter(|figure| figure.kind == Kind::Program)
            .map(|figure| figure.address)
            .collect();
        Self {
            data: valid
                .iter()
                .map(|input| input.instructions[0].data.clone())
                .collect(),
            keys_as_bytes: keys.iter().map(|key| key.to_bytes().to_vec()).collect(),
            accounts_as_bytes: accounts
                .values()
                .map(|account| account.data.clone())
                .collect(),
            valid,
            keys,
            programs,
            accounts,
        }
    }
}

impl Material {
    /// Executable accounts, which no input changes.
    pub fn programs(&self) -> &[Pubkey] {
        &self.programs
    }

    /// Which of the IDL's instructions this is, by its discriminator.
    pub fn position(&self, instruction: &Instruction) -> Option<usize> {
        let discriminator = instruction.data.get(..8)?;
        self.data
            .iter()
            .position(|data| data.starts_with(discriminator))
    }

    /// Bytes of real accounts.
    pub fn account_bytes(&self) -> &[Vec<u8>] {
        &self.accounts_as_bytes
    }
}

impl Input {
    /// Whether every account is as the program and the token program left it, so that
    /// the rules of the program must hold, and not only its robustness.
    pub fn is_genuine(&self) -> bool {
        self.planted.is_empty()
    }

    /// Something close to `self`.
    pub fn mutated(&self, random: &mut StdRng, material: &Material) -> Self {
        let mut input = self.clone();
        for _ in 0..random.random_range(1..=3) {
            match random.random_range(0..16) {
                0..=4 => input.mutate_data(random, material),
                5..=9 => input.mutate_slots(random, material),
                10..=13 => input.plant(random, material),
                14 => input.now = time(random, input.now),
                _ => input.append(random, material),
            }
        }
        input
    }

    fn mutate_data(&mut self, random: &mut StdRng, material: &Material) {
        let instruction = pick(random, &mut self.instructions);
        let mut others = material.keys_as_bytes.clone();
        others.extend(material.data.iter().cloned());
        match random.random_range(0..8) {
            // Behind the discriminator, so that it reaches a handler.
            0..=5 if instruction.data.len() > 8 => {
                let mut arguments = instruction.data.split_off(8);
                mutate(random, &mut arguments, &others);
                instruction.data.extend(arguments);
            }
            6 => instruction.data = noise(random, 300),
            _ => mutate(random, &mut instruction.data, &others),
        }
    }

    fn mutate_slots(&mut self, random: &mut StdRng, material: &Material) {
        let instruction = pick(random, &mut self.instructions);
        let accounts = &mut instruction.accounts;
        let key = *material.keys.choose(random).expect("the stage has keys");
        if accounts.is_empty() {
            accounts.push(AccountMeta::new(key, random.random()));
            return;
        }
        let slot = random.random_range(0..accounts.len());
        match random.random_range(0..10) {
            0..=3 => accounts[slot].pubkey = key,
            4 => accounts[slot].pubkey = accounts[random.random_range(0..accounts.len())].pubkey,
            5 => accounts[slot].is_signer ^= true,
            6 => accounts[slot].is_writable ^= true,
            7 => accounts.truncate(slot),
            8 => accounts.insert(slot, AccountMeta::new_readonly(key, random.random())),
            _ => {
                let other = random.random_range(0..accounts.len());
                accounts.swap(slot, other);
            }
        }
    }

    /// Changes an account that the instructions take. Executable accounts stay.
    fn plant(&mut self, random: &mut StdRng, material: &Material) {
        let keys: Vec<Pubkey> = self
            .instructions
            .iter()
            .flat_map(|instruction| &instruction.accounts)
            .map(|meta| meta.pubkey)
            .filter(|key| !material.programs.contains(key))
            .collect();
        let Some(key) = keys.choose(random) else {
            return;
        };
        let genuine = || material.accounts.get(key).cloned().unwrap_or_default();
        let mut account = self.planted.remove(key).unwrap_or_else(genuine);
        match random.random_range(0..10) {
            0..=4 => {
                let others = if random.random() {
                    &material.keys_as_bytes
                } else {
                    &material.accounts_as_bytes
                };
                mutate(random, &mut account.data, others);
            }
            5 => account.data = noise(random, 500),
            6 => {
                let others: Vec<&Account> = material.accounts.values().collect();
                account = (*others.choose(random).expect("there are accounts")).clone();
            }
            7 => {
                account.owner = *[
                    PROGRAM_ID,
                    spl_token_interface::ID,
                    solana_system_interface::program::ID,
                    Pubkey::new_from_array([7; 32]),
                ]
                .choose(random)
                .expect("there are owners");
            }
            8 => {
                account.lamports = *[0, 1, account.lamports / 2, 1 << 40, 1 << 62]
                    .choose(random)
                    .expect("there are lamports");
            }
            _ => account.data.resize(random.random_range(0..20_000), 0),
        }
        self.planted.insert(*key, account);
    }

    fn append(&mut self, random: &mut StdRng, material: &Material) {
        if self.instructions.len() < 3 {
            let other = material.valid.choose(random).expect("there is valid input");
            self.instructions.extend(other.instructions.iter().cloned());
        } else {
            self.instructions.remove(0);
        }
    }
}

fn pick<'a>(random: &mut StdRng, instructions: &'a mut [Instruction]) -> &'a mut Instruction {
    let index = random.random_range(0..instructions.len());
    &mut instructions[index]
}

/// Around the deadlines of the stage, and where sums of times leave their range.
fn time(random: &mut StdRng, now: i64) -> i64 {
    const HOUR: i64 = 3_600;
    const DAY: i64 = 86_400;
    let near = [HOUR, DAY, DAY + HOUR]
        .choose(random)
        .expect("there are spans");
    match random.random_range(0..8) {
        0..=3 => now.saturating_add(near + random.random_range(-1..=1)),
        4 => now.saturating_add(random.random_range(0..DAY * 40_000)),
        5 => now.saturating_sub(random.random_range(0..DAY)),
        6 => i64::MAX - random.random_range(0..DAY),
        _ => random.random(),
    }
}
