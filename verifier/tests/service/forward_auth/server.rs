//! Real web servers as child processes, with the configurations of docs/forward-auth.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Caddy,
}

impl Kind {
    fn binary(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
        }
    }

    /// The binary; `None` (said aloud) where it is not installed, which is a failure
    /// in CI.
    fn find(self) -> Option<PathBuf> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&folders)
            .chain([PathBuf::from("/usr/sbin")])
            .map(|folder| folder.join(self.binary()))
            .find(|path| path.is_file());
        if found.is_none() {
            let missing = format!("{} is not installed", self.binary());
            assert!(std::env::var_os("CI").is_none(), "{missing}");
            eprintln!("skipped: {missing} (apt-get install nginx-light caddy)");
        }
        found
    }
}

/// A running web server; ends with its owner.
pub struct Server {
    child: Child,
    folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A port that was free a moment ago.
pub async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

impl Server {
    /// Starts a server at `front` that asks `verifier` and forwards to `upstream`.
    /// `None` where the server is not installed.
    pub async fn start(
        kind: Kind,
        front: SocketAddr,
        verifier: SocketAddr,
        upstream: SocketAddr,
    ) -> Option<Self> {
        let binary = kind.find()?;
        let folder = std::env::temp_dir().join(format!("tollgate-front-{}", front.port()));
        std::fs::create_dir_all(&folder).unwrap();
        let sample = match kind {
            Kind::Nginx => include_str!("../../../../docs/forward-auth/nginx.conf"),
            Kind::Caddy => include_str!("../../../../docs/forward-auth/Caddyfile"),
        };
        let mut sample = sample.to_owned();
        for (written, real) in [
            ("127.0.0.1:8080", front),
            ("127.0.0.1:8402", verifier),
            ("127.0.0.1:3000", upstream),
        ] {
            assert!(sample.contains(written), "{written} is not in the sample");
            sample = sample.replace(written, &real.to_string());
        }
        let mut command = match kind {
            Kind::Nginx => nginx(&binary, &folder, &sample),
            Kind::Caddy => caddy(&binary, &folder, &sample),
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self { child, folder };
        let listening = async {
            while TcpStream::connect(front).await.is_err() {
                if let Some(status) = server.child.try_wait().unwrap() {
                    panic!("{kind:?} ended with {status}: {}", server.log());
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), listening)
            .await
            .expect("the web server listens");
        Some(server)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

fn nginx(binary: &Path, folder: &Path, sample: &str) -> Command {
    let here = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {here}/{name};\n"))
        .concat();
    let whole = format!(
        "daemon off;\nmaster_process off;\npid {here}/nginx.pid;\nerror_log stderr;\n\
         events {{}}\nhttp {{\naccess_log off;\n{temporary}{sample}}}\n"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, whole).unwrap();
    let mut command = Command::new(binary);
    command.arg("-e").arg("stderr").arg("-p").arg(folder);
    command.arg("-c").arg(file);
    command
}

fn caddy(binary: &Path, folder: &Path, sample: &str) -> Command {
    let whole = format!("{{\n\tadmin off\n\tauto_https off\n}}\n\n{sample}");
    let file = folder.join("Caddyfile");
    std::fs::write(&file, whole).unwrap();
    let mut command = Command::new(binary);
    command.args(["run", "--adapter", "caddyfile", "--config"]);
    command.arg(file);
    for name in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        command.env(name, folder);
    }
    command
}
