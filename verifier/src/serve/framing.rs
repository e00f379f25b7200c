//! Finding requests whose length can be read in two ways.
//!
//! A request with both `Content-Length` and `Transfer-Encoding` is how requests
//! are smuggled past a proxy. hyper reads such a request as chunked, drops the
//! length and closes the connection afterwards, as RFC 9112 section 6.3 allows;
//! but by then nobody can tell any more, and the RFC allows refusing it, which is
//! what a gate should do. So the bytes of an HTTP/1 connection are followed on
//! their way to hyper: heads are parsed (by httparse, hyper's own parser), bodies
//! are skipped.
//!
//! This is a second line of defence. If it ever loses step with hyper, the worst
//! is that hyper's own handling applies, or that a connection is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::limits::{MAX_BUFFER_BYTES, MAX_HEADERS};

/// What is known of a connection's bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    ambiguous: AtomicBool,
    head_begun: AtomicBool,
    left_http: AtomicBool,
    heads: AtomicUsize,
    requests: AtomicUsize,
}

impl Findings {
    /// Whether a request on the connection had two lengths.
    pub(super) fn ambiguous(&self) -> bool {
        self.0.ambiguous.load(Ordering::Acquire)
    }

    /// hyper hands out the next request.
    pub(super) fn request_begins(&self) {
        self.0.requests.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether hyper has bytes beyond the request that it handed out last.
    pub(super) fn pipelined(&self) -> bool {
        let flags = &self.0;
        flags.head_begun.load(Ordering::Acquire)
            || flags.heads.load(Ordering::Acquire) > flags.requests.load(Ordering::Acquire)
    }

    /// From now on the bytes are no requests.
    pub(super) fn leave_http(&self) {
        self.0.left_http.store(true, Ordering::Release);
    }

    fn left_http(&self) -> bool {
        self.0.left_http.load(Ordering::Acquire)
    }
}

/// Follows the requests of one HTTP/1 connection.
pub(super) struct FramingWatch {
    findings: Findings,
    state: State,
}

enum State {
    /// Collecting a head.
    Head(Vec<u8>),
    /// Skipping a body of known length.
    Sized(u64),
    /// Skipping a chunked body.
    Chunked(Chunk),
    /// Nothing more to learn: hyper refuses what comes next by itself, or the
    /// connection is already refused.
    Done,
}

/// Where in a chunked body (RFC 9112 section 7.1).
#[derive(Clone, Copy)]
enum Chunk {
    /// In the digits of a size.
    Size(u64),
    /// Behind the digits, before the end of the line.
    Extension(u64),
    /// In the data.
    Data(u64),
    /// In the line end behind the data.
    DataEnd,
    /// In the trailer section; whether the current line is empty so far.
    Trailer { empty: bool },
}

impl FramingWatch {
    pub(super) fn new(findings: Findings) -> Self {
        Self {
            findings,
            state: State::Head(Vec::new()),
        }
    }

    /// Whether a head has begun and not ended.
    pub(super) fn is_inside_head(&self) -> bool {
        self.head_begun() && !self.findings.left_http()
    }

    fn head_begun(&self) -> bool {
        matches!(&self.state, State::Head(head) if !head.is_empty())
    }

    /// Looks at the bytes that hyper is about to read.
    pub(super) fn observe(&mut self, bytes: &[u8]) {
        if self.findings.left_http() {
            self.state = State::Done;
            return;
        }
        self.follow(bytes);
        let flags = &self.findings.0;
        flags.head_begun.store(self.head_begun(), Ordering::Release);
    }

    fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let state = std::mem::replace(&mut self.state, State::Done);
            let used;
            (self.state, used) = match state {
                State::Head(head) => self.head(head, bytes),
                State::Sized(left) => sized(left, bytes),
                State::Chunked(chunk) => chunked(chunk, bytes),
                State::Done => return,
            };
            bytes = bytes.get(used..).unwrap_or_default();
        }
    }

    /// Collects a head until its end and decides what follows. Returns the next
    /// state and how many of `bytes` were used.
    fn head(&mut self, mut head: Vec<u8>, bytes: &[u8]) -> (State, usize) {
        let before = head.len();
        let room = MAX_BUFFER_BYTES.saturating_sub(before).min(bytes.len());
        let Some(part) = bytes.get(..room).filter(|part| !part.is_empty()) else {
            return (State::Done, bytes.len());
        };
        head.extend_from_slice(part);
        // Parsing on every byte of a dripping head would be quadratic; a head can
        // only be complete when an empty line has arrived.
        let from = before.saturating_sub(3);
        let fresh = head.get(from..).unwrap_or_default();
        let ends = |pattern: &[u8]| fresh.windows(pattern.len()).any(|bytes| bytes == pattern);
        if !ends(b"\n\r\n") && !ends(b"\n\n") {
            return (State::Head(head), room);
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&head) {
            Ok(httparse::Status::Complete(length)) => {
                self.findings.0.heads.fetch_add(1, Ordering::AcqRel);
                let next = self.body(request.headers);
                (next, length.saturating_sub(before).min(bytes.len()))
            }
            Ok(httparse::Status::Partial) => (State::Head(head), room),
            // hyper answers the same bytes with 400 or 431 and closes.
            Err(_) => (State::Done, bytes.len()),
        }
    }

    fn body(&self, headers: &[httparse::Header<'_>]) -> State {
        let first = |name: &str| {
            headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case(name))
                .map(|header| header.value)
        };
        let chunked = first("transfer-encoding").is_some();
        let length = first("content-length");
        match (chunked, length) {
            (true, Some(_)) => {
                self.findings.0.ambiguous.store(true, Ordering::Release);
                State::Done
            }
            (true, None) => State::Chunked(Chunk::Size(0)),
            (false, Some(value)) => std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .map_or(State::Done, start_sized),
            (false, None) => State::Head(Vec::new()),
        }
    }
}

fn start_sized(length: u64) -> State {
    if length == 0 {
        State::Head(Vec::new())
    } else {
        State::Sized(length)
    }
}

/// At most `left` of the available bytes, as a count of bytes.
fn within(left: u64, bytes: &[u8]) -> usize {
    usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()))
}

fn sized(left: u64, bytes: &[u8]) -> (State, usize) {
    let used = within(left, bytes);
    (start_sized(left.saturating_sub(used as u64)), used)
}

fn chunked(chunk: Chunk, bytes: &[u8]) -> (State, usize) {
    if let Chunk::Data(left) = chunk {
        let used = within(left, bytes);
        let left = left.saturating_sub(used as u64);
        let next = if left == 0 {
            Chunk::DataEnd
        } else {
            Chunk::Data(left)
        };
        return (State::Chunked(next), used);
    }
    let Some(byte) = bytes.first().copied() else {
        return (State::Chunked(chunk), 0);
    };
    let next = match (chunk, byte) {
        (Chunk::Size(size), digit) if digit.is_ascii_hexdigit() => {
            let digit = u64::from((digit as char).to_digit(16).unwrap_or(0));
            match size
                .checked_mul(16)
                .and_then(|size| size.checked_add(digit))
            {
                Some(size) => Chunk::Size(size),
                None => return (State::Done, bytes.len()),
            }
        }
        (Chunk::Size(size) | Chunk::Extension(size), b'\n') => {
            if size == 0 {
                Chunk::Trailer { empty: true }
            } else {
                Chunk::Data(size)
            }
        }
        (Chunk::Size(size) | Chunk::Extension(size), _) => Chunk::Extension(size),
        (Chunk::DataEnd, b'\n') => Chunk::Size(0),
        (Chunk::DataEnd, _) => Chunk::DataEnd,
        (Chunk::Trailer { empty: true }, b'\n') => return (State::Head(Vec::new()), 1),
        (Chunk::Trailer { .. }, b'\n') => Chunk::Trailer { empty: true },
        (Chunk::Trailer { empty }, b'\r') => Chunk::Trailer { empty },
        (Chunk::Trailer { .. }, _) => Chunk::Trailer { empty: false },
        (Chunk::Data(left), _) => Chunk::Data(left),
    };
    (State::Chunked(next), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAN: &[&str] = &[
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         5;name=\"value\"\r\nabcde\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ];
    const LENGTH_FIRST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\
                                Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    const LENGTH_LAST: &str = "POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\
                               content-length: 4\r\n\r\n0\r\n\r\n";
    fn ambiguous(stream: &str, piece: usize) -> bool {
        let seen = Findings::default();
        let mut watch = FramingWatch::new(seen.clone());
        for bytes in stream.as_bytes().chunks(piece) {
            watch.observe(bytes);
        }
        seen.ambiguous()
    }

    #[test]
    fn keeps_in_step_however_the_bytes_arrive() {
        let clean: String = CLEAN.concat();
        for piece in [1, 2, 3, 7, 64, 4096] {
            assert!(!ambiguous(&clean, piece), "{piece}");
            // Behind any run of clean requests the ambiguous one is found: only
            // a watch that kept in step sees its head.
            for last in [LENGTH_FIRST, LENGTH_LAST] {
                assert!(ambiguous(&format!("{clean}{last}"), piece), "{piece}");
            }
        }
    }

    /// An ambiguous head inside a body is data, not a request.
    #[test]
    fn bodies_are_not_requests() {
        let length = LENGTH_FIRST.len();
        let sized =
            format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{LENGTH_FIRST}");
        let chunked = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             {length:x}\r\n{LENGTH_FIRST}\r\n0\r\n\r\n"
        );
        for hidden in [sized, chunked] {
            for piece in [1, 5, 4096] {
                assert!(!ambiguous(&hidden, piece), "{piece}");
                assert!(ambiguous(&format!("{hidden}{LENGTH_LAST}"), piece));
            }
        }
    }

    #[test]
    fn knows_when_a_head_is_unfinished() {
        let mut watch = FramingWatch::new(Findings::default());
        assert!(!watch.is_inside_head());
        for (bytes, inside) in [
            ("G", true),
            ("ET / HTTP/1.1\r\nHost: a\r\n", true),
            ("\r\n", false),
            ("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc", false),
            ("de", false),
            ("GET", true),
        ] {
            watch.observe(bytes.as_bytes());
            assert_eq!(watch.is_inside_head(), inside, "{bytes:?}");
        }
    }

    #[test]
    fn nonsense_and_excess_end_the_watch_quietly() {
        assert!(!ambiguous(&format!("\u{1}\r\n\r\n{LENGTH_LAST}"), 4096));
        let endless = "a".repeat(MAX_BUFFER_BYTES + 1);
        assert!(!ambiguous(&endless, 4096));
        let overflow = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                        fffffffffffffffff\r\n";
        assert!(!ambiguous(overflow, 4096));
    }
}
