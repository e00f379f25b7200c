//! Runs every check against one chain, each as a test with a name of its own.

use std::{
    fmt::Display,
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Duration,
};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::{
    runtime::{Builder, Handle},
    time::timeout,
};

use crate::{CHECKS, Chain, checks::Check};

/// Checks that run at once. They wait for slots far more than they compute.
const CHECKS_AT_ONCE: usize = 12;
/// The longest that one check may take, whatever it waits for.
const CHECK_LIMIT: Duration = Duration::from_secs(300);

/// Starts a chain, runs every check that the command line selects, and stops the chain.
///
/// `start` receives the runtime's handle and returns the chain together with whatever keeps it
/// alive; that is dropped when the last check has ended. The command line is libtest's:
/// a filter, `--list`, `--exact`, `--test-threads`.
///
/// # Errors
/// The exit code is a failure when the chain does not start or a check does not hold.
pub fn run<Keeper, StartError: Display>(
    start: impl FnOnce(&Handle) -> Result<(Chain, Keeper), StartError>,
) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(CHECKS_AT_ONCE);
    let runtime = match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let chain = Arc::new(OnceLock::new());
    let mut keeper = None;
    if !arguments.list {
        match start(runtime.handle()) {
            Ok((started, kept)) => {
                // Set once, right here.
                let _ = chain.set(started);
                keeper = Some(kept);
            }
            Err(error) => {
                eprintln!("the chain did not start: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    let trials = CHECKS
        .iter()
        .map(|check| trial(check, runtime.handle().clone(), Arc::clone(&chain)))
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(chain);
    drop(keeper);
    conclusion.exit_code()
}

/// One check as a test.
fn trial(check: &'static Check, runtime: Handle, chain: Arc<OnceLock<Chain>>) -> Trial {
    Trial::test(check.name, move || {
        let chain = chain
            .get()
            .ok_or_else(|| Failed::from("the chain is not running"))?;
        runtime.block_on(async {
            timeout(CHECK_LIMIT, (check.run)(chain))
                .await
                .map_err(|_| Failed::from(format!("no result within {CHECK_LIMIT:?}")))?
                .map_err(|failure| Failed::from(format!("[{}] {failure}", failure.code())))
        })
    })
}
