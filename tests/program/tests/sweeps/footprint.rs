//! What `pay` writes: nothing that two payments share but the vault, so that payments
//! do not wait for each other longer than a transfer takes.

use std::collections::BTreeSet;
use tollgate_program_tests::rehearsal::Rehearsal;
use tollgate_program_tests::substitution::stage::Kind;

#[test]
fn payments_share_the_vault_and_nothing_else() {
    Rehearsal::default().each(|rehearsal, shape, instruction| {
        if shape.name != "pay" {
            return;
        }
        let once = [instruction.clone()];
        let before = rehearsal.snapshot(&once);
        rehearsal.send(&once).unwrap();
        let after = before.again(&mut *rehearsal.stage.world.runtime);
        let changed = before.changed(&after);
        let changed: BTreeSet<&str> = changed
            .iter()
            .map(|address| rehearsal.stage.name_of(address))
            .collect();
        let expected = ["open intent", "entitlement", "purse", "vault"];
        assert_eq!(changed, expected.into());
        // A write lock is taken whether or not anything is written.
        let locked: BTreeSet<&str> = shape
            .slots
            .iter()
            .filter(|slot| slot.writable)
            .map(|slot| slot.name.as_str())
            .collect();
        let expected = ["rent_payer", "intent", "entitlement", "source", "vault"];
        assert_eq!(locked, expected.into());
        let merchant = rehearsal.stage.at("merchant");
        assert_eq!(rehearsal.stage.figures["merchant"].kind, Kind::Merchant);
        let meta = instruction
            .accounts
            .iter()
            .find(|meta| meta.pubkey == merchant);
        assert!(!meta.unwrap().is_writable);
    });
}
