//! The path in a `sqlite://` URL.

use std::path::PathBuf;

use super::{UrlError, decoded};

/// The path of the file, from what follows `sqlite://`. What other programs write there, and would be taken for a part of the file's name,
/// is refused.
pub(super) fn path(text: &str) -> Result<PathBuf, UrlError> {
    if text.is_empty() {
        return Err(UrlError(
            "names no file: sqlite:// is followed by a path, as in sqlite:///var/lib/guildhall/guildhall.db",
        ));
    }
    if text.starts_with(":memory:") {
        return Err(UrlError("must name a file: a database in memory would be gone after a restart"));
    }
    if text.starts_with("file:") {
        return Err(UrlError("must be sqlite:// and the path alone, without file:"));
    }
    if text.starts_with("~/") || text == "~" {
        return Err(UrlError("must not start with ~, which only a shell replaces by the home folder"));
    }
    if text.contains(['?', '#']) {
        return Err(UrlError("takes no parameters: of ? and #, which may be in the file's name, write %3F and %23"));
    }
    let path =
        decoded(text).ok_or(UrlError("has a bad percent escape: of %, which may be in the file's name, write %25"))?;
    if path.chars().any(char::is_control) {
        return Err(UrlError("has a control character in the path"));
    }
    if path.ends_with('/') {
        return Err(UrlError("names a folder, and must name a file"));
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::path;

    #[test]
    fn each_form_names_a_file_or_is_refused() {
        for (text, expected) in [
            ("guildhall.db", "guildhall.db"),
            ("data/guildhall.db", "data/guildhall.db"),
            ("./guildhall.db", "./guildhall.db"),
            ("/var/lib/guildhall.db", "/var/lib/guildhall.db"),
            ("/var/my%20data/g.db", "/var/my data/g.db"),
            ("/var/my data/g.db", "/var/my data/g.db"),
            ("100%25%3F.db", "100%?.db"),
            ("%C3%A9.db", "\u{e9}.db"),
        ] {
            assert_eq!(path(text).as_deref(), Ok(Path::new(expected)), "{text}");
        }
        for (text, reason) in [
            ("", "names no file"),
            (":memory:", "in memory"),
            (":memory:?cache=shared", "in memory"),
            ("file:g.db", "file:"),
            ("file:/g.db?mode=ro", "file:"),
            ("~/g.db", "~"),
            ("g.db?mode=rw", "parameters"),
            ("g.db?mode=rwc&cache=shared", "parameters"),
            ("g.db#main", "parameters"),
            ("100%.db", "percent"),
            ("g%zz.db", "percent"),
            ("g%00.db", "control"),
            ("/var/lib/", "folder"),
        ] {
            let error = path(text).unwrap_err();
            assert!(error.to_string().contains(reason), "{text}: {error}");
        }
    }
}
