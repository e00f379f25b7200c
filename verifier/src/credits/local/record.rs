//! What the file holds.

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tollgate_client::{Credits, UnixSeconds};

use crate::credits::ledger::{ChainView, Ledger, Life};
use crate::credits::owner::Owner;

/// The ledger of each entitlement, by address.
pub(super) const LEDGERS: TableDefinition<'_, &[u8; 32], &[u8; BYTES]> =
    TableDefinition::new("ledgers");

/// Entitlements that may have something to book.
pub(super) const UNBOOKED: TableDefinition<'_, &[u8; 32], ()> = TableDefinition::new("unbooked");

/// Facts about the file.
const FACTS: TableDefinition<'_, &str, &str> = TableDefinition::new("facts");

/// The layout; a file with another one is refused rather than misread.
const LAYOUT: &str = "1";

/// Bytes of a ledger: six numbers.
pub(super) const BYTES: usize = 48;

/// Makes a new file the owner's, or checks whose it is.
pub(super) fn claim(database: &Database, owner: &Owner) -> Result<bool, redb::Error> {
    let expected = [("layout", LAYOUT.to_owned()), ("owner", owner.name())];
    let transaction = database.begin_write()?;
    let mut same = true;
    {
        transaction.open_table(LEDGERS)?;
        transaction.open_table(UNBOOKED)?;
        let mut facts = transaction.open_table(FACTS)?;
        for (name, value) in &expected {
            let found = facts.get(name)?.map(|found| found.value() == value);
            match found {
                Some(found) => same &= found,
                None => drop(facts.insert(name, value.as_str())?),
            }
        }
    }
    if same {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    // Whether reading works shows now rather than at the first request.
    database.begin_read()?.open_table(LEDGERS)?;
    Ok(same)
}

/// The bytes of a ledger. What is reserved is written as used: nobody is left to
/// give it back when the file is opened again.
pub(super) fn encode(ledger: &Ledger) -> [u8; BYTES] {
    let numbers = [
        ledger.chain.life.created_at.0.cast_unsigned(),
        ledger.chain.life.generation,
        ledger.chain.slot,
        ledger.chain.granted.0,
        ledger.chain.booked.0,
        ledger.used.0.saturating_add(ledger.reserved.0),
    ];
    let mut bytes = [0; BYTES];
    for (place, number) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
        *place = number.to_le_bytes();
    }
    bytes
}

/// The ledger of these bytes, with nothing reserved.
pub(super) fn decode(bytes: &[u8; BYTES]) -> Ledger {
    let mut numbers = bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|number| u64::from_le_bytes(*number));
    let mut next = || numbers.next().unwrap_or_default();
    Ledger {
        chain: ChainView {
            life: Life {
                created_at: UnixSeconds(next().cast_signed()),
                generation: next(),
            },
            slot: next(),
            granted: Credits(next()),
            booked: Credits(next()),
        },
        used: Credits(next()),
        reserved: Credits(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_reserved_is_used_after_a_restart() {
        let ledger = Ledger {
            chain: ChainView {
                life: Life {
                    created_at: UnixSeconds(-5),
                    generation: 6,
                },
                slot: 7,
                granted: Credits(u64::MAX),
                booked: Credits(9),
            },
            used: Credits(10),
            reserved: Credits(11),
        };
        let restarted = Ledger {
            used: Credits(21),
            reserved: Credits(0),
            ..ledger
        };
        assert_eq!(decode(&encode(&ledger)), restarted);
    }
}
