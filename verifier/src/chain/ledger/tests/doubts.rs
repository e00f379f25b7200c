//! News of which it is not known whether they hold.

use super::*;

#[test]
fn a_notice_of_lesser_commitment_only_takes_away() {
    let (mut ledger, view, key, other) = (ledger(), live(), key(1), key(2));
    ledger.merge(
        &key,
        Some(&entitlement(&key, 1)),
        120,
        Source::Feed,
        NOW,
        &view,
    );
    ledger.doubt(&key);
    ledger.doubt(&other);
    assert_eq!(ask(&mut ledger, &key, NOW, &view), None);
    assert_eq!(ask(&mut ledger, &other, NOW, &view), None);
    // A read settles it, also as of the same slot.
    let state = entitlement(&key, 1);
    ledger.merge(&key, Some(&state), 120, Source::Read(NOW), NOW, &view);
    assert_eq!(ask(&mut ledger, &key, NOW, &view), Some(true));
}
