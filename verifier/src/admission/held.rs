//! What one request has taken on its way to a decision.

use crate::credits::Reservation;
use crate::nonces::SignInUse;

/// What one request has taken. Dropped before it took effect, all of it goes back.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// What the request costs where credits are counted. One that took effect and is
    /// dropped without an answer has cost it.
    pub(super) reservation: Option<Reservation>,
    /// The sign-in of this very request.
    pub(super) sign_in: Option<SignInUse>,
}

impl Held {
    /// The request is kept out: its answer must not arrive before its sign-in may be
    /// sent again. The credits go back by themselves.
    pub(super) async fn give_back(self) {
        if let Some(sign_in) = self.sign_in {
            sign_in.give_back().await;
        }
    }

    /// The request is let through with it.
    pub(super) fn take_effect(&mut self) {
        if let Some(reservation) = &self.reservation {
            reservation.admit();
        }
        if let Some(sign_in) = self.sign_in.take() {
            sign_in.keep();
        }
    }
}
