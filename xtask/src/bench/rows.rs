//! What is measured.

/// A kind of request to a kind of server.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name in the results.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// The server.
    pub subject: Subject,
    /// Who asks, as `load --caller` calls it.
    pub caller: &'static str,
    /// The status of every answer.
    pub expect: u16,
    /// The row that it is compared with.
    pub against: Option<&'static str>,
}

/// A server and what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// axum with a fixed body.
    Bare,
    /// axum with the bytes of one 402 of the layer.
    Fixed402,
    /// A plain hyper proxy before it.
    PlainProxy,
    /// The verifier before it, with a chain that answers at once.
    Gate,
    /// The verifier before it, with a chain that takes [`DELAY_MS`].
    GateOnSlowChain,
    /// The gate as a layer around it, on axum's accept loop.
    Layer,
    /// The gate as a layer around it, on the verifier's accept loop.
    LayerOnOwnLoop,
    /// x402-axum around it, with a facilitator that answers at once.
    Peer,
}

/// How long the slow chain takes for an answer.
pub const DELAY_MS: u64 = 20;

/// The bare server: what everything is compared with.
pub const BARE: &str = "bare_axum";
/// A paid request with a session, through the layer.
pub const LAYER_SESSION: &str = "layer_session";
/// A 402 of the layer.
pub const LAYER_402: &str = "layer_402";
/// The bare server with the bytes of a 402.
pub const BARE_402: &str = "bare_axum_402";
/// A plain reverse proxy.
pub const PLAIN_PROXY: &str = "plain_proxy";
/// A paid request with a session, through the verifier.
pub const PROXY_SESSION: &str = "proxy_session";
/// A caller whom the verifier does not know yet.
pub const PROXY_MISS: &str = "proxy_miss_20ms_rpc";
/// A paid request of the peer.
pub const PEER_PAID: &str = "x402_axum_paid";

/// All rows, in the order in which they are measured.
pub const ROWS: &[Row] = &[
    Row {
        name: BARE,
        title: "axum, fixed body",
        subject: Subject::Bare,
        caller: "stranger",
        expect: 200,
        against: None,
    },
    Row {
        name: LAYER_SESSION,
        title: "layer, session",
        subject: Subject::Layer,
        caller: "session",
        expect: 200,
        against: Some(BARE),
    },
    Row {
        name: "layer_own_loop_session",
        title: "layer on the verifier's loop, session",
        subject: Subject::LayerOnOwnLoop,
        caller: "session",
        expect: 200,
        against: Some(BARE),
    },
    Row {
        name: "layer_sign_in",
        title: "layer, sign-in each time",
        subject: Subject::Layer,
        caller: "sign-in",
        expect: 200,
        against: Some(BARE),
    },
    Row {
        name: BARE_402,
        title: "axum, fixed 402 with the same bytes",
        subject: Subject::Fixed402,
        caller: "stranger",
        expect: 402,
        against: Some(BARE),
    },
    Row {
        name: LAYER_402,
        title: "402 of the layer",
        subject: Subject::Layer,
        caller: "stranger",
        expect: 402,
        against: Some(BARE_402),
    },
    Row {
        name: "proxy_402",
        title: "402 of the verifier itself",
        subject: Subject::Gate,
        caller: "stranger",
        expect: 402,
        against: Some(BARE_402),
    },
    Row {
        name: PLAIN_PROXY,
        title: "plain hyper proxy",
        subject: Subject::PlainProxy,
        caller: "stranger",
        expect: 200,
        against: Some(BARE),
    },
    Row {
        name: PROXY_SESSION,
        title: "reverse proxy, session",
        subject: Subject::Gate,
        caller: "session",
        expect: 200,
        against: Some(PLAIN_PROXY),
    },
    Row {
        name: "proxy_sign_in",
        title: "reverse proxy, sign-in each time",
        subject: Subject::Gate,
        caller: "sign-in",
        expect: 200,
        against: Some(PLAIN_PROXY),
    },
    Row {
        name: PROXY_MISS,
        title: "reverse proxy, miss with a 20 ms RPC",
        subject: Subject::GateOnSlowChain,
        caller: "distinct",
        expect: 200,
        against: Some(PLAIN_PROXY),
    },
    Row {
        name: "x402_axum_402",
        title: "402 of x402-axum 2.0.2",
        subject: Subject::Peer,
        caller: "stranger",
        expect: 402,
        against: Some(BARE),
    },
    Row {
        name: PEER_PAID,
        title: "x402-axum 2.0.2, paid",
        subject: Subject::Peer,
        caller: "x402",
        expect: 200,
        against: Some(BARE),
    },
];
