//! A Redis server of a test's own: on a free loopback port, with an append-only
//! file in a folder of its own. Included by path from every suite that needs one.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to answer after its start.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server; stopped, by its id, when it is dropped.
pub struct RedisServer {
    folder: tempfile::TempDir,
    port: u16,
    process: Option<Child>,
}

impl RedisServer {
    /// A running server. `None` where no `redis-server` is installed, which on CI
    /// (`CI=true`) is a failure.
    pub fn start() -> Option<Self> {
        let installed = Command::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !installed {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "redis-server has to be installed here (Debian: redis-server)"
            );
            eprintln!("skipped: redis-server is not installed (Debian: redis-server)");
            return None;
        }
        // Somebody else may take the port between its choice and its use.
        for _ in 0..5 {
            let chosen = TcpListener::bind(("127.0.0.1", 0)).unwrap();
            let mut server = Self {
                folder: tempfile::tempdir().unwrap(),
                port: chosen.local_addr().unwrap().port(),
                process: None,
            };
            drop(chosen);
            if server.spawn(&[]) {
                return Some(server);
            }
        }
        panic!("redis-server did not start on any port");
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it (SIGKILL): nothing is written any more.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts it again with its files, on the same port.
    pub fn start_again(&mut self) {
        self.start_with(&[]);
    }

    /// The same with other settings.
    pub fn start_with(&mut self, settings: &[&str]) {
        self.kill();
        assert!(self.spawn(settings), "redis-server did not start again");
    }

    fn spawn(&mut self, settings: &[&str]) -> bool {
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            // With `everysec` a server answers before it has written while the disk is
            // busy, and forgets that when it is killed (docs/metered.md).
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .args(["--save", ""])
            .arg("--dir")
            .arg(self.folder.path())
            .args(settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let ended = self
                .process
                .as_mut()
                .is_none_or(|process| process.try_wait().unwrap().is_some());
            if ended {
                return false;
            }
            if self.answers() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("redis-server does not answer");
    }

    /// Whether it has read its files and serves.
    fn answers(&self) -> bool {
        let ask = || -> std::io::Result<bool> {
            let mut socket = TcpStream::connect(("127.0.0.1", self.port))?;
            socket.set_read_timeout(Some(Duration::from_secs(5)))?;
            socket.write_all(b"PING\r\n")?;
            let mut answer = [0; 5];
            socket.read_exact(&mut answer)?;
            // It may want a password.
            Ok(answer == *b"+PONG" || answer == *b"-NOAU")
        };
        ask().unwrap_or(false)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
