//! Tests of the settings of the management port and of traces.

use super::{from_environment, from_file};

#[test]
fn the_management_port_is_a_port_and_its_host_is_named() {
    let port = |value| from_environment(&[("GUILDHALL_SERVER__MANAGEMENT_PORT", value)]);
    for (value, expected) in [("", None), ("0", Some(0)), ("9090", Some(9090)), ("65535", Some(65535))] {
        assert_eq!(port(value).unwrap().server.management_port, expected, "{value}");
    }
    for wrong in ["65536", "-1", "9090.5", "metrics"] {
        assert!(port(wrong).unwrap_err().starts_with("server.management_port: "), "{wrong}");
    }
    let host = |text: &str| from_file(&format!("[server]\nmanagement_host = '{text}'"), &[]);
    assert_eq!(host("::").unwrap().server.management_host, "::");
    assert_eq!(host("").unwrap_err(), "server.management_host: must not be empty");
}

#[test]
fn the_collector_is_a_url_without_the_path_of_traces() {
    let endpoint = |value| from_environment(&[("GUILDHALL_TELEMETRY__OTLP_ENDPOINT", value)]);
    for right in ["http://127.0.0.1:4318", "https://collector.example/otlp", "http://[::1]:4318"] {
        assert_eq!(endpoint(right).unwrap().telemetry.otlp_endpoint.as_deref(), Some(right));
    }
    for wrong in [
        "collector",
        "127.0.0.1:4318",
        "grpc://127.0.0.1:4317",
        "http://127.0.0.1:4318/",
        "http://127.0.0.1:4318/v1/traces",
        "http://127.0.0.1:4318?a=b",
        "http://user:s3cr3t@collector.example",
        "*",
    ] {
        let error = endpoint(wrong).unwrap_err();
        assert!(
            error.starts_with("telemetry.otlp_endpoint: must be ") && !error.contains("s3cr3t"),
            "{wrong}: {error}"
        );
    }
}

#[test]
fn a_ratio_is_a_number_from_0_to_1() {
    let from_variable = |value: &str| from_environment(&[("GUILDHALL_TELEMETRY__SAMPLING_RATIO", value)]);
    let from_text = |value: &str| from_file(&format!("[telemetry]\nsampling_ratio = {value}"), &[]);
    for (text, expected) in [("0", "0"), ("1", "1"), ("0.25", "0.25"), ("1.0", "1"), ("1e-3", "0.001")] {
        for settings in [from_variable(text), from_text(text)] {
            assert_eq!(settings.unwrap().telemetry.sampling_ratio.to_string(), expected, "{text}");
        }
    }
    for wrong in ["-0.1", "1.01", "2", "nan", "inf"] {
        for error in [from_variable(wrong), from_text(wrong)] {
            assert!(error.unwrap_err().starts_with("telemetry.sampling_ratio: "), "{wrong}");
        }
    }
    for wrong in ["yes", "true", "half", "10%"] {
        assert!(from_variable(wrong).unwrap_err().starts_with("telemetry.sampling_ratio: "), "{wrong}");
    }
}
