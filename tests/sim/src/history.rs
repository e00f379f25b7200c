//! What happened in a run.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A moment of the run, counted from its beginning.
pub type Moment = Duration;

/// The number of a caller.
pub type CallerId = usize;

/// Everything that happened, in the order in which it was recorded.
#[derive(Clone, Debug)]
pub struct History {
    /// What the run declares and the checker holds it to.
    pub bounds: Bounds,
    /// The events.
    pub events: Vec<Event>,
}

/// The promises of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How old a positive answer may be: `max_staleness`, plus how far the run lets
    /// RPC servers lag.
    pub staleness: Duration,
    /// How old a negative answer may be for a caller who comes with a session, and
    /// how far the run lets RPC servers lag.
    pub negative: Duration,
    /// How far the run lets RPC servers lag: how old even an answer to a fresh
    /// question may be.
    pub lag: Duration,
    /// The most calls of one replica that may wait for the chain at the same time.
    pub in_flight: usize,
    /// The price of the product.
    pub price: u64,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// What stood on chain at the configured commitment.
    Chain(ChainState),
    /// A request and what came back.
    Exchange(Exchange),
    /// The upstream was called.
    Upstream {
        /// When.
        at: Moment,
        /// Which request it was, as the caller numbered it.
        request: u64,
        /// Whom the verifier named as the beneficiary.
        beneficiary: Option<CallerId>,
    },
    /// A replica's way to the chain changed.
    Rpc {
        /// When.
        at: Moment,
        /// Which replica.
        replica: usize,
        /// Whether it works (also if it is slow or behind).
        works: bool,
    },
    /// A limit on how often a payer may ask came in force at a replica, or its count of
    /// who asked began anew: at some moment of the span.
    Limit {
        /// Not before.
        from: Moment,
        /// Not after.
        at: Moment,
        /// Which replica.
        replica: usize,
        /// The limit; `None`: without limit.
        limit: Option<Limit>,
    },
    /// How many calls of a replica waited for the chain at once, at most.
    InFlight {
        /// Which replica.
        replica: usize,
        /// The most.
        most: usize,
    },
    /// A payment in a payer's journal at the end of the run.
    Payment {
        /// Whose.
        caller: CallerId,
        /// For which purchase.
        payment_id: String,
        /// The transaction.
        signature: String,
        /// Whether it took effect.
        landed: bool,
    },
    /// How much a payer's wallet lost in all.
    Spent {
        /// Whose.
        caller: CallerId,
        /// Atomic units.
        amount: u64,
    },
    /// The operator or fate did something to the world.
    Deed {
        /// When it was done.
        at: Moment,
        /// What.
        deed: Deed,
    },
    /// From here on nothing is broken any more.
    Healed {
        /// When.
        at: Moment,
    },
    /// How long healing may take.
    Deadline {
        /// When a caller must be judged rightly again.
        at: Moment,
    },
}

/// What is done to the world. The checker needs none of it: what it comes to stands on
/// chain. It shows what a history is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// An entitlement was ended.
    Revoked(CallerId),
    /// A payment was paid back.
    Refunded(CallerId),
    /// The chain's clock jumped behind every expiry.
    Jumped,
    /// A replica was stopped and started again.
    Restarted(usize),
    /// Another configuration was put in force at a replica.
    Reloaded(usize),
    /// A replica could not check another configuration, and kept its own.
    NotReloaded(usize),
    /// An agent was killed in the middle of whatever it did.
    AgentKilled(CallerId),
}

/// How often the holder of one entitlement may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// In the long run.
    pub per_minute: u32,
    /// At once.
    pub burst: u32,
}

/// What stood on chain: one bit for each caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainState {
    /// When it was read.
    pub at: Moment,
    /// The slot at the configured commitment.
    pub slot: u64,
    /// Whether each caller's entitlement was usable at that slot's chain time.
    pub usable: Vec<bool>,
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its number; the upstream sees it.
    pub request: u64,
    /// Who asked.
    pub caller: CallerId,
    /// How the caller said who it is.
    pub proof: Proof,
    /// When it was sent.
    pub sent: Moment,
    /// When the answer was there.
    pub answered: Moment,
    /// The replica that the request went to, if it came that far.
    pub replica: Option<usize>,
    /// The answer; `None` when the connection broke.
    pub answer: Option<Answer>,
}

/// How a caller says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Not at all.
    None,
    /// By a fresh signature.
    SignIn,
    /// By a session token.
    Session,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The stable code of a refusal; empty for what the upstream said.
    pub code: String,
    /// `Cache-Control`, in lower case.
    pub cache_control: String,
    /// Whether there was a `Retry-After`.
    pub retry_after: bool,
}

/// Where events are written while a run goes on. Clones write into the same history.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    began: Instant,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Recorder {
    pub(crate) fn start() -> Self {
        Self {
            began: Instant::now(),
            events: Arc::default(),
        }
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Moment {
        self.began.elapsed()
    }

    pub(crate) fn add(&self, event: Event) {
        self.events.lock().expect("no writer panicked").push(event);
    }

    pub(crate) fn finish(&self, bounds: Bounds) -> History {
        History {
            bounds,
            events: self.events.lock().expect("no writer panicked").clone(),
        }
    }
}
