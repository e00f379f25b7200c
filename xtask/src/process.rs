//! Running other programs.

use std::process::{Command, Output, Stdio};

use crate::error::Error;

/// Runs a program to its end with this command's own output streams.
///
/// # Errors
/// [`Error::Start`] when it cannot be started, [`Error::Command`] when it fails.
pub fn run(command: &mut Command) -> Result<(), Error> {
    let status = command
        .status()
        .map_err(|source| start_error(command, source))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Command {
        command: describe(command),
        status: status.to_string(),
    })
}

/// Runs a program to its end and returns what it wrote to standard output.
///
/// # Errors
/// Like [`run`], and [`Error::Malformed`] when the output is not UTF-8.
pub fn capture(command: &mut Command) -> Result<String, Error> {
    let Output { status, stdout, .. } = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| start_error(command, source))?;
    if !status.success() {
        return Err(Error::Command {
            command: describe(command),
            status: status.to_string(),
        });
    }
    String::from_utf8(stdout)
        .map_err(|error| Error::malformed(format!("the output of `{}`", describe(command)), error))
}

/// Whether a program can be started and succeeds. It runs silently.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The error of a program that cannot be started.
pub fn start_error(command: &Command, source: std::io::Error) -> Error {
    Error::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    }
}

/// The program and its arguments on one line; a script among them is left out.
pub fn describe(command: &Command) -> String {
    const LONGEST: usize = 160;
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .filter(|word| !word.contains('\n'))
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
