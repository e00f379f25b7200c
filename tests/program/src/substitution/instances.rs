//! One valid use of every instruction, between accounts of the stage.

use super::stage::{NEW_PAYMENT, Stage};
use crate::world::{DAY, PRICE, REFUND_WINDOW};
use solana_instruction::Instruction;
use tollgate_client::instructions::{AttestedPayment, NewIntent, NewProduct, Payment};
use tollgate_client::{
    Addresses, Amount, Credits, IntentTerms, Offer, PaymentIntent, ProductChanges, Pubkey, Slug,
};

/// A valid instruction, and how many seconds after the stage was set it is valid.
pub struct Instance {
    /// With the accounts as they should be.
    pub instruction: Instruction,
    /// Seconds to let pass first.
    pub delay: i64,
}

/// The valid use of the instruction that the IDL calls `name`; `None` for an
/// instruction that this table does not know.
pub fn instance(stage: &mut Stage, name: &str) -> Option<Instance> {
    let at: Addresses = stage.world.addresses;
    let merchant = stage.at("merchant");
    let (owner, operator) = (stage.at("owner"), stage.at("operator"));
    let (payer, rent_payer) = (stage.at("payer"), stage.at("rent payer"));
    let (mint, product) = (stage.at("mint"), stage.at("product"));
    let mut delay = 0;
    let instruction = match name {
        "create_merchant" => at.create_merchant(stage.at("newcomer"), rent_payer, operator),
        "update_merchant" => at.update_merchant(owner, merchant, None, Some(true)),
        "propose_authority" => at.propose_authority(owner, merchant, payer),
        "accept_authority" => at.accept_authority(stage.at("new authority"), merchant),
        "create_product" => at.create_product(
            owner,
            rent_payer,
            merchant,
            &NewProduct {
                slug: Slug::new("new").unwrap(),
                mint,
                price: PRICE,
                access: DAY,
                credits: Credits(0),
                refund_window: REFUND_WINDOW,
            },
        ),
        "update_product" => {
            let changes = ProductChanges {
                price: Some(Amount(7)),
                ..ProductChanges::default()
            };
            at.update_product(owner, merchant, product, changes)
        }
        "close_product" => at.close_product(owner, merchant, product, rent_payer),
        "create_intent" => at.create_intent(&NewIntent {
            creator: payer,
            rent_payer,
            merchant,
            product,
            payment_id: NEW_PAYMENT,
            expires_at: stage.expiry(),
            beneficiary: Some(payer),
            terms: IntentTerms::ListPrice(Offer {
                amount: PRICE,
                access: DAY,
                credits: Credits(0),
            }),
        }),
        "cancel_intent" => at.cancel_intent(payer, merchant, stage.at("open intent")),
        "pay" => {
            let (address, intent) = read(stage, "open intent");
            at.pay(&Payment {
                rent_payer,
                ..Payment::of_intent(address, &intent, payer, payer)
            })
        }
        "settle_deposit" => {
            let (address, intent) = read(stage, "quote");
            at.settle_deposit(rent_payer, address, &intent, stage.at("deposit"))
        }
        "reclaim_deposit" => {
            let (address, intent) = read(stage, "cancelled quote");
            let deposit = stage.at("deposit to cancelled quote");
            at.reclaim_deposit(address, &intent, deposit, mint, stage.at("purse"))
        }
        "record_payment" => {
            let (address, intent) = read(stage, "quote");
            let attested = AttestedPayment {
                rail: 2,
                reference: [5; 32],
                payer,
                beneficiary: payer,
            };
            at.record_payment(operator, rent_payer, address, &intent, &attested)
        }
        "refund" => {
            let (address, intent) = read(stage, "paid intent");
            at.refund(operator, address, &intent, stage.at("purse"), intent.amount)
        }
        "revoke" => at.revoke(operator, merchant, stage.at("entitlement")),
        "consume" => {
            let held: tollgate_client::Entitlement = stage.read("entitlement with credits");
            at.consume(
                operator,
                merchant,
                stage.at("entitlement with credits"),
                Credits(3),
                held.created_at,
            )
        }
        "withdraw" => at.withdraw(owner, merchant, mint, stage.at("owner's purse"), PRICE),
        "close_intent" => {
            let (address, intent) = read(stage, "cancelled intent");
            at.close_intent(address, &intent)
        }
        "close_entitlement" => {
            delay = i64::try_from(DAY.0 + REFUND_WINDOW.0).expect("it fits");
            let held = stage.read("entitlement");
            at.close_entitlement(stage.at("entitlement"), &held)
        }
        _ => return None,
    };
    Some(Instance { instruction, delay })
}

fn read(stage: &mut Stage, intent: &str) -> (Pubkey, PaymentIntent) {
    (stage.at(intent), stage.read(intent))
}
