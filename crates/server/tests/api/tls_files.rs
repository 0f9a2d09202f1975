//! The files of the certificate and its key: missing, wrong, old, and changed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::app::{Setup, TestApp, Transport};
use crate::database::Kind;
use crate::http2::encrypted;
use crate::secure::{Certificate, certificate};
use crate::socket::Wire;
use crate::waiting::until;

const CERTIFICATE: &str = "GUILDHALL_SERVER__TLS_CERTIFICATE_FILE";
const KEY: &str = "GUILDHALL_SERVER__TLS_KEY_FILE";

/// The name in the certificate that the server presents.
fn presented(app: &TestApp) -> String {
    let output = Command::new("openssl")
        .args(["s_client", "-connect", app.server.address()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let subject = said.lines().find_map(|line| line.strip_prefix("subject=CN = ")).unwrap_or_default();
    subject.to_owned()
}

#[tokio::test]
async fn a_mistake_about_the_files_is_named() {
    let other = Certificate::generate("other");
    let good = certificate();
    let broken = format!("-----BEGIN {0}-----\nMIIB\n-----END {0}-----\n", "CERTIFICATE");
    let broken_key = broken.replace("CERTIFICATE", "PRIVATE KEY");
    let table = [
        ("", &*good.key, ["server.tls_certificate_file: ", "tls.crt has no certificate in PEM"]),
        (&*good.key, &*good.key, ["server.tls_certificate_file: ", "tls.crt has no certificate in PEM"]),
        (&*broken, &*good.key, ["server.tls_certificate_file: ", "tls.crt has a certificate that cannot be read"]),
        (&*good.certificate, "", ["server.tls_key_file: ", "tls.key has no private key in PEM"]),
        (&*good.certificate, &*good.certificate, ["server.tls_key_file: ", "tls.key has no private key in PEM"]),
        (&*good.certificate, &*broken_key, ["server.tls_key_file: ", "tls.key has a private key that cannot be read"]),
        (&*good.certificate, &*other.key, ["server.tls_key_file: ", "tls.key is not the key of the certificate in "]),
    ];
    let setup = Setup::on(Kind::Sqlite).await.speaking(Transport::Tls);
    let [file, key] = setup.tls_files();
    let refused = |said: &[&str]| {
        for arguments in [&["serve"][..], &["config", "check"]] {
            let output = setup.run(arguments);
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
            assert!(said.iter().all(|text| error.contains(text)), "{arguments:?}: {said:?}: {error}");
            assert!(!error.contains("-----"), "{error}");
        }
    };
    for (certificate, private, said) in table {
        fs::write(&file, certificate).unwrap();
        fs::write(&key, private).unwrap();
        refused(&said);
    }
    fs::write(&key, &good.key).unwrap();
    fs::remove_file(&file).unwrap();
    refused(&["server.tls_certificate_file: cannot read ", "tls.crt", "No such file"]);
    fs::create_dir(&file).unwrap();
    refused(&["server.tls_certificate_file: cannot read ", "tls.crt", "Is a directory"]);
    for (lacking, named) in [(CERTIFICATE, "server.tls_certificate_file: "), (KEY, "server.tls_key_file: ")] {
        let output = setup.command(&["serve"]).env(lacking, "").output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(named) && error.contains("must be set too"), "{error}");
    }
}

#[tokio::test]
async fn another_certificate_is_presented_within_ten_seconds_and_no_connection_ends() {
    let app = encrypted().await;
    let [file, key] = app.setup.tls_files();
    let mut wire = Wire::to(&app);
    let mut is_open = || {
        wire.send("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
        assert_eq!(wire.answer().0, 200);
    };
    is_open();
    assert_eq!(presented(&app), "guildhall");
    let next = Certificate::generate("next");
    // Half of the pair: the old one is presented, whole.
    fs::write(&file, &next.certificate).unwrap();
    let said = |text: &str| app.server.output().contains(text);
    until("the mistake is in the log", async || {
        is_open();
        said("tls.key is not the key of the certificate in ")
    })
    .await;
    assert!(said("cannot be used; the one of before is presented"), "{}", app.server.output());
    assert_eq!(presented(&app), "guildhall");
    let begun = std::time::Instant::now();
    fs::write(&key, &next.key).unwrap();
    until("the next certificate is presented", async || {
        is_open();
        presented(&app) == "next"
    })
    .await;
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    // By renaming, as programs that renew certificates do it; and through links, as Kubernetes does.
    let last = Certificate::generate("last");
    let folder = app.setup.database.path().join("..data");
    fs::create_dir(&folder).unwrap();
    last.write_to(&folder.join("tls.crt"), &folder.join("tls.key"));
    for (name, path) in [("tls.crt", &file), ("tls.key", &key)] {
        let link = path.with_extension("link");
        std::os::unix::fs::symlink(folder.join(name), &link).unwrap();
        fs::rename(&link, path).unwrap();
    }
    until("the last certificate is presented", async || {
        is_open();
        presented(&app) == "last"
    })
    .await;
    // What is gone leaves what was there.
    fs::remove_file(&key).unwrap();
    until("the missing key is in the log", async || {
        is_open();
        said("server.tls_key_file: cannot read ")
    })
    .await;
    assert_eq!(presented(&app), "last");
    assert_eq!(app.server.output().matches("server.tls_key_file: cannot read ").count(), 1, "{}", app.server.output());
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_presented_with_a_warning() {
    let setup = Setup::on(Kind::Sqlite).await.with_certificate(&expired());
    let check = setup.run(&["config", "check"]);
    let warned = String::from_utf8(check.stderr).unwrap();
    assert!(check.status.success() && warned.contains("warning: the certificate in "), "{warned}");
    assert!(warned.contains("tls.crt expired at 2020-01-02T00:00:00"), "{warned}");
    let server = crate::server::Server::start(&setup);
    assert!(server.output().contains("tls.crt expired at 2020-01-02T00:00:00"), "{}", server.output());
}

/// A certificate of the first day of 2020.
fn expired() -> Certificate {
    let folder = tempfile::tempdir().unwrap();
    let script = "openssl ecparam -name prime256v1 -genkey -noout -out key && \
        openssl req -new -key key -subj /CN=expired -out request && touch index && echo 01 >serial && \
        printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\nnew_certs_dir=.\\ndefault_md=sha256\\npolicy=p\\n\
        x509_extensions=x\\n[x]\\nbasicConstraints=CA:FALSE\\n[p]\\ncommonName=supplied\\n' >ca.cnf && \
        openssl ca -batch -selfsign -config ca.cnf -keyfile key -in request -out certificate -notext \
        -startdate 20200101000000Z -enddate 20200102000000Z";
    let made = Command::new("sh").args(["-c", script]).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let [certificate, key] = ["certificate", "key"].map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
    Certificate { certificate, key }
}

#[tokio::test]
async fn a_key_that_others_may_not_read_is_enough() {
    let setup = Setup::on(Kind::Sqlite).await.speaking(Transport::Tls);
    let [_, key] = setup.tls_files();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(setup.start().get("/groups/Everyone").await.status, 200);
}
