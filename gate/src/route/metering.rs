//! What one request costs where credits are counted, and which outcomes count.

use http::StatusCode;
use tollgate_client::Credits;

/// What a route takes from an entitlement whose credits are counted. It means
/// nothing for products that sell time only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metering {
    /// Credits that one request costs; at least one.
    pub cost: Credits,
    /// When they are kept.
    pub charge: Charge,
}

impl Metering {
    /// One credit for every request that was answered.
    pub const ONE_CREDIT: Self = Self {
        cost: Credits(1),
        charge: Charge::OnAnswer,
    };
}

impl Default for Metering {
    fn default() -> Self {
        Self::ONE_CREDIT
    }
}

/// When the credits of an admitted request are kept. They are taken before the
/// upstream is asked, whatever the rule; this decides whether they are given back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charge {
    /// Always, even when the upstream could not be reached.
    Always,
    /// When the upstream answered, whatever it said.
    #[default]
    OnAnswer,
    /// When the upstream answered with a status below 400.
    OnSuccess,
}

/// What became of an admitted request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The head of the upstream's response arrived.
    Answered(StatusCode),
    /// This service answered with an error of its own: the upstream could not be
    /// reached, did not answer in time, or the request was refused on its way.
    Failed,
    /// The caller went away before there was an answer. What the upstream has done
    /// by then is not known.
    Abandoned,
}

impl Charge {
    /// Every rule, with its name in configurations.
    pub const ALL: [(&'static str, Self); 3] = [
        ("always", Self::Always),
        ("on_answer", Self::OnAnswer),
        ("on_success", Self::OnSuccess),
    ];

    /// Whether the credits of a request with this outcome are kept.
    ///
    /// What was abandoned counts under every rule: otherwise a caller could have
    /// the upstream work for nothing by hanging up in time.
    #[must_use]
    pub fn keeps(self, outcome: Outcome) -> bool {
        match (self, outcome) {
            (Self::Always, _) | (_, Outcome::Abandoned) => true,
            (Self::OnAnswer | Self::OnSuccess, Outcome::Failed) => false,
            (Self::OnAnswer, Outcome::Answered(_)) => true,
            (Self::OnSuccess, Outcome::Answered(status)) => {
                status.as_u16() < StatusCode::BAD_REQUEST.as_u16()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_keeps_what_it_says() {
        let outcomes = [
            Outcome::Answered(StatusCode::OK),
            Outcome::Answered(StatusCode::SEE_OTHER),
            Outcome::Answered(StatusCode::BAD_REQUEST),
            Outcome::Answered(StatusCode::BAD_GATEWAY),
            Outcome::Failed,
            Outcome::Abandoned,
        ];
        let kept = |charge: Charge| outcomes.map(|outcome| charge.keeps(outcome));
        assert_eq!(kept(Charge::Always), [true; 6]);
        let on_answer = [true, true, true, true, false, true];
        assert_eq!(kept(Charge::OnAnswer), on_answer);
        let on_success = [true, true, false, false, false, true];
        assert_eq!(kept(Charge::OnSuccess), on_success);
        assert_eq!(Charge::default(), Charge::OnAnswer);
    }
}
