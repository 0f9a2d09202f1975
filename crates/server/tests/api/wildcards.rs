//! Searches for texts that hold wildcards.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::Client;
use crate::database::Kind;

on_both_databases! { a_backslash_takes_a_wildcard_for_what_it_is }

/// Percent-encodes every byte.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| format!("{encoded}%{byte:02X}"))
}

async fn found(admin: &Client<'_>, path: &str) -> String {
    admin.listed(path, "username").await.join(" ")
}

async fn a_backslash_takes_a_wildcard_for_what_it_is(kind: Kind) {
    let app = TestApp::on(kind).await;
    let admin = Client::admin(&app);
    for (username, name) in
        [("backslash", r"soap\box"), ("question", "soap?box"), ("star", "soap*box"), ("word", "soapybox")]
    {
        let user = json!({ "username": username, "firstName": name, "email": format!("{username}@fightclub.com"),
                           "custom": { "label": name }, "credentials": { "password": "F1ghtC1ub1234!" } });
        admin.create("/users", &user).await;
        admin.create("/groups", &json!({ "name": name })).await;
    }
    for (pattern, expected) in [
        ("soap*box", "backslash question star word"),
        ("soap?box", "backslash question star word"),
        (r"soap\*box", "star"),
        (r"soap\?box", "question"),
        (r"soap\\box", "backslash"),
        (r"soap\box", "backslash"),
        (r"p\*", "star"),
        (r"\?b*", "question"),
        (r"\\", "backslash"),
        (r"*\*?ox", "star"),
    ] {
        for field in ["firstName", "custom.label"] {
            let conditions = json!([{ "field": field, "contains": pattern }]);
            let query = format!("/users/search?where={}", encoded(&conditions.to_string()));
            assert_eq!(found(&admin, &query).await, expected, "{conditions}");
            let page = admin.send_with("POST", "/users/search", &json!({ "where": conditions })).await.is(200).json();
            assert_eq!(page["totalCount"], expected.split(' ').count(), "{conditions}");
            // In quotes of ZenQL, a backslash is written twice before a quote or another backslash.
            let quoted = pattern.replace(r"\\", r"\\\\");
            for query in [format!("{field} ~ {pattern}"), format!("{field} ~ \"{quoted}\"")] {
                assert_eq!(found(&admin, &format!("/users?zenql={}", encoded(&query))).await, expected, "{query}");
            }
            let negated = format!("{field} ~ soap and {field} !~ {pattern}");
            let others = found(&admin, &format!("/users?zenql={}", encoded(&negated))).await;
            assert!(expected.split(' ').all(|name| !others.contains(name)), "{negated}: {others}");
        }
        let groups = format!("/groups?zenql={}", encoded(&format!("name ~ {pattern}")));
        assert_eq!(admin.get(&groups).await["totalCount"], expected.split(' ').count(), "{groups}");
    }
    // In `q` there are no wildcards, so nothing stands for another thing.
    for (text, expected) in [("soap*box", "star"), (r"soap\*box", ""), ("p?b", "question"), (r"p\b", "backslash")] {
        assert_eq!(found(&admin, &format!("/users?q={}", encoded(text))).await, expected, "{text}");
    }
    // Nor in other comparisons.
    for (operator, text, expected) in
        [("equalTo", "soap*box", "star"), ("startsWith", r"soap\b", "backslash"), ("endsWith", "?box", "question")]
    {
        let conditions: Value = json!([{ "field": "firstName", operator: text }]);
        let query = format!("/users/search?where={}", encoded(&conditions.to_string()));
        assert_eq!(found(&admin, &query).await, expected, "{conditions}");
    }
}
