//! What is wrong in a table of settings is named at the start.

use crate::app::Setup;
use crate::database::Kind;

on_both_databases! {
    a_mistake_in_a_table_is_named,
}

async fn a_mistake_in_a_table_is_named(kind: Kind) {
    let setup = Setup::on(kind).await.with("GUILDHALL_AUTH__ISSUER", "https://id.example/guildhall");
    let table = |name: &str, lines: &[&str]| format!("[auth.issuers.{name}]\n{}\n", lines.join("\n"));
    let (issuer, audiences) = ("issuer = 'https://id.example/realm'", "audiences = ['guildhall']");
    let with = |line: &str| table("keycloak", &[issuer, audiences, line]);
    for (settings, named) in [
        (with("algorithms = ['RS257']"), "auth.issuers.keycloak.algorithms: 'RS257'"),
        (with("algorithms = ['RS256', 'HS256']"), "auth.issuers.keycloak.algorithms: 'HS256'"),
        (with("algorithms = ['none']"), "auth.issuers.keycloak.algorithms: 'none'"),
        (with("algorithms = []"), "auth.issuers.keycloak.algorithms"),
        (with("name_claim = ''"), "auth.issuers.keycloak.name_claim"),
        (with("user_claim = 'sub'"), "auth.issuers.keycloak.user_claim"),
        (with("link_administrators = true"), "auth.issuers.keycloak.link_administrators"),
        (with("jwks_url = 'id.example/keys'"), "auth.issuers.keycloak.jwks_url"),
        (with("create_users = 'perhaps'"), "auth.issuers.keycloak.create_users"),
        (with("create_groups = true"), "auth.issuers.keycloak.create_groups"),
        (table("keycloak", &[issuer]), "auth.issuers.keycloak.audiences"),
        (table("keycloak", &[audiences]), "auth.issuers.keycloak.issuer"),
        (table("keycloak", &[issuer, "audiences = []"]), "auth.issuers.keycloak.audiences"),
        (table("keycloak", &["issuer = 'keycloak'", audiences]), "auth.issuers.keycloak.issuer"),
        (table("keycloak", &["issuer = 'https://id.example/guildhall'", audiences]), "auth.issuers.keycloak.issuer"),
        (table("contensis", &[issuer, audiences]), "auth.issuers.contensis"),
        (with("") + &table("okta", &[issuer, audiences]), "auth.issuers.keycloak.issuer: another issuer has it too"),
        ("auth.issuers = 'keycloak'".to_owned(), "auth.issuers: "),
    ] {
        let output = setup.run(&["serve", "--config", &setup.file(&settings)]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{settings}{said}");
        assert!(said.contains(named), "{settings}{said}");
    }
}
