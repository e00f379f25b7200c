//! A name for each request.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The longest name that a proxy may give.
const MAX_LENGTH: usize = 64;

/// The name under which a request is logged, forwarded and answered.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

tokio::task_local! {
    /// The request that the present task answers.
    static CURRENT: RequestId;
}

impl RequestId {
    /// The id of the request that is being answered; `None` outside of one.
    pub(crate) fn current() -> Option<String> {
        CURRENT
            .try_with(|id| id.0.to_str().ok().map(str::to_owned))
            .ok()
            .flatten()
    }

    /// Does `work` in the name of this request.
    pub(crate) async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// 16 random bytes in hexadecimal.
    pub(crate) fn random() -> Self {
        let bytes: [u8; 16] = rand::random();
        let text = tollgate_gate::hex::encode(bytes);
        Self(HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("unknown")))
    }

    /// The name that a trusted proxy gave: one header of 1 to 64 letters, digits,
    /// `-`, `_` and `.`. Nobody else's is taken: it would let callers write into
    /// the logs and collide with one another.
    pub(crate) fn given(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(Self::HEADER).iter();
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        let bytes = value.as_bytes();
        let is_name = (1..=MAX_LENGTH).contains(&bytes.len())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
        is_name.then(|| Self(value.clone()))
    }

    pub(crate) fn value(&self) -> HeaderValue {
        self.0.clone()
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
    use super::*;

    fn given(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RequestId::HEADER, value.parse().unwrap());
        }
        RequestId::given(&headers).map(|id| id.as_str().to_owned())
    }

    #[test]
    fn only_plain_names_are_taken() {
        assert_eq!(given(&["Abc-1_2.3"]).as_deref(), Some("Abc-1_2.3"));
        assert_eq!(given(&[]), None);
        assert_eq!(given(&["a", "b"]), None);
        for bad in ["", "a b", "a\tb", "é", "{}", "a,b", &"x".repeat(65)] {
            assert_eq!(given(&[bad]), None, "{bad:?}");
        }
        assert_eq!(RequestId::random().as_str().len(), 32);
    }
}
