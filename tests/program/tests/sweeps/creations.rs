//! Every account that an instruction creates, over lamports that somebody sent to
//! its address beforehand. Which accounts those are is found out, not listed: each that
//! the instruction brings into being where it was taken away.

use solana_account::Account;
use solana_pubkey::Pubkey;
use std::collections::BTreeSet;
use tollgate_program_tests::Snapshot;
use tollgate_program_tests::rehearsal::Rehearsal;

/// Lamports sent beforehand, given the rent of the account.
const BEFOREHAND: [fn(u64) -> u64; 5] = [
    |_| 1,
    |rent| rent - 1,
    |rent| rent,
    |rent| rent + 1,
    |rent| 10 * rent,
];

#[test]
fn lamports_sent_beforehand_stop_no_creation() {
    let mut found = BTreeSet::new();
    Rehearsal::default().each(|rehearsal, shape, instruction| {
        let once = [instruction.clone()];
        let before = rehearsal.snapshot(&once);
        for (meta, slot) in instruction.accounts.iter().zip(&shape.slots) {
            if meta.is_signer || !meta.is_writable {
                continue;
            }
            put(rehearsal, &meta.pubkey, Account::default());
            let vacated = before.again(&mut *rehearsal.stage.world.runtime);
            let created = rehearsal.send(&once).is_ok();
            let usual = before.again(&mut *rehearsal.stage.world.runtime);
            // Where rent returns to there may be no account either; that is no creation.
            let account = usual.account(&meta.pubkey);
            if let Some(account) = account.filter(|account| created && !account.data.is_empty()) {
                let place = format!("{}.{}", shape.name, slot.name);
                for beforehand in BEFOREHAND {
                    let lamports = beforehand(account.lamports);
                    vacated.restore(&mut *rehearsal.stage.world.runtime);
                    put(
                        rehearsal,
                        &meta.pubkey,
                        Account {
                            lamports,
                            ..Account::default()
                        },
                    );
                    if let Err(failure) = rehearsal.send(&once) {
                        panic!("{place} over {lamports} lamports: {failure:#?}");
                    }
                    let after = before.again(&mut *rehearsal.stage.world.runtime);
                    let rent_payer = shape
                        .slots
                        .iter()
                        .position(|slot| slot.name == "rent_payer")
                        .map(|index| instruction.accounts[index].pubkey)
                        .expect("whoever creates pays rent");
                    require_same(
                        &place,
                        &usual,
                        &after,
                        (&meta.pubkey, &rent_payer),
                        lamports,
                    );
                }
                found.insert(place);
            }
            before.restore(&mut *rehearsal.stage.world.runtime);
        }
    });
    let expected = [
        "create_intent.intent",
        "create_merchant.merchant",
        "create_product.product",
        "pay.entitlement",
        "record_payment.entitlement",
        "settle_deposit.entitlement",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
}

/// As usual, but for the lamports of the two accounts: what was there beforehand was
/// not taken from the rent payer, and what is over stays in the account.
fn require_same(
    place: &str,
    usual: &Snapshot,
    after: &Snapshot,
    (created, rent_payer): (&Pubkey, &Pubkey),
    beforehand: u64,
) {
    let rent = usual.lamports(created);
    assert_eq!(
        after.lamports(created),
        rent.max(beforehand),
        "{place} over {beforehand} lamports"
    );
    assert_eq!(
        after.lamports(rent_payer) - usual.lamports(rent_payer),
        rent.min(beforehand),
        "{place} over {beforehand} lamports: the rent payer"
    );
    for address in usual.changed(after) {
        let pair = [usual, after].map(|snapshot| {
            let account = snapshot.account(&address);
            account.map(|account| (account.owner, account.data.clone()))
        });
        assert!(address == *created || address == *rent_payer, "{place}");
        assert_eq!(pair[0], pair[1], "{place} over {beforehand} lamports");
    }
}

fn put(rehearsal: &mut Rehearsal, address: &Pubkey, account: Account) {
    rehearsal.stage.world.runtime.set_account(*address, account);
}
