//! Our verdicts on the corpus are those that each case was made for.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use tollgate_gate::exact::ExactError;
use tollgate_gate::x402::{Version, X402Error};
use tollgate_interop_facilitator::case::{Expected, Verdict};
use tollgate_interop_facilitator::corpus;

/// Reasons that x402 policies never give: they bound neither units nor signatures, and
/// have no eighth instruction.
const NOT_OF_X402: [ExactError; 3] = [
    ExactError::ComputeLimitTooHigh,
    ExactError::ExcessiveSigners,
    ExactError::UnknownOptional,
];

#[test]
fn every_case_is_judged_as_it_was_meant() {
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for case in corpus(1) {
        let ours = case.ours();
        if case.version == Version::V2
            && let Verdict::Refused(reason) = &ours
        {
            seen.insert(reason.clone());
        }
        let meant = match case.expected {
            Expected::Valid => matches!(ours, Verdict::Valid(_)),
            Expected::Refused(error) | Expected::OursAlone(_, error) => {
                ours == Verdict::Refused(error.code(case.version).to_owned())
            }
            Expected::Agreement => true,
        };
        if !meant {
            wrong.push(format!(
                "{:?} {}: {:?}, but we say {ours:?}",
                case.version, case.name, case.expected
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for error in ExactError::ALL {
        let code = X402Error::Exact(*error).code(Version::V2);
        let reachable = !NOT_OF_X402.contains(error);
        assert_eq!(seen.contains(code), reachable, "{code}");
    }
}
