//! How an outcome is written down.

use super::stage::Kind;
use crate::Failure;
use solana_pubkey::Pubkey;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Who refused and with which code.
pub fn code(failure: &Failure) -> String {
    let Some(custom) = failure.custom() else {
        return format!("{:?}", failure.error);
    };
    // The innermost program that failed logs it first.
    let program = failure
        .logs
        .iter()
        .find_map(|line| line.strip_prefix("Program ")?.split_once(" failed: "))
        .map(|(program, _)| program.parse::<Pubkey>());
    if program != Some(Ok(tollgate_client::PROGRAM_ID)) {
        let program = program.and_then(Result::ok).map_or_else(
            || "unknown program".to_owned(),
            |program| {
                if program == spl_token_interface::ID {
                    "SPL Token".to_owned()
                } else if program == solana_system_interface::program::ID {
                    "the system program".to_owned()
                } else {
                    program.to_string()
                }
            },
        );
        return format!("{custom} of {program}");
    }
    if let Some(error) = failure.program() {
        return format!("{custom} {error:?}");
    }
    let name = failure.logs.iter().find_map(|line| {
        let (_, rest) = line.split_once("Error Code: ")?;
        rest.split_once('.').map(|(name, _)| name)
    });
    format!("{custom} {}", name.unwrap_or("of Anchor"))
}

/// What accounts of a kind are called in the table.
pub fn group_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Key => "keys",
        Kind::Merchant => "merchants",
        Kind::Product => "products",
        Kind::Intent => "intents",
        Kind::Entitlement => "entitlements",
        Kind::Mint => "mints",
        Kind::TokenAccount => "token accounts",
        Kind::Program => "programs",
        Kind::Nothing => "no account",
    }
}

/// One line when all of a group came to the same, else one for each outcome.
pub fn write_group(table: &mut String, group: &str, outcomes: &[(String, String)]) {
    let mut by_outcome: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, outcome) in outcomes {
        by_outcome.entry(outcome).or_default().push(name);
    }
    let single = by_outcome.len() == 1;
    for (outcome, names) in by_outcome {
        if single && group != "special" {
            writeln!(table, "  all {} {group}: {outcome}", names.len()).unwrap();
        } else {
            writeln!(table, "  {}: {outcome}", names.join(", ")).unwrap();
        }
    }
}
