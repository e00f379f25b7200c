//! Every combination of facts, judged by what must never be done with each.

use solana_signature::Signature;
use tollgate_client::{
    Amount, Credits, DurationSeconds, IntentStatus, PaymentId, PaymentIntent, Pubkey, Rail,
    UnixSeconds,
};

use crate::config::Settlement as Way;
use crate::settlement::facts::{Deposit, Facts, Fate, Life, Order, Rival};
use crate::settlement::plan::{CO_SIGN_WITHIN, IN_THE_WAY_FOR, Step, next_step};

const NOW: i64 = 1_800_000_000;
const AMOUNT: Amount = Amount(100);

fn key(number: u8) -> Pubkey {
    Pubkey::new_from_array([number; 32])
}

fn order(way: Way) -> Order {
    Order {
        way,
        product: key(2),
        payer: key(3),
        amount: AMOUNT,
        intent: key(4),
        relay: key(5),
        signature: Signature::from([6; 64]),
    }
}

/// An intent of the order that was made `age` seconds ago.
fn intent(status: IntentStatus, age: u64, amount: Amount) -> PaymentIntent {
    let created_at = UnixSeconds(NOW - i64::try_from(age).unwrap());
    let paid = matches!(status, IntentStatus::Paid | IntentStatus::Refunded);
    PaymentIntent {
        version: 1,
        bump: 255,
        status,
        decimals: 6,
        metered: false,
        rail: if paid { Rail::Deposit } else { Rail::Unpaid },
        rail_code: 0,
        merchant: key(1),
        product: key(2),
        mint: key(7),
        vault: key(8),
        author: key(1),
        payment_id: PaymentId([9; 32]),
        payer: key(3),
        beneficiary: key(3),
        rent_payer: key(5),
        reference: [0; 32],
        amount,
        refunded: if status == IntentStatus::Refunded {
            amount
        } else {
            Amount(0)
        },
        access: DurationSeconds(60),
        credits: Credits(0),
        refund_window: DurationSeconds(3_600),
        created_at,
        expires_at: UnixSeconds(created_at.0 + 900),
        paid_at: if paid { created_at } else { UnixSeconds(0) },
        refund_until: if paid {
            UnixSeconds(created_at.0 + 3_600)
        } else {
            UnixSeconds(0)
        },
        generation: 0,
    }
}

fn fates() -> [Fate; 6] {
    [
        Fate::Landed,
        Fate::Failed,
        Fate::OnItsWay,
        Fate::Unseen(Life::Usable),
        Fate::Unseen(Life::Expiring),
        Fate::Unseen(Life::Over),
    ]
}

fn intents() -> Vec<Option<PaymentIntent>> {
    let statuses = [
        IntentStatus::Open,
        IntentStatus::Paid,
        IntentStatus::Cancelled,
        IntentStatus::Refunded,
    ];
    let ages = [0, 1, CO_SIGN_WITHIN.0, IN_THE_WAY_FOR.0, 899, 900, 4_000];
    let mut all = vec![None];
    for status in statuses {
        for age in ages {
            for amount in [AMOUNT, Amount(200)] {
                all.push(Some(intent(status, age, amount)));
            }
        }
    }
    all
}

fn rivals() -> Vec<Option<Vec<Rival>>> {
    let rival = |age, deposit| Rival {
        address: key(20),
        intent: intent(IntentStatus::Open, age, AMOUNT),
        deposit,
    };
    let mut all = vec![None, Some(Vec::new())];
    for age in [0, 1, 30, IN_THE_WAY_FOR.0, 899] {
        for deposit in [
            Deposit::Absent,
            Deposit::Holds(Amount(1)),
            Deposit::Holds(AMOUNT),
        ] {
            all.push(Some(vec![rival(age, deposit)]));
        }
    }
    all
}

/// Every combination.
fn everything(mut judge: impl FnMut(&Order, &Facts, Step)) -> usize {
    let mut count = 0;
    let deposits = [
        Deposit::Absent,
        Deposit::Holds(Amount(0)),
        Deposit::Holds(Amount(99)),
        Deposit::Holds(AMOUNT),
        Deposit::Holds(Amount(200)),
    ];
    let natives = [
        None,
        Some(IntentStatus::Open),
        Some(IntentStatus::Paid),
        Some(IntentStatus::Refunded),
    ];
    for way in [Way::Deposit, Way::Vault] {
        let order = order(way);
        for intent in intents() {
            for deposit in deposits {
                for fate in fates() {
                    for native in natives {
                        for rivals in rivals() {
                            for bits in 0..8_u8 {
                                let facts = Facts {
                                    now: UnixSeconds(NOW),
                                    for_sale: bits & 1 > 0,
                                    intent,
                                    deposit,
                                    holds_access: bits & 2 > 0,
                                    native,
                                    funds: if bits & 4 > 0 { AMOUNT } else { Amount(99) },
                                    fate,
                                    rivals: rivals.clone(),
                                };
                                let step = next_step(&order, &facts);
                                judge(&order, &facts, step);
                                count += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    count
}

fn is_open(facts: &Facts) -> bool {
    facts
        .intent
        .is_some_and(|intent| intent.status == IntentStatus::Open && facts.now < intent.expires_at)
}

fn age(facts: &Facts) -> u64 {
    let intent = facts.intent.unwrap();
    u64::try_from(facts.now.0 - intent.created_at.0).unwrap()
}

#[test]
fn nothing_is_sent_without_a_fresh_flag_that_yields_to_nobody() {
    let count = everything(|order, facts, step| {
        if step != Step::Submit {
            return;
        }
        assert!(is_open(facts), "{facts:?}");
        assert!(age(facts) < CO_SIGN_WITHIN.0);
        assert_eq!(facts.intent.unwrap().amount, AMOUNT);
        assert_eq!(facts.fate, Fate::Unseen(Life::Usable));
        assert!(!facts.holds_access && facts.for_sale);
        assert!(order.way == Way::Vault || facts.deposit.amount() < AMOUNT);
        assert!(!matches!(
            facts.native,
            Some(IntentStatus::Paid | IntentStatus::Refunded)
        ));
        for rival in facts.rivals.as_ref().unwrap() {
            assert!(rival.deposit.amount() < rival.intent.amount);
            let young =
                facts.now.0 - rival.intent.created_at.0 < i64::try_from(IN_THE_WAY_FOR.0).unwrap();
            let older = rival.intent.created_at <= facts.intent.unwrap().created_at;
            assert!(!(young && older), "{facts:?}");
        }
    });
    println!("{count} combinations");
}

#[test]
fn nobody_is_asked_to_pay_again_while_money_may_be_on_its_way() {
    everything(|order, facts, step| {
        let refused = matches!(step, Step::Refuse(_));
        if facts.fate == Fate::OnItsWay && order.way == Way::Deposit {
            let kept = facts
                .intent
                .is_some_and(|intent| intent.status == IntentStatus::Paid);
            assert!(!refused || !kept, "{facts:?}");
        }
        if facts.fate == Fate::OnItsWay && facts.intent.is_none() {
            assert!(!refused, "{facts:?}");
        }
        if is_open(facts) && order.way == Way::Deposit {
            let full = facts.deposit.amount() >= facts.intent.unwrap().amount;
            // It is made a payment of, or given back; no other end.
            let ended = matches!(step, Step::Sweep(_) | Step::GiveBack);
            assert!(!full || ended, "{facts:?} {step:?}");
            assert!(full || step != Step::Sweep(order.intent), "{facts:?}");
        }
        if is_open(facts) && facts.fate == Fate::Landed {
            assert!(!refused && step != Step::Submit, "{facts:?} {step:?}");
            if order.way == Way::Vault {
                assert_eq!(step, Step::Record { renew: false });
            }
        }
        // A flag that may still get its money is never made anew.
        if let Step::Create { renew: true } = step
            && is_open(facts)
        {
            assert!(age(facts) >= IN_THE_WAY_FOR.0, "{facts:?}");
        }
        // While another transaction of the same id may be on its way.
        if is_open(facts) && age(facts) < IN_THE_WAY_FOR.0 {
            let over = matches!(facts.fate, Fate::Unseen(Life::Expiring | Life::Over));
            assert!(!(over && refused), "{facts:?}");
        }
    });
}

#[test]
fn access_is_said_to_stand_only_where_it_was_read() {
    everything(|order, facts, step| match step {
        Step::Serve { paid } => {
            assert!(facts.holds_access, "{facts:?}");
            if paid {
                assert_eq!(facts.intent.unwrap().status, IntentStatus::Paid);
                assert!(order.way == Way::Vault || facts.fate == Fate::Landed);
            } else {
                // The signature proves the key while its blockhash is young.
                let proven = facts.fate == Fate::Unseen(Life::Usable)
                    || (facts.fate == Fate::Landed && age(facts) < 600);
                assert!(proven, "{facts:?}");
            }
        }
        Step::Duplicate => assert!(!facts.holds_access, "{facts:?}"),
        // Money that has come into a purchase which is over goes back first.
        Step::Refuse(_)
            if facts
                .intent
                .is_some_and(|intent| intent.status == IntentStatus::Cancelled) =>
        {
            assert!(facts.deposit.amount().is_zero(), "{facts:?}");
        }
        _ => {}
    });
}

#[test]
fn two_rails_for_one_id_end_in_one_price() {
    everything(|_, facts, step| {
        let native_paid = facts.native == Some(IntentStatus::Paid);
        let Some(intent) = facts.intent.filter(|_| native_paid) else {
            return;
        };
        if intent.status == IntentStatus::Paid
            && intent.rail == Rail::Deposit
            && facts.now < intent.refund_until
        {
            assert_eq!(step, Step::Refund, "{facts:?}");
        }
        if is_open(facts) {
            assert_ne!(step, Step::Submit);
        }
    });
}

#[test]
fn the_purchase_of_somebody_else_is_not_touched() {
    let order = order(Way::Deposit);
    let own = intent(IntentStatus::Open, 1, AMOUNT);
    let foreign = [
        PaymentIntent {
            beneficiary: key(40),
            ..own
        },
        PaymentIntent {
            payer: Pubkey::default(),
            ..own
        },
        PaymentIntent {
            product: key(40),
            ..own
        },
        PaymentIntent {
            rent_payer: key(40),
            ..own
        },
        PaymentIntent {
            author: key(3),
            ..own
        },
    ];
    for intent in foreign {
        for fate in fates() {
            let facts = Facts {
                now: UnixSeconds(NOW),
                for_sale: true,
                intent: Some(intent),
                deposit: Deposit::Holds(AMOUNT),
                holds_access: false,
                native: None,
                funds: AMOUNT,
                fate,
                rivals: Some(Vec::new()),
            };
            assert!(matches!(next_step(&order, &facts), Step::Refuse(_)));
        }
    }
}
