//! Rules about the transfer.

use super::Rule;
use crate::case::Expected;
use crate::instructions::TRANSFER_CHECKED;
use crate::payment::Payment;
use solana_instruction::AccountMeta;
use solana_signer::Signer;
use spl_associated_token_account_interface::address::get_associated_token_address_with_program_id;
use tollgate_client::Pubkey;
use tollgate_gate::exact::{ExactError, TOKEN_2022_PROGRAM, TOKEN_PROGRAM};

const NO_TRANSFER: Expected = Expected::broken(ExactError::NoTransfer);
const SPENDS: Expected = Expected::broken(ExactError::FeePayerTransferring);
const MINT: Expected = Expected::broken(ExactError::MintMismatch);
const RECIPIENT: Expected = Expected::broken(ExactError::RecipientMismatch);
const AMOUNT: Expected = Expected::broken(ExactError::AmountMismatch);

/// Places in the accounts of `TransferChecked`.
const SOURCE: usize = 0;
const OF_MINT: usize = 1;
const DESTINATION: usize = 2;
const AUTHORITY: usize = 3;

pub(super) const RULES: &[Rule] = &[
    ("a transfer that is not checked", NO_TRANSFER, |it| {
        let transfer = &mut it.instructions[2];
        transfer.data[0] = 3;
        transfer.data.truncate(9);
        transfer.accounts.remove(OF_MINT);
    }),
    ("a burn", NO_TRANSFER, |it| it.instructions[2].data[0] = 15),
    ("an approval", NO_TRANSFER, |it| {
        it.instructions[2].data[0] = 13
    }),
    ("a transfer of a foreign program", NO_TRANSFER, |it| {
        it.instructions[2].program_id = Pubkey::new_from_array([5; 32]);
    }),
    ("a transfer without data", NO_TRANSFER, |it| {
        it.instructions[2].data.clear()
    }),
    ("a transfer without decimals", NO_TRANSFER, |it| {
        it.instructions[2].data.truncate(9)
    }),
    ("a transfer with bytes behind it", Expected::Valid, |it| {
        it.instructions[2].data.extend([0, 1]);
    }),
    ("a transfer of three accounts", NO_TRANSFER, |it| {
        it.instructions[2].accounts.truncate(AUTHORITY);
    }),
    ("a transfer without accounts", NO_TRANSFER, |it| {
        it.instructions[2].accounts.clear()
    }),
    ("a transfer with further accounts", Expected::Valid, |it| {
        let stranger = it.world.stranger.pubkey();
        let accounts = &mut it.instructions[2].accounts;
        accounts.push(AccountMeta::new_readonly(stranger, false));
    }),
    (
        "other decimals, which the program will refuse",
        Expected::Valid,
        |it| {
            it.instructions[2].data[9] = 9;
        },
    ),
    ("the fee payer's own money", SPENDS, |it| {
        authority(it, it.fee_payer)
    }),
    ("the money of the service's other key", SPENDS, |it| {
        authority(it, it.world.other_relay.pubkey());
    }),
    (
        "a stranger's money, signed by the stranger",
        Expected::Valid,
        |it| {
            authority(it, it.world.stranger.pubkey());
        },
    ),
    (
        "from an account that is not the payer's associated one",
        Expected::Valid,
        |it| {
            account(it, SOURCE, Pubkey::new_from_array([4; 32]));
        },
    ),
    ("another token", MINT, |it| {
        account(it, OF_MINT, Pubkey::new_from_array([6; 32]))
    }),
    ("another token, paid into its own account", MINT, |it| {
        let mint = Pubkey::new_from_array([6; 32]);
        account(it, OF_MINT, mint);
        let (owner, program) = (it.world.pay_to, it.world.token_program);
        let other = get_associated_token_address_with_program_id(&owner, &mint, &program);
        account(it, DESTINATION, other);
    }),
    ("to the stranger", RECIPIENT, |it| {
        account(
            it,
            DESTINATION,
            it.world.token_account(&it.world.stranger.pubkey()),
        );
    }),
    ("to the recipient's address itself", RECIPIENT, |it| {
        account(it, DESTINATION, it.world.pay_to);
    }),
    ("back to the payer", RECIPIENT, |it| {
        account(it, DESTINATION, it.world.source())
    }),
    (
        "to the account under the other token program",
        RECIPIENT,
        |it| {
            let other = match it.world.token_program {
                TOKEN_PROGRAM => TOKEN_2022_PROGRAM,
                _ => TOKEN_PROGRAM,
            };
            let (owner, mint) = (it.world.pay_to, it.world.mint);
            let account_there = get_associated_token_address_with_program_id(&owner, &mint, &other);
            account(it, DESTINATION, account_there);
        },
    ),
    (
        "by the other token program, whose account is another",
        RECIPIENT,
        |it| {
            let transfer = &mut it.instructions[2];
            transfer.program_id = match it.world.token_program {
                TOKEN_PROGRAM => TOKEN_2022_PROGRAM,
                _ => TOKEN_PROGRAM,
            };
        },
    ),
    ("one unit less", AMOUNT, |it| {
        amount(it, it.world.amount - 1)
    }),
    ("one unit more", AMOUNT, |it| {
        amount(it, it.world.amount + 1)
    }),
    ("nothing", AMOUNT, |it| amount(it, 0)),
    ("the highest amount", AMOUNT, |it| amount(it, u64::MAX)),
    ("the amount in the wrong order of bytes", AMOUNT, |it| {
        amount(it, it.world.amount.swap_bytes() ^ 2);
    }),
    (
        "nothing where nothing is asked for",
        Expected::Valid,
        |it| {
            amount(it, 0);
            let field = it.amount_field();
            it.requirements[field] = "0".into();
        },
    ),
    (
        "the highest amount where it is asked for",
        Expected::Valid,
        |it| {
            amount(it, u64::MAX);
            let field = it.amount_field();
            it.requirements[field] = u64::MAX.to_string().into();
        },
    ),
    ("another price in the requirements", AMOUNT, |it| {
        let field = it.amount_field();
        it.requirements[field] = "12345".into();
    }),
];

fn account(payment: &mut Payment, place: usize, key: Pubkey) {
    payment.instructions[2].accounts[place].pubkey = key;
}

fn authority(payment: &mut Payment, key: Pubkey) {
    account(payment, SOURCE, payment.world.token_account(&key));
    account(payment, AUTHORITY, key);
}

fn amount(payment: &mut Payment, amount: u64) {
    let data = &mut payment.instructions[2].data;
    assert_eq!(data[0], TRANSFER_CHECKED);
    data[1..9].copy_from_slice(&amount.to_le_bytes());
}
