//! Leaving HTTP: only when a 101 really goes out.

use tokio::sync::watch;

/// Stands in the extensions of a 101: what goes on behind it waits for this
/// connection to let the 101 out. (hyper 1.12 hands out a connection whose answer was
/// something else as well, when it ends with that answer.)
#[derive(Clone, Debug)]
pub(crate) struct Switching(watch::Sender<bool>);

/// The other end of a [`Switching`].
#[derive(Debug)]
pub(crate) struct Switched(watch::Receiver<bool>);

impl Switching {
    pub(crate) fn new() -> (Self, Switched) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Switched(receiver))
    }

    /// The 101 goes out.
    pub(super) fn begin(&self) {
        self.0.send_replace(true);
    }
}

impl Switched {
    /// Whether the 101 went out; decided when its response is gone.
    pub(crate) async fn decided(mut self) -> bool {
        self.0.wait_for(|switched| *switched).await.is_ok()
    }
}
