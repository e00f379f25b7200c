//! A 402 that is written once and then filled in.
//!
//! The same offer makes the same 402 but for a few short texts ([`Particulars`]).
//! Writing all of it anew (addresses in base58, JSON, base64) costs several times what
//! a whole request costs a server that only answers; copying does not.
//!
//! A template belongs to one route with one set of terms, and to one gate: new terms
//! and new configurations come as new routes and gates ([`ChallengeTemplates`]). It is
//! used only where it has been seen to give the same bytes as [`Written::new`].

use super::Written;
use super::outline::{Outline, needs_no_escape};
use super::particulars::{CallerTexts, Particulars, ReasonTexts};
use crate::gate::{Gate, GateIdentity};
use crate::offer::ProductOffer;
use crate::siwx::SignInTerms;
use std::sync::OnceLock;

/// What goes into a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    ResourceUrl,
    PaymentId,
    ReasonCode,
    ReasonDetail,
    Nonce,
    IssuedAt,
    ExpirationTime,
    Beneficiary,
    Entitlement,
}

impl Gap {
    const ALL: [Self; 9] = [
        Self::ResourceUrl,
        Self::PaymentId,
        Self::ReasonCode,
        Self::ReasonDetail,
        Self::Nonce,
        Self::IssuedAt,
        Self::ExpirationTime,
        Self::Beneficiary,
        Self::Entitlement,
    ];

    /// What stands in the gap of a template in the making. Letters and digits alone,
    /// which no encoding changes.
    fn marker(self) -> String {
        format!("Gap{self:?}Here")
    }

    /// The text for the gap. Without a sign-in or a caller there is no gap for it.
    fn text_of(self, given: &Particulars) -> &str {
        let sign_in = given.sign_in.as_ref();
        let caller = given.caller.as_ref();
        match self {
            Self::ResourceUrl => &given.resource_url,
            Self::PaymentId => &given.payment_id,
            Self::ReasonCode => &given.reason.code,
            Self::ReasonDetail => &given.reason.detail,
            Self::Nonce => sign_in.map_or("", |sign_in| &sign_in.nonce),
            Self::IssuedAt => sign_in.map_or("", |sign_in| &sign_in.issued_at),
            Self::ExpirationTime => sign_in.map_or("", |sign_in| &sign_in.expiration_time),
            Self::Beneficiary => caller.map_or("", |caller| &caller.beneficiary),
            Self::Entitlement => caller.map_or("", |caller| &caller.entitlement),
        }
    }
}

/// Particulars made of `text`; `with_caller`: of somebody who proved a key.
fn particulars(text: impl Fn(Gap) -> String, with_caller: bool) -> Particulars {
    Particulars {
        resource_url: text(Gap::ResourceUrl),
        payment_id: text(Gap::PaymentId),
        reason: ReasonTexts {
            code: text(Gap::ReasonCode).into(),
            detail: text(Gap::ReasonDetail).into(),
        },
        sign_in: Some(SignInTerms {
            nonce: text(Gap::Nonce),
            issued_at: text(Gap::IssuedAt),
            expiration_time: text(Gap::ExpirationTime),
        }),
        caller: with_caller.then(|| CallerTexts {
            beneficiary: text(Gap::Beneficiary),
            entitlement: text(Gap::Entitlement),
        }),
    }
}

/// One 402 with gaps.
#[derive(Debug)]
struct Template {
    gate: GateIdentity,
    header: Outline<Gap>,
    body: Outline<Gap>,
}

impl Template {
    /// `None` when it would not give what is written without it: when the offer's own
    /// words look like a marker.
    fn new(gate: &Gate, offer: &ProductOffer, with_caller: bool) -> Option<Self> {
        let markers = Gap::ALL.map(|gap| (gap, gap.marker()));
        let marked = particulars(Gap::marker, with_caller);
        let (header, body) = Written::json(gate, offer, &marked)?;
        let template = Self {
            gate: gate.identity().clone(),
            header: Outline::new(&header, &markers, true),
            body: Outline::new(&body, &markers, false),
        };
        let sample = particulars(|gap| format!("{gap:?}"), with_caller);
        let agrees = template.fill(&sample) == Written::new(gate, offer, &sample);
        agrees.then_some(template)
    }

    fn fill(&self, given: &Particulars) -> Written {
        Written {
            header: self.header.fill_base64(|gap| gap.text_of(given)),
            body: self.body.fill(|gap| gap.text_of(given)),
        }
    }
}

/// The templates of one route with the terms that it has. Copies begin empty, because
/// they are made to change something.
#[derive(Debug, Default)]
pub(crate) struct ChallengeTemplates {
    stranger: OnceLock<Option<Template>>,
    caller: OnceLock<Option<Template>>,
}

impl Clone for ChallengeTemplates {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl ChallengeTemplates {
    /// The 402 for `offer`, which has to be that of the route; `None` where it has to be
    /// written anew.
    pub(super) fn fill(
        &self,
        gate: &Gate,
        offer: &ProductOffer,
        given: &Particulars,
    ) -> Option<Written> {
        if given.sign_in.is_none()
            || !Gap::ALL
                .iter()
                .all(|gap| needs_no_escape(gap.text_of(given)))
        {
            return None;
        }
        let with_caller = given.caller.is_some();
        let place = if with_caller {
            &self.caller
        } else {
            &self.stranger
        };
        let template = place
            .get_or_init(|| Template::new(gate, offer, with_caller))
            .as_ref()?;
        (template.gate == *gate.identity()).then(|| template.fill(given))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::gate::GateSettings;
    use crate::keys::{KeyId, KeyRing, Secret};
    use crate::network::Network;
    use crate::offer::OfferText;
    use crate::origin::Origin;
    use tollgate_client::{Addresses, Amount, Credits, DurationSeconds, Pubkey, Slug};

    fn gate() -> Gate {
        let secret = Secret::new(vec![7; 32]).unwrap();
        Gate::new(GateSettings {
            origin: Origin::parse("https://api.example.com").unwrap(),
            network: Network::from_genesis_hash("EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG")
                .unwrap(),
            addresses: Addresses::default(),
            keys: KeyRing::new((KeyId(1), secret), vec![]).unwrap(),
            session_lifetime: DurationSeconds(60),
        })
    }

    fn offer(title: &str) -> ProductOffer {
        ProductOffer {
            merchant: Pubkey::new_from_array([1; 32]),
            product: Pubkey::new_from_array([2; 32]),
            slug: Slug::new("quotes").unwrap(),
            mint: Pubkey::new_from_array([3; 32]),
            decimals: 6,
            vault: Pubkey::new_from_array([4; 32]),
            price: Amount(10_000),
            access: DurationSeconds(0),
            credits: Credits(0),
            refund_window: DurationSeconds(0),
            for_sale: true,
            text: OfferText::new(title, "", "application/json").unwrap(),
        }
    }

    #[test]
    fn a_template_is_used_where_it_can_be() {
        let (gate, another) = (gate(), gate());
        for (title, resource_url, with_caller, used) in [
            ("Quotes", "https://api.example.com/x?a=%22", false, true),
            (
                "Quotes \"and\" \u{fc}",
                "https://api.example.com/x",
                true,
                true,
            ),
            // Never made by the gate, but JSON would have to escape it.
            ("Quotes", "https://api.example.com/\"", false, false),
            // The merchant's words look like a gap.
            ("GapNonceHere", "https://api.example.com/x", false, false),
        ] {
            let given = Particulars {
                resource_url: resource_url.to_owned(),
                ..particulars(|gap| format!("{gap:?}1"), with_caller)
            };
            let templates = ChallengeTemplates::default();
            for _ in 0..2 {
                let filled = templates.fill(&gate, &offer(title), &given);
                assert_eq!(filled.is_some(), used, "{title} {resource_url}");
                if let Some(filled) = filled {
                    assert!(filled == Written::new(&gate, &offer(title), &given));
                }
            }
            let filled = templates.fill(&another, &offer(title), &given);
            assert!(filled.is_none(), "made for another gate");
        }
    }
}
