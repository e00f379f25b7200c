//! Another program, bounded in time and in what it may say.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// The longest that a client may take, on a machine that is busy with everything else.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// The most that is read of each of its streams.
const MAX_OUTPUT: u64 = 1 << 20;

/// What a program said before it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whether its exit status was zero.
    pub succeeded: bool,
    /// Its standard output.
    pub output: String,
    /// Its standard error.
    pub errors: String,
}

/// Why there is nothing to judge.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started or read.
    #[error("cannot run {program}: {source}")]
    Start {
        /// Its name.
        program: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// It did not end in time, and was ended.
    #[error("{program} did not end within {patience:?}")]
    Late {
        /// Its name.
        program: String,
        /// What it was given.
        patience: Duration,
    },
}

/// Runs `program` to its end with `task` in its environment variable `variable`. It
/// ends with this call, also when that is given up.
///
/// # Errors
/// [`ChildError`].
pub async fn run(
    program: &Path,
    arguments: &[&Path],
    (variable, task): (&str, &str),
    patience: Duration,
) -> Result<Said, ChildError> {
    let name = program.display().to_string();
    let failed = |source| ChildError::Start {
        program: name.clone(),
        source,
    };
    let mut child = Command::new(program)
        .args(arguments)
        .env(variable, task)
        // No proxy of the machine's gets between a client and the loopback address.
        .env("NO_PROXY", "*")
        .env("no_proxy", "*")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let whole = async {
        let (output, errors, status) = tokio::join!(all(output), all(errors), child.wait());
        status.map(|status| Said {
            succeeded: status.success(),
            output,
            errors,
        })
    };
    match tokio::time::timeout(patience, whole).await {
        Ok(said) => said.map_err(failed),
        Err(_) => Err(ChildError::Late {
            program: name,
            patience,
        }),
    }
}

/// Everything from a stream up to [`MAX_OUTPUT`]; the rest is read and forgotten, so
/// that the writer is not stopped by a full pipe.
async fn all(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else {
        return String::new();
    };
    let mut bytes = Vec::new();
    let _ = (&mut stream).take(MAX_OUTPUT).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, patience: Duration) -> Result<Said, ChildError> {
        let arguments = ["-c", script].map(Path::new);
        run(Path::new("sh"), &arguments, ("TASK", "lemonade"), patience).await
    }

    #[tokio::test]
    async fn what_a_program_says_comes_back() {
        let said = shell("echo $TASK; echo no >&2; exit 3", PATIENCE)
            .await
            .unwrap();
        let expected = Said {
            succeeded: false,
            output: "lemonade\n".to_owned(),
            errors: "no\n".to_owned(),
        };
        assert_eq!(said, expected);
    }

    #[tokio::test]
    async fn a_program_that_talks_too_much_still_ends() {
        let said = shell("yes | head -c 3000000", PATIENCE).await.unwrap();
        assert_eq!(said.output.len(), 1 << 20);
    }

    #[tokio::test]
    async fn a_program_that_does_not_end_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("echo $$ > {}; exec sleep 600", file.display());
        // Long enough for the shell to start on a busy machine, whose death is waited for.
        let outcome = shell(&script, Duration::from_secs(5)).await;
        assert!(
            matches!(outcome, Err(ChildError::Late { .. })),
            "{outcome:?}"
        );
        let id = std::fs::read_to_string(&file).unwrap();
        let process = Path::new("/proc").join(id.trim());
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while process
            .join("fd")
            .read_dir()
            .is_ok_and(|mut files| files.next().is_some())
        {
            assert!(tokio::time::Instant::now() < deadline, "it still runs");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
