//! The same instruction twice: in one transaction, and in two.

use tollgate_program_tests::rehearsal::Rehearsal;
use tollgate_program_tests::substitution::outcome::code;

/// What the second time comes to.
enum Second {
    /// Refused, and the first with it where both stand in one transaction.
    Refused(&'static str),
    /// Nothing: the state after it is the one before.
    Nothing,
    /// The same once more, because its signer signed for it twice.
    Again,
}

fn second(instruction: &str) -> Second {
    const GONE: &str = "3012 AccountNotInitialized";
    const IN_USE: &str = "0 of the system program";
    match instruction {
        "create_merchant" | "create_product" | "create_intent" => Second::Refused(IN_USE),
        "pay" | "settle_deposit" | "record_payment" => Second::Refused("6043 IntentAlreadyPaid"),
        "cancel_intent" => Second::Refused("6044 IntentCancelled"),
        "refund" => Second::Refused("6072 IntentNotPaid"),
        "accept_authority" => Second::Refused("6004 SignerNotAllowed"),
        "reclaim_deposit" | "close_intent" | "close_entitlement" | "close_product" => {
            Second::Refused(GONE)
        }
        "update_merchant" | "update_product" | "propose_authority" | "revoke" | "consume" => {
            Second::Nothing
        }
        "withdraw" => Second::Again,
        other => panic!("nothing is said of a second {other}"),
    }
}

#[test]
fn what_must_not_happen_twice_does_not() {
    Rehearsal::default().each(|rehearsal, shape, instruction| {
        let name = &shape.name;
        let once = [instruction.clone()];
        let twice = [instruction.clone(), instruction.clone()];
        let before = rehearsal.snapshot(&once);
        let together = rehearsal.send(&twice);
        let after_both = rehearsal.snapshot(&once);
        before.restore(&mut *rehearsal.stage.world.runtime);

        rehearsal.send(&once).unwrap();
        let after_first = rehearsal.snapshot(&once);
        let later = rehearsal.send(&once);
        let after_second = rehearsal.snapshot(&once);
        assert_ne!(before, after_first, "{name}: the first one does something");
        match second(name) {
            Second::Refused(expected) => {
                assert_eq!(code(&together.unwrap_err()), expected, "{name}, together");
                assert_eq!(before, after_both, "{name}: half of a transaction happened");
                assert_eq!(code(&later.unwrap_err()), expected, "{name}, later");
                assert_eq!(after_first, after_second, "{name}: refused and yet changed");
            }
            Second::Nothing => {
                together.unwrap();
                later.unwrap();
                assert_eq!(after_first, after_both, "{name}, together");
                assert_eq!(after_first, after_second, "{name}, later");
            }
            Second::Again => {
                together.unwrap();
                later.unwrap();
                assert_ne!(after_first, after_both, "{name}");
                assert_eq!(after_both, after_second, "{name}");
            }
        }
    });
}
