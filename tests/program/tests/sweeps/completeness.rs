//! The tables of the scenarios against the IDL.

use crate::schema::{Schema, list, text};
use std::collections::BTreeSet;
use tollgate_program_tests::scenarios::{amounts, timetable};

#[test]
fn every_time_in_an_account_is_a_deadline_or_has_a_reason() {
    let schema = Schema::kept();
    let mut times = BTreeSet::from(["CreateIntentArgs.expires_at".to_owned()]);
    for account in list(&schema.idl["accounts"]) {
        let name = text(&account["name"]);
        let ty = serde_json::json!({ "defined": { "name": name } });
        let numbers = schema.numbers(&ty, &name);
        let of_time = numbers
            .into_iter()
            .filter(|(_, ty)| ty == "UnixSeconds" || ty == "i64");
        times.extend(of_time.map(|(path, _)| path));
    }
    let deadlines = timetable::DEADLINES.iter().map(|row| row.field);
    let others = timetable::NO_DEADLINES.iter().map(|(field, _)| *field);
    let listed: BTreeSet<String> = deadlines.chain(others).map(str::to_owned).collect();
    assert_eq!(listed, times);
    let swept: BTreeSet<&str> = timetable::SWEPT.iter().copied().collect();
    let deadlines: BTreeSet<&str> = timetable::DEADLINES.iter().map(|row| row.field).collect();
    assert_eq!(swept, deadlines, "a row that no scenario sweeps");
}

#[test]
fn every_number_in_an_argument_is_swept() {
    let schema = Schema::kept();
    let mut arguments = BTreeSet::new();
    for instruction in list(&schema.idl["instructions"]) {
        let name = text(&instruction["name"]);
        for argument in list(&instruction["args"]) {
            let numbers = schema.numbers(&argument["type"], &name);
            arguments.extend(numbers.into_iter().map(|(path, _)| path));
        }
    }
    // A deadline, in the timetable.
    assert!(arguments.remove("create_intent.expires_at"));
    let listed: BTreeSet<String> = amounts::ARGUMENTS
        .iter()
        .map(|argument| argument.name)
        .filter(|name| !name.contains(' '))
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, arguments);
    for argument in amounts::ARGUMENTS {
        let swept = |prefix: &&str| argument.name.starts_with(prefix);
        assert!(amounts::SWEPT.iter().any(swept), "{}", argument.name);
        assert!(argument.rows.iter().any(|(value, _)| *value == 0));
        assert!(argument.rows.iter().any(|(value, _)| *value == 1));
        let largest = argument.rows.iter().map(|(value, _)| *value).max();
        assert!(largest >= Some(u64::from(u16::MAX)), "{}", argument.name);
    }
}
