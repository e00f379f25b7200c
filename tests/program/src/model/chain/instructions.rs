//! An action as instructions, with exactly the accounts that stand in it.

use super::super::action::{Action, HandOver};
use super::super::places::Places;
use super::TOKEN_ACCOUNT;
use crate::model::action;
use anchor_lang::{InstructionData, ToAccountMetas};
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use solana_system_interface::program::ID as SYSTEM;
use spl_token_interface::ID as TOKEN;
use spl_token_interface::instruction::{self as token, AuthorityType};
use tollgate::{
    ConsumeArgs, PayArgs, RecordPaymentArgs, RefundArgs, accounts as account, instruction as data,
};
use tollgate_client::instructions::{NewIntent, NewProduct, create_token_account};
use tollgate_client::{Amount, Credits, DurationSeconds, PaymentId, UnixSeconds};

/// The instructions of `action`; none for what is no transaction.
pub(super) fn of(action: &Action, places: &Places) -> Vec<Instruction> {
    let at = &places.addresses;
    let one = match action {
        Action::CreateMerchant(it) => {
            let create = at.create_merchant(it.owner, it.rent_payer, it.operator);
            created_at(create, 2, it.merchant)
        }
        Action::UpdateMerchant(it) => {
            at.update_merchant(it.signer, it.merchant, it.operator, it.paused)
        }
        Action::ProposeAuthority(it) => at.propose_authority(it.signer, it.merchant, it.proposed),
        Action::AcceptAuthority(it) => at.accept_authority(it.signer, it.merchant),
        Action::CreateProduct(it) => {
            let new = NewProduct {
                slug: Places::slug(it.slug),
                mint: it.mint,
                price: Amount(it.price),
                access: DurationSeconds(it.access),
                credits: Credits(it.credits),
                refund_window: DurationSeconds(it.window),
            };
            let create = at.create_product(it.signer, it.rent_payer, it.merchant, &new);
            created_at(create, 5, it.product)
        }
        Action::UpdateProduct(it) => {
            at.update_product(it.signer, it.merchant, it.product, it.changes.clone())
        }
        Action::CloseProduct(it) => {
            at.close_product(it.signer, it.merchant, it.product, it.rent_payer)
        }
        Action::CreateIntent(it) => create_intent(it, places),
        Action::CancelIntent(it) => at.cancel_intent(it.signer, it.merchant, it.intent),
        Action::Revoke(it) => at.revoke(it.operator, it.merchant, it.entitlement),
        Action::Withdraw(it) => {
            let amount = Amount(it.amount);
            at.withdraw(it.signer, it.merchant, it.mint, it.destination, amount)
        }
        Action::CreateTokens(it) => create_token_account(it.payer, it.owner, it.mint),
        Action::Deposit(it) => {
            let deposit = places.deposits[&(it.intent, it.mint)];
            let purse = places.purses[&(it.sender, it.mint)];
            return vec![
                create_token_account(it.sender, it.intent, it.mint),
                transfer(places, purse, it.sender, it.mint, deposit, it.amount),
            ];
        }
        Action::HandOver(it) => return hand_over(it, places),
        Action::Transfer(it) => {
            let purse = places.purses[&(it.sender, it.mint)];
            transfer(places, purse, it.sender, it.mint, it.destination, it.amount)
        }
        Action::SendLamports(it) => {
            let (sender, destination) = (&it.sender, &it.destination);
            solana_system_interface::instruction::transfer(sender, destination, it.lamports)
        }
        Action::Freeze(it) => {
            let freeze = if it.frozen {
                token::freeze_account
            } else {
                token::thaw_account
            };
            freeze(&TOKEN, &it.account, &it.mint, &places.warden, &[]).unwrap()
        }
        Action::Approve(it) => {
            let (account, delegate) = (&it.account, &it.delegate);
            token::approve(&TOKEN, account, delegate, &it.owner, &[], it.amount).unwrap()
        }
        Action::NameCloser(it) => {
            let (account, kind) = (&it.account, AuthorityType::CloseAccount);
            token::set_authority(&TOKEN, account, it.closer.as_ref(), kind, &it.owner, &[]).unwrap()
        }
        Action::CloseTokens(it) => {
            token::close_account(&TOKEN, &it.account, &it.destination, &it.signer, &[]).unwrap()
        }
        Action::SetTime(_) => return Vec::new(),
        Action::Pay(_)
        | Action::SettleDeposit(_)
        | Action::RecordPayment(_)
        | Action::ReclaimDeposit(_)
        | Action::Refund(_)
        | Action::Consume(_)
        | Action::CloseIntent(_)
        | Action::CloseEntitlement(_) => around_an_intent(action, places),
    };
    vec![one]
}

fn create_intent(it: &action::CreateIntent, places: &Places) -> Instruction {
    let create = places.addresses.create_intent(&NewIntent {
        creator: it.creator,
        rent_payer: it.rent_payer,
        merchant: it.merchant,
        product: it.product,
        payment_id: PaymentId([it.id; 32]),
        expires_at: UnixSeconds(it.expires_at),
        beneficiary: it.beneficiary,
        terms: it.terms,
    });
    created_at(create, 4, it.intent)
}

/// The same, with another address in the slot of the account that is created.
fn created_at(mut create: Instruction, slot: usize, address: Pubkey) -> Instruction {
    create.accounts[slot].pubkey = address;
    create
}

/// Where the client's builders would read the accounts off an intent or an
/// entitlement, those of the action stand, right or wrong.
fn around_an_intent(action: &Action, places: &Places) -> Instruction {
    let program_id = places.addresses.program_id;
    let build = |accounts: &dyn ToAccountMetas, data: Vec<u8>| Instruction {
        program_id,
        accounts: accounts.to_account_metas(None),
        data,
    };
    match action {
        Action::Pay(it) => build(
            &account::Pay {
                payer: it.payer,
                rent_payer: it.rent_payer,
                merchant: it.merchant,
                intent: it.intent,
                entitlement: it.entitlement,
                source: it.source,
                vault: it.vault,
                mint: it.mint,
                token_program: TOKEN,
                system_program: SYSTEM,
            },
            data::Pay {
                args: PayArgs {
                    amount: Amount(it.amount),
                    beneficiary: it.beneficiary,
                },
            }
            .data(),
        ),
        Action::SettleDeposit(it) => build(
            &account::SettleDeposit {
                rent_payer: it.rent_payer,
                merchant: it.merchant,
                intent: it.intent,
                entitlement: it.entitlement,
                deposit: it.deposit,
                vault: it.vault,
                mint: it.mint,
                token_program: TOKEN,
                system_program: SYSTEM,
            },
            data::SettleDeposit {}.data(),
        ),
        Action::RecordPayment(it) => build(
            &account::RecordPayment {
                operator: it.operator,
                rent_payer: it.rent_payer,
                merchant: it.merchant,
                intent: it.intent,
                entitlement: it.entitlement,
                system_program: SYSTEM,
            },
            data::RecordPayment {
                args: RecordPaymentArgs {
                    rail: it.rail,
                    reference: [it.rail.to_le_bytes()[0]; 32],
                    payer: it.payer,
                    beneficiary: it.beneficiary,
                },
            }
            .data(),
        ),
        Action::ReclaimDeposit(it) => build(
            &account::ReclaimDeposit {
                intent: it.intent,
                deposit: it.deposit,
                mint: it.mint,
                destination: it.destination,
                rent_payer: it.rent_payer,
                token_program: TOKEN,
            },
            data::ReclaimDeposit {}.data(),
        ),
        Action::Refund(it) => build(
            &account::Refund {
                operator: it.operator,
                merchant: it.merchant,
                intent: it.intent,
                entitlement: it.entitlement,
                vault: it.vault,
                destination: it.destination,
                mint: it.mint,
                token_program: TOKEN,
            },
            data::Refund {
                args: RefundArgs {
                    amount: Amount(it.amount),
                },
            }
            .data(),
        ),
        Action::Consume(it) => build(
            &account::Consume {
                operator: it.operator,
                merchant: it.merchant,
                entitlement: it.entitlement,
            },
            data::Consume {
                args: ConsumeArgs {
                    used: Credits(it.used),
                    created_at: UnixSeconds(it.created_at),
                },
            }
            .data(),
        ),
        Action::CloseIntent(it) => build(
            &account::CloseIntent {
                intent: it.intent,
                deposit: it.deposit,
                rent_payer: it.rent_payer,
            },
            data::CloseIntent {}.data(),
        ),
        Action::CloseEntitlement(it) => build(
            &account::CloseEntitlement {
                entitlement: it.entitlement,
                rent_payer: it.rent_payer,
            },
            data::CloseEntitlement {}.data(),
        ),
        _ => unreachable!("the other actions have builders of the client"),
    }
}

fn transfer(
    places: &Places,
    from: Pubkey,
    authority: Pubkey,
    mint: Pubkey,
    to: Pubkey,
    amount: u64,
) -> Instruction {
    let decimals = places.decimals(&mint);
    token::transfer_checked(&TOKEN, &from, &mint, &to, &authority, &[], amount, decimals).unwrap()
}

fn hand_over(it: &HandOver, places: &Places) -> Vec<Instruction> {
    let HandOver {
        sender,
        account,
        intent,
        mint,
        rent,
        ..
    } = it;
    let space = u64::try_from(TOKEN_ACCOUNT).unwrap();
    let purse = places.purses[&(*sender, *mint)];
    let mut all = vec![
        solana_system_interface::instruction::create_account(sender, account, *rent, space, &TOKEN),
        token::initialize_account3(&TOKEN, account, mint, sender).unwrap(),
        transfer(places, purse, *sender, *mint, *account, it.amount),
        // A delegate who does not outlive the change of the owner.
        token::approve(&TOKEN, account, sender, sender, &[], it.amount).unwrap(),
    ];
    let authorities = [
        (AuthorityType::CloseAccount, sender, it.keeps_closing),
        (AuthorityType::AccountOwner, intent, true),
    ];
    for (kind, new, wanted) in authorities {
        if wanted {
            let set = token::set_authority(&TOKEN, account, Some(new), kind, sender, &[]);
            all.push(set.unwrap());
        }
    }
    all
}
