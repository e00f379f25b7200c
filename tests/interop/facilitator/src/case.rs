//! A payment, its requirements, and what is expected of the verdict.

use crate::payment::Payment;
use serde_json::{Value, json};
use tollgate_client::Pubkey;
use tollgate_gate::exact::{ExactError, Policy};
use tollgate_gate::x402::{FacilitatorRequest, Version, X402Error};

/// What a facilitator says of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It pays; by whom.
    Valid(String),
    /// It does not; the published name of the reason.
    Refused(String),
}

impl Verdict {
    /// The published facilitator's verdict in its answer.
    ///
    /// # Panics
    /// When it is no answer to [`Case::question`].
    pub fn from_answer(answer: &Value) -> Self {
        if answer["isValid"] == true {
            return Self::Valid(answer["payer"].as_str().expect("a payer").to_owned());
        }
        let reason = answer["invalidReason"].as_str().expect("a reason");
        // Some reasons are followed by a sentence.
        let code = reason.split(':').next().unwrap_or_default();
        if code == "threw" {
            return Self::Refused(format!("threw: {}", answer["invalidMessage"]));
        }
        Self::Refused(code.to_owned())
    }
}

/// What is known of a case before anybody judges it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected {
    /// Both accept it.
    Valid,
    /// Both refuse it for this.
    Refused(X402Error),
    /// We refuse it for this, deliberately, and they accept it.
    OursAlone(&'static str, X402Error),
    /// Nothing; but both agree, unless one of the deliberate differences shows.
    Agreement,
}

impl Expected {
    /// Both refuse it for a rule of the scheme.
    pub const fn broken(error: ExactError) -> Self {
        Self::Refused(X402Error::Exact(error))
    }
}

/// One case of the corpus.
pub struct Case {
    /// What is special about it.
    pub name: String,
    /// Of the protocol.
    pub version: Version,
    /// The keys of the service that verifies.
    pub managed: Vec<Pubkey>,
    /// The JSON of the payment header.
    pub payload: Value,
    /// What must be paid.
    pub requirements: Value,
    /// The transaction's bytes.
    pub transaction: Vec<u8>,
    /// What is known of the verdict.
    pub expected: Expected,
}

impl Case {
    /// The case of a finished payment.
    pub fn new(name: impl Into<String>, payment: &Payment, expected: Expected) -> Self {
        Self {
            name: name.into(),
            version: payment.version,
            managed: payment.managed.clone(),
            payload: payment.payload(),
            requirements: payment.requirements.clone(),
            transaction: payment.transaction(),
            expected,
        }
    }

    /// The body of a request to a facilitator.
    pub fn request(&self) -> Value {
        json!({
            "x402Version": self.version.number(),
            "paymentPayload": self.payload,
            "paymentRequirements": self.requirements,
        })
    }

    /// The question for the published facilitator.
    pub fn question(&self) -> Value {
        let mut question = self.request();
        let managed: Vec<String> = self.managed.iter().map(ToString::to_string).collect();
        question["managed"] = managed.into();
        question["ask"] = "verify".into();
        question
    }

    /// Our verdict, by way of the bytes of a request.
    pub fn ours(&self) -> Verdict {
        let policy = match self.version {
            Version::V1 => Policy::x402_v1(self.managed.clone()),
            Version::V2 => Policy::x402_v2(self.managed.clone()),
        };
        let body = self.request().to_string();
        let verified = FacilitatorRequest::from_body(body.as_bytes())
            .and_then(|request| request.payload.verify_exact(&request.requirements, &policy));
        match verified {
            Ok(payment) => Verdict::Valid(payment.payer().to_string()),
            Err(error) => Verdict::Refused(error.code(self.version).to_owned()),
        }
    }
}
