//! What is sold at which route: the configuration's routes with the chain's terms.

use std::collections::HashSet;
use std::sync::Arc;

use http::Method;
use tollgate_client::{Pubkey, Slug};
use tollgate_gate::route::RoutePattern;
use tollgate_gate::{
    Access, Metering, MethodSet, OfferText, ProductOffer, Route, RouteDefinition, RouteTable,
    Settlement,
};

use crate::api;
use crate::chain::{Listing, Snapshot};
use crate::config::{RouteAccess, RouteConfig};

/// The routes of the configuration, checked, but without terms.
#[derive(Clone, Debug)]
pub(crate) struct RoutePlan {
    routes: Vec<PlannedRoute>,
}

#[derive(Clone, Debug)]
struct PlannedRoute {
    pattern: RoutePattern,
    methods: MethodSet,
    websocket: bool,
    metering: Metering,
    settlement: Settlement,
    /// The product and the merchant's words for it; `None` when it is free.
    sells: Option<(Slug, OfferText)>,
}

/// A route that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RouteProblem {
    /// Which route; `None` when several do not go together.
    pub(crate) index: Option<usize>,
    /// The key of the route that is wrong.
    pub(crate) key: &'static str,
    /// What was expected.
    pub(crate) message: String,
}

impl RoutePlan {
    /// Checks routes by themselves and against each other.
    pub(crate) fn new(routes: &[RouteConfig]) -> Result<Self, Vec<RouteProblem>> {
        let mut planned = Vec::new();
        let mut problems = Vec::new();
        for (index, route) in routes.iter().enumerate() {
            match plan(route) {
                Ok(route) => planned.push(route),
                Err((key, message)) => problems.push(RouteProblem {
                    index: Some(index),
                    key,
                    message,
                }),
            }
        }
        let plan = Self { routes: planned };
        if problems.is_empty()
            && let Err(error) = RouteTable::new(
                plan.definitions(|_, _| Some(Access::Free))
                    .unwrap_or_default(),
            )
        {
            problems.push(RouteProblem {
                index: None,
                key: "path",
                message: error.to_string(),
            });
        }
        if problems.is_empty() {
            Ok(plan)
        } else {
            Err(problems)
        }
    }

    /// The products that the routes sell, each once.
    pub(crate) fn slugs(&self) -> Vec<Slug> {
        let mut slugs: Vec<Slug> = self
            .routes
            .iter()
            .filter_map(|route| route.sells.as_ref())
            .map(|(slug, _)| *slug)
            .collect();
        slugs.sort_unstable();
        slugs.dedup();
        slugs
    }

    /// The routes with what `sell` says of a product; `None` when it says nothing
    /// of one.
    fn definitions(
        &self,
        sell: impl Fn(&Slug, &OfferText) -> Option<Access>,
    ) -> Option<Vec<RouteDefinition>> {
        self.routes
            .iter()
            .map(|route| {
                Some(RouteDefinition {
                    pattern: route.pattern.clone(),
                    methods: route.methods,
                    metering: route.metering,
                    settlement: route.settlement,
                    access: match &route.sells {
                        None => Access::Free,
                        Some((slug, text)) => sell(slug, text)?,
                    },
                })
            })
            .collect()
    }
}

fn plan(route: &RouteConfig) -> Result<PlannedRoute, (&'static str, String)> {
    if api::is_reserved(&route.path) {
        return Err((
            "path",
            format!(
                "expected a path outside of {}, which this service answers itself",
                api::RESERVED.join(", ")
            ),
        ));
    }
    let pattern =
        RoutePattern::parse(&route.path).map_err(|error| ("path", format!("expected: {error}")))?;
    let methods = route
        .methods
        .iter()
        .try_fold(MethodSet::default(), |set, method| {
            Some(set.union(MethodSet::of(method)?))
        })
        .filter(|set| !set.is_empty())
        .ok_or_else(|| {
            (
                "methods",
                "expected methods that can be forwarded".to_owned(),
            )
        })?;
    let sells = match &route.access {
        RouteAccess::Free => None,
        RouteAccess::Product(name) => {
            let slug = Slug::new(name).map_err(|_| {
                (
                    "product",
                    format!(
                        "expected a product slug: 1 to 32 of a-z, 0-9, '-', '_' and '.', found {name:?}"
                    ),
                )
            })?;
            let title = if route.title.is_empty() {
                name
            } else {
                &route.title
            };
            let text = OfferText::new(title, &route.description, &route.mime_type)
                .map_err(|error| ("title", format!("expected: {error}")))?;
            Some((slug, text))
        }
    };
    if route.websocket && !methods.contains(&Method::GET) {
        let message = "expected GET among the methods: a WebSocket begins with it";
        return Err(("upgrade", message.to_owned()));
    }
    Ok(PlannedRoute {
        pattern,
        methods,
        websocket: route.websocket,
        metering: route.metering,
        settlement: route.settlement,
        sells,
    })
}

/// The routes with the terms of one reading of the chain.
#[derive(Clone, Debug)]
pub(crate) struct Market {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) table: RouteTable,
    /// The patterns whose `GET` may become a WebSocket.
    websockets: HashSet<String>,
}

impl Market {
    /// Joins the routes with a reading. `None` when the reading lacks a product
    /// that a route sells: a route without terms must not be served at all.
    pub(crate) fn new(plan: &RoutePlan, snapshot: Arc<Snapshot>, merchant: Pubkey) -> Option<Self> {
        let definitions = plan.definitions(|slug, text| {
            let listing = snapshot.listing(slug)?;
            let offer = offer(&snapshot, listing, merchant, text.clone());
            Some(Access::Paid(Arc::new(offer)))
        })?;
        let table = RouteTable::new(definitions).ok()?;
        let websockets = plan
            .routes
            .iter()
            .filter(|route| route.websocket)
            .map(|route| route.pattern.to_string())
            .collect();
        Some(Self {
            snapshot,
            table,
            websockets,
        })
    }

    /// Whether the `GET` of `route` may become a WebSocket.
    pub(crate) fn allows_websocket(&self, route: &Route) -> bool {
        route.methods().contains(&Method::GET) && self.websockets.contains(route.pattern().as_str())
    }
}

/// A product's terms with the merchant's words for it.
pub(crate) fn offer(
    snapshot: &Snapshot,
    listing: &Listing,
    merchant: Pubkey,
    text: OfferText,
) -> ProductOffer {
    let product = &listing.product;
    ProductOffer {
        merchant,
        product: listing.address,
        slug: listing.slug,
        mint: product.mint,
        decimals: product.decimals,
        vault: product.vault,
        price: product.price,
        access: product.access,
        credits: product.credits,
        refund_window: product.refund_window,
        for_sale: snapshot.is_for_sale(listing),
        text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]
    use super::*;

    #[test]
    fn routes_are_checked_one_by_one_and_together() {
        let good = [
            RouteConfig::free("/"),
            RouteConfig::paid("/v1/quote/{symbol}", "quotes"),
            RouteConfig::paid("/v1/quote/{symbol}/history", "quotes"),
        ];
        let plan = RoutePlan::new(&good).unwrap();
        assert_eq!(plan.slugs(), [Slug::new("quotes").unwrap()]);
        let mut unforwardable = RouteConfig::free("/a");
        unforwardable.methods = vec![Method::TRACE];
        let mut control = RouteConfig::paid("/b", "b");
        control.description = "a\nb".to_owned();
        let bad = [
            RouteConfig::free("/v1/pay/{anything}"),
            RouteConfig::free("/health"),
            RouteConfig::free("/x//y"),
            RouteConfig::paid("/c", "Upper Case"),
            unforwardable,
            control,
            RouteConfig::free("/healthy"),
        ];
        let problems = RoutePlan::new(&bad).unwrap_err();
        let found: Vec<_> = problems
            .iter()
            .map(|problem| (problem.index.unwrap(), problem.key))
            .collect();
        assert_eq!(
            found,
            [
                (0, "path"),
                (1, "path"),
                (2, "path"),
                (3, "product"),
                (4, "methods"),
                (5, "title")
            ]
        );
        let twice = [RouteConfig::free("/a/{b}"), RouteConfig::free("/a/{c}")];
        assert_eq!(RoutePlan::new(&twice).unwrap_err()[0].index, None);
    }
}
