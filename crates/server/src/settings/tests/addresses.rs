//! Where the service is found, and by whom it is reached.

use std::collections::HashMap;
use std::path::Path;

use super::{from_environment, from_file};
use crate::settings::{LogFormat, Settings};

#[test]
fn origins_are_listed_in_a_file_or_with_commas() {
    let listed = |settings: Settings| settings.server.allowed_origins;
    let file = from_file("[server]\nallowed_origins = ['https://a.example', 'http://localhost:3000']", &[]);
    assert_eq!(listed(file.unwrap()), ["https://a.example", "http://localhost:3000"]);
    let variable = |value| from_environment(&[("GUILDHALL_SERVER__ALLOWED_ORIGINS", value)]);
    assert_eq!(listed(variable("https://a.example, *").unwrap()), ["https://a.example", "*"]);
    for wrong in ["a.example", "https://a.example/", "https://"] {
        assert!(variable(wrong).unwrap_err().contains("server.allowed_origins"), "{wrong}");
    }
}

#[test]
fn a_public_url_may_have_a_path() {
    for url in ["https://id.example.com", "http://[::1]:8080", "https://example.com/a/b-c"] {
        let settings = from_environment(&[("GUILDHALL_SERVER__PUBLIC_URL", url)]).unwrap();
        assert_eq!(settings.server.public_url.as_deref(), Some(url));
    }
}

#[test]
fn the_path_prefix_is_the_path_of_the_public_url() {
    let read = |prefix, url| {
        let names = [("GUILDHALL_SERVER__PATH_PREFIX", prefix), ("GUILDHALL_SERVER__PUBLIC_URL", url)];
        from_environment(&names).map(|settings| settings.server.path_prefix().unwrap().to_string())
    };
    for (prefix, url, expected) in [
        ("", "", ""),
        ("/identity", "", "/identity"),
        ("", "https://example.com", ""),
        ("", "https://example.com/a/b-c", "/a/b-c"),
        ("/a", "https://example.com/a", "/a"),
    ] {
        assert_eq!(read(prefix, url).as_deref(), Ok(expected), "{prefix} {url}");
    }
    for (prefix, url) in [("/a", "https://example.com"), ("/a", "https://example.com/b")] {
        assert!(read(prefix, url).unwrap_err().starts_with("server.path_prefix: "), "{prefix} {url}");
    }
}

#[test]
fn the_example_for_production_is_good() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/production.example.toml");
    let settings = Settings::read(Some(&example), &HashMap::new()).unwrap();
    assert_eq!(settings.log.format, LogFormat::Json);
}

/// The variables of the program in a file of `deploy/`, with the values that are no reference to something else.
fn variables(manifest: &str) -> Vec<(String, Option<String>)> {
    let mut lines = manifest.lines().map(str::trim).filter(|line| !line.starts_with('#')).peekable();
    let mut variables = Vec::new();
    while let Some(line) = lines.next() {
        let line = line.strip_prefix("- name: ").map_or_else(
            || line.to_owned(),
            |name| format!("{name}: {}", lines.peek().and_then(|next| next.strip_prefix("value: ")).unwrap_or("$")),
        );
        if let Some((name, value)) = line.split_once(": ").filter(|(name, _)| name.starts_with("GUILDHALL_")) {
            let value = value.trim_matches('"').to_owned();
            variables.push((name.to_owned(), Some(value).filter(|value| !value.contains('$'))));
        }
    }
    variables
}

#[test]
fn the_manifests_set_what_there_is_and_say_which_proxies_are_trusted() {
    for file in ["compose.yaml", "kubernetes/base/deployment.yaml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file);
        let variables = variables(&std::fs::read_to_string(path).unwrap());
        assert!(variables.len() >= 4, "{file}: {variables:?}");
        // A secret that is set elsewhere has some value, and the address of the database is one.
        let value = |name: &str, value: &Option<String>| match value {
            Some(value) => value.clone(),
            None if name.ends_with("DATABASE__URL") => "postgres://postgres.example.com/guildhall".to_owned(),
            None => "S3cret-enough".to_owned(),
        };
        let set: Vec<_> = variables.iter().map(|(name, given)| (name.clone(), value(name, given))).collect();
        let set: Vec<_> = set.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let settings = from_environment(&set).unwrap();
        let trusted = settings.server.trusted_proxies;
        assert!(!trusted.is_empty() && trusted.iter().all(|network| network.prefix_len() >= 16), "{file}: {trusted:?}");
    }
}
