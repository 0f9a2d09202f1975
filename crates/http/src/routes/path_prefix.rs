//! The path below which clients reach the service, where that is not the root of its host.

use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::path_match::PathMatch;
use super::routes;

/// The path below which clients reach the service, such as `/identity`; empty for the root.
///
/// Every path is served below the prefix and without it: some proxies strip it, others do not. All links have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathPrefix(Arc<str>);

/// Why a text is no path prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPathPrefix {
    /// It is not of the form `/a/b`, of letters, digits and `-._~`.
    #[error("must be a path such as /identity, of letters, digits and -._~ between slashes, without one at its end")]
    Form,
    /// A path below it, or the prefix itself, is a path of the service too.
    #[error("must not be where the service has paths of its own, such as /docs")]
    OwnPath,
}

impl PathPrefix {
    /// The path, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the prefix in `path`, in any spelling; `None` if `path` is not below it.
    pub(crate) fn strip<'p>(&self, path: &'p str) -> Option<&'p str> {
        let mut rest = path;
        for word in self.0.split('/').skip(1) {
            let after = rest.strip_prefix('/')?;
            let (segment, below) = after.split_at(after.find('/').unwrap_or(after.len()));
            let decoded = percent_decode_str(segment).decode_utf8_lossy();
            rest = Some(below).filter(|_| decoded.eq_ignore_ascii_case(word))?;
        }
        Some(if rest.is_empty() { "/" } else { rest })
    }

    /// Whether a path is ambiguous: one of the service, and another one of the service below the prefix.
    fn is_ambiguous(&self) -> bool {
        let below = routes().iter().map(|route| format!("{}{}", self.0, route.template()));
        below.chain([self.0.to_string()]).any(|path| PathMatch::find(&path).is_some())
    }
}

impl TryFrom<&str> for PathPrefix {
    type Error = InvalidPathPrefix;

    fn try_from(text: &str) -> Result<Self, InvalidPathPrefix> {
        let is_plain = |character: char| character.is_ascii_alphanumeric() || "-._~".contains(character);
        let is_word = |word: &str| !matches!(word, "" | "." | "..") && word.chars().all(is_plain);
        if text.is_empty() {
            return Ok(Self::default());
        }
        if !text.strip_prefix('/').is_some_and(|words| words.split('/').all(is_word)) {
            return Err(InvalidPathPrefix::Form);
        }
        let prefix = Self(text.into());
        if prefix.is_ambiguous() { Err(InvalidPathPrefix::OwnPath) } else { Ok(prefix) }
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidPathPrefix, PathPrefix};

    #[test]
    fn a_prefix_is_a_path_that_the_service_does_not_have() {
        for text in ["", "/identity", "/a/B-c_d.e~1", "/api", "/API/identity", "/api/security/x/y", "/doc", "/healthy"]
        {
            assert_eq!(PathPrefix::try_from(text).map(|prefix| prefix.to_string()), Ok(text.to_owned()), "{text}");
        }
        for text in [
            "/",
            "identity",
            "/identity/",
            "//identity",
            "/a//b",
            "/a b",
            "/a%20b",
            "/a?b",
            "/a#b",
            "/..",
            "/a/./b",
            "/é",
        ] {
            assert_eq!(PathPrefix::try_from(text), Err(InvalidPathPrefix::Form), "{text}");
        }
        for text in ["/docs", "/Docs", "/health/live", "/api/security/users", "/api/security/groups/x"] {
            assert_eq!(PathPrefix::try_from(text), Err(InvalidPathPrefix::OwnPath), "{text}");
        }
    }

    #[test]
    fn the_prefix_is_taken_away_in_every_spelling() {
        let prefix = PathPrefix::try_from("/a/B").unwrap();
        for (path, expected) in [
            ("/a/B/docs", Some("/docs")),
            ("/A/b/Docs/", Some("/Docs/")),
            ("/%61/B/x%2Fy", Some("/x%2Fy")),
            ("/a/B", Some("/")),
            ("/a/B/", Some("/")),
            ("/a/B//", Some("//")),
            ("/a/Bx", None),
            ("/a", None),
            ("/a%2FB", None),
            ("/x/a/B", None),
            ("/docs", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(prefix.strip(path), expected, "{path}");
        }
        assert_eq!(PathPrefix::default().strip("/docs"), Some("/docs"));
    }
}
