//! What every feed says, whichever protocol it speaks.

use std::fmt;

use tollgate_client::{Addresses, Entitlement, Pubkey, UnixSeconds};

use super::FeedEnd;
use super::message::{self, Topic};
use super::socket::Socket;
#[cfg(feature = "yellowstone")]
use super::yellowstone::Yellowstone;
#[cfg(feature = "yellowstone")]
use crate::chain::question::Key;
#[cfg(feature = "yellowstone")]
use crate::config::YellowstoneConfig;
use crate::config::{Commitment, SecretUrl};

/// What to listen to.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub(super) addresses: Addresses,
    pub(super) merchant: Pubkey,
    pub(super) commitment: Commitment,
}

/// Something heard.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Heard {
    /// A subscription is confirmed.
    Subscribed,
    /// An entitlement changed in a slot that has reached the configured commitment.
    Changed(Box<Entitlement>, u64),
    /// An entitlement may have changed, or not.
    #[cfg(feature = "yellowstone")]
    Doubtful(Key),
    /// A slot is complete at the configured commitment, and its chain time.
    Complete(u64, UnixSeconds),
    /// The node works on a slot.
    Slot(u64),
    /// Nothing that matters.
    Nothing,
}

/// Where a feed is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A `ws` or `wss` URL.
    WebSocket(SecretUrl),
    /// A Yellowstone gRPC server.
    #[cfg(feature = "yellowstone")]
    Yellowstone(YellowstoneConfig),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebSocket(url) => url.fmt(formatter),
            #[cfg(feature = "yellowstone")]
            Self::Yellowstone(place) => place.endpoint.fmt(formatter),
        }
    }
}

/// One connection to a feed.
pub(super) enum Line {
    WebSocket(Box<Socket>, Subject),
    #[cfg(feature = "yellowstone")]
    Yellowstone(Box<Yellowstone>),
}

impl Line {
    /// Connects, bounded in time, and asks for everything.
    pub(super) async fn open(place: &Place, subject: Subject) -> Result<Self, FeedEnd> {
        match place {
            Place::WebSocket(url) => {
                let mut socket = Socket::open(url).await?;
                for topic in Topic::ALL {
                    socket.send(topic.request(&subject)).await?;
                }
                Ok(Self::WebSocket(Box::new(socket), subject))
            }
            #[cfg(feature = "yellowstone")]
            Place::Yellowstone(place) => Yellowstone::open(place, subject)
                .await
                .map(|open| Self::Yellowstone(Box::new(open))),
        }
    }

    /// How many subscriptions have to be confirmed before what is heard is all there
    /// is. A gRPC stream begins with its one subscription.
    pub(super) fn subscriptions(&self) -> usize {
        match self {
            Self::WebSocket(..) => Topic::ALL.len(),
            #[cfg(feature = "yellowstone")]
            Self::Yellowstone(_) => 0,
        }
    }

    /// The next thing heard. Not bounded in time.
    pub(super) async fn hear(&mut self) -> Result<Heard, FeedEnd> {
        match self {
            Self::WebSocket(socket, subject) => message::read(&socket.next().await?, subject),
            #[cfg(feature = "yellowstone")]
            Self::Yellowstone(stream) => stream.hear().await,
        }
    }
}
