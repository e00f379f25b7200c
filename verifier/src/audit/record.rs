//! One record and its line.
//!
//! A line is the record's JSON, in the order of the fields here, with the record's
//! hash as the last member: SHA-256 over a label and the JSON without it. A line
//! that would be written in any other way is not a record.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tollgate_client::{PaymentId, Pubkey};
use tollgate_gate::hex;

/// The longest line; a paid URL's pattern is the longest thing in it.
pub const MAX_LINE_BYTES: usize = 16 * 1024;

const LABEL: &[u8] = b"tollgate/audit/1\n";
const HASH_MEMBER: &str = ",\"hash\":\"";
const LINE_END: &str = "\"}";

/// A SHA-256, written in lower-case hexadecimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl FromStr for Digest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = hex::decode(text).ok_or("expected 64 lower-case hexadecimal digits")?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A place in the chain: a record's number and hash. Written `NUMBER:HASH`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The record's number; 0 with a hash of zeros stands before the first.
    pub sequence: u64,
    /// Its hash.
    pub hash: Digest,
}

impl fmt::Display for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.sequence, self.hash)
    }
}

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected NUMBER:HASH";
        let (sequence, hash) = text.split_once(':').ok_or(EXPECTED)?;
        Ok(Self {
            sequence: sequence.parse().map_err(|_| EXPECTED)?,
            hash: hash.parse()?,
        })
    }
}

/// What a record is about. Closed; a word never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A 402 for a paid route.
    Challenge,
    /// Somebody's key or entitlement was verified: a sign-in, or a question of a
    /// merchant's server.
    Verification,
    /// A request to a paid route was let through.
    Grant,
    /// A request to a paid route was refused.
    Refusal,
    /// A process began to write.
    Opened,
    /// A process ended as it should.
    Closed,
    /// The end of the log was torn when a process began to write. What was behind
    /// the last whole record was moved to a file of its own.
    Recovered,
    /// Decisions that found no room in the queue.
    Dropped,
    /// A signed statement of the head.
    Checkpoint,
}

impl Kind {
    /// What requests cause; the rest is the log's own.
    pub const DECISIONS: [Self; 4] = [
        Self::Challenge,
        Self::Verification,
        Self::Grant,
        Self::Refusal,
    ];

    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Challenge,
        Self::Verification,
        Self::Grant,
        Self::Refusal,
        Self::Opened,
        Self::Closed,
        Self::Recovered,
        Self::Dropped,
        Self::Checkpoint,
    ];

    /// Its word in the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Verification => "verification",
            Self::Grant => "grant",
            Self::Refusal => "refusal",
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Recovered => "recovered",
            Self::Dropped => "dropped",
            Self::Checkpoint => "checkpoint",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.word() == text)
            .ok_or_else(|| format!("expected one of {}", Self::ALL.map(Self::word).join(", ")))
    }
}

/// How a key was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// By signing in with this request.
    SignIn,
    /// By a session token.
    Session,
    /// Not at all: somebody asked about it.
    None,
}

/// One record. Fields that a kind has no use for are left out. Cheap to make: keys
/// become text when it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its number, from 1.
    pub sequence: u64,
    /// The hash of the record before; zeros before the first.
    pub previous: Digest,
    /// Milliseconds since 1970, by this machine's clock, of what is recorded.
    pub time: i64,
    /// What it is about.
    pub kind: Kind,
    /// A stable code: of the refusal, the challenge's reason, or an entitlement's
    /// standing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Cow<'static, str>>,
    /// The request's id, as in the process's own log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The pattern of the route, never the path: paths may name people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The product's slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The key that was proved or asked about.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text")]
    pub beneficiary: Option<Pubkey>,
    /// How it was proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The entitlement account.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text")]
    pub entitlement: Option<Pubkey>,
    /// The slot of the reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u64>,
    /// The payment intent that was paid last.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text")]
    pub last_intent: Option<Pubkey>,
    /// The payment id that a challenge named.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text")]
    pub payment_id: Option<PaymentId>,
    /// The id (`jti`) of the receipt that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// How many records were dropped, or whole lines moved away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How many bytes were moved away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Their SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The signed checkpoint, a compact JWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
}

impl Record {
    /// A decision of this moment.
    pub(crate) fn of_decision(kind: Kind, code: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: Some(code.into()),
            ..Self::now(kind)
        }
    }

    /// A record of this moment without content, to be placed behind a head by the
    /// writer.
    pub(super) fn now(kind: Kind) -> Self {
        Self {
            sequence: 0,
            previous: Digest::default(),
            time: milliseconds(),
            kind,
            code: None,
            request: None,
            route: None,
            product: None,
            beneficiary: None,
            proof: None,
            entitlement: None,
            slot: None,
            last_intent: None,
            payment_id: None,
            receipt: None,
            count: None,
            bytes: None,
            digest: None,
            statement: None,
        }
    }

    /// Puts it behind `head` and appends its line to `lines`; gives the new head.
    pub(super) fn append(mut self, head: Head, lines: &mut Vec<u8>) -> Head {
        self.sequence = head.sequence.saturating_add(1);
        self.previous = head.hash;
        let (line, hash) = self.line();
        lines.extend_from_slice(line.as_bytes());
        lines.push(b'\n');
        Head {
            sequence: self.sequence,
            hash,
        }
    }

    fn line(&self) -> (String, Digest) {
        // Strings and integers serialise.
        let json = serde_json::to_string(self).unwrap_or_default();
        let hash = Digest(
            Sha256::new()
                .chain_update(LABEL)
                .chain_update(&json)
                .finalize()
                .into(),
        );
        let open = json.strip_suffix('}').unwrap_or(&json);
        (format!("{open}{HASH_MEMBER}{hash}{LINE_END}"), hash)
    }

    /// Reads a line without its line feed; `None` unless it is byte for byte what
    /// was written.
    pub(super) fn read(line: &[u8]) -> Option<(Self, Head)> {
        if line.len() > MAX_LINE_BYTES {
            return None;
        }
        let text = std::str::from_utf8(line).ok()?;
        let (open, hash) = text.strip_suffix(LINE_END)?.rsplit_once(HASH_MEMBER)?;
        let record: Self = serde_json::from_str(&format!("{open}}}")).ok()?;
        let (written, found) = record.line();
        let head = Head {
            sequence: record.sequence,
            hash: found,
        };
        (written == text && hash.parse() == Ok(found)).then_some((record, head))
    }
}

/// This machine's clock, in milliseconds since 1970.
fn milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Values as the text that stands for them everywhere else.
mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom))
            .transpose()
    }
}
