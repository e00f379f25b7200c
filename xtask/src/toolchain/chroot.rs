//! Commands inside the Debian tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// Where the workspace appears inside the tree, read-only.
pub const SOURCE: &str = "/source";
/// Where the build writes inside the tree.
pub const OUTPUT: &str = "/output";
/// Where the linker is installed inside the tree.
pub const LINKER_ROOT: &str = "/opt/sbpf";

/// Mounts in a mount namespace of its own, so that nothing stays mounted
/// however the command ends. Parameters: tree, source, output, ready linker
/// (each of the last three may be empty), then the command.
const ENTER: &str = r#"
tree=$1 source=$2 output=$3 linker=$4
shift 4
mount --bind /proc "$tree/proc"
mount --bind /dev "$tree/dev"
mount --bind /sys "$tree/sys"
if [ -n "$source" ]; then
    mount --bind "$source" "$tree/source"
    mount -o remount,bind,ro "$tree/source"
fi
if [ -n "$output" ]; then mount --bind "$output" "$tree/output"; fi
if [ -n "$linker" ]; then mount --bind "$linker" "$tree/opt/sbpf/bin/sbpf-linker"; fi
exec chroot "$tree" "$@"
"#;

/// A Debian tree, and what of the machine appears in it.
pub struct Chroot {
    /// The tree's root folder on the machine.
    pub tree: PathBuf,
    /// A linker on the machine that replaces the tree's own.
    pub linker: Option<PathBuf>,
}

impl Chroot {
    /// A command that runs in the tree with exactly this environment. With
    /// `mounts`, the folders (workspace, output) appear at [`SOURCE`], where the
    /// command starts, and at [`OUTPUT`].
    ///
    /// # Errors
    /// [`Error::File`] when a mount point cannot be created.
    pub fn command(
        &self,
        mounts: Option<(&Path, &Path)>,
        environment: &[(String, String)],
        program: &str,
    ) -> Result<Command, Error> {
        for point in [SOURCE, OUTPUT, "/opt/sbpf/bin"] {
            let folder = self.host_path(point);
            fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        }
        if self.linker.is_some() {
            let file = self.host_path("/opt/sbpf/bin/sbpf-linker");
            if !file.exists() {
                fs::write(&file, []).map_err(Error::file("create", &file))?;
            }
        }
        let nowhere = Path::new("");
        let (source, output) = mounts.unwrap_or((nowhere, nowhere));
        let start = if mounts.is_some() { SOURCE } else { "/" };

        let mut command = Command::new("unshare");
        command
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-euc",
                ENTER,
                "sh",
            ])
            .args([self.tree.as_path(), source, output])
            .arg(self.linker.as_deref().unwrap_or(nowhere))
            .args(["/usr/bin/env", "--ignore-environment", "--chdir", start])
            .args(
                environment
                    .iter()
                    .map(|(name, value)| format!("{name}={value}")),
            )
            .arg(program);
        Ok(command)
    }

    /// Where a path of the tree is on the machine.
    pub fn host_path(&self, inside: &str) -> PathBuf {
        self.tree.join(inside.trim_start_matches('/'))
    }
}
