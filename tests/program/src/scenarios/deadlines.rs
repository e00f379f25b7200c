//! Valid while now is before the deadline, over from the deadline on.

use crate::World;
use crate::world::{DAY, PRICE};
use tollgate::constants::MAX_INTENT_LIFETIME;
use tollgate_client::{Credits, IntentTerms, Offer, TollgateError, UnixSeconds};

pub fn an_intent_is_payable_until_its_last_second(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let start = world.now();
    for (id, offset, payable) in [(1, -1, true), (2, 0, false), (3, 1, false)] {
        world.set_time(start);
        let (_, payment) = world.open_intent(id);
        let pay = world.addresses.pay(&payment);
        world.set_time(UnixSeconds(start.0 + 3_600 + offset));
        if payable {
            world.send(&[pay], &[&payer]).unwrap();
        } else {
            world.refused(&[pay], &[&payer], TollgateError::IntentExpired);
        }
    }
    assert_eq!(world.vault_balance(), PRICE);
}

pub fn an_intent_must_expire_within_thirty_days(world: &mut World) {
    let payer = world.payer.insecure_clone();
    let now = world.now().0;
    let latest = now + MAX_INTENT_LIFETIME.0 as i64;
    let offer = Offer {
        amount: PRICE,
        access: DAY,
        credits: Credits(0),
    };
    for (id, expires_at, accepted) in [
        (1, i64::MIN, false),
        (2, 0, false),
        (3, now - 1, false),
        (4, now, false),
        (5, now + 1, true),
        (6, latest - 1, true),
        (7, latest, true),
        (8, latest + 1, false),
        (9, i64::MAX, false),
    ] {
        let mut new = world.new_intent(&payer, id, IntentTerms::ListPrice(offer));
        new.expires_at = UnixSeconds(expires_at);
        let create = world.addresses.create_intent(&new);
        if accepted {
            world.send(&[create], &[&payer]).unwrap();
        } else {
            world.refused(&[create], &[&payer], TollgateError::ExpiryInvalid);
        }
    }
}
