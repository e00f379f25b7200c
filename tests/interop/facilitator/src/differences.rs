//! Where we are stricter than the published facilitator on purpose: the table in
//! [`tollgate_gate::exact`], with a case for each row, and how a row is recognised in a
//! random case.

use crate::case::{Case, Expected, Verdict};
use crate::instructions::memo;
use crate::payment::Payment;
use crate::world::World;
use solana_instruction::AccountMeta;
use solana_message::VersionedMessage;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use std::collections::HashSet;
use std::rc::Rc;
use tollgate_client::Pubkey;
use tollgate_client::transaction::MAX_TRANSACTION_BYTES;
use tollgate_gate::exact::ExactError;
use tollgate_gate::x402::{Version, X402Error};

/// A deliberate difference.
pub struct Difference {
    /// Its name.
    pub name: &'static str,
    /// Our refusal.
    pub ours: X402Error,
    /// Whether it is at work in a case that nobody made for it: judged by the
    /// transaction's bytes alone, without the code under test.
    pub shows_in: fn(&[u8]) -> bool,
    /// Whether they may refuse the case as well, for another reason.
    pub may_be_refused: bool,
}

/// Every deliberate difference.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "not exactly one transaction that a cluster could execute",
        ours: X402Error::Exact(ExactError::Undecodable),
        shows_in: |bytes| executable(bytes).is_none(),
        may_be_refused: true,
    },
    Difference {
        name: "the fee payer among an instruction's accounts",
        ours: X402Error::Exact(ExactError::FeePayerInInstruction),
        shows_in: |bytes| {
            let transaction = executable(bytes);
            transaction.is_some_and(|transaction| {
                let mut instructions = transaction.message.instructions().iter();
                instructions.any(|instruction| instruction.accounts.contains(&0))
            })
        },
        may_be_refused: false,
    },
    Difference {
        name: "an authority that is not a signer",
        ours: X402Error::Exact(ExactError::SignatureInvalid),
        shows_in: |bytes| {
            let transaction = executable(bytes);
            transaction.is_some_and(|transaction| {
                let signers = transaction.message.header().num_required_signatures;
                transfer_accounts(&transaction).is_some_and(|accounts| accounts[3] >= signers)
            })
        },
        may_be_refused: false,
    },
    Difference {
        name: "a transfer from an account to itself",
        ours: X402Error::Exact(ExactError::RecipientMismatch),
        shows_in: |bytes| {
            let transaction = executable(bytes);
            transaction
                .and_then(|transaction| transfer_accounts(&transaction))
                .is_some_and(|accounts| accounts[0] == accounts[2])
        },
        may_be_refused: false,
    },
    Difference {
        name: "a key of small order",
        ours: X402Error::Exact(ExactError::SignatureInvalid),
        shows_in: |_| false,
        may_be_refused: false,
    },
    Difference {
        name: "a memo behind a mark of the order of bytes",
        ours: X402Error::Exact(ExactError::MemoMismatch),
        shows_in: |_| false,
        may_be_refused: false,
    },
    Difference {
        name: "another spelling of base64",
        ours: X402Error::Exact(ExactError::Undecodable),
        shows_in: |_| false,
        may_be_refused: false,
    },
    Difference {
        name: "another spelling of the amount in the requirements",
        ours: X402Error::InvalidPaymentRequirements,
        shows_in: |_| false,
        may_be_refused: false,
    },
];

/// Whether two verdicts differ in `case` because of one of the differences.
pub fn explains(case: &Case, ours: &Verdict, theirs: &Verdict) -> Option<&'static str> {
    let Verdict::Refused(reason) = ours else {
        return None;
    };
    let difference = DIFFERENCES.iter().find(|difference| {
        difference.ours.code(case.version) == reason
            && (difference.may_be_refused || matches!(theirs, Verdict::Valid(_)))
            && (difference.shows_in)(&case.transaction)
    })?;
    Some(difference.name)
}

/// The transaction that `bytes` are, if a cluster could execute it: read by the reader
/// that clusters use, whole and in its one spelling, of a version they execute, with
/// indices that point at keys and no key twice.
fn executable(bytes: &[u8]) -> Option<VersionedTransaction> {
    let transaction: VersionedTransaction = wincode::deserialize(bytes).ok()?;
    let whole = wincode::serialize(&transaction).ok()? == bytes;
    let keys = transaction.message.static_account_keys();
    let distinct: HashSet<&Pubkey> = keys.iter().collect();
    let known = !matches!(transaction.message, VersionedMessage::V1(_));
    (whole
        && known
        && bytes.len() <= MAX_TRANSACTION_BYTES
        && distinct.len() == keys.len()
        && transaction.sanitize().is_ok())
    .then_some(transaction)
}

/// The accounts of the third instruction.
fn transfer_accounts(transaction: &VersionedTransaction) -> Option<Vec<u8>> {
    let transfer = transaction.message.instructions().get(2)?;
    (transfer.accounts.len() >= 4).then(|| transfer.accounts.clone())
}

type Exemplar = (usize, &'static str, fn(&mut Payment));

/// Cases that show each difference: which, what the change is, and the change.
const EXEMPLARS: &[Exemplar] = &[
    (0, "signed bytes behind the message", |it| {
        before(it, |message| message.push(0));
    }),
    (0, "a length in two bytes where one is enough", |it| {
        // Without lookups the message ends with their number, zero.
        before(it, |message| {
            *message.last_mut().unwrap() = 0x80;
            message.push(0);
        });
    }),
    (0, "more bytes than a packet", |it| {
        it.instructions[3] = memo([b'x'; MAX_TRANSACTION_BYTES]);
    }),
    (0, "a key listed twice", |it| {
        // The keys follow prefix, header and their number; the relay is the first.
        before(it, |message| {
            message[4] += 1;
            let at = 5 + 32 * usize::from(message[4] - 1);
            let relay = message[5..37].to_vec();
            message[3] += 1;
            message.splice(at..at, relay);
        });
    }),
    (0, "a fee payer that is not writable", |it| {
        before(it, |message| message[2] = message[1]);
    }),
    (1, "the fee payer in a guard", |it| {
        let guard = crate::instructions::guard(&[it.fee_payer]);
        it.instructions.push(guard);
    }),
    (1, "the fee payer in a memo, as a signer", |it| {
        let fee_payer = AccountMeta::new(it.fee_payer, true);
        it.instructions[3].accounts.push(fee_payer);
    }),
    (1, "the fee payer behind the transfer's authority", |it| {
        let fee_payer = AccountMeta::new_readonly(it.fee_payer, true);
        it.instructions[2].accounts.push(fee_payer);
    }),
    (1, "the fee payer as the source of the transfer", |it| {
        it.instructions[2].accounts[0].pubkey = it.fee_payer;
    }),
    (2, "an authority that need not sign", |it| {
        it.instructions[2].accounts[3].is_signer = false;
    }),
    (2, "a stranger's money, without the stranger", |it| {
        let stranger = it.world.stranger.pubkey();
        let payer = it.instructions[2].accounts[3].clone();
        it.instructions[2].accounts[3] = AccountMeta::new_readonly(stranger, false);
        it.instructions[3].accounts.push(payer);
    }),
    (3, "from the recipient to the recipient", |it| {
        it.instructions[2].accounts[0].pubkey = it.world.destination();
    }),
    (4, "the neutral point as the payer's key", |it| {
        let neutral = neutral_point();
        it.instructions[2].accounts[3].pubkey = Pubkey::new_from_array(neutral);
        // The neutral point and zero are a signature of every message by that key.
        it.after_signing = Some(Box::new(move |bytes| {
            bytes[65..97].copy_from_slice(&neutral);
        }));
    }),
    (5, "a mark before the memo", |it| {
        it.with_memo();
        it.instructions[3].data.splice(0..0, *b"\xef\xbb\xbf");
    }),
    (6, "bits behind the last byte", |it| {
        while it.transaction().len() % 3 == 0 {
            it.instructions[3].data.push(b'x');
        }
        it.text = Some(Box::new(|text| {
            let padding = text.len() - text.trim_end_matches('=').len();
            text.truncate(text.len() - padding);
            // The lowest bits of the last digit are not of the last byte: they are zero,
            // and stand for something else in the digit behind it.
            let last = text.pop().expect("a digit");
            text.push(char::from_u32(u32::from(last) + 1).expect("a digit"));
            text.push_str(&"=".repeat(padding));
        }));
    }),
    (7, "the amount in hexadecimal", |it| {
        let field = it.amount_field();
        it.requirements[field] = format!("{:#x}", it.world.amount).into();
    }),
];

/// The cases.
pub fn cases(world: &Rc<World>, version: Version) -> Vec<Case> {
    EXEMPLARS
        .iter()
        .map(|(row, name, change)| {
            let mut payment = Payment::new(world, version);
            change(&mut payment);
            let Difference {
                name: row, ours, ..
            } = DIFFERENCES[*row];
            Case::new(*name, &payment, Expected::OursAlone(row, ours))
        })
        .collect()
}

fn before(payment: &mut Payment, change: fn(&mut Vec<u8>)) {
    payment.before_signing = Some(Box::new(change));
}

/// The neutral point of the curve, encoded.
fn neutral_point() -> [u8; 32] {
    let mut point = [0; 32];
    point[0] = 1;
    point
}
