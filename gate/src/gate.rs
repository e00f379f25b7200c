//! The gate: the settings of one service, and the steps of a decision over them.

use crate::challenge::PaymentChallenge;
use crate::decision::{Decision, Entitled, FreePass, Identity, Next, PaymentDue, Question};
use crate::error::GateError;
use crate::headers::{SIGN_IN_WITH_X, single};
use crate::keys::KeyRing;
use crate::limits::MAX_SESSION_LIFETIME;
use crate::network::Network;
use crate::offer::ProductOffer;
use crate::origin::Origin;
use crate::payment_id;
use crate::route::{Access, RouteMatch};
use crate::session::{self, Session, SessionToken};
use crate::siwx::Verification;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use std::sync::Arc;
use tollgate_client::{Addresses, DurationSeconds, PaymentId, Pubkey, UnixSeconds};

/// Where the verifier answers Solana Pay transaction requests: this path, then
/// `/{slug}/{payment_id}`.
pub const PAY_PATH: &str = "/v1/pay";
/// Where the verifier answers whether somebody is entitled.
pub const CHECK_PATH: &str = "/v1/access/entitlements/check";

/// What a gate is made of; all of it comes from the configuration.
#[derive(Debug)]
pub struct GateSettings {
    /// How callers reach the service.
    pub origin: Origin,
    /// The cluster.
    pub network: Network,
    /// The program's deployment.
    pub addresses: Addresses,
    /// Secrets for nonces, sessions and payment ids. The same on every replica.
    pub keys: KeyRing,
    /// Life of a session token, cut to [`MAX_SESSION_LIFETIME`].
    pub session_lifetime: DurationSeconds,
    /// The relay that pays the fees of plain transfers; `None`: they are not taken.
    pub fee_payer: Option<Pubkey>,
}

/// 32 random bytes for one challenge. They must be unpredictable, and new each time.
#[derive(Clone, Copy)]
pub struct Entropy(pub [u8; 32]);

impl Entropy {
    /// The part that a sign-in nonce shows to the caller.
    pub(crate) fn nonce(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.0;
        [a, b, c, d]
    }
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Entropy(redacted)")
    }
}

/// The request that a 402 answers.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What was asked for.
    pub matched: &'a RouteMatch,
    /// The request's query.
    pub query: Option<&'a str>,
    /// This machine's clock: for the sign-in.
    pub now: UnixSeconds,
    /// New for each 402.
    pub entropy: &'a Entropy,
    /// Whether plain transfers are offered, where the gate has a relay for them: one
    /// without money could not settle them.
    pub takes_transfers: bool,
}

/// One service's gate. It holds no state that changes: replicas with the same
/// settings are interchangeable.
#[derive(Debug)]
pub struct Gate {
    settings: GateSettings,
    identity: GateIdentity,
}

/// Tells gates of one process apart: what was made for one is not used by another.
#[derive(Clone, Debug)]
pub(crate) struct GateIdentity(Arc<()>);

impl PartialEq for GateIdentity {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Gate {
    /// A gate with these settings.
    pub fn new(settings: GateSettings) -> Self {
        Self {
            settings,
            identity: GateIdentity(Arc::default()),
        }
    }

    pub(crate) fn identity(&self) -> &GateIdentity {
        &self.identity
    }

    /// The public origin.
    pub fn origin(&self) -> &Origin {
        &self.settings.origin
    }

    /// The cluster.
    pub fn network(&self) -> &Network {
        &self.settings.network
    }

    /// The program's deployment.
    pub fn addresses(&self) -> &Addresses {
        &self.settings.addresses
    }

    /// The relay that pays the fees of plain transfers, where they are taken.
    pub fn fee_payer(&self) -> Option<&Pubkey> {
        self.settings.fee_payer.as_ref()
    }

    pub(crate) fn keys(&self) -> &KeyRing {
        &self.settings.keys
    }

    /// The first half of a decision: who asks for what.
    pub fn open(&self, matched: &RouteMatch, headers: &HeaderMap, now: UnixSeconds) -> Next {
        let offer = match matched.route.access() {
            Access::Free => return Next::Done(Decision::Pass(FreePass(()))),
            Access::Paid(offer) => Arc::clone(offer),
        };
        match self.identify(headers, &offer.product, now) {
            Ok(identity) => match self.ask(offer, identity) {
                Next::Read(question) => Next::Read(question.costing(matched.route.metering().cost)),
                done => done,
            },
            Err(error) => Next::Done(Decision::Refuse(error)),
        }
    }

    /// Who asks: a session token, else a sign-in, else nobody. A bad session token
    /// gives way to a sign-in in the same request; otherwise a bad proof is refused
    /// rather than taken for nobody, because whoever sends one may have paid, and a
    /// 402 would make a careless client pay again.
    ///
    /// # Errors
    /// `session_*`, `invalid_siwx_*`, `header_*` of [`GateError`].
    pub fn identify(
        &self,
        headers: &HeaderMap,
        product: &Pubkey,
        now: UnixSeconds,
    ) -> Result<Identity, GateError> {
        let session = self.session(headers, product, now);
        if let Ok(Some(session)) = session {
            return Ok(Identity::Session(session));
        }
        let Some(header) = single(headers, &SIGN_IN_WITH_X)? else {
            return session.map(|_| Identity::Nobody);
        };
        let verification = Verification {
            keys: &self.settings.keys,
            origin: &self.settings.origin,
            network: &self.settings.network,
            product,
            now,
        };
        verification.verify(header).map(Identity::SignedIn)
    }

    fn session(
        &self,
        headers: &HeaderMap,
        product: &Pubkey,
        now: UnixSeconds,
    ) -> Result<Option<Session>, GateError> {
        let Some(authorization) = single(headers, &AUTHORIZATION)? else {
            return Ok(None);
        };
        session::verify(
            &self.settings.keys,
            &self.settings.origin,
            authorization,
            product,
            now,
        )
    }

    /// What must be read for `identity` to be served `offer`; also the way for
    /// endpoints that ask about a caller without a route.
    pub fn ask(&self, offer: Arc<ProductOffer>, identity: Identity) -> Next {
        let (beneficiary, address, fresh) = match identity {
            Identity::Nobody => return Next::Done(PaymentDue::of_nobody(offer)),
            // The token was made for this address; deriving it again would cost more
            // than everything else here.
            Identity::Session(session) => (session.beneficiary, session.entitlement, None),
            Identity::Payer(payer) => {
                let beneficiary = *payer.key();
                let address = self
                    .settings
                    .addresses
                    .entitlement(&offer.product, &beneficiary);
                (beneficiary, address, None)
            }
            Identity::SignedIn(signed) => {
                let beneficiary = *signed.beneficiary();
                let address = self
                    .settings
                    .addresses
                    .entitlement(&offer.product, &beneficiary);
                (beneficiary, address, Some(signed))
            }
        };
        Next::Read(Question::new(offer, beneficiary, address, fresh))
    }

    /// The session token for somebody who signed in with this request and is
    /// entitled; `None` for a session (it already has one) and when it would be over
    /// at once.
    pub fn session_for(&self, entitled: &Entitled, now: UnixSeconds) -> Option<SessionToken> {
        let signed = entitled.fresh_sign_in()?;
        let session = Session {
            entitlement: *entitled.address(),
            product: entitled.offer().product,
            beneficiary: *signed.beneficiary(),
            issued_at: now,
            expires_at: entitled.entitlement().expires_at,
        };
        let lifetime = self.settings.session_lifetime.min(MAX_SESSION_LIFETIME);
        session::issue(
            &self.settings.keys,
            &self.settings.origin,
            &session,
            lifetime,
        )
    }

    /// A new name for a purchase by whoever it will be.
    pub fn new_payment_id(&self, product: &Pubkey, entropy: &Entropy) -> PaymentId {
        payment_id::anonymous(&self.settings.keys, product, &entropy.0)
    }

    /// The 402 for a payment that is due.
    pub fn challenge(&self, due: &PaymentDue, asked: &Asked<'_>) -> PaymentChallenge {
        PaymentChallenge::build(self, due, asked)
    }
}
