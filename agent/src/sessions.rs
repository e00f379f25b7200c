//! Session tokens of earlier sign-ins.

use parking_lot::Mutex;
use std::collections::HashMap;
use tollgate_client::Pubkey;
use url::{Origin, Url};

/// Most tokens that are kept. Forgetting one costs a sign-in.
const MAX_TOKENS: usize = 1_000;
/// Most paths whose product is kept. Forgetting one costs a 402.
const MAX_PATHS: usize = 10_000;

/// One token for each product of an origin, and which path belongs to which product.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<Known>);

#[derive(Default)]
struct Known {
    tokens: HashMap<(Origin, Pubkey), String>,
    products: HashMap<(Origin, String), Pubkey>,
}

impl Sessions {
    /// The token for what was asked for before.
    pub(crate) fn token_for(&self, url: &Url) -> Option<String> {
        let known = self.0.lock();
        let product = known.products.get(&place(url))?;
        known.tokens.get(&(url.origin(), *product)).cloned()
    }

    /// The token for a product at the URL's origin, which is the only one to be shown it.
    pub(crate) fn token_of(&self, url: &Url, product: &Pubkey) -> Option<String> {
        let known = self.0.lock();
        known.tokens.get(&(url.origin(), *product)).cloned()
    }

    /// Keeps what opened `url`.
    pub(crate) fn remember(&self, url: &Url, product: Pubkey, token: String) {
        let mut known = self.0.lock();
        if known.tokens.len() >= MAX_TOKENS {
            known.tokens.clear();
        }
        if known.products.len() >= MAX_PATHS {
            known.products.clear();
        }
        known.tokens.insert((url.origin(), product), token);
        known.products.insert(place(url), product);
    }

    /// Forgets a token that was refused, but not the one that has taken its place.
    pub(crate) fn forget(&self, url: &Url, token: Option<&str>) {
        let origin = url.origin();
        let mut known = self.0.lock();
        known
            .tokens
            .retain(|(at, _), kept| *at != origin || Some(kept.as_str()) != token);
    }
}

/// What a route is likely to depend on; a wrong guess costs a 401.
fn place(url: &Url) -> (Origin, String) {
    (url.origin(), url.path().to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_token_is_shown_to_its_origin_only() {
        let url = |text: &str| Url::parse(text).unwrap();
        let product = Pubkey::new_from_array([1; 32]);
        let sessions = Sessions::default();
        let report = url("https://api.example/report?day=1");
        sessions.remember(&report, product, "first".into());
        let at = |text| sessions.token_for(&url(text));
        assert_eq!(at("https://api.example/report").as_deref(), Some("first"));
        assert_eq!(at("https://api.example/other"), None);
        for other in [
            "http://api.example/report",
            "https://api.example:444/report",
            "https://evil.example/report",
        ] {
            assert_eq!(at(other), None, "{other}");
            assert_eq!(sessions.token_of(&url(other), &product), None, "{other}");
        }
        let other = url("https://api.example/other");
        assert_eq!(
            sessions.token_of(&other, &product).as_deref(),
            Some("first")
        );
        assert_eq!(sessions.token_of(&other, &Pubkey::default()), None);
    }

    #[test]
    fn a_refused_token_is_forgotten_but_not_its_successor() {
        let url = Url::parse("https://api.example/report").unwrap();
        let sessions = Sessions::default();
        sessions.remember(&url, Pubkey::default(), "first".into());
        sessions.remember(&url, Pubkey::default(), "second".into());
        sessions.forget(&url, Some("first"));
        assert_eq!(sessions.token_for(&url).as_deref(), Some("second"));
        sessions.forget(&url, Some("second"));
        assert_eq!(sessions.token_for(&url), None);
    }

    #[test]
    fn memory_is_bounded() {
        let sessions = Sessions::default();
        for number in 0..=MAX_PATHS {
            let url = Url::parse(&format!("https://api.example/{number}")).unwrap();
            let number = u64::try_from(number).unwrap();
            let mut product = [0; 32];
            product[..8].copy_from_slice(&number.to_le_bytes());
            sessions.remember(&url, Pubkey::new_from_array(product), "token".into());
        }
        let known = sessions.0.lock();
        assert!(known.tokens.len() <= MAX_TOKENS);
        assert!(known.products.len() <= MAX_PATHS);
    }
}
