//! The same for users of `reqwest-middleware`.

use crate::agent::Agent;
use crate::errand::{Carrier, Errand};
use crate::sessions::Sessions;
use crate::{PayError, PayingClient};
use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Error, Middleware, Next};
use std::sync::Arc;

impl PayingClient {
    /// A builder of a client with other layers whose requests are paid for. Layers that
    /// are added to it see every single request, a sign-in too, and must not repeat one
    /// to another origin.
    ///
    /// Its errors are [`Error::Middleware`] with a [`PayError`] inside (`downcast_ref`).
    pub fn into_middleware(self) -> ClientBuilder {
        ClientBuilder::new(self.http).with(Payments {
            agent: self.agent,
            sessions: self.sessions,
        })
    }
}

/// The layer. It is made by [`PayingClient::into_middleware`] only, whose client follows
/// no redirects.
struct Payments {
    agent: Agent,
    sessions: Arc<Sessions>,
}

#[async_trait]
impl Middleware for Payments {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let visit = async {
            let layers = Layers { next, extensions };
            let mut errand = Errand::new(request, layers)?;
            let token = self.sessions.token_for(errand.url());
            self.agent.visit(&mut errand, token, &self.sessions).await
        };
        match visit.await {
            Ok(visit) => Ok(visit.into_answer()),
            Err(error) => Err(Error::middleware(error)),
        }
    }
}

/// The layers behind this one.
struct Layers<'a> {
    next: Next<'a>,
    extensions: &'a mut Extensions,
}

impl Carrier for Layers<'_> {
    async fn carry(&mut self, request: Request) -> Result<Response, PayError> {
        let sent = self.next.clone().run(request, self.extensions).await;
        sent.map_err(|error| PayError::Http(Box::new(error.without_url())))
    }
}
