//! The steps of a decision, one after the other.
//!
//! Each goes as far as it can without waiting: a session whose entitlement is in
//! memory, a stranger or a free route costs no future. What waits is a reading of the
//! chain, the store of credits, the store of used sign-ins, and room in the audit log.
//!
//! Nothing takes effect before it is recorded, where decisions are recorded.

use axum::response::IntoResponse;
use tollgate_gate::{Next, PaymentDue, Question};

use super::conclusion::Concluded;
use super::payment::Presented;
use super::verdict::Verdict;
use super::way::Way;
use super::{Admission, Asked};
use crate::app::App;

/// How far a decision came without waiting.
#[derive(Debug)]
pub(crate) enum Begun {
    /// All the way.
    Decided(Admission),
    /// [`App::finish`] goes on.
    Waiting(Box<Waiting>),
}

/// A decision that has to wait. Owns all it needs, so that a way in may keep it
/// beside the request.
#[derive(Debug)]
pub(crate) struct Waiting(Step);

#[derive(Debug)]
enum Step {
    /// The chain has to be read, or credits be taken.
    Verdict(Way, Question),
    /// The payment that came with the request has to be settled.
    Payment(Way, PaymentDue, Presented),
    /// What was concluded has to be recorded first.
    Effect(Concluded),
}

impl App {
    /// Decides about one request.
    pub(crate) async fn admit(&self, asked: Asked<'_>) -> Admission {
        match self.begin(asked) {
            Begun::Decided(admission) => admission,
            Begun::Waiting(waiting) => self.finish(*waiting, asked.query).await,
        }
    }

    /// Decides as far as that takes no waiting.
    pub(crate) fn begin(&self, asked: Asked<'_>) -> Begun {
        let mut way = match self.way(asked) {
            Ok(way) => way,
            Err(answer) => return Begun::Decided(Admission::Answered(*answer)),
        };
        let verdict = match self.gate.open(&way.matched, asked.headers, way.now) {
            Next::Done(decision) => Verdict::of(decision),
            Next::Read(question) => {
                way.trail.asks(&question);
                match self.remembered(&question, way.freshness) {
                    Some(observed) => self.judge(question, &observed, &mut way.trail),
                    None => {
                        return Begun::Waiting(Box::new(Waiting(Step::Verdict(way, question))));
                    }
                }
            }
        };
        let verdict = match (verdict, way.presented.take()) {
            (Ok(Verdict::Due(due)), Some(presented)) => {
                let step = Step::Payment(way, due, presented);
                return Begun::Waiting(Box::new(Waiting(step)));
            }
            (verdict, _) => verdict,
        };
        let mut concluded = self.conclude(way, verdict, asked.query);
        match self.record_at_once(std::mem::take(&mut concluded.records)) {
            Ok(()) => Begun::Decided(concluded.take_effect()),
            Err(records) => {
                concluded.records = records;
                Begun::Waiting(Box::new(Waiting(Step::Effect(concluded))))
            }
        }
    }

    /// Decides what [`App::begin`] could not. `query` is that of the request.
    pub(crate) async fn finish(&self, waiting: Waiting, query: Option<&str>) -> Admission {
        let mut concluded = match waiting.0 {
            Step::Effect(concluded) => concluded,
            Step::Verdict(mut way, question) => {
                let verdict = self.verdict(&mut way, question).await;
                let verdict = match (verdict, way.presented.take()) {
                    (Ok(Verdict::Due(due)), Some(presented)) => {
                        self.settle(&mut way, due, presented).await
                    }
                    (verdict, _) => verdict,
                };
                self.conclude(way, verdict, query)
            }
            Step::Payment(mut way, due, presented) => {
                let verdict = self.settle(&mut way, due, presented).await;
                self.conclude(way, verdict, query)
            }
        };
        match self.record(std::mem::take(&mut concluded.records)).await {
            Ok(()) => concluded.take_effect(),
            Err(error) => {
                concluded.be_void().await;
                Admission::Answered(error.into_response())
            }
        }
    }
}
