//! One spelling for every path that a route answers.
//!
//! A path may end in a slash or not, its words may be in either case, and it may begin as it did until 2020 (spec
//! sections 0 and 1.1). Rather than registering every spelling, the routes see one; nobody is redirected.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _};
use percent_encoding::percent_decode_str;

use crate::routes::{Route, routes};

/// Until 2020 the API was here.
const FORMER_PREFIX: [&str; 3] = ["api", "management", "security"];

/// A path that a route answers, as the routes spell it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CanonicalPath {
    path: String,
    /// The template of the route.
    pub(crate) template: &'static str,
}

/// Shows the routes the one spelling they know, which `answer` has found. The request itself keeps the path that was
/// sent.
pub(crate) async fn canonical<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let route = request.extensions_mut().remove::<CanonicalPath>();
    if let Some(uri) = route.and_then(|route| Uri::try_from(route.path).ok()) {
        request.match_info_mut().get_mut().update(&uri);
    }
    next.call(request).await
}

/// How the routes spell `path`, if one of them answers it.
pub(crate) fn canonical_path(path: &str) -> Option<CanonicalPath> {
    let trimmed = path.strip_prefix('/')?;
    let trimmed = trimmed.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(trimmed);
    let mut segments: Vec<&str> = trimmed.split('/').collect();
    let begins_as_formerly = segments.len() > FORMER_PREFIX.len()
        && FORMER_PREFIX.iter().zip(&segments).all(|(word, segment)| is_word(segment, word));
    if begins_as_formerly {
        segments.remove(1);
    }
    routes().iter().map(Route::template).find_map(|template| {
        let path = spelled_like(template, &segments)?;
        Some(CanonicalPath { path, template })
    })
}

/// `segments` spelled like `template`, if they fit it. Identifiers stay as they are, percent-encoded too.
fn spelled_like(template: &str, segments: &[&str]) -> Option<String> {
    let mut places = template.split('/').skip(1);
    let mut path = String::new();
    for segment in segments {
        let place = places.next()?;
        let fitting = if place.starts_with('{') {
            Some(*segment).filter(|segment| !segment.is_empty())
        } else {
            is_word(segment, place).then_some(place)
        };
        path.push('/');
        path.push_str(fitting?);
    }
    places.next().is_none().then_some(path)
}

fn is_word(segment: &str, word: &str) -> bool {
    percent_decode_str(segment).decode_utf8().is_ok_and(|segment| segment.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::canonical_path;

    #[test]
    fn every_spelling_of_a_path_becomes_one() {
        for (path, expected) in [
            ("/api/security/groups", Some("/api/security/groups")),
            ("/api/security/groups/", Some("/api/security/groups")),
            ("/API/Management/Security/Groups/", Some("/api/security/groups")),
            ("/api/security/GROUPS/A%2FB/Users/Tyler", Some("/api/security/groups/A%2FB/users/Tyler")),
            ("/api/security/%67roups/USERS/users", Some("/api/security/groups/USERS/users")),
            ("/Health/live", Some("/health/live")),
            ("/api/management/security/health/live", None),
            ("/api/security/groups//", None),
            ("/api/security/groups//users", None),
            ("/api/security", None),
            ("/", Some("/")),
            ("//", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(canonical_path(path).map(|found| found.path).as_deref(), expected, "{path}");
        }
    }
}
