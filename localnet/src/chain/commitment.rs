//! How far each commitment level is behind the newest slot.

use crate::LocalnetError;
use solana_clock::Slot;
use solana_commitment_config::CommitmentLevel;

/// How many slots after the slot in which a transaction landed it counts as confirmed and as
/// finalized.
///
/// A cluster under TowerBFT takes about 1 and 31 slots. The default here is 1 and 4: with slots
/// of 400 ms a payment is confirmed within half a second and final within two, which a
/// demonstration can wait for, and the levels still differ, so that a program that mistakes
/// one for another is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitmentDepths {
    /// Slots until confirmed; at least 1.
    pub confirmed: u64,
    /// Slots until finalized; at least as many as until confirmed, at most
    /// [`CommitmentDepths::LARGEST`].
    pub finalized: u64,
}

impl CommitmentDepths {
    /// The largest depth accepted: the state of every slot up to it is kept in memory.
    pub const LARGEST: u64 = 512;

    pub(crate) fn check(self) -> Result<Self, LocalnetError> {
        if self.confirmed == 0 {
            return Err(LocalnetError::Settings(
                "a slot can be confirmed only after it has ended: the depth of `confirmed` must be at least 1",
            ));
        }
        if self.finalized < self.confirmed {
            return Err(LocalnetError::Settings(
                "`finalized` cannot come before `confirmed`",
            ));
        }
        if self.finalized > Self::LARGEST {
            return Err(LocalnetError::Settings(
                "the depth of `finalized` must be at most 512 slots",
            ));
        }
        Ok(self)
    }
}

impl Default for CommitmentDepths {
    fn default() -> Self {
        Self {
            confirmed: 1,
            finalized: 4,
        }
    }
}

/// The newest slot at each commitment level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommitmentSlots {
    /// The slot that transactions land in.
    pub(crate) processed: Slot,
    pub(crate) confirmed: Slot,
    pub(crate) finalized: Slot,
}

impl CommitmentSlots {
    /// The newest slot at a level.
    pub(crate) fn at(self, level: CommitmentLevel) -> Slot {
        match level {
            CommitmentLevel::Processed => self.processed,
            CommitmentLevel::Confirmed => self.confirmed,
            CommitmentLevel::Finalized => self.finalized,
        }
    }

    /// The slots after one more slot has begun; a frozen cluster makes blocks, but nobody
    /// votes for them.
    pub(crate) fn next(self, depths: CommitmentDepths, frozen: bool) -> Self {
        let processed = self.processed.saturating_add(1);
        if frozen {
            return Self { processed, ..self };
        }
        Self {
            processed,
            confirmed: processed
                .saturating_sub(depths.confirmed)
                .max(self.confirmed),
            finalized: processed
                .saturating_sub(depths.finalized)
                .max(self.finalized),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_follow_at_their_distance_and_catch_up_after_a_freeze() {
        let depths = CommitmentDepths {
            confirmed: 1,
            finalized: 3,
        };
        let mut slots = CommitmentSlots {
            processed: 10,
            confirmed: 9,
            finalized: 7,
        };
        slots = slots.next(depths, true).next(depths, true);
        assert_eq!(
            (slots.processed, slots.confirmed, slots.finalized),
            (12, 9, 7)
        );
        slots = slots.next(depths, false);
        assert_eq!(
            (slots.processed, slots.confirmed, slots.finalized),
            (13, 12, 10)
        );
    }

    #[test]
    fn impossible_depths_are_refused() {
        let refused = [(0, 4), (3, 2), (1, 513)];
        for (confirmed, finalized) in refused {
            let depths = CommitmentDepths {
                confirmed,
                finalized,
            };
            assert!(depths.check().is_err(), "{depths:?}");
        }
        assert!(CommitmentDepths::default().check().is_ok());
    }
}
