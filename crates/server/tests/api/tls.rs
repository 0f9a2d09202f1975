//! An encrypted way to the database.

use std::fs;

use crate::app::Setup;

const URL: &str = "GUILDHALL_DATABASE__URL";

#[tokio::test]
async fn the_way_to_postgres_is_encrypted_and_its_certificate_checked() {
    let setup = Setup::on_own_cluster().await;
    let trusted = setup.database.certify();
    let url = setup.database.url.clone();
    let app = setup.with(URL, &format!("{url}?sslmode=require")).start();
    assert_eq!(app.get("/groups/Everyone").await.status, 200);
    assert_encrypted(&app.setup);
    let app = app.stop().with(URL, &format!("{url}?sslmode=verify-full&sslrootcert={trusted}")).start();
    assert_eq!(app.get("/groups/Everyone").await.status, 200);
    assert_encrypted(&app.setup);

    let setup = app.stop();
    let strange = setup.database.path().join("strange.pem");
    fs::write(&strange, STRANGE).unwrap();
    let elsewhere = url.replace("@127.0.0.1:", "@localhost:");
    assert_ne!(elsewhere, url);
    for url in [
        format!("{url}?sslmode=verify-full&sslrootcert={}", strange.display()),
        format!("{url}?sslmode=verify-full&sslrootcert=/nowhere.pem"),
        format!("{elsewhere}?sslmode=verify-full&sslrootcert={trusted}"),
    ] {
        let setup = setup.command(&["serve"]).env(URL, &url).output().unwrap();
        let said = String::from_utf8_lossy(&setup.stderr);
        assert_eq!(setup.status.code(), Some(1), "{url}: {said}");
        assert!(said.contains("database.url"), "{url}: {said}");
    }
}

fn assert_encrypted(setup: &Setup) {
    assert!(setup.database.clients("ssl") > 0);
    assert_eq!(setup.database.clients("NOT ssl"), 0);
}

/// Some other authority's certificate.
const STRANGE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBfDCCASGgAwIBAgIUQ79oIq/2gOSUU2IdMSJtnCfunrQwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHc3RyYW5nZTAgFw0yNjExMjQwOTE1MTBaGA8yMTI2MTAzMTA5
MTUxMFowEjEQMA4GA1UEAwwHc3RyYW5nZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABHtdqFdRs247j4Xhl58zEDTOo7WxqjPtNQyexZcMgTnI49OCG472HIIgFq8t
yuALFIrvwYUANTO211omhBzv+/CjUzBRMB0GA1UdDgQWBBRNsJ+5L9vTFAjw3BBX
t45I0f/N0jAfBgNVHSMEGDAWgBRNsJ+5L9vTFAjw3BBXt45I0f/N0jAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCF6MEiV11/BHzSSos874UmGjFt
v70nom0yA8xe2zucRwIhANCf+Jx5C/jkdYqq+yYnMwK5knFsFhEWUtfBHUhBXPVr
-----END CERTIFICATE-----
";
