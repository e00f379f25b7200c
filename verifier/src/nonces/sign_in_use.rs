//! The use of a sign-in, which may still come to nothing.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;
use tollgate_gate::GateError;

use super::{Booking, NonceStore, NonceUse};
use crate::error::ServiceError;

/// A sign-in that one request has used up. Dropped before it is kept, it goes back
/// behind the caller's back.
pub(crate) struct SignInUse {
    store: Arc<dyn NonceStore>,
    /// `None` when there is nothing to give back any more.
    booking: Option<Booking>,
}

impl SignInUse {
    /// Uses up the sign-in with this nonce.
    ///
    /// # Errors
    /// `invalid_siwx_nonce_used`, and 503 when it is not known.
    pub(crate) async fn book(
        store: &Arc<dyn NonceStore>,
        nonce: &str,
    ) -> Result<Self, ServiceError> {
        let booking = Booking {
            nonce: nonce.to_owned(),
            id: rand::random(),
        };
        // It exists before the question, so that the nonce is given back also when
        // nobody learns the answer.
        let mut sign_in = Self {
            store: Arc::clone(store),
            booking: Some(booking.clone()),
        };
        let refused = match store.book(&booking).await? {
            NonceUse::First => return Ok(sign_in),
            NonceUse::Replayed => GateError::SiwxNonceUsed,
            NonceUse::Full => GateError::Overloaded,
        };
        sign_in.booking = None;
        Err(refused.into())
    }

    /// It has opened nothing: when this ends, it may be sent again.
    pub(crate) async fn give_back(mut self) {
        if let Some(booking) = self.booking.take() {
            self.store.give_back(booking).await;
        }
    }

    /// It has opened something: it stays used.
    pub(crate) fn keep(mut self) {
        self.booking = None;
    }
}

impl Drop for SignInUse {
    fn drop(&mut self) {
        if let Some(booking) = self.booking.take() {
            let giving_back = self.store.give_back(booking);
            // Without a runtime nobody can do it: the sign-in stays used.
            if let Ok(runtime) = Handle::try_current() {
                runtime.spawn(giving_back);
            }
        }
    }
}

/// Without the nonce: it is a part of what was signed.
impl fmt::Debug for SignInUse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignInUse").finish_non_exhaustive()
    }
}
