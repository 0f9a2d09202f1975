//! Tables of external issuers.

use super::{from_environment, from_file};
use crate::settings::Settings;

#[test]
fn an_issuer_is_a_table_in_a_file_or_variables_with_its_name() {
    let shown = |settings: Settings| format!("{:?}", settings.auth.issuers);
    let least =
        from_file("[auth.issuers.keycloak]\nissuer = 'https://id.example'\naudiences = ['guildhall', 'other']", &[]);
    let variables = [
        ("GUILDHALL_AUTH__ISSUERS__KEYCLOAK__ISSUER", "https://id.example"),
        ("GUILDHALL_AUTH__ISSUERS__KEYCLOAK__AUDIENCES", "guildhall, other"),
    ];
    let issuer = &least.as_ref().unwrap().auth.issuers["keycloak"];
    assert_eq!(
        (issuer.issuer.as_str(), &*issuer.audiences),
        ("https://id.example", &["guildhall", "other"].map(str::to_owned)[..])
    );
    assert_eq!((&*issuer.algorithms, issuer.name_claim.as_str()), (&["RS256".to_owned()][..], "preferred_username"));
    assert_eq!((&issuer.jwks_url, &issuer.groups_claim, issuer.scopes.len()), (&None, &None, 0));
    assert_eq!((issuer.create_users, issuer.create_groups), (false, false));
    assert_eq!((issuer.link_existing, issuer.link_administrators), (false, false));
    assert_eq!(shown(from_environment(&variables).unwrap()), shown(least.unwrap()));

    let lines = "[auth.issuers.keycloak]\nissuer = 'https://id.example'\naudiences = ['guildhall']\n\
                 algorithms = ['ES256', 'RS256']\njwks_url = 'https://id.example/keys'\nname_claim = 'email'\n\
                 groups_claim = 'groups'\nscopes = ['openid', 'Entry_Read']\ncreate_users = true\n\
                 create_groups = true\nlink_existing = true\nlink_administrators = true";
    let whole = [
        ("ISSUER", "https://id.example"),
        ("AUDIENCES", "guildhall"),
        ("ALGORITHMS", "ES256,RS256"),
        ("JWKS_URL", "https://id.example/keys"),
        ("NAME_CLAIM", "email"),
        ("GROUPS_CLAIM", "groups"),
        ("SCOPES", "openid, Entry_Read"),
        ("CREATE_USERS", "true"),
        ("CREATE_GROUPS", "true"),
        ("LINK_EXISTING", "true"),
        ("LINK_ADMINISTRATORS", "true"),
    ]
    .map(|(key, value)| (format!("GUILDHALL_AUTH__ISSUERS__KEYCLOAK__{key}"), value));
    let whole = whole.each_ref().map(|(name, value)| (name.as_str(), *value));
    assert_eq!(shown(from_environment(&whole).unwrap()), shown(from_file(lines, &[]).unwrap()));
}

#[test]
fn a_mistake_about_an_issuer_is_named_by_its_full_key_wherever_it_is() {
    let right = [("issuer", "https://id.example"), ("audiences", "guildhall")];
    for (name, key, value) in [
        ("keycloak", "issuer", "id.example"),
        ("keycloak", "issuer", "guildhall"),
        ("keycloak", "jwks_url", "/keys"),
        ("keycloak", "user_claim", "sub"),
        ("keycloak", "link_administrators", "true"),
        ("keycloak", "create_users", "perhaps"),
        ("keycloak", "link_existing", "2"),
        ("keycloak", "create_groups", "true"),
        ("contensis", "issuer", "https://id.example"),
        ("keycloak", "scopes", "Security_Administrater"),
    ] {
        let wrong = right.into_iter().filter(|(other, _)| *other != key).chain([(key, value)]);
        let named = format!("auth.issuers.{name}.{key}: ");
        let lines: Vec<_> = wrong.clone().map(|(key, value)| format!("{key} = '{value}'")).collect();
        let in_file = from_file(&format!("[auth.issuers.{name}]\n{}", lines.join("\n")), &[]).unwrap_err();
        assert!(in_file.starts_with(&named), "{key} = {value}: {in_file}");
        let variables: Vec<_> = wrong
            .map(|(key, value)| (format!("GUILDHALL_AUTH__ISSUERS__{name}__{key}").to_uppercase(), value))
            .collect();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let in_environment = from_environment(&variables).unwrap_err();
        assert!(in_environment.starts_with(&named), "{key}={value}: {in_environment}");
    }
    for (lines, expected) in [
        (
            "issuer = 'https://id.example'",
            "auth.issuers.keycloak: missing configuration field \"auth.issuers.keycloak.audiences\" (",
        ),
        (
            "audiences = ['guildhall']",
            "auth.issuers.keycloak: missing configuration field \"auth.issuers.keycloak.issuer\" (",
        ),
        ("issuer = 'https://id.example'\naudiences = []", "auth.issuers.keycloak.audiences: "),
        ("issuer = 'https://id.example'\naudiences = 1", "auth.issuers.keycloak.audiences: invalid type: integer `1`"),
    ] {
        let error = from_file(&format!("[auth.issuers.keycloak]\n{lines}"), &[]).unwrap_err();
        assert!(error.starts_with(expected), "{lines}: {error}");
    }
}
