//! Values in files that variables name.

use std::fs;

use super::from_environment;
use crate::settings::Settings;

#[test]
fn a_value_may_be_in_a_file_that_a_variable_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("value");
    for (text, expected) in [
        ("s3cr3t", Ok("s3cr3t")),
        ("s3cr3t\n", Ok("s3cr3t")),
        ("s3cr3t\r\n", Ok("s3cr3t")),
        ("s3cr3t\n\n", Ok("s3cr3t\n")),
        (" s3cr3t ", Ok(" s3cr3t ")),
        ("", Err("it is empty")),
        ("\n", Err("it is empty")),
        ("\u{e4}\u{df}", Ok("\u{e4}\u{df}")),
    ] {
        fs::write(&file, text).unwrap();
        let name = "GUILDHALL_AUTH__HS256_SECRET_FILE";
        let read = from_environment(&[(name, file.to_str().unwrap())]);
        match expected {
            Ok(value) => assert_eq!(read.unwrap().auth.hs256_secret.unwrap().reveal(), value),
            Err(said) => {
                let error = read.unwrap_err();
                let start = format!("{name}: cannot read {}: {said}", file.display());
                assert!(error.starts_with(&start), "{text:?}: {error}");
            }
        }
    }
    fs::write(&file, [0xff]).unwrap();
    assert!(from_environment(&[("GUILDHALL_AUTH__ISSUER_FILE", file.to_str().unwrap())]).is_err());
    fs::write(&file, "x".repeat(64 * 1024 + 1)).unwrap();
    let error = from_environment(&[("GUILDHALL_AUTH__ISSUER_FILE", file.to_str().unwrap())]).unwrap_err();
    assert!(error.contains("more than 65536 bytes"), "{error}");
}

#[test]
fn both_a_value_and_a_file_are_an_error_that_names_both() {
    let error = from_environment(&[("GUILDHALL_SERVER__PORT", "1"), ("GUILDHALL_SERVER__PORT_FILE", "/nowhere")]);
    let both = "GUILDHALL_SERVER__PORT and GUILDHALL_SERVER__PORT_FILE are both set, and only one can be";
    assert_eq!(error.unwrap_err(), both);
    // An empty one counts as not set.
    assert!(from_environment(&[("GUILDHALL_SERVER__PORT", "1"), ("GUILDHALL_SERVER__PORT_FILE", "")]).is_ok());
    let error = from_environment(&[("GUILDHALL_SERVER__PORT", ""), ("GUILDHALL_SERVER__PORT_FILE", "/nowhere")]);
    assert!(error.unwrap_err().starts_with("GUILDHALL_SERVER__PORT_FILE: cannot read /nowhere: "));
}

#[test]
fn keys_that_are_paths_are_set_by_their_own_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("value");
    fs::write(&file, "/etc/key.pem\n").unwrap();
    let path = file.to_str().unwrap();
    for (variable, expected) in
        [("GUILDHALL_AUTH__SIGNING_KEY_FILE", path), ("GUILDHALL_AUTH__SIGNING_KEY_FILE_FILE", "/etc/key.pem")]
    {
        let settings = from_environment(&[(variable, path)]).unwrap();
        assert_eq!(settings.auth.signing_key_file.unwrap().to_str(), Some(expected), "{variable}");
    }
}

#[test]
fn a_mistake_in_a_file_is_named_with_its_variable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("value");
    fs::write(&file, "s3cr3t").unwrap();
    for (variable, key) in
        [("GUILDHALL_SERVER__PORT_FILE", "server.port"), ("GUILDHALL_SERVER__PROT_FILE", "server.prot")]
    {
        let error = from_environment(&[(variable, file.to_str().unwrap())]).unwrap_err();
        assert!(error.starts_with(&format!("{key}: ")) && error.ends_with(&format!("({variable})")), "{error}");
        assert!(!error.contains("s3cr3t"), "{error}");
    }
}

#[test]
fn a_socket_and_a_certificate_exclude_each_other_and_a_mode_is_octal() {
    let of = |variables: &[(&str, &str)]| Settings::from_variables(variables).map(|settings| settings.server);
    let [certificate, key, socket] =
        ["TLS_CERTIFICATE_FILE", "TLS_KEY_FILE", "UNIX_SOCKET"].map(|name| format!("GUILDHALL_SERVER__{name}"));
    let [certificate, key, socket] = [&*certificate, &*key, &*socket];
    assert!(of(&[(certificate, "c"), (key, "k")]).is_ok());
    for (variables, named) in [
        (&[(certificate, "c")][..], "server.tls_key_file: must be set too"),
        (&[(key, "k")], "server.tls_certificate_file: must be set too"),
        (&[(certificate, "c"), (key, "k"), (socket, "s")], "server.tls_certificate_file: is for nothing with"),
    ] {
        let error = of(variables).unwrap_err().to_string();
        assert!(error.starts_with(named), "{error}");
    }
    let mode = |text: &str| of(&[("GUILDHALL_SERVER__UNIX_SOCKET_MODE", text)]).map(|server| server.unix_socket_mode.0);
    assert_eq!([mode("600").unwrap(), mode("0777").unwrap()], [0o600, 0o777]);
    for wrong in ["680", "1777", "rw-rw----", "0o660", "-1", "+660", " 660"] {
        let error = mode(wrong).unwrap_err().to_string();
        assert!(error.starts_with("server.unix_socket_mode: expected octal digits in quotes"), "{wrong}: {error}");
    }
    let error = super::from_file("server.unix_socket_mode = 660", &[]).unwrap_err();
    assert!(error.starts_with("server.unix_socket_mode: invalid type: integer"), "{error}");
}
