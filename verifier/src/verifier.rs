//! Starting, changing and stopping a verifier.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;
use tracing::{error, info};

use crate::admin;
use crate::app::App;
use crate::config::{Config, PublicUrl};
use crate::entry::Entry;
use crate::foundation::{Foundation, Prepared, Task};
use crate::gatekeeper::Gatekeeper;
use crate::lasting::Lasting;
use crate::metrics::Reloaded;
use crate::proxy::Proxy;
use crate::reload::{ReloadError, fixed_settings};
use crate::router::router;
use crate::serve::{self, Current, Drained, Limits, Served};
use crate::shutdown::HOOK_DEADLINE;
use crate::start_error::StartError;

/// The service. [`Verifier::start`] is all there is.
#[derive(Clone, Copy, Debug)]
pub struct Verifier;

/// A verifier that is running. Dropping it stops it at once; call
/// [`RunningVerifier::shutdown`] to let requests in flight finish.
pub struct RunningVerifier {
    local_addr: SocketAddr,
    admin_addr: Option<SocketAddr>,
    lasting: Lasting,
    current: Arc<Current>,
    /// The configuration in force; held while another is checked.
    running: Mutex<Running>,
    /// Its state, for the admin listener.
    apps: watch::Sender<Arc<App>>,
    server: Task<Drained>,
    admin: Option<Task<Drained>>,
}

/// A configuration in force and its state.
struct Running {
    config: Config,
    /// Follows the chain for it.
    _foundation: Foundation,
}

impl fmt::Debug for RunningVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RunningVerifier")
            .field("local_addr", &self.local_addr)
            .field("admin_addr", &self.admin_addr)
            .finish_non_exhaustive()
    }
}

/// How shutting down went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Connections that did not finish before `shutdown_deadline` and were cut.
    pub cut_connections: usize,
    /// What could not be written down before the end.
    pub failed_hooks: Vec<&'static str>,
}

impl From<Drained> for ShutdownReport {
    fn from(drained: Drained) -> Self {
        Self {
            cut_connections: drained.cut,
            failed_hooks: Vec::new(),
        }
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
        let (listener, local_addr) = listen(config.server.listen).await?;
        let admin_listener = match &config.admin {
            Some(admin) => Some(listen(admin.listen).await?),
            None => None,
        };
        let public_url = config.server.public_url.with_bound_port(local_addr.port());
        let mut lasting = Lasting::start(&config, public_url)?;
        lasting.open_stores(&config).await?;
        let prepared = Prepared::new(&config, &lasting).await?;
        lasting.follow_the_chain(&config);
        let ready = prepared.known;
        let served = served(&config, &prepared.app, &lasting)?;
        let current = Current::new(served, lasting.metrics.connections.clone());
        let foundation = prepared.enter(&config, &lasting);
        let (apps, app) = watch::channel(Arc::clone(&foundation.app));
        let admin_addr = admin_listener.as_ref().map(|(_, address)| *address);
        let admin = admin_listener.map(|(listener, address)| {
            info!(%address, "the admin listener listens");
            Task(tokio::spawn(admin::run(
                listener,
                app,
                Arc::clone(&lasting.metrics),
            )))
        });
        let server = tokio::spawn(serve::run(
            listener,
            Arc::clone(&current),
            lasting.stop.subscribe(),
        ));
        info!(address = %local_addr, url = %lasting.public_url, ready, "the verifier listens");
        Ok(RunningVerifier {
            local_addr,
            admin_addr,
            lasting,
            current,
            running: Mutex::new(Running {
                config,
                _foundation: foundation,
            }),
            apps,
            server: Task(server),
            admin,
        })
    }

    /// Checks a configuration as [`Verifier::start`] does, without listening, and
    /// with [`CheckDepth::Offline`] without asking the chain.
    ///
    /// # Errors
    /// [`StartError`], with a stable code.
    pub async fn check(config: Config, depth: CheckDepth) -> Result<Checked, StartError> {
        let public_url = config.server.public_url.clone();
        let lasting = Lasting::start(&config, public_url)?;
        let prepared = match depth {
            CheckDepth::Offline => Prepared::offline(&config, &lasting)?,
            CheckDepth::Chain => Prepared::new(&config, &lasting).await?,
        };
        served(&config, &prepared.app, &lasting)?;
        Ok(match (depth, prepared.known) {
            (CheckDepth::Offline, _) => Checked::ByItself,
            (CheckDepth::Chain, true) => Checked::AgainstTheChain,
            (CheckDepth::Chain, false) => Checked::ChainUnavailable,
        })
    }
}

/// How much of a configuration is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckDepth {
    /// Whether it makes sense by itself.
    Offline,
    /// Whether the chain agrees: cluster, merchant, products, currency.
    Chain,
}

/// What a check found out about a configuration without mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It makes sense by itself; the chain was not asked.
    ByItself,
    /// The chain agrees.
    AgainstTheChain,
    /// It makes sense by itself; the chain could not be asked.
    ChainUnavailable,
}

/// What the listener serves under this configuration.
fn served(config: &Config, app: &Arc<App>, lasting: &Lasting) -> Result<Served, StartError> {
    if config.upstream.is_none() && config.forward_auth.is_none() {
        let message = "expected a section [upstream] or [forward_auth]";
        return Err(StartError::Upstream(message.to_owned()));
    }
    let proxy = config
        .upstream
        .clone()
        .map(|upstream| Proxy::new(&config.server, upstream, lasting.public_url.clone()))
        .transpose()
        .map_err(|error| StartError::Upstream(error.to_string()))?;
    let gatekeeper = Gatekeeper {
        app: Arc::clone(app),
        proxy,
    };
    let entry = Entry::new(
        config,
        Arc::clone(&lasting.counts),
        Arc::clone(&lasting.metrics),
    );
    let tls = config.server.tls.as_ref();
    Ok(Served {
        router: router(Arc::new(gatekeeper), entry, config),
        limits: Limits::from(config),
        tls: tls.map(|tls| TlsAcceptor::from(tls.server())),
    })
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local_addr = listener.local_addr().map_err(failed)?;
    Ok((listener, local_addr))
}

impl RunningVerifier {
    /// The address it listens at.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The address of the admin listener, if there is one.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_addr
    }

    /// The URL that callers use; a configured port 0 is replaced by the real one.
    #[must_use]
    pub fn public_url(&self) -> &PublicUrl {
        &self.lasting.public_url
    }

    /// What was counted of metered products since the start, by stable names; nothing
    /// without a section `[credits]`.
    #[must_use]
    pub fn credit_counts(&self) -> Vec<(&'static str, u64)> {
        let credits = self.lasting.credits.as_ref();
        credits.map_or_else(Vec::new, |credits| credits.meter.tally().counts().to_vec())
    }

    /// Has `flush` run when shutting down, after the last request and after the
    /// hooks that were added before. It returns why it could not write down what it
    /// had to, and may take ten seconds.
    pub fn at_shutdown<F>(
        &self,
        name: &'static str,
        flush: impl FnOnce() -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.lasting.at_end(name, HOOK_DEADLINE, flush);
    }

    /// Puts another configuration in force, without touching a request. It is
    /// checked completely first; when anything is wrong, nothing changes.
    ///
    /// # Errors
    /// [`ReloadError`], with a stable code.
    pub async fn reload(&self, config: Config) -> Result<(), ReloadError> {
        self.account(self.exchange(config).await)
    }

    /// The same for the configuration that stands in a file now.
    ///
    /// # Errors
    /// As [`RunningVerifier::reload`]; the file's own problems among them.
    pub async fn reload_file(&self, path: &Path) -> Result<(), ReloadError> {
        let exchanged = match Config::load(path) {
            Ok(config) => self.exchange(config).await,
            Err(error) => Err(error.into()),
        };
        self.account(exchanged)
    }

    /// How often the configuration in force wants its files looked at.
    pub async fn watch_interval(&self) -> Option<Duration> {
        self.running.lock().await.config.reload.watch_interval
    }

    /// Whether the service does its work: connections are accepted, and a request that
    /// goes through everything but a socket is answered within `patience`. The chain is
    /// not asked: starting anew would not mend it.
    pub async fn is_alive(&self, patience: Duration) -> bool {
        if self.server.0.is_finished() {
            return false;
        }
        let router = self.current.load().router.clone();
        let request = Request::get("/health/live").body(Body::empty());
        // On a worker, as requests are; and without a line in the log for each time.
        let asked = tokio::spawn(
            async move {
                let answer = router.oneshot(request.ok()?).await;
                answer.ok().map(|answer| answer.status())
            }
            .with_subscriber(NoSubscriber::new()),
        );
        matches!(
            tokio::time::timeout(patience, asked).await,
            Ok(Ok(Some(StatusCode::OK)))
        )
    }

    async fn exchange(&self, config: Config) -> Result<(), ReloadError> {
        let mut running = self.running.lock().await;
        let fixed = fixed_settings(&running.config, &config);
        if !fixed.is_empty() {
            return Err(ReloadError::NeedsRestart(fixed));
        }
        let prepared = Prepared::elsewhere(&config, &self.lasting).await?;
        if !prepared.known {
            return Err(ReloadError::ChainUnavailable);
        }
        let served = served(&config, &prepared.app, &self.lasting)?;
        let foundation = prepared.enter(&config, &self.lasting);
        self.apps.send_replace(Arc::clone(&foundation.app));
        self.current.exchange(served);
        *running = Running {
            config,
            _foundation: foundation,
        };
        Ok(())
    }

    /// Counts and logs what became of an order to reload.
    fn account(&self, exchanged: Result<(), ReloadError>) -> Result<(), ReloadError> {
        match &exchanged {
            Ok(()) => {
                self.lasting.metrics.reloaded(Reloaded::Applied);
                info!("the new configuration is in force");
            }
            Err(error) => {
                self.lasting.metrics.reloaded(Reloaded::Refused);
                error!(code = error.code(), %error, "the new configuration is refused");
            }
        }
        exchanged
    }

    /// Shuts down in order: turns unready and goes on serving for `shutdown_grace`;
    /// stops accepting and lets requests in flight finish until
    /// `shutdown_deadline`; cuts the rest; writes down what has to be; and closes
    /// the admin listener last.
    pub async fn shutdown(mut self) -> ShutdownReport {
        self.lasting.leave.send_replace(true);
        let running = self.running.into_inner();
        let grace = running.config.server.shutdown_grace;
        if grace > Duration::ZERO {
            info!(
                seconds = grace.as_secs_f64(),
                "unready; serving until the grace is over"
            );
            tokio::time::sleep(grace).await;
        }
        self.lasting.stop.send_replace(true);
        // A task that panicked has nothing left to drain.
        let drained = (&mut self.server.0).await.unwrap_or(Drained { cut: 0 });
        drop(running);
        let failed_hooks = self.lasting.end().await;
        drop(self.admin);
        info!(cut = drained.cut, "the verifier stopped");
        ShutdownReport {
            cut_connections: drained.cut,
            failed_hooks,
        }
    }
}
