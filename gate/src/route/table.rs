//! The table of routes and the search in it.

use super::pattern::fold;
use super::{Access, CanonicalPath, MethodSet, Route, RouteDefinition, RouteError, RoutePattern};
use crate::challenge::ChallengeTemplates;
use crate::error::GateError;
use crate::limits::MAX_ROUTES;
use crate::offer::ProductOffer;
use http::Method;
use std::sync::Arc;

/// What a request means.
#[derive(Clone, Debug)]
pub enum Resolution {
    /// `OPTIONS`: answered with these methods, without the upstream.
    Options {
        /// The methods of the path.
        allow: MethodSet,
    },
    /// A route.
    Route(RouteMatch),
}

/// A request's route and the path to decide on and to forward.
#[derive(Clone, Debug)]
pub struct RouteMatch {
    /// The route.
    pub route: Arc<Route>,
    /// The canonical path.
    pub path: CanonicalPath,
}

/// All routes that share a pattern.
#[derive(Clone, Debug)]
struct Resource {
    pattern: RoutePattern,
    folded: RoutePattern,
    routes: Vec<Arc<Route>>,
}

impl Resource {
    fn allow(&self) -> MethodSet {
        self.routes
            .iter()
            .fold(MethodSet::default(), |set, route| set.union(route.methods))
    }

    fn is_paid(&self) -> bool {
        self.routes.iter().any(|route| route.offer().is_some())
    }
}

/// Every route, the most particular first.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    resources: Vec<Resource>,
    /// Indices of `resources` by precedence of the folded patterns.
    by_folded: Vec<usize>,
}

impl RouteTable {
    /// Checks routes against each other.
    ///
    /// # Errors
    /// [`RouteError`]; a table never holds two routes for the same request.
    pub fn new(definitions: Vec<RouteDefinition>) -> Result<Self, RouteError> {
        if definitions.len() > MAX_ROUTES {
            return Err(RouteError::TooMany);
        }
        let mut resources: Vec<Resource> = Vec::new();
        for RouteDefinition {
            pattern,
            methods,
            access,
            metering,
        } in definitions
        {
            if methods.is_empty() {
                return Err(RouteError::NoMethod {
                    pattern: pattern.to_string(),
                });
            }
            let route = Arc::new(Route {
                pattern: pattern.clone(),
                methods,
                access,
                metering,
                challenges: ChallengeTemplates::default(),
            });
            let same = |resource: &&mut Resource| resource.pattern.same_shape(&pattern);
            if let Some(resource) = resources.iter_mut().find(same) {
                let duplicate = resource
                    .routes
                    .iter()
                    .find(|other| other.methods.overlaps(methods));
                if let Some(other) = duplicate {
                    return Err(RouteError::Duplicate {
                        first: other.pattern.to_string(),
                        second: pattern.to_string(),
                    });
                }
                resource.routes.push(route);
                continue;
            }
            let folded = pattern.folded();
            if let Some(other) = resources
                .iter()
                .find(|other| other.folded.same_shape(&folded))
            {
                return Err(RouteError::Indistinct {
                    first: other.pattern.to_string(),
                    second: pattern.to_string(),
                });
            }
            resources.push(Resource {
                pattern,
                folded,
                routes: vec![route],
            });
        }
        resources.sort_by(|one, other| one.pattern.precedence(&other.pattern));
        let mut by_folded: Vec<_> = resources.iter().enumerate().collect();
        by_folded.sort_by(|(_, one), (_, other)| one.folded.precedence(&other.folded));
        let by_folded = by_folded.into_iter().map(|(index, _)| index).collect();
        Ok(Self {
            resources,
            by_folded,
        })
    }

    /// The same table with other offers, for when terms change on chain.
    #[must_use]
    pub fn with_offers(
        &self,
        mut offer: impl FnMut(&Arc<ProductOffer>) -> Arc<ProductOffer>,
    ) -> Self {
        let mut table = self.clone();
        for route in table
            .resources
            .iter_mut()
            .flat_map(|resource| &mut resource.routes)
        {
            if let Access::Paid(old) = &route.access {
                let access = Access::Paid(offer(old));
                *route = Arc::new(Route {
                    access,
                    challenges: ChallengeTemplates::default(),
                    ..Route::clone(route)
                });
            }
        }
        table
    }

    /// Every route, the most particular first.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.resources.iter().flat_map(|resource| &resource.routes)
    }

    /// Finds what a request means.
    ///
    /// # Errors
    /// `path_*` for paths without a canonical form, [`GateError::RouteNotFound`],
    /// [`GateError::MethodNotAllowed`] (see [`RouteTable::allow`]), and
    /// [`GateError::PathAmbiguous`] for a spelling of a paid path that would
    /// otherwise fall to a wider route.
    pub fn resolve(&self, method: &Method, raw_path: &str) -> Result<Resolution, GateError> {
        let path = CanonicalPath::parse(raw_path)?;
        let (index, resource) = self.find(&path).ok_or(GateError::RouteNotFound)?;
        if self.is_shadow(index, &path) {
            return Err(GateError::PathAmbiguous);
        }
        if method == Method::OPTIONS {
            return Ok(Resolution::Options {
                allow: resource.allow(),
            });
        }
        // A wider route with this method is not looked for: it would hand out what
        // this path's own routes protect.
        let route = resource
            .routes
            .iter()
            .find(|route| route.methods.contains(method));
        let route = Arc::clone(route.ok_or(GateError::MethodNotAllowed)?);
        Ok(Resolution::Route(RouteMatch { route, path }))
    }

    /// The methods of a path, for the `Allow` header of a 405.
    pub fn allow(&self, raw_path: &str) -> Option<MethodSet> {
        let path = CanonicalPath::parse(raw_path).ok()?;
        self.find(&path).map(|(_, resource)| resource.allow())
    }

    fn find(&self, path: &CanonicalPath) -> Option<(usize, &Resource)> {
        let segments = path.segments();
        self.resources
            .iter()
            .enumerate()
            .find(|(_, resource)| resource.pattern.matches(segments))
    }

    /// Whether an upstream that ignores spelling would see another, paid resource.
    fn is_shadow(&self, chosen: usize, path: &CanonicalPath) -> bool {
        let folded: Vec<_> = path
            .segments()
            .iter()
            .map(|segment| fold(segment))
            .collect();
        let seen = self.by_folded.iter().find_map(|index| {
            let resource = self.resources.get(*index)?;
            resource
                .folded
                .matches(&folded)
                .then_some((*index, resource))
        });
        seen.is_some_and(|(index, resource)| index != chosen && resource.is_paid())
    }
}
