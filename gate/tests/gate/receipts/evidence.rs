//! What the chain says to a receipt.

use super::*;
use tollgate_gate::receipt::evidence::{check_statement, compare};

#[test]
fn the_address_and_the_statement_are_checked_without_a_chain() {
    let addresses = Addresses::default();
    let network = Network::from_genesis_hash(DEVNET).unwrap();
    assert_eq!(check_statement(&facts(), &addresses, &network), Ok(()));
    type Change = fn(&mut ReceiptFacts);
    let changes: [(Change, ReceiptError); 9] = [
        (|facts| facts.network.push('x'), ReceiptError::Network),
        (
            |facts| facts.grounds.program = public("x"),
            ReceiptError::Program,
        ),
        (
            |facts| facts.grounds.product = public("x"),
            ReceiptError::Address,
        ),
        (
            |facts| facts.grounds.beneficiary = public("x"),
            ReceiptError::Address,
        ),
        (
            |facts| facts.grounds.entitlement = public("x"),
            ReceiptError::Address,
        ),
        (
            |facts| facts.grounds.expires_at = NOW,
            ReceiptError::NotUsable,
        ),
        (
            |facts| facts.grounds.chain_time.0 += 600,
            ReceiptError::NotUsable,
        ),
        (
            |facts| facts.grounds.created_at.0 += 601,
            ReceiptError::NotUsable,
        ),
        (
            |facts| facts.grounds.credits = Some((Credits(3), Credits(3))),
            ReceiptError::NotUsable,
        ),
    ];
    for (index, (change, error)) in changes.into_iter().enumerate() {
        let mut facts = facts();
        change(&mut facts);
        assert_eq!(
            check_statement(&facts, &addresses, &network),
            Err(error),
            "change {index}"
        );
    }
}

#[test]
fn a_later_reading_confirms_explains_or_contradicts() {
    type Change = fn(&mut Entitlement);
    let at = |slot, account: Option<&Entitlement>, stated: &Entitlement| {
        compare(
            &facts_of(stated),
            &Observation {
                slot,
                entitlement: account,
            },
        )
    };
    let base = metered();
    assert_eq!(at(SLOT, Some(&base), &base), Ok(Evidence::Confirmed));
    assert_eq!(
        at(SLOT - 1, Some(&base), &base),
        Err(ReceiptError::ReadingTooOld)
    );
    assert_eq!(at(SLOT, None, &base), Ok(Evidence::Gone));
    let moved: [Change; 6] = [
        |account| account.payments += 1,
        |account| account.status = EntitlementStatus::Revoked,
        |account| account.credits_used.0 += 1,
        |account| account.expires_at = UnixSeconds(NOW.0 + 1),
        |account| {
            account.generation += 1;
            account.metered = false;
            account.credits_granted = Credits(0);
            account.credits_used = Credits(0);
        },
        |account| account.last_intent = public("another intent"),
    ];
    for (index, change) in moved.into_iter().enumerate() {
        let mut account = base;
        change(&mut account);
        assert_eq!(
            at(SLOT + 1, Some(&account), &base),
            Ok(Evidence::MovedOn),
            "{index}"
        );
    }
    // Counted here, not booked there yet.
    let mut unbooked = base;
    unbooked.credits_used.0 -= 1;
    assert_eq!(at(SLOT, Some(&unbooked), &base), Ok(Evidence::Confirmed));
    let mut next_life = base;
    next_life.created_at = UnixSeconds(NOW.0 + 1);
    assert_eq!(at(SLOT + 1, Some(&next_life), &base), Ok(Evidence::Gone));
    let contradictions: [Change; 6] = [
        |account| account.merchant = public("x"),
        |account| account.product = public("x"),
        |account| account.beneficiary = public("x"),
        |account| account.generation -= 1,
        |account| account.metered = false,
        |account| account.created_at.0 -= 1,
    ];
    for (index, change) in contradictions.into_iter().enumerate() {
        let mut account = base;
        change(&mut account);
        assert_eq!(
            at(SLOT + 1, Some(&account), &base),
            Err(ReceiptError::Contradicted),
            "{index}"
        );
    }
    // Another life that began well before the stated reading.
    let mut early = base;
    early.created_at = UnixSeconds(NOW.0 - 61);
    assert_eq!(
        at(SLOT + 1, Some(&early), &base),
        Err(ReceiptError::Contradicted)
    );
}
