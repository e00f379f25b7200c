//! The feed over Yellowstone's gRPC: one stream carries the merchant's entitlements,
//! the Clock sysvar, and the slots at every commitment.
//!
//! The server is asked for what has reached the configured commitment, and is not
//! taken at its word: a change counts when its slot was reported to have reached it
//! ([`slots`]). A slot is complete when it has reached the commitment and its clock is
//! known.
//!
//! Nothing is asked to be sent again (`from_slot`): servers keep a minute or none, and
//! answer otherwise behind each balancer of load. What a gap hid is read, as for every
//! feed.

mod codec;
mod connection;
mod slots;
mod wire;

use std::collections::{HashMap, VecDeque};

use tokio::time::timeout;
use tollgate_client::chain::CLOCK;
use tollgate_client::{Addresses, Entitlement, Pubkey, UnixSeconds};

use self::connection::Connection;
use self::slots::{Fate, Slots, State};
use self::wire::{
    AccountUpdate, AccountsFilter, DataCondition, DataFilter, Memcmp, SlotUpdate, SlotsFilter,
    SubscribeRequest, Update, level,
};
use super::{FeedEnd, Heard, Subject};
use crate::chain::question::Key;
use crate::chain::rpc::{chain_time, entitlement_at, existing, marks};
use crate::config::{Commitment, YellowstoneConfig};

/// What an account says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Entitlement(Box<Entitlement>),
    Time(UnixSeconds),
}

/// One subscription.
pub(super) struct Yellowstone {
    connection: Connection,
    subject: Subject,
    slots: Slots<Content>,
    /// The newest slot of which anything was reported: the heartbeat.
    newest: u64,
    /// The newest complete slot.
    complete: u64,
    /// Heard, and not yet handed out.
    ready: VecDeque<Heard>,
}

impl Yellowstone {
    /// Connects and subscribes.
    pub(super) async fn open(place: &YellowstoneConfig, subject: Subject) -> Result<Self, FeedEnd> {
        let opening = Connection::open(place, subscription(&subject));
        let connection = timeout(place.connect_timeout, opening)
            .await
            .unwrap_or(Err(FeedEnd::Unreachable))?;
        Ok(Self {
            connection,
            subject,
            slots: Slots::new(),
            newest: 0,
            complete: 0,
            ready: VecDeque::new(),
        })
    }

    /// The next thing heard.
    pub(super) async fn hear(&mut self) -> Result<Heard, FeedEnd> {
        loop {
            if let Some(heard) = self.ready.pop_front() {
                return Ok(heard);
            }
            match self.connection.next().await?.update {
                Some(Update::Account(update)) => self.account(update)?,
                Some(Update::Slot(update)) => self.slot(&update),
                Some(Update::Ping(_)) => self.connection.pong(),
                None => {}
            }
        }
    }

    fn account(&mut self, update: AccountUpdate) -> Result<(), FeedEnd> {
        let Some(state) = read(update, &self.subject.addresses, &self.subject.merchant)? else {
            return Ok(());
        };
        let fate = self
            .slots
            .account(state)
            .map_err(|_| FeedEnd::Untrusted("more changes than slots can hold"))?;
        self.settle(fate);
        Ok(())
    }

    fn slot(&mut self, update: &SlotUpdate) {
        if update.slot > self.newest {
            self.newest = update.slot;
            self.ready.push_back(Heard::Slot(update.slot));
        }
        if reaches(update.status, self.subject.commitment) {
            let fates = self.slots.reached(update.slot);
            self.settle(fates);
        } else if update.status == wire::SLOT_DEAD {
            self.slots.dead(update.slot);
        }
    }

    /// Hands out what became certain: changes first, then that their slot is complete.
    fn settle(&mut self, fates: impl IntoIterator<Item = Fate<Content>>) {
        let mut complete = None;
        for fate in fates {
            match fate {
                Fate::Holds(State { slot, content, .. }) => match content {
                    Content::Entitlement(entitlement) => {
                        self.ready.push_back(Heard::Changed(entitlement, slot));
                    }
                    Content::Time(time) => complete = Some((slot, time)),
                },
                Fate::Open(State { content, .. }) => {
                    if let Content::Entitlement(entitlement) = content {
                        self.ready.push_back(Heard::Doubtful(Key {
                            product: entitlement.product,
                            beneficiary: entitlement.beneficiary,
                        }));
                    }
                }
            }
        }
        // An earlier slot's, come late, says nothing of now.
        if let Some((slot, time)) = complete
            && slot > self.complete
        {
            self.complete = slot;
            self.ready.push_back(Heard::Complete(slot, time));
        }
    }
}

/// Whether a slot of this status has reached `commitment`.
fn reaches(status: i32, commitment: Commitment) -> bool {
    match commitment {
        Commitment::Confirmed => status == level::CONFIRMED || status == level::FINALIZED,
        Commitment::Finalized => status == level::FINALIZED,
    }
}

/// Everything that is wanted, in one request.
fn subscription(subject: &Subject) -> SubscribeRequest {
    let size = u64::try_from(Entitlement::SPACE).unwrap_or(u64::MAX);
    let conditions = marks(&subject.merchant)
        .into_iter()
        .map(|(offset, bytes)| {
            DataCondition::Memcmp(Memcmp {
                offset,
                bytes: Some(bytes),
            })
        })
        .chain([DataCondition::DataSize(size)]);
    let entitlements = AccountsFilter {
        owner: vec![subject.addresses.program_id.to_string()],
        filters: conditions
            .map(|condition| DataFilter {
                condition: Some(condition),
            })
            .collect(),
        ..AccountsFilter::default()
    };
    let clock = AccountsFilter {
        account: vec![CLOCK.to_string()],
        ..AccountsFilter::default()
    };
    let commitment = match subject.commitment {
        Commitment::Confirmed => level::CONFIRMED,
        Commitment::Finalized => level::FINALIZED,
    };
    SubscribeRequest {
        accounts: HashMap::from([
            ("entitlements".to_owned(), entitlements),
            ("clock".to_owned(), clock),
        ]),
        slots: HashMap::from([("slots".to_owned(), SlotsFilter::default())]),
        commitment: Some(commitment),
        ping: None,
    }
}

/// What an account update says; `None` when that does not matter.
///
/// # Errors
/// [`FeedEnd::Untrusted`] for what the program and the node do not write: it may be
/// the end of a grant, so that the feed cannot be relied upon any more.
fn read(
    update: AccountUpdate,
    addresses: &Addresses,
    merchant: &Pubkey,
) -> Result<Option<State<Content>>, FeedEnd> {
    const SHAPE: FeedEnd = FeedEnd::Untrusted("an account of another shape");
    if update.is_startup {
        return Ok(None);
    }
    let account = update.account.ok_or(SHAPE)?;
    let address = Pubkey::try_from(account.pubkey.as_slice()).map_err(|_| SHAPE)?;
    let owner = Pubkey::try_from(account.owner.as_slice()).map_err(|_| SHAPE)?;
    let found = existing(account.lamports, owner, account.data);
    let untrusted = |code| FeedEnd::Untrusted(code);
    let content = if address == CLOCK {
        let time = chain_time(found).map_err(|failure| untrusted(failure.code()))?;
        Content::Time(time)
    } else {
        // The end of an account: the program ends only what grants nothing any more.
        let Some(found) = found else {
            return Ok(None);
        };
        let entitlement = entitlement_at(&address, &found, addresses, merchant)
            .map_err(|failure| untrusted(failure.code()))?;
        Content::Entitlement(Box::new(entitlement))
    };
    Ok(Some(State {
        address,
        slot: update.slot,
        write_version: account.write_version,
        content,
    }))
}
