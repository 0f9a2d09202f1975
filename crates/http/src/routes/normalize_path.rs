//! Normalising a path, so that all its spellings match one template.
//!
//! A path may end in a slash or not, and its literal words may be in either case and percent-encoded (contract 1.1). Nobody is
//! redirected.

use percent_encoding::percent_decode_str;

/// The segments of `path` as they were sent. A slash at the end begins none.
pub(super) fn segments(path: &str) -> Option<Vec<&str>> {
    let trimmed = path.strip_prefix('/')?;
    let trimmed = trimmed.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(trimmed);
    Some(trimmed.split('/').collect())
}

/// The path to match: every segment percent-decoded and in lower case, like the templates in the matcher.
///
/// `matchit` compares literal words exactly; so they are matched in lower case, and parameters, which keep their case, are taken
/// from the original segments.
pub(super) fn matching_path(segments: &[&str]) -> String {
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
