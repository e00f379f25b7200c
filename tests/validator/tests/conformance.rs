//! Every check against the real validator: the suite's oracle.

use std::{process::ExitCode, time::Duration};

use tollgate_conformance::{Chain, run};
use tollgate_validator_tests::{Setup, StartError, Validator};

/// A cluster's slot.
const SLOT_DURATION: Duration = Duration::from_millis(400);

fn main() -> ExitCode {
    run(|runtime| {
        let validator = Validator::start(runtime, Setup::default())?;
        let chain = Chain::new(
            validator.rpc_url(),
            validator.websocket_url(),
            validator.treasury().insecure_clone(),
            SLOT_DURATION,
        );
        Ok::<_, StartError>((chain, validator))
    })
}
