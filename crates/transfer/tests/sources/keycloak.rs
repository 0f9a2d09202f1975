//! Exports of Keycloak.

use std::ops::ControlFlow;

use super::common::{accept, all, data, file, groups, lines, told, users};
use guildhall_domain::custom::{Custom, CustomValue};
use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::parse_guid;
use guildhall_domain::password::PasswordHash;
use guildhall_domain::record::{GroupRecord, UserRecord};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_transfer::{Keycloak, RecordKind, Source as _};

fn export() -> Keycloak<'static> {
    Keycloak::new(vec![data("keycloak-realm.json"), data("keycloak-users-0.json")], &accept)
}

fn text(name: &str, value: &str) -> (String, CustomValue) {
    (name.to_owned(), CustomValue::Text(value.to_owned()))
}

/// What is read of users or groups of one file, or why the file is refused.
fn read(json: &str, kind: RecordKind) -> Result<usize, String> {
    let folder = tempfile::tempdir().expect("there is a folder");
    let mut source = Keycloak::new(vec![file(folder.path(), "a.json", json)], &accept);
    let path = folder.path().display().to_string();
    all(&mut source, kind).map(|found| found.len()).map_err(|error| error.to_string().replace(&path, ""))
}

#[test]
fn users_are_read() {
    let mut source = export();
    let users = users(&mut source);
    let hash = "$argon2id$v=19$m=7168,t=5,p=1$P5rtFkGtPfoaryJ6PizUJw$JsfNbCOIdZUbyBJ+BT+VoGI91Ec2rWLOvkLPDaX8e9k";
    let created = Some(Timestamp::from_milliseconds(1_725_357_080_113));
    let alice = UserRecord {
        id: parse_guid("20000000-0000-4000-8000-000000000001").map(UserId),
        username: Some("alice".to_owned()),
        email: told("alice@example.com"),
        first_name: told("Alice"),
        last_name: told("Liddell"),
        language: told("de"),
        custom: Some(Custom::from([text("phone", "+44 1584 824202"), text("desks", r#"["4","5"]"#)])),
        suspended: Some(false),
        password_reset_required: Some(true),
        created,
        password: Some(PasswordHash(hash.to_owned())),
        ..UserRecord::default()
    };
    let bob = UserRecord {
        id: parse_guid("20000000-0000-4000-8000-000000000002").map(UserId),
        username: Some("bob".to_owned()),
        suspended: Some(true),
        password_reset_required: Some(false),
        created,
        ..UserRecord::default()
    };
    assert_eq!(users, [alice, bob]);
    assert_eq!(
        source.warnings(),
        [
            "users of a user federation (federationLink), who become users of Guildhall: 1",
            "users of service accounts who are left out: 1",
            "users who are imported without a password (the hash is of PBKDF2 with SHA-1): 1",
            "users with credentials other than passwords, which are left out: 1",
            "users with links to identity providers, which are left out: 1",
            "users with roles, which are left out: 1",
        ]
    );
    let faults = ["1:1 alice", "1:2 bob", "1:3 users.username: This is not the JSON that is expected here"];
    assert_eq!(lines(&mut source, RecordKind::Users), faults);
}

#[test]
fn groups_are_read_with_names_of_their_own() {
    let mut source = export();
    let groups = groups(&mut source);
    assert_eq!(
        groups[0],
        GroupRecord {
            id: parse_guid("10000000-0000-4000-8000-000000000001").map(GroupId),
            name: Some("staff".to_owned()),
            description: told("All who work here"),
            custom: Some(Custom::from([text("floor", "3"), text("codes", r#"["a","b\"c"]"#)])),
            ..GroupRecord::default()
        }
    );
    let names = ["0:1 staff", "0:2 staff/editors", "0:3 authors", "0:4 Editors"];
    assert_eq!(lines(&mut source, RecordKind::Groups), names);
    assert_eq!(source.warnings(), ["groups that give roles, which are left out: 1"]);
    let edges = ["0:2 staff < staff/editors", "0:3 staff < authors"];
    assert_eq!(lines(&mut source, RecordKind::Edges), edges);
}

#[test]
fn memberships_are_read() {
    let mut source = export();
    let expected = [
        "1:1 groups: No file has a group /gone",
        "1:1 staff < 20000000",
        "1:1 staff/editors < 20000000",
        "1:2 Editors < 20000000",
    ];
    assert_eq!(lines(&mut source, RecordKind::Memberships), expected);
    assert_eq!(lines(&mut source, RecordKind::Managers), Vec::<String>::new());
}

#[test]
fn one_file_may_have_everything() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let json = r#"{"realm": "r", "users": [{"username": "a", "groups": ["/g/h"]}], "groups": [{"name": "g", "subGroups": [{"name": "h"}]}]}"#;
    for json in [json.to_owned(), format!("[{json}]\n")] {
        let mut source = Keycloak::new(vec![file(folder.path(), "a.json", json)], &accept);
        assert_eq!(lines(&mut source, RecordKind::Users), ["0:1 a"]);
        assert_eq!(lines(&mut source, RecordKind::Groups), ["0:1 g", "0:2 h"]);
        assert_eq!(lines(&mut source, RecordKind::Edges), ["0:2 g < h"]);
        assert_eq!(lines(&mut source, RecordKind::Memberships), ["0:1 h < @a"]);
    }
}

#[test]
fn a_path_of_several_groups_gives_no_membership() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let json = r#"{"groups": [{"name": "a", "subGroups": [{"name": "b"}]}, {"name": "a/b"}], "users": [{"username": "u", "groups": ["/a/b"]}]}"#;
    let mut source = Keycloak::new(vec![file(folder.path(), "a.json", json)], &accept);
    assert_eq!(lines(&mut source, RecordKind::Memberships), ["0:1 groups: Several groups have the path /a/b"]);
}

#[test]
fn several_realms_are_refused() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let one = file(folder.path(), "one.json", r#"{"realm": "one", "users": []}"#);
    let two = file(folder.path(), "two.json", r#"{"realm": "two", "users": []}"#);
    let error = all(&mut Keycloak::new(vec![one, two], &accept), RecordKind::Users).expect_err("they are refused");
    assert!(error.to_string().ends_with("the file is of the realm \"two\", and files before of \"one\""), "{error}");
    let error = read(r#"[{"realm": "one"}, {"realm": "two"}]"#, RecordKind::Users);
    assert_eq!(error, Err("/a.json, line 1: the file has a list of several objects, where one is expected".to_owned()));
}

#[test]
fn what_is_no_export_is_refused_without_its_values() {
    let secret = r#"{"users": "secret"}"#;
    for (json, message) in [
        ("", "line 1: EOF while parsing a value"),
        ("{\n\"users\": [{}", "line 2: EOF while parsing a list"),
        ("{} {}", "line 1: trailing characters"),
        ("dn: cn=a", "line 1: expected value"),
        (secret, "line 1: this is not the JSON that is expected here"),
        ("\"secret\"", "line 1: this is not the JSON that is expected here"),
    ] {
        let found = read(json, RecordKind::Users).expect_err("it is refused");
        assert_eq!(found, format!("/a.json, {message}"), "{json}");
    }
    let password = r#"{"users": [{"username": "a", "credentials": "secret"}]}"#;
    assert_eq!(read(password, RecordKind::Users), Ok(1));
}

#[test]
fn nesting_is_bounded() {
    let groups = |depth: usize| {
        let (begin, end) = (r#"{"name":"g","subGroups":["#.repeat(depth), "]}".repeat(depth));
        format!(r#"{{"groups":[{begin}{end}]}}"#)
    };
    assert_eq!(read(&groups(60), RecordKind::Groups), Ok(60));
    // One tree of groups that cannot be read.
    assert_eq!(read(&groups(100), RecordKind::Groups), Ok(1));
    let deep = read(&groups(100_000), RecordKind::Groups).expect_err("it is refused");
    assert_eq!(deep, "/a.json, line 1: the JSON is nested more than 256 levels deep");
    let ignored = format!(r#"{{"clients":{}"#, "[".repeat(1_000_000));
    assert!(read(&ignored, RecordKind::Users).is_err());
}

#[test]
fn reading_ends_where_it_is_broken_off() {
    let mut source = export();
    for kind in [RecordKind::Users, RecordKind::Groups, RecordKind::Edges, RecordKind::Memberships] {
        let mut count = 0;
        let result = source.read(kind, &mut |_| {
            count += 1;
            ControlFlow::Break(())
        });
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(count, 1);
    }
}
