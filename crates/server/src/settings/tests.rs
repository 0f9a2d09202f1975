//! Tests of the sources of settings and of error messages.

mod addresses;
mod files;
mod issuers;
mod telemetry;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use guildhall_domain::directory::AnswerKeeping;

use super::{LogFormat, Settings};

fn environment(variables: &[(&str, &str)]) -> HashMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn from_environment(variables: &[(&str, &str)]) -> Result<Settings, String> {
    Settings::from_variables(variables).map_err(|error| format!("{error:#}"))
}

fn from_file(text: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("guildhall.toml");
    fs::write(&file, text).unwrap();
    Settings::read(Some(&file), &environment(variables)).map_err(|error| format!("{error:#}"))
}

#[test]
fn without_a_file_and_an_environment_there_are_defaults() {
    let settings = from_environment(&[]).unwrap();
    assert_eq!(
        (settings.server.host.as_str(), settings.server.port, settings.server.workers),
        ("127.0.0.1", 8080, None)
    );
    assert_eq!((settings.database.url.reveal(), settings.database.pool_size), ("sqlite://data/guildhall.db", 10));
    assert_eq!((settings.auth.access_token_ttl, settings.auth.hs256_secret), (3600, None));
    assert_eq!(
        (settings.limits.bulk_ids, settings.limits.bulk_bytes, settings.limits.body_bytes),
        (1_000_000, 50_331_648, 1_048_576)
    );
    assert_eq!((settings.bootstrap.admin_username.as_str(), settings.bootstrap.admin_password), ("admin", None));
    assert_eq!(settings.log.format, LogFormat::Auto);
    assert!(!settings.authorization.delegated_administration);
    assert!(settings.server.trusted_proxies.is_empty());
    assert_eq!(
        (settings.server.max_connections, settings.server.max_connections_per_address, settings.server.public_url),
        (4096, 512, None)
    );
    assert_eq!((settings.auth.lockout_threshold, settings.auth.hs256_previous_secret), (5, None));
    assert!(settings.auth.issuers.is_empty());
    assert_eq!((settings.limits.token_requests_per_address, settings.limits.token_requests_per_account), (300, 60));
    assert_eq!((settings.bootstrap.client_id, settings.bootstrap.client_secret), (None, None));
    assert_eq!((settings.server.management_host.as_str(), settings.server.management_port), ("127.0.0.1", None));
    assert_eq!(settings.telemetry.otlp_endpoint, None);
    assert_eq!(settings.idempotency.keeping(), AnswerKeeping::default());
}

#[test]
fn at_least_one_answer_is_kept_for_each_caller() {
    for key in ["ANSWERS_PER_CALLER", "BYTES_PER_CALLER", "ANSWERS_PER_ADMINISTRATOR", "BYTES_PER_ADMINISTRATOR"] {
        let variable = format!("GUILDHALL_IDEMPOTENCY__{key}");
        let read = |value| from_environment(&[(&variable, value)]);
        let setting = format!("idempotency.{}: ", key.to_lowercase());
        for wrong in ["0", "-1", "1.5", "8MiB", "18446744073709551616"] {
            assert!(read(wrong).unwrap_err().starts_with(&setting), "{key} {wrong}");
        }
        let kept = format!("{:?}", read("77").unwrap().idempotency.keeping());
        assert_eq!(kept.matches(": 77").count(), 1, "{kept}");
    }
}

#[test]
fn answers_are_kept_for_a_second_to_a_year() {
    let retention = |value| from_environment(&[("GUILDHALL_IDEMPOTENCY__RETENTION", value)]);
    for (value, seconds) in [("", 86_400), ("1", 1), ("31536000", 31_536_000)] {
        assert_eq!(retention(value).unwrap().idempotency.retention, seconds);
    }
    for wrong in ["0", "31536001", "-1", "24h", "1.5"] {
        assert!(retention(wrong).unwrap_err().starts_with("idempotency.retention: "), "{wrong}");
    }
}

#[test]
fn a_query_may_take_up_to_a_day_and_the_pool_has_two_connections_or_more() {
    let timeout = |value| from_environment(&[("GUILDHALL_DATABASE__STATEMENT_TIMEOUT", value)]);
    for (value, seconds) in [("", 15), ("0", 0), ("86400", 86_400)] {
        assert_eq!(timeout(value).unwrap().database.statement_timeout, seconds);
    }
    for wrong in ["86401", "-1", "15s"] {
        assert!(timeout(wrong).unwrap_err().starts_with("database.statement_timeout: "), "{wrong}");
    }
    let pool = |value| from_environment(&[("GUILDHALL_DATABASE__POOL_SIZE", value)]);
    assert_eq!(pool("2").unwrap().database.pool_size, 2);
    for wrong in ["0", "1"] {
        assert_eq!(pool(wrong).unwrap_err(), "database.pool_size: must be at least 2", "{wrong}");
    }
}

#[test]
fn proxies_are_networks_in_a_file_or_with_commas() {
    let shown =
        |settings: Settings| settings.server.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>();
    let file = from_file("[server]\ntrusted_proxies = ['10.0.0.0/8', '::1']", &[]);
    assert_eq!(shown(file.unwrap()), ["10.0.0.0/8", "::1/128"]);
    let variable = |value| from_environment(&[("GUILDHALL_SERVER__TRUSTED_PROXIES", value)]);
    assert_eq!(shown(variable("192.0.2.1, 2001:db8::/32").unwrap()), ["192.0.2.1/32", "2001:db8::/32"]);
    for wrong in ["proxy.example", "10.0.0.0/33", "10.0.0", "*", "192.0.2.1;192.0.2.2"] {
        assert!(variable(wrong).unwrap_err().starts_with("server.trusted_proxies: "), "{wrong}");
    }
}

#[test]
fn the_first_api_key_needs_an_id_and_a_long_secret() {
    const ID: &str = "8a4d2f6c-39a1-4d27-9c5e-5f3d0c6b7e10";
    let long = "s3cr3t-".repeat(5);
    let with = |id: &str, secret: &str| {
        from_environment(&[("GUILDHALL_BOOTSTRAP__CLIENT_ID", id), ("GUILDHALL_BOOTSTRAP__CLIENT_SECRET", secret)])
    };
    let bootstrap = with(ID, &long).unwrap().bootstrap;
    assert_eq!(bootstrap.client_id.map(|id| id.to_string()).as_deref(), Some(ID));
    assert_eq!(bootstrap.client_secret.as_ref().map(super::Secret::reveal), Some(long.as_str()));
    assert!(with(ID, &long[..32]).is_ok());
    for (id, secret, named) in [
        (ID, "", "bootstrap.client_secret: "),
        ("", &*long, "bootstrap.client_id: "),
        (ID, &long[..31], "bootstrap.client_secret: "),
        ("factory", &long, "bootstrap.client_id: "),
    ] {
        let error = with(id, secret).unwrap_err();
        assert!(error.starts_with(named) && !error.contains("s3cr3t"), "{id} {secret}: {error}");
    }
}

#[test]
fn delegates_are_switched_on_by_a_word() {
    let on = |value| from_environment(&[("GUILDHALL_AUTHORIZATION__DELEGATED_ADMINISTRATION", value)]);
    assert!(on("true").unwrap().authorization.delegated_administration);
    assert!(on("perhaps").unwrap_err().contains("authorization.delegated_administration"));
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let text = "[server]\nport = 1\nhost = '::1'\nworkers = 3\n[database]\npool_size = 2";
    let settings = from_file(text, &[("GUILDHALL_SERVER__PORT", "0"), ("GUILDHALL_SERVER__HOST", "")]).unwrap();
    assert_eq!((settings.server.port, settings.server.host.as_str(), settings.server.workers), (0, "::1", Some(3)));
    assert_eq!((settings.database.pool_size, settings.database.url.reveal()), (2, "sqlite://data/guildhall.db"));
}

#[test]
fn every_optional_setting_can_be_set_by_the_environment() {
    let settings = from_environment(&[
        ("GUILDHALL_SERVER__WORKERS", "4"),
        ("GUILDHALL_AUTH__SIGNING_KEY_FILE", "/etc/key.pem"),
        ("GUILDHALL_AUTH__HS256_SECRET", "s3cr3t"),
        ("GUILDHALL_AUTH__HS256_PREVIOUS_SECRET", "0ld-s3cr3t"),
        ("GUILDHALL_BOOTSTRAP__ADMIN_PASSWORD", "007"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    assert_eq!(settings.server.workers, Some(4));
    assert_eq!(settings.auth.signing_key_file.as_deref(), Some(Path::new("/etc/key.pem")));
    assert_eq!(settings.auth.hs256_previous_secret.as_ref().map(super::Secret::reveal), Some("0ld-s3cr3t"));
    assert_eq!(settings.bootstrap.admin_password.as_ref().map(super::Secret::reveal), Some("007"));
    let shown = format!("{settings:?}");
    assert!(!shown.contains("s3cr3t") && !shown.contains("007") && !shown.contains("guildhall.db"), "{shown}");
}

#[test]
fn a_mistake_is_named_by_its_full_key_wherever_it_is() {
    for (key, value) in [
        ("server.prot", "8080"),
        ("server.port", "http"),
        ("server.port", "65536"),
        ("server.port", "-1"),
        ("server.port", "yes"),
        ("server.port", "8080.5"),
        ("server.host", ""),
        ("server.workers", "0"),
        ("server.shutdown_timeout", "long"),
        ("server.max_connections", "15"),
        ("server.max_connections", "many"),
        ("server.max_connections_per_address", "0"),
        ("server.public_url", "id.example.com"),
        ("server.public_url", "*"),
        ("server.public_url", "ftp://id.example.com"),
        ("server.public_url", "https://"),
        ("server.public_url", "https://id.example.com/"),
        ("server.public_url", "https://id.example.com/?a=b"),
        ("server.public_url", "https://user@id.example.com"),
        ("server.public_url", "https://id.example.com/a b"),
        ("server.public_url", "https://id.example.com/docs"),
        ("server.public_url", "https://id.example.com/a;b"),
        ("server.path_prefix", "identity"),
        ("server.path_prefix", "/identity/"),
        ("server.path_prefix", "/a//b"),
        ("server.path_prefix", "/a b"),
        ("server.path_prefix", "/.."),
        ("server.path_prefix", "/docs"),
        ("server.path_prefix", "https://id.example.com/identity"),
        ("sever.port", "8080"),
        ("database.url", "mysql://localhost"),
        ("database.url", "sqlite://guildhall.db?mode=rw"),
        ("database.url", "postgres://u:s3cr3t@h:port/d"),
        ("database.pool_size", "0"),
        ("database.prepared_statements", "maybe"),
        ("auth.access_token_ttl", "60"),
        ("auth.access_token_ttl", "4294967296"),
        ("auth.issuer", ""),
        ("auth.audience", ""),
        ("auth.lockout_threshold", "0"),
        ("auth.lockout_threshold", "never"),
        ("auth.hs256_previous_secret", "s3cr3t"),
        ("limits.bulk_ids", "0"),
        ("limits.bulk_bytes", "0"),
        ("limits.body_bytes", "1e6"),
        ("events.retention_days", "36526"),
        ("authorization.dates_per_caller", "0"),
        ("limits.token_requests_per_address", "-1"),
        ("limits.token_requests_per_account", "many"),
        ("limits.token_requests", "60"),
        ("server.trusted_proxies", "proxy.example"),
        ("bootstrap.admin", "admin"),
        ("log.level", "inof"),
        ("log.level", "info,guildhall=loud"),
        ("log.format", "xml"),
    ] {
        let (table, name) = key.split_once('.').unwrap();
        let unknown = if table == "sever" { table } else { key };
        let in_file = from_file(&format!("[{table}]\n{name} = '{value}'"), &[]).unwrap_err();
        assert!(in_file.starts_with(&format!("{unknown}: ")), "{key} = {value}: {in_file}");
        let variable = format!("GUILDHALL_{}__{}", table.to_uppercase(), name.to_uppercase());
        if !value.is_empty() {
            let in_environment = from_environment(&[(&variable, value)]).unwrap_err();
            assert!(in_environment.starts_with(&format!("{unknown}: ")), "{variable}={value}: {in_environment}");
        }
    }
}

#[test]
fn a_mistake_is_named_with_its_source() {
    let variable = "GUILDHALL_SERVER__PROT";
    assert!(from_environment(&[(variable, "1")]).unwrap_err().ends_with(&format!("({variable})")));
    let nested = "GUILDHALL_SERVER__PORT__X";
    assert!(from_environment(&[(nested, "1")]).unwrap_err().ends_with(&format!("({nested})")));
    assert!(from_file("server.prot = 1", &[]).unwrap_err().ends_with("guildhall.toml)"));
    assert!(from_file("server.prot = 1", &[(variable, "1")]).unwrap_err().ends_with(&format!("({variable})")));
}

#[test]
fn what_has_the_wrong_type_in_a_file_is_named_too() {
    for (text, expected) in [
        ("server = 1", "server: invalid type: integer `1`, expected a table ("),
        ("server.port = true", "server.port: invalid type: boolean `true`, expected a whole number from 0 to 65535 ("),
        (
            "server.port = 8080.5",
            "server.port: invalid type: floating point `8080.5`, expected a whole number from 0 to 65535 (",
        ),
        ("server.port = -1", "server.port: expected a whole number from 0 to 65535 ("),
        (
            "port = 8080",
            "port: unknown field `port`, expected one of `server`, `database`, `auth`, `authorization`, `limits`, `idempotency`, `events`, `webhooks`, `bootstrap`, `log`, `telemetry` (",
        ),
        ("auth.hs256_secret = ['s3cr3t']", "auth.hs256_secret: invalid type: sequence, expected a string ("),
    ] {
        let error = from_file(text, &[]).unwrap_err();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn names_that_are_no_path_to_a_key_are_refused() {
    for (variable, named) in [
        ("GUILDHALL_PORT", "port"),
        ("GUILDHALL_SERVER_PORT", "server_port"),
        ("GUILDHALL_SERVER", "server"),
        ("GUILDHALL_SERVER__PORT__X", "server"),
        ("GUILDHALL_SERVER__", "server"),
        ("GUILDHALL___PORT", "port"),
        ("GUILDHALL_", "GUILDHALL_"),
    ] {
        let error = from_environment(&[(variable, "1")]).unwrap_err();
        assert!(error.contains(named), "{variable}: {error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_not_quoted() {
    let missing = Settings::read(Some(Path::new("/nowhere/guildhall.toml")), &HashMap::new()).unwrap_err();
    assert!(format!("{missing:#}").starts_with("cannot read /nowhere/guildhall.toml: "), "{missing:#}");
    for text in
        ["[server", "[bootstrap]\nadmin_password = \"s3cr3t", "[auth]\nhs256_secret = s3cr3t", "a = 's3cr3t'\na = 1"]
    {
        let error = from_file(text, &[]).unwrap_err();
        assert!(
            error.contains("guildhall.toml: TOML parse error at line") && !error.contains("s3cr3t"),
            "{text}: {error}"
        );
    }
}
