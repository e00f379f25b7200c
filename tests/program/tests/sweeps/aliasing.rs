//! One account in two slots of an instruction, for every pair of slots.

use solana_pubkey::Pubkey;
use std::collections::BTreeSet;
use tollgate_program_tests::rehearsal::Rehearsal;
use tollgate_program_tests::substitution::outcome::code;

/// Pairs that may be one account: somebody who also pays the rent.
const ONE_PERSON: [&str; 5] = [
    "create_intent: creator as rent_payer",
    "create_merchant: owner as rent_payer",
    "create_product: authority as rent_payer",
    "pay: payer as rent_payer",
    "record_payment: operator as rent_payer",
];

#[test]
fn no_account_plays_two_parts() {
    let mut allowed = BTreeSet::new();
    let mut tried = 0;
    Rehearsal::default().each(|rehearsal, shape, instruction| {
        for (first, kept) in instruction.accounts.iter().enumerate() {
            for (second, replaced) in instruction.accounts.iter().enumerate() {
                if first == second || kept.pubkey == replaced.pubkey {
                    continue;
                }
                let mut aliased = instruction.clone();
                aliased.accounts[second].pubkey = kept.pubkey;
                aliased.accounts[second].is_signer &= can_sign(rehearsal, &kept.pubkey);
                tried += 1;
                let before = rehearsal.snapshot(&[aliased.clone()]);
                let result = rehearsal.send(&[aliased]);
                let after = before.again(&mut *rehearsal.stage.world.runtime);
                let (kept, replaced) = (&shape.slots[first].name, &shape.slots[second].name);
                match result {
                    Ok(_) => {
                        allowed.insert(format!("{}: {kept} as {replaced}", shape.name));
                        before.restore(&mut *rehearsal.stage.world.runtime);
                    }
                    Err(failure) => assert_eq!(
                        before,
                        after,
                        "{}: {kept} as {replaced}: {}",
                        shape.name,
                        code(&failure)
                    ),
                }
            }
        }
    });
    println!("{tried} pairs");
    assert_eq!(allowed, ONE_PERSON.map(str::to_owned).into());
}

fn can_sign(rehearsal: &Rehearsal, key: &Pubkey) -> bool {
    rehearsal.stage.keypair(key).is_some()
}
