//! Normalising and matching a path: one lookup gives the template and the parameters.
//!
//! A path may end in a slash or not, and its literal words may be in either case and percent-encoded (contract 1.1). Nobody is
//! redirected.

use std::sync::LazyLock;

use actix_web::http::Method;
use matchit::Router;
use percent_encoding::percent_decode_str;

use super::path_prefix::PathPrefix;
use super::routes;
use crate::respond::problem::Problem;

/// The prefix of the API, and the prefix it had until 2020, which still works (contract 1.1).
const PREFIX: &str = "/api/security/";
const FORMER_PREFIX: &str = "/api/management/security/";

/// How many templates there are.
pub(crate) fn templates() -> usize {
    MATCHER.resources.len()
}

/// A template, and its methods with the indices of their routes in the table.
struct Resource {
    /// Its place among all templates.
    place: usize,
    template: &'static str,
    methods: Vec<(&'static Method, usize)>,
}

struct Matcher {
    router: Router<usize>,
    resources: Vec<Resource>,
}

static MATCHER: LazyLock<Matcher> = LazyLock::new(Matcher::of_all_routes);

impl Matcher {
    fn of_all_routes() -> Self {
        let mut matcher = Self { router: Router::new(), resources: Vec::new() };
        for (index, route) in routes().iter().enumerate() {
            let known = matcher.resources.iter_mut().find(|resource| resource.template == route.template());
            match known {
                Some(resource) => resource.methods.push((route.method(), index)),
                None => matcher.add(Resource {
                    place: matcher.resources.len(),
                    template: route.template(),
                    methods: vec![(route.method(), index)],
                }),
            }
        }
        matcher
    }

    fn add(&mut self, resource: Resource) {
        let template = resource.template;
        let former = template.strip_prefix(PREFIX).map(|rest| format!("{FORMER_PREFIX}{rest}"));
        for path in former.into_iter().chain([template.to_owned()]) {
            // An error would be a conflict between two templates. A test looks every template up.
            let _ = self.router.insert(path.to_ascii_lowercase(), self.resources.len());
        }
        self.resources.push(resource);
    }
}

/// The template that a path matched, and the path parameters in their order, percent-decoded.
pub(crate) struct PathMatch {
    resource: &'static Resource,
    parameters: Vec<String>,
}

impl PathMatch {
    /// Matches `path`, below `prefix` or without it.
    pub(crate) fn find_below(prefix: &PathPrefix, path: &str) -> Option<Self> {
        prefix.strip(path).and_then(Self::find).or_else(|| Self::find(path))
    }

    /// Matches `path`, in any spelling. Literal words have priority over parameters.
    pub(crate) fn find(path: &str) -> Option<Self> {
        let segments = segments(path)?;
        let index = *MATCHER.router.at(&matching_path(&segments)).ok()?.value;
        let resource = MATCHER.resources.get(index)?;
        // Counted from the end, because the former prefix has a segment more.
        let places = resource.template.rsplit('/').zip(segments.iter().rev());
        let parameters = places.filter(|(place, _)| place.starts_with('{'));
        let mut parameters: Vec<_> =
            parameters.map(|(_, segment)| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect();
        parameters.reverse();
        Some(Self { resource, parameters })
    }

    /// The template: `/api/security/groups/{group}`.
    pub(crate) fn template(&self) -> &'static str {
        self.resource.template
    }

    /// The place of the template among all templates.
    pub(crate) fn place(&self) -> usize {
        self.resource.place
    }

    /// The path parameters.
    pub(crate) fn parameters(&self) -> &[String] {
        &self.parameters
    }

    /// The index in the table of the route that answers `method`, or 405 with the methods that there are. HEAD is answered by the
    /// route of GET (RFC 9110, section 9.3.2), unless it has one of its own.
    pub(crate) fn route(&self, method: &Method) -> Result<usize, Problem> {
        let get = || self.index(&Method::GET).filter(|_| method == Method::HEAD);
        self.index(method).or_else(get).ok_or_else(|| Problem::method_not_allowed(self.allowed().join(", ")))
    }

    fn index(&self, method: &Method) -> Option<usize> {
        self.resource.methods.iter().find(|(known, _)| *known == method).map(|(_, index)| *index)
    }

    fn allowed(&self) -> Vec<&str> {
        let with_head = |(method, _): &(&'static Method, usize)| match **method {
            Method::GET if self.index(&Method::HEAD).is_none() => vec!["GET", "HEAD"],
            _ => vec![method.as_str()],
        };
        self.resource.methods.iter().flat_map(with_head).collect()
    }
}

/// The segments of `path` as they were sent. A slash at the end begins none.
fn segments(path: &str) -> Option<Vec<&str>> {
    let trimmed = path.strip_prefix('/')?;
    let trimmed = trimmed.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(trimmed);
    Some(trimmed.split('/').collect())
}

/// The path to match: every segment percent-decoded and in lower case, like the templates in the matcher.
///
/// `matchit` compares literal words exactly; so they are matched in lower case, and parameters, which keep their case, are taken
/// from the original segments.
fn matching_path(segments: &[&str]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        for character in percent_decode_str(segment).decode_utf8_lossy().chars() {
            // An encoded slash does not separate segments, and no literal word contains one.
            let is_slash = character == '/';
            path.push(if is_slash { char::REPLACEMENT_CHARACTER } else { character.to_ascii_lowercase() });
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::PathMatch;
    use crate::routes::routes;

    #[test]
    fn every_spelling_of_a_path_matches_one_template() {
        const GROUPS: &str = "/api/security/groups";
        const MEMBER: &str = "/api/security/groups/{group}/users/{user}";
        for (path, expected) in [
            ("/api/security/groups", Some((GROUPS, &[][..]))),
            ("/api/security/groups/", Some((GROUPS, &[]))),
            ("/API/Management/Security/Groups/", Some((GROUPS, &[]))),
            ("/api/security/GROUPS/A%2FB/Users/Tyler", Some((MEMBER, &["A/B", "Tyler"]))),
            ("/api/management/security/groups/%2F/%75sers/100%25", Some((MEMBER, &["/", "100%"]))),
            ("/api/security/%67roups/USERS/users", Some(("/api/security/groups/{group}/users", &["USERS"]))),
            ("/api/security/users/Search", Some(("/api/security/users/search", &[]))),
            ("/api/security/users/Search/groups", Some(("/api/security/users/{user}/groups", &["Search"]))),
            ("/api/security/users/@current", Some(("/api/security/users/{user}", &["@current"]))),
            ("/api/security/apikeys/{key}/SECRET", Some(("/api/security/apiKeys/{key}/secret", &["{key}"]))),
            ("/Health/live", Some(("/health/live", &[]))),
            ("/", Some(("/", &[]))),
            ("/api/management/security/health/live", None),
            ("/api/management/groups", None),
            ("/api/security/groups//", None),
            ("/api/security/groups//users", None),
            ("/api/security/gro%2Fups", None),
            ("/api/security/groups%2Fx", None),
            ("/api/security", None),
            ("/api/management/security", None),
            ("//", None),
            ("*", None),
            ("", None),
        ] {
            let found = PathMatch::find(path);
            let found = found.as_ref().map(|found| (found.template(), found.parameters()));
            let expected = expected.map(|(template, parameters)| (template, parameters.to_vec()));
            assert_eq!(
                found.map(|(template, parameters)| (
                    template,
                    parameters.iter().map(String::as_str).collect::<Vec<_>>()
                )),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn every_route_is_found_by_its_path_and_its_method() {
        for (index, route) in routes().iter().enumerate() {
            let found = PathMatch::find(&route.template().replace(['{', '}'], "")).unwrap();
            assert_eq!(found.template(), route.template());
            assert_eq!(found.route(route.method()).ok(), Some(index), "{} {}", route.method(), route.template());
        }
    }
}
