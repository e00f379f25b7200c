//! What is logged, read by the IDL alone; and what is called on the way.

use crate::schema::{Schema, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use solana_instruction::Instruction;
use std::collections::BTreeSet;
use tollgate_client::PROGRAM_ID;
use tollgate_program_tests::rehearsal::Rehearsal;
use tollgate_program_tests::substitution::idl::InstructionShape;

#[test]
fn every_transition_logs_one_event_that_the_idl_can_read() {
    let schema = Schema::kept();
    let known = schema.discriminators("events");
    let mut seen = BTreeSet::new();
    Rehearsal::default().each(|rehearsal, shape, instruction| {
        let executed = rehearsal.send(std::slice::from_ref(instruction)).unwrap();
        let logged: Vec<Vec<u8>> = executed
            .logs
            .iter()
            .filter_map(|line| line.strip_prefix("Program data: "))
            .map(|line| STANDARD.decode(line).unwrap())
            .collect();
        let [event] = logged.as_slice() else {
            panic!("{} logged {} events", shape.name, logged.len());
        };
        let names: Vec<_> = known
            .iter()
            .filter(|(_, discriminator)| event.starts_with(discriminator))
            .collect();
        let [(name, discriminator)] = names.as_slice() else {
            panic!("{} logged what the IDL does not know", shape.name);
        };
        let mut fields = &event[discriminator.len()..];
        let value = schema.read(name, &mut fields).unwrap();
        assert!(fields.is_empty(), "{name} is longer than the IDL says");
        require_same_accounts(name, &value, shape, instruction);
        seen.insert((*name).clone());
    });
    let all: BTreeSet<String> = known.into_keys().collect();
    assert_eq!(seen, all, "events of the IDL and those that were logged");
}

/// A field that is called like a slot holds that slot's account.
fn require_same_accounts(
    event: &str,
    value: &Value,
    shape: &InstructionShape,
    instruction: &Instruction,
) {
    let mut compared = 0;
    for (slot, meta) in shape.slots.iter().zip(&instruction.accounts) {
        if let Some(field) = value.get(&slot.name) {
            assert_eq!(
                text(field),
                meta.pubkey.to_string(),
                "{event}.{}",
                slot.name
            );
            compared += 1;
        }
    }
    assert!(compared > 0, "{event} names no account of {}", shape.name);
}

/// Only SPL Token and the system program are ever called, and one level deep: nobody
/// is kept from any instruction by how deep it is called itself, events come without
/// a call, and no signature reaches another program.
#[test]
fn only_token_and_system_are_called_and_one_level_deep() {
    let mut called = BTreeSet::new();
    Rehearsal::default().each(|rehearsal, shape, instruction| {
        let executed = rehearsal.send(std::slice::from_ref(instruction)).unwrap();
        for line in &executed.logs {
            let Some((program, depth)) = line
                .strip_prefix("Program ")
                .and_then(|line| line.split_once(" invoke ["))
            else {
                continue;
            };
            match depth {
                "1]" => assert_eq!(program, PROGRAM_ID.to_string(), "{}", shape.name),
                "2]" => drop(called.insert(program.to_owned())),
                _ => panic!("{} calls deeper: {line}", shape.name),
            }
        }
    });
    let expected = [
        spl_token_interface::ID,
        solana_system_interface::program::ID,
    ];
    assert_eq!(called, expected.map(|program| program.to_string()).into());
}
