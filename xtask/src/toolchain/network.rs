//! The machine's own ways to the package archives, carried into the tree:
//! name resolution, proxies, certificates, apt's and cargo's settings. No
//! archive is named in this project.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::process;
use crate::toolchain::chroot::Chroot;
use crate::workspace::{read_text, write_whole};

/// Cargo's home inside the tree.
pub const CARGO_HOME: &str = "/opt/cargo";

const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Settings of the machine's apt that say how to reach archives. Everything
/// else, hooks above all, would call programs that the tree does not have.
const APT_SETTINGS: [&str; 5] = [
    "Acquire::http",
    "Acquire::https",
    "Acquire::Check-",
    "Acquire::Retries",
    "Acquire::ForceIPv",
];

/// Variables by prefix that say how to reach registries.
const VARIABLE_PREFIXES: [&str; 5] = [
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRY_",
    "CARGO_REGISTRIES_",
    "CARGO_SOURCE_",
];

/// The archive that the machine's own release comes from; every other release
/// of Debian is beside it.
///
/// # Errors
/// [`Error::NeedsDebian`] when the machine's apt names no such archive.
pub fn debian_mirror() -> Result<String, Error> {
    let release = read_text(Path::new("/etc/os-release")).map_err(|error| Error::NeedsDebian {
        detail: error.to_string(),
    })?;
    let field = |name: &str| {
        release
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map(|value| value.trim_matches('"').to_owned())
    };
    if field("ID").as_deref() != Some("debian") {
        return Err(Error::NeedsDebian {
            detail: "/etc/os-release names another system".into(),
        });
    }
    let codename = field("VERSION_CODENAME").ok_or_else(|| Error::NeedsDebian {
        detail: "the release has no code name".into(),
    })?;
    let targets = process::capture(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(RELEASE) $(COMPONENT) $(REPO_URI)",
        "Created-By: Packages",
    ]))?;
    targets
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{codename} main ")))
        .map(|mirror| mirror.trim_end_matches('/').to_owned())
        .ok_or_else(|| Error::NeedsDebian {
            detail: format!("apt names no archive for {codename} main"),
        })
}

/// Proxy variables for programs that do not read apt's settings.
pub fn proxy_variables() -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> = env::vars()
        .filter(|(name, _)| name.to_lowercase().ends_with("_proxy"))
        .collect();
    for scheme in ["http", "https"] {
        let query = format!("Acquire::{scheme}::Proxy");
        let answer = process::capture(Command::new("apt-config").args(["shell", "P", &query]));
        let proxy = answer.ok().and_then(|line| {
            Some(
                line.trim()
                    .strip_prefix("P='")?
                    .strip_suffix('\'')?
                    .to_owned(),
            )
        });
        if let Some(proxy) = proxy.filter(|proxy| !proxy.is_empty() && proxy != "DIRECT") {
            variables.entry(format!("{scheme}_proxy")).or_insert(proxy);
        }
    }
    variables
}

/// Variables that commands inside the tree need to reach archives.
pub fn variables() -> Vec<(String, String)> {
    let mut variables = proxy_variables();
    let cargo = env::vars().filter(|(name, _)| {
        VARIABLE_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
    });
    variables.extend(cargo);
    variables.extend([
        ("CARGO_HOME".into(), CARGO_HOME.into()),
        ("DEBIAN_FRONTEND".into(), "noninteractive".into()),
        ("HOME".into(), "/root".into()),
        ("LANG".into(), "C.UTF-8".into()),
        ("SSL_CERT_FILE".into(), CERTIFICATES.into()),
    ]);
    variables.into_iter().collect()
}

/// Carries the machine's settings into the tree; each time anew, since they may
/// have changed since the tree was made.
///
/// # Errors
/// [`Error::File`] when a file cannot be copied.
pub fn carry_over(tree: &Chroot) -> Result<(), Error> {
    for file in ["/etc/resolv.conf", "/etc/hosts", "/etc/apt/auth.conf"] {
        copy_if_there(Path::new(file), &tree.host_path(file))?;
    }
    copy_folder(
        Path::new("/etc/apt/auth.conf.d"),
        &tree.host_path("/etc/apt/auth.conf.d"),
    )?;
    let settings = process::capture(Command::new("apt-config").arg("dump"))?;
    let settings: String = settings
        .lines()
        .filter(|line| APT_SETTINGS.iter().any(|prefix| line.starts_with(prefix)))
        .map(|line| format!("{line}\n"))
        .collect();
    write_whole(
        &tree.host_path("/etc/apt/apt.conf.d/99machine"),
        settings.as_bytes(),
    )?;

    let certificates = env::var_os("SSL_CERT_FILE").map_or(CERTIFICATES.into(), PathBuf::from);
    copy_if_there(&certificates, &tree.host_path(CERTIFICATES))?;

    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".cargo")));
    if let Some(home) = home {
        for file in ["config.toml", "credentials.toml"] {
            let inside = format!("{CARGO_HOME}/{file}");
            copy_if_there(&home.join(file), &tree.host_path(&inside))?;
        }
    }
    Ok(())
}

fn copy_if_there(from: &Path, to: &Path) -> Result<(), Error> {
    if !from.is_file() {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    }
    // A link in the tree could lead out of it.
    if to.is_symlink() {
        fs::remove_file(to).map_err(Error::file("replace", to))?;
    }
    fs::copy(from, to)
        .map(drop)
        .map_err(Error::file("copy", from))
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(from) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry.map_err(Error::file("read", from))?;
        copy_if_there(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
