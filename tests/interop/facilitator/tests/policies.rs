//! What policies and requirements decide beyond x402's own: orders, bounds, who pays
//! the fee, which token program; and the facts of what was verified.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::SeedableRng;
use rand::rngs::StdRng;
use solana_instruction::AccountMeta;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::rc::Rc;
use tollgate_client::{Amount, Pubkey};
use tollgate_gate::exact::{
    ExactError, ExactPayment, FeePayer, Policy, Requirement, TOKEN_2022_PROGRAM, TOKEN_PROGRAM,
    verify,
};
use tollgate_gate::x402::Version;
use tollgate_interop_facilitator::instructions::{foreign, guard, limit, memo, price};
use tollgate_interop_facilitator::payment::Payment;
use tollgate_interop_facilitator::world::World;

fn world() -> Rc<World> {
    World::random(&mut StdRng::seed_from_u64(7))
}

fn requirement(world: &World) -> Requirement {
    Requirement {
        mint: world.mint,
        pay_to: world.pay_to,
        amount: Amount(world.amount),
        fee_payer: FeePayer::Managed(world.relay.pubkey()),
        memo: None,
        token_program: None,
    }
}

fn policy(payment: &Payment) -> Policy {
    Policy::x402_v2(payment.managed.clone())
}

fn judge(
    payment: &Payment,
    requirement: &Requirement,
    policy: &Policy,
) -> Result<ExactPayment, ExactError> {
    verify(&STANDARD.encode(payment.transaction()), requirement, policy)
}

#[test]
fn the_facts_are_those_of_the_transaction() {
    let world = world();
    let mut payment = Payment::new(&world, Version::V2);
    payment.with_memo();
    payment.instructions[0] = limit(20_000);
    payment.instructions[1] = price(100_001);
    let bytes = payment.transaction();
    let requirement = Requirement {
        memo: Some(world.memo.clone()),
        ..requirement(&world)
    };
    let found = judge(&payment, &requirement, &policy(&payment)).unwrap();
    assert_eq!(*found.payer(), world.payer.pubkey());
    assert_eq!(*found.fee_payer(), world.relay.pubkey());
    assert_eq!(*found.source(), world.source());
    assert_eq!(*found.destination(), world.destination());
    assert_eq!(*found.mint(), world.mint);
    assert_eq!(*found.token_program(), world.token_program);
    assert_eq!(found.amount(), Amount(world.amount));
    assert_eq!(found.memo(), Some(world.memo.as_bytes()));
    assert_eq!(found.compute_unit_limit(), 20_000);
    assert_eq!(found.compute_unit_price(), 100_001);
    // 2,000.02 lamports: the network rounds up too.
    assert_eq!(found.priority_fee(), 2_001);
    assert_eq!(found.signatures(), 2);
    assert_eq!(found.recent_blockhash().to_bytes(), world.blockhash);
    let read = tollgate_client::transaction::from_bytes(&bytes).unwrap();
    assert_eq!(*found.transaction(), read);
    assert_eq!(found.into_transaction(), read);
}

#[test]
fn the_message_has_one_hash_whatever_is_in_the_fee_payers_slot() {
    let world = world();
    let mut payment = Payment::new(&world, Version::V2);
    let hash = |payment: &Payment| {
        let found = judge(payment, &requirement(&world), &policy(payment));
        *found.unwrap().message_hash()
    };
    let first = hash(&payment);
    payment.after_signing = Some(Box::new(|bytes| bytes[1..65].fill(9)));
    assert_eq!(hash(&payment), first);
    payment.instructions[3] = memo("another");
    assert_ne!(hash(&payment), first);
}

#[test]
fn a_memo_is_known_only_where_there_is_one() {
    let world = world();
    let mut payment = Payment::new(&world, Version::V2);
    let mut memo_of = |memos: &[&str]| {
        payment.instructions.truncate(3);
        payment.instructions.extend(memos.iter().map(memo));
        let found = judge(&payment, &requirement(&world), &policy(&payment));
        found.unwrap().memo().map(<[u8]>::to_vec)
    };
    assert_eq!(memo_of(&[]), None);
    assert_eq!(memo_of(&[""]), Some(Vec::new()));
    assert_eq!(memo_of(&["one"]), Some(b"one".to_vec()));
    assert_eq!(memo_of(&["one", "two"]), None);
}

#[test]
fn either_order_of_the_compute_budget_only_where_the_policy_says_so() {
    let world = world();
    let mut payment = Payment::new(&world, Version::V2);
    let requirement = requirement(&world);
    let mpp = Policy::mpp(payment.managed.clone());
    let x402 = policy(&payment);
    for (instructions, by_mpp, by_x402) in [
        ([limit(20_000), price(1)], Ok(()), Ok(())),
        (
            [price(1), limit(200_000)],
            Ok(()),
            Err(ExactError::ComputeLimit),
        ),
        (
            [price(1), limit(200_001)],
            Err(ExactError::ComputeLimitTooHigh),
            Err(ExactError::ComputeLimit),
        ),
        (
            [limit(200_001), price(1)],
            Err(ExactError::ComputeLimitTooHigh),
            Ok(()),
        ),
        (
            [price(5_000_001), limit(1)],
            Err(ExactError::ComputePriceTooHigh),
            Err(ExactError::ComputeLimit),
        ),
        (
            [price(1), price(1)],
            Err(ExactError::ComputeLimit),
            Err(ExactError::ComputeLimit),
        ),
        (
            [limit(1), limit(1)],
            Err(ExactError::ComputePrice),
            Err(ExactError::ComputePrice),
        ),
    ] {
        payment.instructions[..2].clone_from_slice(&instructions);
        assert_eq!(
            judge(&payment, &requirement, &mpp).map(drop),
            by_mpp,
            "{instructions:?}"
        );
        assert_eq!(
            judge(&payment, &requirement, &x402).map(drop),
            by_x402,
            "{instructions:?}"
        );
    }
}

#[test]
fn units_signatures_and_instructions_are_bounded_by_the_policy() {
    let world = world();
    let mut payment = Payment::new(&world, Version::V2);
    let requirement = requirement(&world);
    let bounded = policy(&payment).bounded(20_000, 2);
    assert!(judge(&payment, &requirement, &bounded).is_ok());
    payment.instructions[0] = limit(20_001);
    let found = judge(&payment, &requirement, &bounded);
    assert_eq!(found, Err(ExactError::ComputeLimitTooHigh));

    payment.instructions[0] = limit(20_000);
    let stranger = AccountMeta::new_readonly(world.stranger.pubkey(), true);
    payment.instructions[3].accounts.push(stranger);
    let found = judge(&payment, &requirement, &bounded);
    assert_eq!(found, Err(ExactError::ExcessiveSigners));
    assert!(judge(&payment, &requirement, &bounded.clone().bounded(20_000, 3)).is_ok());

    payment.instructions.resize(7, guard(&[]));
    payment.instructions.push(foreign(&world));
    let found = judge(&payment, &requirement, &policy(&payment));
    assert_eq!(found, Err(ExactError::InstructionCount));
    let roomy = Policy {
        max_instructions: 8,
        ..policy(&payment)
    };
    let found = judge(&payment, &requirement, &roomy);
    assert_eq!(found, Err(ExactError::UnknownOptional));
}

#[test]
fn a_payer_who_pays_the_fee_has_signed_for_it() {
    let world = world();
    let mut payment = Payment::new(&world, Version::V2);
    payment.fee_payer = world.payer.pubkey();
    let requirement = Requirement {
        fee_payer: FeePayer::Payer,
        ..requirement(&world)
    };
    let policy = Policy::mpp(payment.managed.clone());
    // The first slot is empty until the payer fills it.
    let found = judge(&payment, &requirement, &policy);
    assert_eq!(found, Err(ExactError::SignatureInvalid));
    sign_first(&mut payment, |world| &world.payer);
    let found = judge(&payment, &requirement, &policy).unwrap();
    assert_eq!((found.payer(), found.signatures()), (&payment.fee_payer, 1));

    // Somebody else's fee is not the payer's.
    payment.fee_payer = world.stranger.pubkey();
    sign_first(&mut payment, |world| &world.stranger);
    let found = judge(&payment, &requirement, &policy);
    assert_eq!(found, Err(ExactError::FeePayerMismatch));
    // Nor does the service pay by mistake.
    payment.fee_payer = world.relay.pubkey();
    payment.after_signing = None;
    let found = judge(&payment, &requirement, &policy);
    assert_eq!(found, Err(ExactError::SignatureInvalid));
}

/// Fills the first slot.
fn sign_first(payment: &mut Payment, key: fn(&World) -> &Keypair) {
    let world = payment.world.clone();
    let message = payment.message().serialize();
    let signature = key(&world).sign_message(&message);
    payment.after_signing = Some(Box::new(move |bytes| {
        bytes[1..65].copy_from_slice(signature.as_ref());
    }));
}

#[test]
fn the_token_program_is_the_mints_where_that_is_known() {
    let world = world();
    let payment = Payment::new(&world, Version::V2);
    let of = |token_program| Requirement {
        token_program,
        ..requirement(&world)
    };
    let other = match world.token_program {
        TOKEN_PROGRAM => TOKEN_2022_PROGRAM,
        _ => TOKEN_PROGRAM,
    };
    for (known, expected) in [
        (None, Ok(())),
        (Some(world.token_program), Ok(())),
        (Some(other), Err(ExactError::NoTransfer)),
        (Some(Pubkey::default()), Err(ExactError::NoTransfer)),
    ] {
        let found = judge(&payment, &of(known), &policy(&payment));
        assert_eq!(found.map(drop), expected, "{known:?}");
    }
}
