//! The configuration of one verifier: one TOML file, or the same structures
//! filled in by an embedding program.
//!
//! Reading is strict: unknown keys, wrong types and values out of bounds are
//! refused, each with a stable code, the line, the key and what was expected
//! ([`ConfigError`]). Secrets come from files or environment variables only. The
//! commented example is `verifier/examples/tollgate.toml`.

mod admin;
mod audit;
mod chain;
mod chain_urls;
mod credits;
mod document;
mod error;
#[cfg(test)]
mod example_tests;
mod forward_auth;
mod limits;
mod log;
mod parse;
mod public_url;
mod receipts;
mod redis;
mod relay;
mod reload;
mod secret;
mod secrets;
mod sections;
mod sign_ins;
mod tls;
mod upstream;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use http::{HeaderValue, Method, Uri};
use rustls::pki_types::CertificateDer;
use solana_pubkey::Pubkey;
use tollgate_gate::Metering;

pub use self::admin::AdminConfig;
pub use self::audit::{AuditConfig, SyncPolicy, WhenFull};
pub use self::chain::{ChainConfig, Commitment, MAX_NEGATIVE_LIFETIME, MAX_RPC_FALLBACKS, Push};
pub use self::credits::{CreditStoreConfig, CreditsConfig, OperatorKey};
pub use self::error::{ConfigError, ConfigProblem, ProblemKind};
pub use self::forward_auth::{AddressRange, ForwardAuthConfig, ForwardAuthStyle};
pub use self::limits::{LimitsConfig, RateLimit};
pub use self::log::{LogConfig, LogFormat};
pub use self::public_url::PublicUrl;
pub use self::receipts::ReceiptsConfig;
pub use self::redis::{RedisConfig, RedisPassword, RedisUrl};
pub use self::relay::{RelayBounds, RelayConfig};
pub use self::reload::{ConfigWatch, ReloadConfig, SourceDigest};
pub use self::secret::{Environment, MAX_SECRET_BYTES, MIN_SECRET_BYTES, Secret, SecretUrl};
pub use self::secrets::{PreviousSecret, Secrets};
pub use self::sign_ins::{SignInStoreConfig, SignInsConfig};
pub use self::tls::{TlsConfig, TlsProblem};
pub use crate::limits::TrustedProxies;

/// The largest configuration file, in bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// The most routes and the most extra products of one configuration.
pub const MAX_ROUTES: usize = 1024;

/// Everything a verifier needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens and what it bears.
    pub server: ServerConfig,
    /// The Solana cluster it reads.
    pub chain: ChainConfig,
    /// Whose products it sells.
    pub merchant: MerchantConfig,
    /// The keys of its challenges and session tokens.
    pub secrets: Secrets,
    /// The server behind it; none when nothing is forwarded (an embedded gate, a
    /// forward-auth endpoint).
    pub upstream: Option<UpstreamConfig>,
    /// Web servers that ask before they forward; off when there is none.
    pub forward_auth: Option<ForwardAuthConfig>,
    /// How used credits are counted; without it, no route sells a metered product.
    pub credits: Option<CreditsConfig>,
    /// Where used sign-ins are remembered.
    pub sign_ins: SignInsConfig,
    /// How much callers may ask for.
    pub limits: LimitsConfig,
    /// The listener for operators; `None`: there is none.
    pub admin: Option<AdminConfig>,
    /// How the command writes its log.
    pub log: LogConfig,
    /// The key of receipts; without it none are made.
    pub receipts: Option<ReceiptsConfig>,
    /// The log of decisions; without it none is kept.
    pub audit: Option<AuditConfig>,
    /// Who settles plain transfers; without it they are not offered.
    pub relay: Option<RelayConfig>,
    /// When it is read again.
    pub reload: ReloadConfig,
    /// What is free, what is sold; everything else is refused.
    pub routes: Vec<RouteConfig>,
    /// What it was read from; of one that was made by a program, nothing.
    pub source: SourceDigest,
}

impl Config {
    /// Reads a configuration file; secrets come from the process environment or
    /// from files (relative paths start at the configuration file's folder).
    ///
    /// # Errors
    /// All problems of the file.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        parse::load(path, &|name| std::env::var(name).ok())
    }

    /// Reads a configuration from `text`; `file` is the name shown in problems,
    /// `folder` the start of relative paths.
    ///
    /// # Errors
    /// All problems of the text.
    pub fn parse(
        text: &str,
        file: &str,
        folder: &Path,
        environment: &Environment<'_>,
    ) -> Result<Self, ConfigError> {
        parse::parse(text, file, folder, environment)
    }
}

/// `[server]`: the listener and its limits.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address to listen at; port 0 takes a free one. Not used by an embedded
    /// gate.
    pub listen: SocketAddr,
    /// The URL by which callers reach this service. The only source of the URLs
    /// in challenges and of the sign-in domain: never the `Host` header.
    pub public_url: PublicUrl,
    /// The most open connections; more wait in the listener's queue.
    pub max_connections: usize,
    /// The most open connections of one peer address; more are closed at once.
    /// Behind a load balancer every connection has the balancer's address.
    pub max_connections_per_address: usize,
    /// How long a new connection may stay silent, and how long a request's head
    /// may take from its first byte to its last (HTTP/1).
    pub header_read_timeout: Duration,
    /// How long a connection without a request in flight stays open. Should be
    /// longer than a load balancer in front keeps idle connections.
    pub idle_timeout: Duration,
    /// How long a client may leave a response unread, and a request body unsent.
    pub stall_timeout: Duration,
    /// The largest request body, in bytes.
    pub max_request_body: u64,
    /// How long shutting down goes on serving after it turned unready, so that
    /// load balancers can notice.
    pub shutdown_grace: Duration,
    /// How long shutting down then waits for requests in flight.
    pub shutdown_deadline: Duration,
    /// Which web origins may read answers.
    pub allowed_origins: AllowedOrigins,
    /// How long a session token lasts at most; it also ends with its entitlement.
    pub session_lifetime: Duration,
    /// Whether answers say where their time went (`Server-Timing`).
    pub server_timing: bool,
    /// The certificate to serve with; `None`: plain HTTP, TLS ends in front.
    pub tls: Option<TlsConfig>,
}

impl ServerConfig {
    /// Where it listens when nothing else is said.
    pub const DEFAULT_LISTEN: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8402);

    /// The defaults at an address.
    #[must_use]
    pub fn new(listen: SocketAddr, public_url: PublicUrl) -> Self {
        Self {
            listen,
            public_url,
            max_connections: 1024,
            max_connections_per_address: 256,
            header_read_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(75),
            stall_timeout: Duration::from_secs(30),
            max_request_body: 10 << 20,
            shutdown_grace: Duration::ZERO,
            shutdown_deadline: Duration::from_secs(20),
            allowed_origins: AllowedOrigins::Any,
            session_lifetime: Duration::from_secs(3600),
            server_timing: false,
            tls: None,
        }
    }
}

/// Which web origins may read answers (`Access-Control-Allow-Origin`). No
/// answer depends on cookies, so `*` gives away nothing that another client
/// could not fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Every origin.
    Any,
    /// These origins.
    List(Vec<HeaderValue>),
}

/// `[merchant]`: whose products are sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantConfig {
    /// The merchant's account.
    pub merchant: MerchantId,
    /// The name that wallets and people are shown.
    pub name: String,
    /// Slugs of products that no route sells but that may be asked about.
    pub products: Vec<String>,
    /// The currency that products must have; any when not given.
    pub mint: Option<Pubkey>,
}

impl MerchantConfig {
    /// The defaults for a merchant account.
    #[must_use]
    pub fn new(merchant: MerchantId) -> Self {
        Self {
            merchant,
            name: "Tollgate".to_owned(),
            products: Vec::new(),
            mint: None,
        }
    }
}

/// How the merchant account is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MerchantId {
    /// By the owner whose key it is derived from.
    Owner(Pubkey),
    /// By its own address.
    Address(Pubkey),
}

/// `[upstream]`: the server that is protected.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// Scheme and authority; requests keep their path.
    pub url: Uri,
    /// What is spoken with it.
    pub protocol: UpstreamProtocol,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long the upstream may take until its response's head.
    pub response_timeout: Duration,
    /// How long the upstream may pause inside a response.
    pub idle_timeout: Duration,
    /// How long nothing may move in a WebSocket.
    pub websocket_idle_timeout: Duration,
    /// Whether `Cookie` reaches the upstream and `Set-Cookie` comes back.
    pub forward_cookies: bool,
    /// The only certificates that an `https` upstream's may rest on; those of the
    /// system when not given.
    pub trusted_certificates: Option<Vec<CertificateDer<'static>>>,
}

impl UpstreamConfig {
    /// The defaults for an upstream.
    #[must_use]
    pub fn new(url: Uri) -> Self {
        Self {
            url,
            protocol: UpstreamProtocol::Http1,
            connect_timeout: Duration::from_secs(3),
            response_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30),
            websocket_idle_timeout: Duration::from_secs(120),
            forward_cookies: false,
            trusted_certificates: None,
        }
    }
}

/// What is spoken with an upstream. It is not negotiated: HTTP/1 and HTTP/2 differ in
/// what a request's head must say about trailers, which is known before there is a
/// connection. WebSocket handshakes are HTTP/1 in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpstreamProtocol {
    /// HTTP/1.1, a connection for each request in progress.
    #[default]
    Http1,
    /// HTTP/2, all requests on one connection: by ALPN over TLS, else with prior
    /// knowledge (RFC 9113 section 3.3). What gRPC needs.
    Http2,
}

/// One of `[[routes]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteConfig {
    /// The path: exact segments, `{name}` for any one segment, `/*` at the end
    /// for everything below.
    pub path: String,
    /// The methods; `GET` includes `HEAD`.
    pub methods: Vec<Method>,
    /// Free, or the slug of the product that opens it.
    pub access: RouteAccess,
    /// The product's name in challenges; its slug when empty.
    pub title: String,
    /// What a request costs where the product counts credits.
    pub metering: Metering,
    /// Where a plain transfer goes to, where there is a relay.
    pub settlement: Settlement,
    /// What a caller gets, in words; part of the challenge.
    pub description: String,
    /// The media type of the answer; part of the challenge.
    pub mime_type: String,
    /// Whether WebSocket handshakes pass. No other upgrade ever does.
    pub websocket: bool,
    /// Where it stands in the configuration file, for problems found later.
    pub line: Option<usize>,
}

impl RouteConfig {
    /// A free `GET` route.
    #[must_use]
    pub fn free(path: &str) -> Self {
        Self::new(path, RouteAccess::Free)
    }

    /// A `GET` route sold as the product `slug`.
    #[must_use]
    pub fn paid(path: &str, slug: &str) -> Self {
        Self::new(path, RouteAccess::Product(slug.to_owned()))
    }

    fn new(path: &str, access: RouteAccess) -> Self {
        Self {
            path: path.to_owned(),
            methods: vec![Method::GET],
            access,
            metering: Metering::ONE_CREDIT,
            settlement: Settlement::Deposit,
            title: String::new(),
            description: String::new(),
            mime_type: "application/json".to_owned(),
            websocket: false,
            line: None,
        }
    }
}

/// Who may use a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteAccess {
    /// Everybody.
    Free,
    /// Whoever has an entitlement of the product with this slug.
    Product(String),
}

/// Where a client's plain transfer goes to (docs/payments.md).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Settlement {
    /// Into a token account of the payment intent: held until it is settled, and it
    /// goes back if it cannot be.
    #[default]
    Deposit,
    /// Straight into the vault, and recorded on the operator's word: for products that
    /// are sold by the call.
    Vault,
}

impl Settlement {
    /// Every way with its name in a configuration.
    pub const ALL: [(&str, Self); 2] = [("deposit", Self::Deposit), ("vault", Self::Vault)];
}
