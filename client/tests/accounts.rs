//! Nothing is believed for its address alone.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use anchor_lang::AccountSerialize;
use proptest::prelude::*;
use solana_account::Account;
use tollgate_client::accounts::{ProgramAccount, decode, errors};
use tollgate_client::{Addresses, Entitlement, EntitlementStatus, Merchant, Pubkey, UnixSeconds};

fn key(byte: u8) -> Pubkey {
    Pubkey::new_from_array([byte; 32])
}

fn entitlement() -> Entitlement {
    let mut entitlement = Entitlement::empty(key(1), key(2), key(3), key(4), 255, UnixSeconds(100));
    entitlement.expires_at = UnixSeconds(1_000);
    entitlement
}

/// The account as the program would have written it.
fn account(addresses: &Addresses, value: &impl AccountSerialize, space: usize) -> Account {
    let mut data = Vec::new();
    value.try_serialize(&mut data).unwrap();
    data.resize(space, 0);
    Account {
        lamports: 1,
        data,
        owner: addresses.program_id,
        ..Account::default()
    }
}

#[test]
fn what_the_program_wrote_is_read_back() {
    let addresses = Addresses::default();
    let expected = entitlement();
    let address = addresses.entitlement(&expected.product, &expected.beneficiary);
    let stored = account(&addresses, &expected, Entitlement::SPACE);
    assert_eq!(
        decode::<Entitlement>(&addresses, &address, &stored),
        Ok(expected)
    );
}

#[test]
fn each_thing_that_can_be_wrong_has_its_code() {
    let addresses = Addresses::default();
    let value = entitlement();
    let address = addresses.entitlement(&value.product, &value.beneficiary);
    let good = account(&addresses, &value, Entitlement::SPACE);
    let code = |address: &Pubkey, account: &Account| {
        decode::<Entitlement>(&addresses, address, account)
            .unwrap_err()
            .code()
    };

    let mut other_owner = good.clone();
    other_owner.owner = key(9);
    assert_eq!(code(&address, &other_owner), "account_owner_mismatch");
    let other_deployment = Addresses::new(key(9));
    let error = decode::<Entitlement>(&other_deployment, &address, &good).unwrap_err();
    assert_eq!(error.code(), "account_owner_mismatch");

    let mut other_version = good.clone();
    other_version.data[8] = 2;
    assert_eq!(code(&address, &other_version), "account_version_unknown");

    assert_eq!(code(&key(5), &good), "account_address_mismatch");
    let forged = Entitlement {
        beneficiary: key(8),
        ..entitlement()
    };
    let forged = account(&addresses, &forged, Entitlement::SPACE);
    assert_eq!(code(&address, &forged), "account_address_mismatch");

    let merchant = Merchant::new(key(1), key(2), 255, UnixSeconds(0)).unwrap();
    let merchant = account(&addresses, &merchant, Entitlement::SPACE);
    assert_eq!(code(&address, &merchant), "account_type_mismatch");
    let closed = Account {
        data: Vec::new(),
        ..good
    };
    assert_eq!(code(&address, &closed), "account_type_mismatch");
}

#[test]
fn a_later_version_may_use_the_room_behind_the_fields() {
    let addresses = Addresses::default();
    let value = entitlement();
    let address = value.derived_address(&addresses);
    let mut stored = account(&addresses, &value, Entitlement::SPACE);
    let end = stored.data.len();
    stored.data[end - 1] = 7;
    assert_eq!(
        decode::<Entitlement>(&addresses, &address, &stored),
        Ok(value)
    );
}

#[test]
fn program_errors_keep_their_numbers() {
    let numbers: Vec<u32> = errors().map(u32::from).collect();
    let groups = [
        6000..=6006,
        6020..=6028,
        6040..=6046,
        6060..=6075,
        6080..=6084,
    ];
    let groups: Vec<u32> = groups.into_iter().flatten().collect();
    assert_eq!(numbers, groups);
    assert!(errors().all(|error| tollgate_client::program_error(error.into()) == Some(error)));
    assert_eq!(tollgate_client::program_error(1), None);
}

proptest! {
    #[test]
    fn damaged_accounts_never_panic_and_never_pass(
        data in proptest::collection::vec(any::<u8>(), 0..400),
        address: [u8; 32],
    ) {
        let addresses = Addresses::default();
        let account = Account { lamports: 1, data, owner: addresses.program_id, ..Account::default() };
        let address = Pubkey::new_from_array(address);
        prop_assert!(decode::<Entitlement>(&addresses, &address, &account).is_err());
    }

    #[test]
    fn a_flipped_bit_in_what_names_the_account_is_noticed(position in 0usize..73, bit in 0u8..8) {
        let addresses = Addresses::default();
        let value = entitlement();
        let address = value.derived_address(&addresses);
        let mut stored = account(&addresses, &value, Entitlement::SPACE);
        // Discriminator, version, and the two keys that the address is made from,
        // wherever the layout has them.
        let place = |key: Pubkey| {
            let mut windows = stored.data.windows(32);
            windows.position(|bytes| bytes == key.as_ref()).unwrap()
        };
        let named: Vec<usize> = (0..9)
            .chain((0..32).map(|byte| place(value.product) + byte))
            .chain((0..32).map(|byte| place(value.beneficiary) + byte))
            .collect();
        stored.data[named[position]] ^= 1 << bit;
        prop_assert!(decode::<Entitlement>(&addresses, &address, &stored).is_err());
    }

    #[test]
    fn an_entitlement_is_usable_exactly_before_its_expiry(now: i64, expires_at: i64, revoked: bool) {
        let mut value = entitlement();
        value.expires_at = UnixSeconds(expires_at);
        if revoked {
            value.status = EntitlementStatus::Revoked;
        }
        prop_assert_eq!(value.is_usable(UnixSeconds(now)), !revoked && now < expires_at);
    }
}
