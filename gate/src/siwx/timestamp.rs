//! RFC 3339 times of sign-in messages.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tollgate_client::UnixSeconds;

/// Longest text that is taken for a time.
const MAX_BYTES: usize = 40;

/// A time as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(pub UnixSeconds);

impl Timestamp {
    /// Whole seconds in UTC (`2026-11-21T08:00:00Z`); `None` beyond the year 9999.
    pub fn to_text(self) -> Option<String> {
        OffsetDateTime::from_unix_timestamp(self.0.0)
            .ok()?
            .format(&Rfc3339)
            .ok()
    }

    /// Reads RFC 3339 with any offset; fractions of seconds are cut off.
    pub fn from_text(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Some(Self(UnixSeconds(time.unix_timestamp())))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read() {
        let time = Timestamp(UnixSeconds(1_795_248_000));
        assert_eq!(time.to_text().unwrap(), "2026-11-21T08:00:00Z");
        for text in [
            "2026-11-21T08:00:00Z",
            "2026-11-21T08:00:00.999Z",
            "2026-11-21T09:00:00+01:00",
            "2026-11-21t08:00:00z",
        ] {
            assert_eq!(Timestamp::from_text(text), Some(time), "{text}");
        }
        assert_eq!(Timestamp(UnixSeconds(i64::MAX)).to_text(), None);
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "1795248000",
            "2026-11-21",
            "2026-13-21T08:00:00Z",
            "2026-11-21T08:00:00",
            "2026-11-21T08:00:00Z ",
        ] {
            assert_eq!(Timestamp::from_text(text), None, "{text}");
        }
        let long = format!("2026-11-21T08:00:00.{}Z", "0".repeat(40));
        assert_eq!(Timestamp::from_text(&long), None);
    }
}
