//! Rules about the request, the fee payer, the transaction's form and its signatures.

use super::Rule;
use crate::case::Expected;
use crate::instructions::guard;
use crate::payment::Payment;
use serde_json::{Value, json};
use solana_instruction::AccountMeta;
use solana_message::AddressLookupTableAccount;
use solana_signer::Signer;
use tollgate_client::Pubkey;
use tollgate_gate::exact::ExactError;
use tollgate_gate::x402::X402Error;

const UNDECODABLE: Expected = Expected::broken(ExactError::Undecodable);
const SIGNATURE: Expected = Expected::broken(ExactError::SignatureInvalid);
const NO_FEE_PAYER: Expected = Expected::broken(ExactError::MissingFeePayer);
const NOT_MANAGED: Expected = Expected::broken(ExactError::FeePayerNotManaged);
const FEE_PAYER: Expected = Expected::broken(ExactError::FeePayerMismatch);
const SCHEME: Expected = Expected::Refused(X402Error::UnsupportedScheme);
const NETWORK: Expected = Expected::Refused(X402Error::NetworkMismatch);

/// Bytes of a signature.
const SIGNATURE_BYTES: usize = 64;

pub(super) const RULES: &[Rule] = &[
    ("another scheme in the payment", SCHEME, |it| {
        it.scheme = "upto".to_owned();
    }),
    ("another scheme in both", SCHEME, |it| {
        it.scheme = "upto".to_owned();
        it.requirements["scheme"] = "upto".into();
    }),
    ("another network in the payment", NETWORK, |it| {
        it.network = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp".to_owned();
    }),
    ("no extra", NO_FEE_PAYER, |it| {
        it.requirements.as_object_mut().unwrap().remove("extra");
    }),
    ("extra is null", NO_FEE_PAYER, |it| {
        it.requirements["extra"] = Value::Null;
    }),
    ("no fee payer in extra", NO_FEE_PAYER, |it| {
        it.requirements["extra"] = json!({});
    }),
    ("an empty fee payer", NO_FEE_PAYER, |it| {
        it.requirements["extra"]["feePayer"] = "".into();
    }),
    ("a fee payer that is a number", NO_FEE_PAYER, |it| {
        it.requirements["extra"]["feePayer"] = 7.into();
    }),
    ("a fee payer that is no address", NOT_MANAGED, |it| {
        it.requirements["extra"]["feePayer"] = "relay".into();
    }),
    ("a stranger as the fee payer", NOT_MANAGED, |it| {
        it.fee_payer = it.world.stranger.pubkey();
        it.requirements["extra"]["feePayer"] = it.fee_payer.to_string().into();
    }),
    ("a service without keys", NOT_MANAGED, |it| {
        it.managed.clear()
    }),
    (
        "the other fee payer of the service",
        Expected::Valid,
        |it| {
            it.fee_payer = it.world.other_relay.pubkey();
            it.requirements["extra"]["feePayer"] = it.fee_payer.to_string().into();
        },
    ),
    ("the other fee payer in the transaction", FEE_PAYER, |it| {
        it.fee_payer = it.world.other_relay.pubkey();
    }),
    (
        "a stranger as fee payer in the transaction",
        FEE_PAYER,
        |it| {
            it.fee_payer = it.world.stranger.pubkey();
        },
    ),
    (
        "the payer as fee payer in the transaction",
        FEE_PAYER,
        |it| {
            it.fee_payer = it.world.payer.pubkey();
        },
    ),
    ("no text", UNDECODABLE, |it| text(it, String::clear)),
    ("text that is no base64", UNDECODABLE, |it| {
        text(it, |text| text.push('!'));
    }),
    ("a space in the base64", UNDECODABLE, |it| {
        text(it, |text| text.insert(0, ' '));
    }),
    ("base64 of the URL alphabet", UNDECODABLE, |it| {
        text(it, |text| text.insert_str(0, "-_"));
    }),
    ("no padding", Expected::Valid, |it| {
        text(it, |text| text.truncate(text.trim_end_matches('=').len()));
    }),
    ("a truncated transaction", UNDECODABLE, |it| {
        after(it, |bytes| bytes.truncate(100));
    }),
    ("no bytes but the number of signatures", UNDECODABLE, |it| {
        after(it, |bytes| bytes.truncate(1));
    }),
    ("a missing last byte", UNDECODABLE, |it| {
        after(it, |bytes| bytes.truncate(bytes.len() - 1));
    }),
    ("a slot fewer than signers", UNDECODABLE, |it| {
        after(it, |bytes| {
            bytes[0] -= 1;
            bytes.drain(1..=SIGNATURE_BYTES);
        });
    }),
    ("a slot more than signers", UNDECODABLE, |it| {
        after(it, |bytes| {
            bytes[0] += 1;
            bytes.splice(1..1, [0; SIGNATURE_BYTES]);
        });
    }),
    ("a message of a version nobody knows", UNDECODABLE, |it| {
        it.before_signing = Some(Box::new(|message| message[0] = 0x83));
    }),
    ("no signature of the payer", SIGNATURE, |it| {
        it.unsigned = vec![it.world.payer.pubkey()];
    }),
    ("a signature with one bit changed", SIGNATURE, |it| {
        after(it, |bytes| bytes[1 + SIGNATURE_BYTES + 9] ^= 1);
    }),
    ("a message with one bit changed", SIGNATURE, |it| {
        after(it, |bytes| {
            // The last byte is the number of lookups, the one before it of the memo.
            let place = bytes.len() - 2;
            bytes[place] ^= 1;
        });
    }),
    (
        "a fee payer's slot that is not empty",
        Expected::Valid,
        |it| {
            after(it, |bytes| bytes[1..=SIGNATURE_BYTES].fill(7));
        },
    ),
    ("a second signer who signed", Expected::Valid, |it| {
        second_signer(it);
    }),
    ("a second signer who did not sign", SIGNATURE, |it| {
        second_signer(it);
        it.unsigned = vec![it.world.stranger.pubkey()];
    }),
    (
        "an account from a table",
        Expected::broken(ExactError::LookupTables),
        |it| {
            look_up(it, it.world.destination());
        },
    ),
    (
        "the fee payer's guard from a table",
        Expected::broken(ExactError::LookupTables),
        |it| {
            let guarded = Pubkey::new_from_array([9; 32]);
            it.instructions.push(guard(&[guarded]));
            look_up(it, guarded);
        },
    ),
];

fn text(payment: &mut Payment, change: fn(&mut String)) {
    payment.text = Some(Box::new(change));
}

fn after(payment: &mut Payment, change: fn(&mut Vec<u8>)) {
    payment.after_signing = Some(Box::new(change));
}

fn second_signer(payment: &mut Payment) {
    let stranger = payment.world.stranger.pubkey();
    let memo = &mut payment.instructions[3];
    memo.accounts
        .push(AccountMeta::new_readonly(stranger, true));
}

fn look_up(payment: &mut Payment, account: Pubkey) {
    payment.lookups = vec![AddressLookupTableAccount {
        key: Pubkey::new_from_array([8; 32]),
        addresses: vec![Pubkey::new_from_array([7; 32]), account],
    }];
}
