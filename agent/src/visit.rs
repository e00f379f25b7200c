//! Following a 402: ask, become entitled, prove it.

use crate::agent::{Agent, Standing};
use crate::errand::{Carrier, Errand, start_of_body};
use crate::sessions::Sessions;
use crate::{Challenge, PayError, sign_in};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Response;
use std::time::Duration;
use tollgate_client::Amount;
use tollgate_gate::error::PROBLEM_TYPE_PREFIX;
use tollgate_gate::headers::{PAID_SLOT, SESSION, SIGN_IN_WITH_X};

/// How often a server that has not seen the payment yet is asked again.
const SIGN_IN_ATTEMPTS: u32 = 8;
/// Pause before it is asked the second time; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How much of a refusal is read: enough for a problem of the gate.
const REFUSAL_BYTES: usize = 4 << 10;
/// How much of a refusal is shown.
const DETAIL_CHARACTERS: usize = 300;

/// A payment that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The transaction, base58.
    pub signature: String,
    /// The payment id, base58.
    pub payment_id: String,
    /// The amount.
    pub amount: Amount,
    /// The slot that holds it, if a server still knew.
    pub slot: Option<u64>,
}

/// Why the server served. Every [`Response`] carries it as an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HowServed {
    /// It asked for nothing.
    Free,
    /// With a session token of an earlier sign-in.
    Session,
    /// The key was entitled already.
    Entitled,
    /// After this payment.
    Paid(Payment),
}

impl HowServed {
    /// How an answer of this crate was had; [`HowServed::Free`] for others.
    pub fn of(answer: &Response) -> &Self {
        answer.extensions().get().unwrap_or(&Self::Free)
    }
}

/// What came of a request.
pub(crate) struct Visit {
    /// The answer: any status but 402.
    pub(crate) answer: Response,
    /// How it was had.
    pub(crate) how: HowServed,
    /// A new session token, if the server gave one.
    pub(crate) session: Option<String>,
}

impl Visit {
    fn of(answer: Response, how: HowServed) -> Self {
        Self {
            answer,
            how,
            session: None,
        }
    }

    /// The answer with [`HowServed`] among its extensions.
    pub(crate) fn into_answer(self) -> Response {
        let mut answer = self.answer;
        answer.extensions_mut().insert(self.how);
        answer
    }
}

impl Agent {
    /// Makes the request, paying if it has to. `token` is tried first. What is learnt
    /// of sessions is added to `sessions`.
    ///
    /// # Errors
    /// [`PayError`]. Only [`PayError::Unknown`] leaves open whether money moved,
    /// and asking again then finds out before anything else.
    pub(crate) async fn visit<C: Carrier>(
        &self,
        errand: &mut Errand<C>,
        token: Option<String>,
        sessions: &Sessions,
    ) -> Result<Visit, PayError> {
        let token = token.filter(|_| errand.takes_token());
        let mut by_session = token.is_some();
        let mut answer = errand
            .ask(token.as_deref().map(bearer).unwrap_or_default())
            .await?;
        if by_session && answer.status() == StatusCode::UNAUTHORIZED {
            // The token is over or for something else; the key may still be good.
            by_session = false;
            sessions.forget(errand.url(), token.as_deref());
            answer = errand.ask(HeaderMap::new()).await?;
        }
        if answer.status() != StatusCode::PAYMENT_REQUIRED {
            let how = if by_session {
                HowServed::Session
            } else {
                HowServed::Free
            };
            return Ok(Visit::of(answer, how));
        }
        errand.require_repeatable()?;
        let mut challenge = Challenge::of(answer.headers())?;
        self.require_same_chain(&challenge).await?;
        // What could not be used is not bought.
        sign_in::require_same_origin(challenge.sign_in()?, errand.url())?;
        // The product may be known from another path.
        let known = sessions.token_of(errand.url(), &challenge.product);
        if let Some(known) =
            known.filter(|known| errand.takes_token() && Some(known) != token.as_ref())
        {
            let answer = errand.ask(bearer(&known)).await?;
            match answer.status() {
                StatusCode::UNAUTHORIZED => sessions.forget(errand.url(), Some(&known)),
                StatusCode::PAYMENT_REQUIRED => {
                    challenge = self.same_product(&challenge, &answer)?;
                }
                _ => {
                    sessions.remember(errand.url(), challenge.product, known);
                    return Ok(Visit::of(answer, HowServed::Session));
                }
            }
        }
        let standing = self.become_entitled(errand.url(), &challenge).await?;
        let visit = self.sign_in(errand, &challenge, standing).await?;
        if let Some(session) = &visit.session {
            sessions.remember(errand.url(), challenge.product, session.clone());
        }
        Ok(visit)
    }

    /// Makes the request with proof of the key. A server may see the payment a moment
    /// after the agent does; it is asked again, with a fresh challenge, and never paid
    /// again.
    async fn sign_in<C: Carrier>(
        &self,
        errand: &mut Errand<C>,
        first: &Challenge,
        standing: Standing,
    ) -> Result<Visit, PayError> {
        let (mut how, mut _turn) = standing.split();
        let mut challenge = first.clone();
        let mut pause = FIRST_PAUSE;
        let mut refusal = (StatusCode::PAYMENT_REQUIRED, String::new());
        for _ in 0..SIGN_IN_ATTEMPTS {
            let answer = errand.ask(self.proof(errand, &challenge, &how)?).await?;
            if !errand.may_ask_again(&answer) {
                let session = answer.headers().get(&SESSION);
                let session = session.and_then(|token| token.to_str().ok());
                let session = session.map(ToOwned::to_owned);
                return Ok(Visit {
                    answer,
                    how,
                    session,
                });
            }
            if answer.status() == StatusCode::PAYMENT_REQUIRED {
                challenge = self.same_product(&challenge, &answer)?;
                refusal = refused(answer).await;
                if challenge.credits_exhausted && how == HowServed::Entitled {
                    // Only now that it knows who asks can the server say so.
                    let standing = self.become_entitled(errand.url(), &challenge).await?;
                    (how, _turn) = standing.split();
                }
            } else {
                refusal = refused(answer).await;
                if !errand.is_idempotent() && !is_of_the_gate(&refusal.1) {
                    break;
                }
                let again = errand.ask(HeaderMap::new()).await?;
                if again.status() == StatusCode::PAYMENT_REQUIRED {
                    challenge = self.same_product(&challenge, &again)?;
                } else if !errand.may_ask_again(&again) {
                    // Nothing is asked for it any more.
                    return Ok(Visit::of(again, how));
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let (status, detail) = refusal;
        Err(PayError::NotServed {
            status: status.as_u16(),
            detail: detail.chars().take(DETAIL_CHARACTERS).collect(),
        })
    }

    /// The headers that prove the key, and the payment's slot: a server that has not
    /// seen it must not say that nothing was paid.
    fn proof<C: Carrier>(
        &self,
        errand: &Errand<C>,
        challenge: &Challenge,
        how: &HowServed,
    ) -> Result<HeaderMap, PayError> {
        let signer = self.signer.as_ref();
        let header = sign_in::header(
            challenge.sign_in()?,
            &challenge.network,
            signer,
            errand.url(),
        )?;
        let mut headers = HeaderMap::from_iter([(SIGN_IN_WITH_X, header)]);
        if let HowServed::Paid(Payment {
            slot: Some(slot), ..
        }) = how
        {
            headers.insert(PAID_SLOT, HeaderValue::from(*slot));
        }
        Ok(headers)
    }

    /// A later challenge for the same request. One for something else is not followed:
    /// what was checked and paid was the first.
    fn same_product(&self, before: &Challenge, answer: &Response) -> Result<Challenge, PayError> {
        let challenge = Challenge::of(answer.headers())?;
        let same = challenge.product == before.product
            && challenge.network == before.network
            && challenge.program_id == before.program_id;
        if same {
            Ok(challenge)
        } else {
            let reason = "the server changed what it asks for";
            Err(PayError::Challenge(reason.to_owned()))
        }
    }
}

/// A session token, unless it is no header value: then the key has to do.
fn bearer(token: &str) -> HeaderMap {
    let value = HeaderValue::try_from(format!("Bearer {token}")).ok();
    let value = value.map(|mut value| {
        value.set_sensitive(true);
        (AUTHORIZATION, value)
    });
    HeaderMap::from_iter(value)
}

async fn refused(answer: Response) -> (StatusCode, String) {
    let status = answer.status();
    let body = start_of_body(answer, REFUSAL_BYTES).await;
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// Whether a refusal is a problem of the gate, which it decides before it forwards.
fn is_of_the_gate(body: &str) -> bool {
    let problem: Option<serde_json::Value> = serde_json::from_str(body).ok();
    problem
        .as_ref()
        .and_then(|problem| problem.get("type")?.as_str())
        .is_some_and(|name| name.starts_with(PROBLEM_TYPE_PREFIX))
}
