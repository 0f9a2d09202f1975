//! Directories as LDIF.

use std::ops::ControlFlow;

use super::common::{accept, all, data, file, groups, lines, told, users};
use guildhall_domain::group::GroupId;
use guildhall_domain::identifier::parse_guid;
use guildhall_domain::password::PasswordHash;
use guildhall_domain::record::{GroupRecord, UserRecord};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::UserId;
use guildhall_transfer::{Ldif, RecordKind, Source as _};

const PEOPLE: &str = "objectClass: inetOrgPerson\nobjectClass: posixAccount\n";

/// Memberships, edges, and warnings of all that was read.
fn relations(text: &str) -> [Vec<String>; 3] {
    let folder = tempfile::tempdir().expect("there is a folder");
    let mut source = Ldif::new(vec![file(folder.path(), "a.ldif", text)], &accept);
    let [memberships, edges] = [RecordKind::Memberships, RecordKind::Edges].map(|kind| lines(&mut source, kind));
    [memberships, edges, source.warnings()]
}

fn only_user(text: &str) -> UserRecord {
    let folder = tempfile::tempdir().expect("there is a folder");
    let mut source = Ldif::new(vec![file(folder.path(), "a.ldif", text)], &accept);
    let [user] = <[_; 1]>::try_from(users(&mut source)).expect("there is one user");
    user
}

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("it is a moment")
}

#[test]
fn users_of_slapcat_are_read() {
    let mut source = Ldif::new(vec![data("slapcat.ldif")], &accept);
    let users = users(&mut source);
    let names: Vec<_> = users.iter().map(|user| user.username.as_deref().unwrap_or_default()).collect();
    assert_eq!(names, ["alice", "jürgen", "bob", "carol", "dave", "erin"]);
    let hash =
        "{SSHA512}XZSR5DUQqk/Pok+wQAOz80Wrltvouegt6YSFcf7wFCDe0sOCLhXy7mKJZTBJyXpH5ZRnlzIJOPcKIvZYdeyLcKh880GV7BXa";
    assert_eq!(
        users[0],
        UserRecord {
            id: parse_guid("0dc47b4c-7ed3-1041-83be-f594e1be0c96").map(UserId),
            username: Some("alice".to_owned()),
            email: told("alice@example.com"),
            first_name: told("Alice"),
            last_name: told("Liddell"),
            language: told("en-GB"),
            created: Some(moment("2026-11-27T17:23:49Z")),
            modified: Some(moment("2026-11-27T17:23:49Z")),
            password: Some(PasswordHash(hash.to_owned())),
            ..UserRecord::default()
        }
    );
    assert_eq!((&users[1].last_name, &users[1].language), (&told("Weiß"), &None));
    assert_eq!(
        source.warnings(),
        [
            "users who are imported without a password (no algorithm that is known): 2",
            "users who are imported without a password (userPassword is not hashed): 1",
            "users whose password hash is accepted, but weak (salted SHA): 2",
        ]
    );
}

#[test]
fn groups_of_slapcat_are_read() {
    let mut source = Ldif::new(vec![data("slapcat.ldif")], &accept);
    let groups = groups(&mut source);
    let names: Vec<_> = groups.iter().map(|group| group.name.as_deref().unwrap_or_default()).collect();
    assert_eq!(names, ["editors", "authors", "staff", "board", "unix", "carol"]);
    assert_eq!(
        groups[0],
        GroupRecord {
            id: parse_guid("0dd20654-7ed3-1041-83c5-f594e1be0c96").map(GroupId),
            name: Some("editors".to_owned()),
            description: told("Those who write"),
            created: Some(moment("2026-11-27T17:23:49Z")),
            modified: Some(moment("2026-11-27T17:23:49Z")),
            ..GroupRecord::default()
        }
    );
}

#[test]
fn memberships_and_edges_of_slapcat_are_read_once_each() {
    let mut source = Ldif::new(vec![data("slapcat.ldif")], &accept);
    let edges = ["0:195 staff < editors", "0:196 staff < authors", "0:212 board < staff"];
    let memberships = [
        "0:83 unix < 0dc65804",
        "0:107 carol < 0dc67474",
        "0:168 editors < 0dc47b4c",
        "0:169 editors < 0dc49cb2",
        "0:182 authors < 0dc65804",
        "0:197 staff < 0dc8e754",
        "0:198 member: No file has a user or group cn=printer,ou=people,dc=example,dc=com",
        "0:199 member: No file has a user or group uid=nobody,ou=people,dc=example,dc=com",
        "0:211 board < 0dc47b4c",
        "0:226 unix < 0dc67474",
        "0:227 unix < @stranger",
    ];
    assert_eq!(lines(&mut source, RecordKind::Memberships), memberships);
    assert_eq!(lines(&mut source, RecordKind::Edges), edges);
    assert_eq!(lines(&mut source, RecordKind::Managers), Vec::<String>::new());
    assert_eq!(source.warnings(), ["users whose primary group (gidNumber) is in no file: 1"]);
}

#[test]
fn lldap_is_read() {
    let mut source = Ldif::new(vec![data("lldap.ldif")], &accept);
    assert_eq!(lines(&mut source, RecordKind::Users), ["0:1 admin", "0:13 bob"]);
    assert_eq!(lines(&mut source, RecordKind::Groups), ["0:27 lldap_admin", "0:36 builders"]);
    assert_eq!(
        lines(&mut source, RecordKind::Memberships),
        ["0:25 builders < 04a9ff5b", "0:32 lldap_admin < e9c3e1e0"]
    );
    let bob = &users(&mut source)[1];
    assert_eq!(bob.created, Some(moment("2023-05-02T08:30:00Z")));
    assert_eq!((&bob.first_name, &bob.last_name), (&told("Bob"), &told("Builder")));
    assert_eq!(source.warnings(), Vec::<String>::new());
}

#[test]
fn entries_of_one_file_may_name_those_of_another() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let users = file(folder.path(), "users.ldif", format!("dn: uid=a,dc=x\n{PEOPLE}uid: a\n"));
    let group = "dn: cn=g,dc=x\nobjectClass: groupOfNames\ncn: g\nmember: UID=A, DC=X\n";
    let groups = file(folder.path(), "groups.ldif", group);
    let mut source = Ldif::new(vec![groups.clone(), users.clone()], &accept);
    assert_eq!(lines(&mut source, RecordKind::Memberships), ["0:4 g < @a"]);
    assert_eq!(lines(&mut source, RecordKind::Users), ["1:1 a"]);
    assert_eq!(source.files(), [groups, users]);
}

#[test]
fn active_directory_is_read() {
    let text = "dn: CN=Alice,OU=Staff,DC=example,DC=com
objectClass: top
objectClass: person
objectClass: organizationalPerson
objectClass: user
cn: Alice
sn: Liddell
givenName: Alice
whenCreated: 20240903095120.0Z
whenChanged: 20240904095120.0Z
objectGUID:: n1sxJGYLbU6uwGNIxbjYZw==
userAccountControl: 514
sAMAccountName: alice
mail: alice@example.com
";
    assert_eq!(
        only_user(text),
        UserRecord {
            id: parse_guid("24315b9f-0b66-4e6d-aec0-6348c5b8d867").map(UserId),
            username: Some("alice".to_owned()),
            email: told("alice@example.com"),
            first_name: told("Alice"),
            last_name: told("Liddell"),
            suspended: Some(true),
            created: Some(moment("2024-09-03T09:51:20Z")),
            modified: Some(moment("2024-09-04T09:51:20Z")),
            ..UserRecord::default()
        }
    );
    assert_eq!(only_user(&text.replace("514", "512")).suspended, Some(false));
}

#[test]
fn computers_contacts_and_entries_without_classes_are_no_users() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let text = "dn: cn=pc,dc=x\nobjectClass: user\nobjectClass: computer\nsAMAccountName: pc$\n\n\
        dn: cn=c,dc=x\nobjectClass: person\nobjectClass: contact\ncn: c\n\n\
        dn: uid=a,dc=x\nuid: a\n\n\
        dn: cn=d,dc=x\nobjectClass: device\ncn: d\n";
    let mut source = Ldif::new(vec![file(folder.path(), "a.ldif", text)], &accept);
    assert_eq!(lines(&mut source, RecordKind::Users), Vec::<String>::new());
    let warnings = [
        "computers and contacts that are left out: 2",
        "entries that are left out because they have no objectClass: 1",
    ];
    assert_eq!(source.warnings(), warnings);
    assert_eq!(lines(&mut source, RecordKind::Users), Vec::<String>::new());
    assert_eq!(source.warnings(), warnings);
}

#[test]
fn a_lock_by_an_administrator_suspends() {
    let user = |line: &str| only_user(&format!("dn: uid=a,dc=x\n{PEOPLE}uid: a\n{line}\n"));
    for (line, suspended) in [
        ("sn: a", None),
        ("nsAccountLock: TRUE", Some(true)),
        ("nsAccountLock: false", Some(false)),
        ("pwdAccountLockedTime: 000001010000Z", Some(true)),
        ("pwdAccountLockedTime: 20240903095120Z", None),
    ] {
        assert_eq!(user(line).suspended, suspended, "{line}");
    }
    assert_eq!(user("pwdReset: TRUE").password_reset_required, Some(true));
}

#[test]
fn a_fault_of_an_entry_is_told_and_the_others_are_read() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let text = format!(
        "dn: uid=a,dc=x\n{PEOPLE}uid: a\nsn:: /w==\nmail:: /w==\njpegPhoto:: /w==\n\n\
        dn: ou=b,dc=x\n{PEOPLE}ou: b\n\n\
        dn: ou=g,dc=x\nobjectClass: groupOfNames\nmember: uid=c,dc=x\n\n\
        dn: uid=c,dc=x\n{PEOPLE}uid: c\n"
    );
    let mut source = Ldif::new(vec![file(folder.path(), "a.ldif", text)], &accept);
    assert_eq!(
        lines(&mut source, RecordKind::Users),
        [
            "0:1 mail: The value is not in UTF-8; sn: The value is not in UTF-8",
            "0:9 uid: The user has none of uid, sAMAccountName and cn",
            "0:18 c"
        ]
    );
    assert_eq!(lines(&mut source, RecordKind::Groups), ["0:14 cn: The group has none"]);
}

#[test]
fn member_of_counts_where_the_group_tells_no_members() {
    // 389 Directory Server tells the groups above the group of a user, too.
    let text = format!(
        "dn: uid=a,dc=x\n{PEOPLE}uid: a\nmemberOf: cn=lower,dc=x\nmemberOf: cn=upper,dc=x\nmemberOf: cn=silent,dc=x\n\
        memberOf: cn=many,dc=x\nmemberOf: cn=other,dc=x\n\n\
        dn: cn=lower,dc=x\nobjectClass: groupOfNames\ncn: lower\nmember: uid=a,dc=x\nmemberOf: cn=silent,dc=x\n\n\
        dn: cn=upper,dc=x\nobjectClass: groupOfNames\ncn: upper\nmember: cn=lower,dc=x\n\n\
        dn: cn=silent,dc=x\nobjectClass: groupOfNames\ncn: silent\nmember:\n\n\
        dn: cn=many,dc=x\nobjectClass: group\ncn: many\nmember;range=0-1499: cn=lower,dc=x\n"
    );
    let [memberships, edges, warnings] = relations(&text);
    assert_eq!(
        memberships,
        [
            "0:7 silent < @a",
            "0:8 many < @a",
            "0:9 memberOf: No file has a user or group cn=other,dc=x",
            "0:14 lower < @a"
        ]
    );
    assert_eq!(edges, ["0:15 silent < lower", "0:20 upper < lower", "0:30 many < lower"]);
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn members_that_stand_for_nobody_are_left_out() {
    let group =
        "dn: cn=g,dc=x\nobjectClass: groupOfNames\ncn: g\nmember:\nmember: cn=g,dc=x\nmember: nobody\nmember:: /w==\n";
    let [memberships, edges, _] = relations(group);
    assert_eq!(
        memberships,
        [
            "0:5 member: The group is a member of itself",
            "0:6 member: No file has a user or group nobody",
            "0:7 member: The value is not in UTF-8"
        ]
    );
    assert_eq!(edges, Vec::<String>::new());
}

#[test]
fn entries_with_one_name_are_not_merged() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let text = format!(
        "dn: uid=a,ou=1,dc=x\n{PEOPLE}uid: a\n\n\
        dn: uid=a,ou=2,dc=x\n{PEOPLE}uid: A\n\n\
        dn: cn=g,ou=1,dc=x\nobjectClass: groupOfNames\ncn: g\nmember: uid=a,ou=1,dc=x\n\n\
        dn: cn=g,ou=2,dc=x\nobjectClass: groupOfNames\ncn: G\nmember: uid=a,ou=1,dc=x\n\n\
        dn: cn=h,dc=x\nobjectClass: groupOfNames\ncn: h\nmember: uid=a,ou=2,dc=x\nmember: cn=g,ou=2,dc=x\n"
    );
    let mut source = Ldif::new(vec![file(folder.path(), "a.ldif", text)], &accept);
    let fault = "Another user of the files has the name A, or the dn cannot be read";
    assert_eq!(lines(&mut source, RecordKind::Users), ["0:1 a".to_owned(), format!("0:6 uid: {fault}")]);
    let fault = "Another group of the files has the name G, or the dn cannot be read";
    let groups = ["0:11 g".to_owned(), format!("0:16 cn: {fault}"), "0:21 h".to_owned()];
    assert_eq!(lines(&mut source, RecordKind::Groups), groups);
    let memberships = [
        "0:14 g < @a",
        "0:24 member: No file has a user or group uid=a,ou=2,dc=x",
        "0:25 member: No file has a user or group cn=g,ou=2,dc=x",
    ];
    assert_eq!(lines(&mut source, RecordKind::Memberships), memberships);
    assert_eq!(lines(&mut source, RecordKind::Edges), Vec::<String>::new());
}

#[test]
fn reading_ends_where_it_is_broken_off() {
    let mut source = Ldif::new(vec![data("slapcat.ldif"), data("lldap.ldif")], &accept);
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

#[test]
fn a_missing_file_is_told() {
    let mut source = Ldif::new(vec![data("slapcat.ldif"), data("missing.ldif")], &accept);
    let error = all(&mut source, RecordKind::Memberships).expect_err("a file is missing");
    assert!(error.to_string().ends_with("missing.ldif"), "{error}");
}

#[test]
fn a_file_of_changes_is_refused() {
    let folder = tempfile::tempdir().expect("there is a folder");
    let path = file(folder.path(), "a.ldif", "dn: cn=a,dc=x\nchangetype: add\ncn: a\n");
    let mut source = Ldif::new(vec![path], &accept);
    for kind in [RecordKind::Users, RecordKind::Groups, RecordKind::Edges, RecordKind::Memberships] {
        let error = all(&mut source, kind).expect_err("it is refused").to_string();
        assert!(error.ends_with("line 2: the file has changes, not entries; write it with slapcat or ldapsearch -LLL"));
    }
}
