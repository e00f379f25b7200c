//! Every account slot of every instruction, with every account that could be put
//! there by mistake or by malice. The slots come from the IDL, the accounts from a
//! stage with two complete merchants, so that neither list is written by hand.

pub mod allowed;
mod harm;
pub mod idl;
pub mod instances;
pub mod outcome;
pub mod stage;

use crate::{Failure, World};
use allowed::reason_to_allow;
use harm::require_harmless;
use idl::{InstructionShape, require_shape};
use instances::{Instance, instance};
use outcome::{code, group_name, write_group};
use solana_account::Account;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use stage::{Figure, Kind, Stage};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use tollgate_client::UnixSeconds;
use tollgate_localnet::test_keypair;

/// What the substitutions came to.
#[derive(Default)]
pub struct Report {
    /// Every outcome, grouped for the eye: one line for each slot and group.
    pub table: String,
    /// How many substitutions were tried.
    pub tried: usize,
    /// How many of them succeeded, each for a reason that [`allowed`] gives.
    pub allowed: usize,
    /// Successes without a reason, and reasons without a success.
    pub surprises: Vec<String>,
}

/// One account in the place of another.
struct Substitution {
    group: &'static str,
    name: String,
    meta: AccountMeta,
    /// What has to stand at the address of `meta` for this one try.
    planted: Option<Account>,
}

/// The chain before and after the valid instruction.
struct Usual {
    before: Chain,
    after: Chain,
}

/// Accounts by address; `None` where there is none.
type Chain = BTreeMap<Pubkey, Option<Account>>;

/// Tries every substitution of every instruction in `idl`, each instruction in a world
/// of `new_world`; as many at a time as there are processors.
pub fn run(new_world: &(dyn Fn() -> World + Sync), idl: &str) -> Report {
    let shapes = idl::instructions(idl);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut run = Run::new(Stage::new(new_world()));
        let mut reports = BTreeMap::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(shape) = shapes.get(index) else {
                return reports;
            };
            reports.insert(index, run.instruction(shape));
        }
    };
    let reports: BTreeMap<usize, Report> = thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let reports = workers.into_iter().map(|worker| worker.join());
        reports
            .flat_map(|reports| reports.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    let mut whole = Report::default();
    for report in reports.into_values() {
        whole.table += &report.table;
        whole.tried += report.tried;
        whole.allowed += report.allowed;
        whole.surprises.extend(report.surprises);
    }
    whole
}

struct Run {
    stage: Stage,
    fee_payer: Keypair,
    start: UnixSeconds,
    report: Report,
}

impl Run {
    fn new(mut stage: Stage) -> Self {
        let fee_payer = test_keypair("substitution fee payer");
        stage.world.fund(&fee_payer.pubkey());
        let start = stage.world.now();
        Self {
            stage,
            fee_payer,
            start,
            report: Report::default(),
        }
    }

    fn instruction(&mut self, shape: &InstructionShape) -> Report {
        self.stage.world.set_time(self.start);
        let name = &shape.name;
        let Instance { instruction, delay } = instance(&mut self.stage, name)
            .unwrap_or_else(|| panic!("the IDL's {name} is not in the table of instances"));
        require_shape(&instruction, shape);
        self.stage.world.set_time(UnixSeconds(self.start.0 + delay));
        let before = self.chain(&instruction);
        self.send(&instruction)
            .unwrap_or_else(|failure| panic!("{name} as it should be: {failure:#?}"));
        let after = self.chain(&instruction);
        self.restore(&before);
        let usual = Usual { before, after };
        for index in 0..shape.slots.len() {
            self.slot(shape, &instruction, index, &usual);
        }
        std::mem::take(&mut self.report)
    }

    fn slot(&mut self, shape: &InstructionShape, valid: &Instruction, index: usize, usual: &Usual) {
        let right = valid.accounts[index].clone();
        let slot = &shape.slots[index].name;
        let place = format!("{}.{slot}", shape.name);
        let mut outcomes: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
        for substitution in self.substitutions(&right) {
            let what = format!("{place} <- {}", substitution.name);
            let mut instruction = valid.clone();
            instruction.accounts[index] = substitution.meta.clone();
            let original = substitution.planted.map(|account| {
                let address = substitution.meta.pubkey;
                let original = self.stage.world.runtime.account(&address);
                self.stage.world.runtime.set_account(address, account);
                (address, original)
            });
            let before = self.chain(&instruction);
            let result = self.send(&instruction);
            let after = self.chain(&instruction);
            let reason = reason_to_allow(&shape.name, slot, &substitution.name);
            self.report.tried += 1;
            let outcome = match result {
                Err(failure) => {
                    assert_eq!(before, after, "{what}: refused, and yet changed something");
                    if reason.is_some() {
                        let surprise = format!("{what}: allowed, and yet refused");
                        self.report.surprises.push(surprise);
                    }
                    code(&failure)
                }
                Ok(()) => {
                    match reason {
                        None => {
                            self.report.surprises.push(format!("{what}: succeeded"));
                        }
                        Some(_) => {
                            let swapped = [right.pubkey, substitution.meta.pubkey];
                            require_harmless(&what, usual, swapped, &before, &after);
                        }
                    }
                    self.report.allowed += 1;
                    self.restore(&before);
                    format!("allowed: {}", reason.unwrap_or("NO REASON GIVEN"))
                }
            };
            if let Some((address, original)) = original {
                self.restore(&BTreeMap::from([(address, original)]));
            }
            outcomes
                .entry(substitution.group)
                .or_default()
                .push((substitution.name, outcome));
        }
        let right = self.stage.name_of(&right.pubkey);
        writeln!(self.report.table, "{place} (should be: {right})").unwrap();
        for (group, outcomes) in outcomes {
            write_group(&mut self.report.table, group, &outcomes);
        }
    }

    /// Everything that could stand in a slot instead of `right`: every account of its
    /// kind, of both universes, and one of each other kind.
    fn substitutions(&mut self, right: &AccountMeta) -> Vec<Substitution> {
        let mut all = Vec::new();
        let right_kind = self.stage.figures[self.stage.name_of(&right.pubkey)].kind;
        let mut other_kinds = BTreeSet::new();
        for (name, figure) in &self.stage.figures {
            let same_kind = figure.kind == right_kind;
            if figure.address == right.pubkey || !(same_kind || other_kinds.insert(figure.kind)) {
                continue;
            }
            let can_sign = self.stage.keypair(&figure.address).is_some();
            all.push(Substitution {
                group: group_name(figure.kind),
                name: name.clone(),
                meta: AccountMeta {
                    pubkey: figure.address,
                    is_signer: right.is_signer && can_sign,
                    is_writable: right.is_writable,
                },
                planted: None,
            });
        }
        let special = |name: &str, meta: &AccountMeta, planted: Option<Account>| Substitution {
            group: "special",
            name: name.to_owned(),
            meta: meta.clone(),
            planted,
        };
        if right.is_signer {
            let unsigned = AccountMeta {
                is_signer: false,
                ..right.clone()
            };
            all.push(special(
                "the right key without its signature",
                &unsigned,
                None,
            ));
            return all;
        }
        let account = self.stage.world.runtime.account(&right.pubkey);
        let Some(account) = account.filter(|account| account.lamports > 0) else {
            return all;
        };
        let elsewhere = AccountMeta {
            pubkey: test_keypair("substitution copy").pubkey(),
            ..right.clone()
        };
        if !account.executable {
            // Bytes that anybody could write into an account of an own program.
            let forged = Account {
                owner: test_keypair("substitution wrong owner").pubkey(),
                ..account.clone()
            };
            all.push(special(
                "copy of another owner",
                &elsewhere,
                Some(forged.clone()),
            ));
            all.push(special("in place, of another owner", right, Some(forged)));
        }
        // Only token accounts and mints can be made at any address; the program makes
        // its accounts at derived addresses only.
        if account.owner == spl_token_interface::ID {
            all.push(special(
                "copy at another address",
                &elsewhere,
                Some(account),
            ));
        }
        all
    }

    fn send(&mut self, instruction: &Instruction) -> Result<(), Failure> {
        let keys: BTreeSet<Pubkey> = instruction
            .accounts
            .iter()
            .filter(|meta| meta.is_signer)
            .map(|meta| meta.pubkey)
            .collect();
        let mut signers = vec![self.fee_payer.insecure_clone()];
        for key in &keys {
            let keypair = self.stage.keypair(key).expect("its key is known");
            signers.push(keypair.insecure_clone());
        }
        let signers: Vec<&Keypair> = signers.iter().collect();
        let instruction = std::slice::from_ref(instruction);
        let world = &mut self.stage.world;
        world.send_numbered(instruction, &signers).map(|_| ())
    }

    /// Every account of the stage and of the instruction; not the fee payer's.
    fn chain(&mut self, instruction: &Instruction) -> Chain {
        let figures = self.stage.figures.values();
        // Executable accounts cannot change, and are large to compare.
        let (programs, others): (Vec<&Figure>, Vec<&Figure>) =
            figures.partition(|figure| figure.kind == Kind::Program);
        let given = instruction.accounts.iter().map(|meta| meta.pubkey);
        let addresses: BTreeSet<Pubkey> = others
            .iter()
            .map(|figure| figure.address)
            .chain(given)
            .filter(|address| programs.iter().all(|program| program.address != *address))
            .collect();
        addresses
            .into_iter()
            .map(|address| {
                let account = self.stage.world.runtime.account(&address);
                (address, account.filter(|account| account.lamports > 0))
            })
            .collect()
    }

    fn restore(&mut self, chain: &Chain) {
        for (address, account) in chain {
            let now = self.stage.world.runtime.account(address);
            if now.filter(|account| account.lamports > 0) != *account {
                let account = account.clone().unwrap_or_default();
                self.stage.world.runtime.set_account(*address, account);
            }
        }
    }
}
