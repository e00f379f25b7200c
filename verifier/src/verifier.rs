//! Starting and stopping a verifier.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{Method, header};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tollgate_client::chain::Commitment as ChainCommitment;
use tollgate_client::{Addresses, Chain, ChainOptions, DurationSeconds, Slug};
use tollgate_gate::limits::MAX_SESSION_LIFETIME;
use tollgate_gate::{Gate, GateError, GateSettings, KeyRing, Network, Origin};
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, Any, CorsLayer};
use tracing::info;

use crate::app::App;
use crate::audit::{AuditLog, AuditTask, Notary};
use crate::chain::{CacheLimits, Catalogue, ChainHealth, EntitlementCache, Snapshot};
use crate::config::{AllowedOrigins, Commitment, Config, MerchantId, PublicUrl, Secrets};
use crate::error::ServiceError;
use crate::market::{Market, RoutePlan};
use crate::nonces::{MAX_NONCES, NonceMemory};
use crate::proxy::Proxy;
use crate::receipts::ReceiptDesk;
use crate::request_id;
use crate::serve::{self, Drained, Limits};
use crate::start_error::StartError;
use crate::{api, gatekeeper, keys};

/// How long browsers may remember a preflight.
const PREFLIGHT_LIFETIME: Duration = Duration::from_secs(600);

/// The service. [`Verifier::start`] is all there is.
#[derive(Clone, Copy, Debug)]
pub struct Verifier;

/// A verifier that is running. Dropping it stops it at once; call
/// [`RunningVerifier::shutdown`] to let requests in flight finish.
#[derive(Debug)]
pub struct RunningVerifier {
    local_addr: SocketAddr,
    public_url: PublicUrl,
    stop: watch::Sender<bool>,
    server: Task<Drained>,
    refresher: Task<()>,
    audit: Option<AuditTask>,
    audit_deadline: Duration,
}

/// How shutting down went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Connections that did not finish before `shutdown_deadline` and were cut.
    pub cut_connections: usize,
}

/// A task that ends with its owner.
#[derive(Debug)]
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Verifier {
    /// Checks the configuration against itself and the chain, listens, and serves
    /// until [`RunningVerifier::shutdown`].
    ///
    /// When the RPC server cannot be asked, the verifier starts all the same: it
    /// is not ready, answers 503, and looks again. What the chain contradicts (another
    /// cluster, no such merchant or product, another currency) is an error.
    ///
    /// # Errors
    /// [`StartError`], with a stable code.
    pub async fn start(config: Config) -> Result<RunningVerifier, StartError> {
        let plan = RoutePlan::new(&config.routes).map_err(StartError::routes)?;
        let listener = TcpListener::bind(config.server.listen)
            .await
            .map_err(|error| StartError::Listen {
                address: config.server.listen,
                error,
            })?;
        let local_addr = listener.local_addr().map_err(|error| StartError::Listen {
            address: config.server.listen,
            error,
        })?;
        let public_url = config.server.public_url.with_bound_port(local_addr.port());
        let (stop, stopping) = watch::channel(false);
        let health = Arc::new(ChainHealth::new(config.chain.ready_within));
        let chain = Arc::new(connect(&config));
        let catalogue = catalogue(&config, &plan, &chain, &health)?;
        let merchant = catalogue.merchant;
        let publish = Publisher {
            plan,
            merchant,
            sender: watch::Sender::new(None),
        };
        let first = catalogue.first().await.map_err(StartError::from)?;
        let known = first.is_some();
        publish.publish(first);
        let gate = gate(&config, &public_url)?;
        let (audit, audit_task) = audit(&config, &gate).await?.unzip();
        let app = Arc::new(App {
            gate,
            cache: EntitlementCache::new(
                Arc::clone(&chain),
                Arc::clone(&health),
                CacheLimits {
                    max_staleness: config.chain.max_staleness,
                    capacity: config.chain.cache_capacity,
                    max_in_flight: config.chain.max_in_flight,
                    max_wait: config.chain.request_timeout,
                },
            ),
            chain,
            health,
            proxy: Proxy::new(&config.server, config.upstream.clone(), public_url.clone())
                .map_err(|error| StartError::Upstream(error.to_string()))?,
            nonces: Arc::new(NonceMemory::new(MAX_NONCES)),
            receipts: config.receipts.as_ref().map(ReceiptDesk::new),
            audit,
            payment_turns: Semaphore::new(config.chain.max_in_flight),
            market: publish.sender.subscribe(),
            stopping: stopping.clone(),
            merchant,
            merchant_name: config.merchant.name.clone(),
            public_url: public_url.clone(),
            terms_lifetime: config.chain.ready_within,
        });
        let refresher = tokio::spawn(catalogue.refresh(
            config.chain.refresh_interval,
            known,
            move |snapshot| publish.publish(snapshot),
            stopping.clone(),
        ));
        let router = router(app, &config.server.allowed_origins);
        let limits = Limits::from(&config);
        let shutdown_deadline = config.server.shutdown_deadline;
        let server = tokio::spawn(serve::run(listener, router, limits, stopping));
        info!(address = %local_addr, url = %public_url, ready = known, "the verifier listens");
        Ok(RunningVerifier {
            local_addr,
            public_url,
            stop,
            server: Task(server),
            refresher: Task(refresher),
            audit: audit_task,
            audit_deadline: shutdown_deadline,
        })
    }
}

impl RunningVerifier {
    /// The address it listens at.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The URL that callers use; a configured port 0 is replaced by the real one.
    #[must_use]
    pub fn public_url(&self) -> &PublicUrl {
        &self.public_url
    }

    /// Stops accepting, turns unready, lets requests in flight finish until the
    /// configured deadline, and then cuts them.
    pub async fn shutdown(mut self) -> ShutdownReport {
        self.stop.send_replace(true);
        // A task that panicked has nothing left to drain.
        let drained = (&mut self.server.0).await.unwrap_or(Drained { cut: 0 });
        let _ = (&mut self.refresher.0).await;
        // Last: what was served until now is still to be recorded.
        if let Some(audit) = self.audit.take() {
            audit.close(self.audit_deadline).await;
        }
        info!(cut = drained.cut, "the verifier stopped");
        ShutdownReport {
            cut_connections: drained.cut,
        }
    }
}

/// Turns readings of the catalogue into routes with terms.
struct Publisher {
    plan: RoutePlan,
    merchant: tollgate_client::Pubkey,
    sender: watch::Sender<Option<Arc<Market>>>,
}

impl Publisher {
    fn publish(&self, snapshot: Option<Snapshot>) {
        let market = snapshot
            .and_then(|snapshot| Market::new(&self.plan, Arc::new(snapshot), self.merchant))
            .map(Arc::new);
        self.sender.send_replace(market);
    }
}

fn connect(config: &Config) -> Chain {
    Chain::new(
        config.chain.rpc_url.expose(),
        ChainOptions {
            program_id: config.chain.program_id,
            commitment: match config.chain.commitment {
                Commitment::Confirmed => ChainCommitment::Confirmed,
                Commitment::Finalized => ChainCommitment::Finalized,
            },
            timeout: config.chain.request_timeout,
        },
    )
}

fn catalogue(
    config: &Config,
    plan: &RoutePlan,
    chain: &Arc<Chain>,
    health: &Arc<ChainHealth>,
) -> Result<Catalogue, StartError> {
    let merchant = match config.merchant.merchant {
        MerchantId::Owner(owner) => chain.addresses().merchant(&owner),
        MerchantId::Address(address) => address,
    };
    let mut slugs = plan.slugs();
    for name in &config.merchant.products {
        slugs.push(Slug::new(name).map_err(|_| StartError::Slug(name.clone()))?);
    }
    slugs.sort_unstable();
    slugs.dedup();
    Ok(Catalogue {
        chain: Arc::clone(chain),
        health: Arc::clone(health),
        genesis_hash: config.chain.genesis_hash,
        merchant,
        slugs,
        routed: plan.slugs(),
        mint: config.merchant.mint,
    })
}

fn gate(config: &Config, public_url: &PublicUrl) -> Result<Gate, StartError> {
    let origin = Origin::parse(&public_url.to_string())
        .map_err(|error| StartError::PublicUrl(error.to_string()))?;
    let network = Network::from_genesis_hash(&config.chain.genesis_hash.to_string())
        .map_err(|error| StartError::Network(error.to_string()))?;
    Ok(Gate::new(GateSettings {
        origin,
        network,
        addresses: Addresses::new(config.chain.program_id),
        keys: key_ring(&config.secrets)?,
        session_lifetime: DurationSeconds(config.server.session_lifetime.as_secs())
            .min(MAX_SESSION_LIFETIME),
    }))
}

/// Opens the audit log. Its checkpoints are signed with the key of receipts.
async fn audit(config: &Config, gate: &Gate) -> Result<Option<(AuditLog, AuditTask)>, StartError> {
    let Some(settings) = &config.audit else {
        return Ok(None);
    };
    let receipts = config.receipts.as_ref();
    let notary = receipts
        .filter(|_| settings.checkpoint_every > 0)
        .map(|receipts| Notary {
            key: Arc::clone(&receipts.signing_key),
            issuer: gate.origin().issuer(),
            every: settings.checkpoint_every,
        });
    Ok(Some(AuditLog::start(settings, notary).await?))
}

fn key_ring(secrets: &Secrets) -> Result<KeyRing, StartError> {
    keys::ring(secrets).map_err(|error| StartError::Secret(error.to_string()))
}

/// Endpoints and protected routes, inside what every request goes through.
fn router(app: Arc<App>, origins: &AllowedOrigins) -> Router {
    let protected = Router::new()
        .fallback(gatekeeper::handle)
        .with_state(Arc::clone(&app));
    let plain = api::router(app).fallback_service(protected);
    plain
        .clone()
        .layer(cors(origins))
        .layer(from_fn_with_state(plain, without_cors))
        .layer(CatchPanicLayer::custom(|_| {
            ServiceError::from(GateError::Internal).into_response()
        }))
        .layer(from_fn(request_id::trace))
}

/// The CORS layer takes every `OPTIONS` for a preflight. One that asks nothing
/// about another origin goes past it, to learn the methods of the path.
async fn without_cors(State(plain): State<Router>, request: Request, next: Next) -> Response {
    let preflight = request
        .headers()
        .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() == Method::OPTIONS && !preflight {
        return plain.oneshot(request).await.into_response();
    }
    next.run(request).await
}

/// Wallets and browser clients live on other origins. No answer depends on
/// cookies that a browser adds by itself, so credentials are never allowed.
fn cors(origins: &AllowedOrigins) -> CorsLayer {
    let origin = match origins {
        AllowedOrigins::Any => AllowOrigin::any(),
        AllowedOrigins::List(list) => AllowOrigin::list(list.clone()),
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods(AllowMethods::list([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ]))
        // Stock clients send headers that nobody expects in a request
        // (`Access-Control-Expose-Headers`); what is asked for is allowed.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(Any)
        .max_age(PREFLIGHT_LIFETIME)
}
