//! A database whose keys were made by simple case folding gets the present ones, unless names would be the same.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Nullable, Text};
use guildhall_domain::contract::{Fixture, user_named};
use guildhall_domain::email_domain::EmailDomain;
use guildhall_domain::group::GroupDraft;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::name::{KEY_VERSION, NameKey};
use guildhall_domain::page::Page;
use guildhall_domain::ports::Store;
use guildhall_domain::search::{Field, Filter, GroupField, Listing, Operand, Operator, UserField};
use guildhall_domain::user::{Email, User, UserId};
use guildhall_persistence::{Database, NameClashes};
use uuid::Uuid;

use super::databases;

/// The version of the migration that brought the versions of keys.
const MIGRATION: &str = "20261126000300";

/// A connection beside the store.
enum Beside {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

impl Beside {
    fn run(&mut self, sql: &str) {
        let done = match self {
            Self::Sqlite(connection) => connection.batch_execute(sql),
            Self::Postgres(connection) => connection.batch_execute(sql),
        };
        done.expect(sql);
    }

    fn lines(&mut self, sql: &str) -> Vec<String> {
        let lines: QueryResult<Vec<Line>> = match self {
            Self::Sqlite(connection) => sql_query(sql).load(connection),
            Self::Postgres(connection) => sql_query(sql).load(connection),
        };
        lines.expect(sql).into_iter().filter_map(|line| line.line).collect()
    }

    fn id(&self, id: Uuid) -> String {
        match self {
            Self::Sqlite(_) => format!("X'{}'", id.simple()),
            Self::Postgres(_) => format!("'{id}'"),
        }
    }

    /// Everything that a change of keys could change.
    fn dump(&mut self) -> BTreeMap<&'static str, Vec<String>> {
        let id = |column: &str| match self {
            Self::Sqlite(_) => format!("hex({column})"),
            Self::Postgres(_) => format!("CAST({column} AS text)"),
        };
        let statements = [
            ("users", format!("SELECT username || '|' || username_key AS line FROM users ORDER BY {}", id("id"))),
            (
                "identifiers",
                format!(
                    "SELECT identifier_key || '|' || {} || '|' || CAST(by_authority AS text) AS line \
                     FROM user_identifiers ORDER BY identifier_key",
                    id("user_id")
                ),
            ),
            (
                "search",
                format!(
                    "SELECT coalesce(email_key, '') || '|' || names_key || '|' || CAST(custom_keys AS text) AS line \
                     FROM user_search ORDER BY {}",
                    id("user_id")
                ),
            ),
            (
                "groups",
                format!(
                    "SELECT name || '|' || name_key || '|' || coalesce(description_key, '') || '|' || CAST(custom_keys AS text) \
                     AS line FROM groups ORDER BY {}",
                    id("id")
                ),
            ),
            ("domains", "SELECT domain AS line FROM group_email_domains ORDER BY domain".to_owned()),
            ("migrations", "SELECT version AS line FROM __diesel_schema_migrations ORDER BY version".to_owned()),
        ];
        statements.into_iter().map(|(table, sql)| (table, self.lines(&sql))).collect()
    }
}

/// Puts the keys of before beside what is stored, and removes the version.
struct Before<'a> {
    fixture: &'a Fixture,
    beside: &'a mut Beside,
    number: u128,
}

impl Before<'_> {
    fn user(&mut self, (username, username_key): (&str, &str), email: Option<(&str, &str)>) -> UserId {
        self.number += 1;
        let plain = format!("plain{}", self.number);
        let stored = User {
            email: email.map(|_| Email::stored(format!("{plain}@fightclub.com"))),
            ..user_named(&plain, Uuid::from_u128(self.number << 64))
        };
        let user = self.fixture.insert(&stored);
        let id = self.beside.id(user.0);
        self.beside.run(&format!(
            "UPDATE users SET username = '{username}', username_key = '{username_key}' WHERE id = {id};
             UPDATE user_identifiers SET identifier_key = '{username_key}' WHERE identifier_key = '{plain}';
             UPDATE user_search SET names_key = ' ' || '{username_key}', custom_keys = '{{\"old\":\"key\"}}' WHERE user_id = {id}"
        ));
        if let Some((email, email_key)) = email {
            self.beside.run(&format!(
                "UPDATE users SET email = '{email}' WHERE id = {id};
                 UPDATE user_identifiers SET identifier_key = '{email_key}' WHERE identifier_key = '{plain}@fightclub.com';
                 UPDATE user_search SET email_key = '{email_key}' WHERE user_id = {id}"
            ));
        }
        user
    }

    fn group(&mut self, name: &str, key: &str) -> Uuid {
        self.number += 1;
        let group = self.fixture.group(&format!("plain{}", self.number)).0;
        let id = self.beside.id(group);
        self.beside.run(&format!(
            "UPDATE groups SET name = '{name}', name_key = '{key}', description = 'Caf\u{e9}', description_key = 'cafe/\u{301}' \
             WHERE id = {id}"
        ));
        group
    }
}

fn everything<F: Field>(fixture: &Fixture, filter: Filter<F>) -> Listing<F> {
    Listing { filter, ..fixture.all(Page::new(0, 1000).expect("a page")) }
}

fn users_named(store: &dyn Store, text: &str) -> Option<UserId> {
    store.read(|directory| directory.user_id(&UserIdentifier::from(text))).expect("a reader")
}

fn names_are_told_apart_and_made_anew(database: &Database, beside: &mut Beside) {
    let fixture = Fixture::over(database.store());
    let mut before = Before { fixture: &fixture, beside, number: 0 };
    let composed = before.user(("Caf\u{e9}", "caf\u{e9}"), Some(("info@m\u{fc}nchen.de", "info@m\u{fc}nchen.de")));
    let decomposed = before.user(("Cafe\u{301}", "cafe/\u{301}"), None);
    let wide = before.user(("\u{ff34}yler", "\u{ff54}yler"), Some(("\u{ff34}yler@x.de", "\u{ff54}yler@x.de")));
    let puny = before.user(("marla", "marla"), Some(("info@xn--mnchen-3ya.de", "info@xn--mnchen-3ya.de")));
    // Neither of the two clashes with the other: what the one is called is not what the other was.
    let merged = before.user(("Stra\u{df}e@x.de", "stra\u{df}e@x.de"), Some(("strasse@x.de", "strasse@x.de")));
    let (long, short) = (before.user(("La\u{df}en", "la\u{df}en"), None), before.user(("lassen", "lassen"), None));
    let sharp = before.group("Stra\u{df}e", "stra\u{df}e");
    let double = before.group("STRASSE", "strasse");
    let invisible = before.group("\u{200b}", "/\u{200b}");
    let plain = before.group("Soap", "soap");
    let draft = GroupDraft {
        name: Some("Domains".to_owned()),
        auto_membership_email_domains: vec!["plain.de".to_owned(), "xn--mnchen-3ya.de".to_owned()],
        ..GroupDraft::default()
    };
    let domains = fixture.directory.create_group(&fixture.by(&fixture.admin), draft).expect("a group").id;
    let (user_id, group_id) = (beside.id(merged.0), beside.id(domains.0));
    beside.run(&format!(
        "UPDATE group_email_domains SET domain = 'm\u{fc}nchen.de' WHERE domain = 'plain.de';
         INSERT INTO group_email_domains (group_id, domain) VALUES ({group_id}, 'stra\u{df}e.de');
         UPDATE user_identifiers SET by_authority = (identifier_key = 'strasse@x.de') WHERE user_id = {user_id};
         DROP TABLE key_version; DELETE FROM __diesel_schema_migrations WHERE version = '{MIGRATION}'"
    ));

    let stored = beside.dump();
    for _ in 0..2 {
        let error = database.migrate().expect_err("names that are the same");
        let report = std::error::Error::source(&error).expect("why").downcast_ref::<NameClashes>();
        let report = report.expect("the report").to_string();
        for (what, ids) in [
            ("the same: users", vec![composed.0, decomposed.0]),
            ("the same: users", vec![composed.0, puny.0]),
            ("the same: users", vec![long.0, short.0]),
            ("the same: groups", vec![sharp, double]),
            ("without visible characters: group", vec![invisible]),
        ] {
            let has_all = |line: &&str| line.contains(what) && ids.iter().all(|id| line.contains(&id.to_string()));
            assert_eq!(report.lines().filter(has_all).count(), 1, "{what} {ids:?}: {report}");
        }
        for (id, is_named) in [(wide.0, false), (merged.0, false), (plain, false)] {
            assert_eq!(report.contains(&id.to_string()), is_named, "{report}");
        }
        for text in ["Cafe\\u{301}", "\\u{200b}", "UPDATE users SET username", "nothing was changed"] {
            assert!(report.contains(text), "{text}: {report}");
        }
        assert_eq!(beside.dump(), stored, "nothing was changed");
    }

    // As the report says.
    let cure = [
        format!("UPDATE users SET username = 'Another' WHERE id = {}", beside.id(decomposed.0)),
        format!("UPDATE users SET username = 'short' WHERE id = {}", beside.id(short.0)),
        format!("UPDATE users SET email = 'info@marla.de' WHERE id = {}", beside.id(puny.0)),
        format!("UPDATE groups SET name = 'Street' WHERE id = {}", beside.id(double)),
        format!("UPDATE groups SET name = 'Visible' WHERE id = {}", beside.id(invisible)),
    ];
    beside.run(&cure.join(";"));
    assert_eq!(database.migrate().expect("no names that are the same"), [MIGRATION]);

    let store = database.store();
    for (user, spellings) in [
        (composed, ["caf\u{e9}", "CAFE\u{301}", "info@xn--mnchen-3ya.de", "INFO@m\u{fc}nchen.de"]),
        (decomposed, ["another", "ANOTHER", "\u{200b}another", " another"]),
        (long, ["la\u{df}en", "LASSEN", "la\u{1e9e}en", "lassen"]),
        (short, ["short", "SHORT", "\u{ff33}hort", "short "]),
        (wide, ["tyler", "\u{ff34}yler", "tyler@x.de", "\u{ff54}yler@x.de"]),
        (merged, ["stra\u{df}e@x.de", "STRASSE@x.de", "strasse@X.de", "stra\u{df}e@x.DE"]),
    ] {
        for spelling in spellings {
            assert_eq!(users_named(&*store, spelling), Some(user), "{spelling}");
        }
    }
    let merged_key = NameKey::of("strasse@x.de");
    let trusted = store.read(|directory| directory.user_named_by_authority(&merged_key)).expect("a reader");
    assert_eq!(trusted, None, "a name of which the user gave one of two spellings links nobody");
    let wide_key = NameKey::of("tyler");
    assert_eq!(store.read(|directory| directory.user_named_by_authority(&wide_key)).expect("a reader"), Some(wide));
    for (group, spelling) in [(sharp, "STRASSE"), (double, "street"), (invisible, "VISIBLE"), (plain, "\u{ff33}oap")] {
        let found = store.read(|directory| directory.group_id(&GroupIdentifier::from(spelling))).expect("a reader");
        assert_eq!(found.map(|id| id.0), Some(group), "{spelling}");
    }
    for domain in ["m\u{fc}nchen.de", "stra\u{df}e.de"] {
        let domain = EmailDomain::try_from(domain).expect("a domain");
        let joined = store.read(|directory| directory.groups_for_domain(&domain)).expect("a reader");
        assert_eq!(joined, [domains].into(), "{}", domain.to_unicode());
    }
    searches_find(&fixture, composed, wide, sharp);

    let users =
        fixture.directory.users(&fixture.by(&fixture.admin), &everything(&fixture, Filter::all())).expect("users");
    let names: Vec<&str> = users.items.iter().map(|user| user.username.as_str()).collect();
    assert_eq!(
        names,
        ["admin", "Another", "Caf\u{e9}", "La\u{df}en", "marla", "short", "Stra\u{df}e@x.de", "\u{ff34}yler"]
    );
    let version = "SELECT CAST(version AS text) AS line FROM key_version";
    assert_eq!(beside.lines(version), [KEY_VERSION.to_string()]);
    let stored = beside.dump();
    assert!(!format!("{stored:?}").contains("\"old\\"), "{stored:?}");
    assert_eq!(database.migrate().expect("nothing to do"), [""; 0]);
    assert_eq!(beside.dump(), stored);
}

fn searches_find(fixture: &Fixture, composed: UserId, wide: UserId, sharp: Uuid) {
    let by = || fixture.by(&fixture.admin);
    for (filter, user) in [
        (Filter::naming("CAFE\u{301}"), composed),
        (Filter::naming("m\u{fc}nch"), composed),
        (Filter::naming("xn--mnchen"), composed),
        (Filter::naming("tyler@"), wide),
        (comparing(UserField::Username, Operator::Equal, "tyler"), wide),
        (comparing(UserField::Email, Operator::EndsWith, "@MU\u{308}NCHEN.de"), composed),
    ] {
        let found = fixture.directory.users(&by(), &everything(fixture, filter.clone())).expect("users");
        assert_eq!(found.items.iter().map(|user| user.id).collect::<Vec<_>>(), [user], "{filter:?}");
    }
    let described = comparing(GroupField::Description, Operator::Equal, "cafe\u{301}");
    assert_eq!(fixture.directory.groups(&by(), &everything(fixture, described)).expect("groups").total, 4);
    let named = fixture.directory.groups(&by(), &everything(fixture, Filter::naming("strass"))).expect("groups");
    assert_eq!(named.items.iter().map(|group| group.id.0).collect::<Vec<_>>(), [sharp]);
}

fn comparing<F: Field>(field: F, operator: Operator, text: &str) -> Filter<F> {
    Filter::comparing(field, operator, Operand::Text(text.to_owned())).expect("a comparison")
}

#[test]
fn sqlite_names_are_told_apart_and_made_anew() {
    let (database, url, _folder) = databases::sqlite();
    let path = url.strip_prefix("sqlite://").expect("a path");
    let mut connection = SqliteConnection::establish(path).expect("the database");
    connection.batch_execute("PRAGMA busy_timeout = 30000; PRAGMA foreign_keys = ON").expect("settings");
    names_are_told_apart_and_made_anew(&database, &mut Beside::Sqlite(connection));
}

#[test]
fn postgres_names_are_told_apart_and_made_anew() {
    let (database, url, _dropped) = databases::postgres();
    let connection = PgConnection::establish(&url).expect("the database");
    names_are_told_apart_and_made_anew(&database, &mut Beside::Postgres(connection));
}
