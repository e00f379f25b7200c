//! What a load costs others: processor time of the server, readings of the chain.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The unit of `/proc/PID/stat`: `USER_HZ`, which Linux fixes for user space.
const TICKS_PER_SECOND: f64 = 100.0;

/// Where to read it.
#[derive(Clone, Copy)]
pub(super) struct Meter {
    /// The server's process.
    pub(super) server: u32,
    /// The scripted RPC server.
    pub(super) chain: Option<SocketAddr>,
}

/// What had been spent at some moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Processor time, in seconds.
    pub(super) processor: f64,
    /// Calls for accounts; `None` without a chain.
    pub(super) readings: Option<u64>,
}

impl Meter {
    /// What has been spent so far.
    pub(super) async fn read(self) -> Cost {
        let readings = match self.chain {
            Some(chain) => Some(readings(chain).await),
            None => None,
        };
        Cost {
            processor: processor(self.server),
            readings,
        }
    }
}

fn processor(server: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{server}/stat")).expect("it runs");
    // Behind the name in parentheses, which may hold anything; `utime` and `stime` are
    // the 14th and 15th field of the line (proc(5)).
    let fields = stat.rsplit(')').next().expect("there is a name");
    let ticks = |index| {
        let field = fields.split_whitespace().nth(index);
        f64::from(
            field
                .and_then(|field| field.parse::<u32>().ok())
                .expect("a count"),
        )
    };
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

async fn readings(chain: SocketAddr) -> u64 {
    let mut stream = TcpStream::connect(chain).await.expect("it listens");
    stream
        .write_all(b"GET /calls HTTP/1.0\r\n\r\n")
        .await
        .expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let body = answer.split("\r\n\r\n").nth(1).expect("a body");
    let calls: serde_json::Value = serde_json::from_str(body).expect("JSON");
    calls["getMultipleAccounts"].as_u64().unwrap_or(0)
}
