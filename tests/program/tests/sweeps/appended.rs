//! Accounts behind those that an instruction takes: they change nothing.

use solana_instruction::AccountMeta;
use solana_pubkey::Pubkey;
use tollgate_program_tests::rehearsal::Rehearsal;

#[test]
fn accounts_that_are_appended_change_nothing() {
    Rehearsal::default().each(|rehearsal, shape, instruction| {
        let once = [instruction.clone()];
        let extras = extras(rehearsal, &instruction.accounts);
        let everything: Vec<AccountMeta> = extras
            .iter()
            .flat_map(|(_, metas)| metas)
            .cloned()
            .collect();
        let mut whole = instruction.clone();
        whole.accounts.extend(everything);
        let before = rehearsal.snapshot(&[whole]);
        rehearsal.send(&once).unwrap();
        let usual = before.again(&mut *rehearsal.stage.world.runtime);
        before.restore(&mut *rehearsal.stage.world.runtime);
        for (what, metas) in extras {
            let mut extended = instruction.clone();
            extended.accounts.extend(metas);
            if let Err(failure) = rehearsal.send(&[extended]) {
                panic!("{} with {what}: {failure:#?}", shape.name);
            }
            let after = before.again(&mut *rehearsal.stage.world.runtime);
            assert_eq!(usual, after, "{} with {what}", shape.name);
            before.restore(&mut *rehearsal.stage.world.runtime);
        }
    });
}

/// What is appended, by name.
fn extras(rehearsal: &Rehearsal, own: &[AccountMeta]) -> Vec<(&'static str, Vec<AccountMeta>)> {
    let stage = &rehearsal.stage;
    let writable = |name: &str| AccountMeta::new(stage.at(name), false);
    vec![
        (
            "an account that nobody made",
            vec![AccountMeta::new_readonly(stage.at("nowhere"), false)],
        ),
        (
            "one more signer",
            vec![AccountMeta::new(rehearsal.fee_payer(), true)],
        ),
        (
            "other people's token accounts",
            vec![
                writable("other payer's purse"),
                writable("rival vault"),
                writable("rival deposit"),
            ],
        ),
        (
            "the rival's accounts of the program",
            vec![
                writable("rival merchant"),
                writable("rival product"),
                writable("rival open intent"),
                writable("rival entitlement"),
            ],
        ),
        (
            "programs",
            vec![
                AccountMeta::new_readonly(tollgate_client::PROGRAM_ID, false),
                AccountMeta::new_readonly(spl_token_interface::ID, false),
            ],
        ),
        ("its own accounts once more", own.to_vec()),
        (
            "sixteen addresses",
            (0..16)
                .map(|byte| AccountMeta::new(Pubkey::new_from_array([byte + 100; 32]), false))
                .collect(),
        ),
    ]
}
