//! Values of the right kind that are not valid: the message says what is wrong with the value, and what is wanted.

use actix_web::http::Method;
use serde_json::json;

use crate::world::{ADMINISTRATOR, World, by, invalid};

const USERS: &str = "/api/security/users";
const BOB: &str = "/api/security/users/bob";
const GROUPS: &str = "/api/security/groups";
const EDITORS: &str = "/api/security/groups/CMS%20Editors";
const SOAP: &str = "/api/security/groups/Soap";
const KEYS: &str = "/api/security/apiKeys";
const FACTORY: &str = "/api/security/apiKeys/Factory";
const PASSWORD: &str = "/api/security/users/bob/credentials/password";
const ACTIONS: &str = "/api/security/users/bob/actions";

const FREQUENCY: &str = "credentials.passwordChangeFrequency";
const NUMBER: &str =
    "The number must be a 64-bit integer, or one that a double holds without loss; a string keeps any digits";
const SCALAR: &str = "The value must not be an object or an array";
const HALF: &str = "The value has half of a surrogate pair in it, such as \\ud800 alone, which is no character";
const REPEATED: &str = "The property is given more than once";
const NUL: &str = "The value must not contain the character U+0000";

/// A property, the field of the fault, and its message.
type Row = (String, &'static str, &'static str);

fn row(property: &str, field: &'static str, message: &'static str) -> Row {
    (property.to_owned(), field, message)
}

/// What holds for users and groups alike.
fn custom_rows() -> Vec<Row> {
    let many: Vec<String> = (0..201).map(|number| format!("\"{number}\":0")).collect();
    let mut rows = vec![
        (
            format!("\"custom\":{{{}}}", many.join(",")),
            "custom",
            "There must be at most 200 custom properties, not 201",
        ),
        row(r#""custom":{"a":"\u0000"}"#, "custom.a", NUL),
        row(r#""custom":{"a":{}}"#, "custom.a", SCALAR),
        row(r#""custom":{"a":[1]}"#, "custom.a", SCALAR),
        row(r#""custom":{"a":"\ud800"}"#, "custom.a", HALF),
        row(r#""custom":{"a":1,"a":1}"#, "custom.a", REPEATED),
        row(r#""custom":{"a":null,"b":2,"\u0061":3}"#, "custom.a", REPEATED),
        row(r#""custom":{"\u0000":1}"#, "custom.\0", "The name of the property must not contain the character U+0000"),
    ];
    for number in [
        "1e999",
        "-1e999",
        "1e-999",
        "1E400",
        "123456789012345678901234567890",
        "18446744073709551617",
        "-9223372036854775809",
        "1.0000000000000000000000001",
        "1e99999999999999999999",
    ] {
        rows.push((format!("\"custom\":{{\"a\":{number}}}"), "custom.a", NUMBER));
    }
    rows
}

fn person_rows() -> Vec<Row> {
    let long = "x".repeat(256);
    let mut rows = vec![
        (format!("\"firstName\":\"{long}\""), "firstName", "The first name must have 255 or fewer characters"),
        (format!("\"lastName\":\"{long}\""), "lastName", "The last name must have 255 or fewer characters"),
        row(r#""firstName":"a\u0000b""#, "firstName", "The first name must not contain control characters"),
        row(r#""lastName":"a\nb""#, "lastName", "The last name must not contain control characters"),
        row(r#""expiry":"2020-01-01""#, "expiry", "The expiry date must be in the future"),
        row(r#""expiry":"2026-01-02T03:04Z""#, "expiry", "The expiry date must be in the future"),
    ];
    rows.extend(custom_rows());
    rows
}

fn frequency_rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, message) in [
        ("-1", "The password change frequency must be zero or greater"),
        ("-1e999", "The password change frequency must be zero or greater"),
        ("2147483648", "The password change frequency must be at most 2147483647"),
        ("9223372036854775808", "The password change frequency must be at most 2147483647"),
        ("1e999", "The password change frequency must be at most 2147483647"),
    ] {
        rows.push((format!("\"passwordChangeFrequency\":{number}"), FREQUENCY, message));
    }
    rows
}

fn description_rows() -> Vec<Row> {
    vec![row(r#""description":"\u0000""#, "description", "The description must not contain the character U+0000")]
}

fn group_rows() -> Vec<Row> {
    let mut rows = custom_rows();
    rows.extend(description_rows());
    rows.extend([
        row(
            r#""autoMembershipEmailDomains":["a.org",""]"#,
            "autoMembershipEmailDomains[1]",
            "The domain '' is not valid: the domain is missing",
        ),
        row(
            r#""autoMembershipEmailDomains":["a b.org"]"#,
            "autoMembershipEmailDomains[0]",
            "The domain 'a b.org' is not valid: the domain contains ' '",
        ),
    ]);
    rows
}

fn group_names() -> Vec<Row> {
    vec![
        row(r#""name":null"#, "name", "The group name is required"),
        row(r#""name":"""#, "name", "The group name is required"),
        row(r#""name":" \n""#, "name", "The group name is required"),
        (format!("\"name\":\"{}\"", "x".repeat(256)), "name", "The group name must have 255 or fewer characters"),
        row(r#""name":"a\u0000b""#, "name", "The group name must not contain control characters"),
        row(r#""name":"a\tb""#, "name", "The group name must not contain control characters"),
        row(r#""name":"..""#, "name", "The group name must not be '.' or '..'"),
        row(r#""name":"24312B9F0B664E6DAEC06348C5B8D867""#, "name", "The group name must not be a GUID"),
    ]
}

fn key_names() -> Vec<Row> {
    vec![
        row(r#""name":null"#, "name", "The API key name is required"),
        row(r#""name":"""#, "name", "The API key name is required"),
        (format!("\"name\":\"{}\"", "x".repeat(256)), "name", "The API key name must have 255 or fewer characters"),
        row(r#""name":"@x""#, "name", "The API key name is reserved"),
    ]
}

const CREATING_USER: &str = "There are validation errors creating the user";
const UPDATING_USER: &str = "There are validation errors updating the user";
const CREATING_GROUP: &str = "There are validation errors creating the group";
const UPDATING_GROUP: &str = "There are validation errors updating the group";
const KEY: &str = "There are validation errors in the API key";

#[actix_web::test]
async fn values_that_are_not_valid_are_told_what_is_wrong() {
    let world = World::new();
    world.add_api_key("Factory");
    world.add_group("Soap");
    let new_user = r#"{"email":"t@x.com","credentials":{"password":"pr0j3ctM4yh3m"},%}"#;
    let new_credentials = r#"{"email":"t@x.com","credentials":{"password":"pr0j3ctM4yh3m",%}}"#;
    let credentials = r#"{"credentials":{%}}"#;
    let no_frequency =
        row("\"passwordChangeFrequency\":null", FREQUENCY, "The password change frequency is required; 0 is never");
    let changed_frequencies = || frequency_rows().into_iter().chain([no_frequency.clone()]).collect();
    let kinds = vec![
        row(r#""type":"sys""#, "type", "The group type 'sys' is not valid; it must be 'contensis' or 'external'"),
        (
            format!("\"type\":\"{}\"", "x".repeat(1000)),
            "type",
            concat!(
                "The group type 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…' is not valid; ",
                "it must be 'contensis' or 'external'"
            ),
        ),
    ];
    let system_name = vec![row(r#""name":"x""#, "name", "The name of a system group cannot be changed")];
    let actions = vec![
        row("", "type", "The action type is required"),
        row(r#""type":null"#, "type", "The action type is required"),
        row(r#""type":"explode""#, "type", "The action type 'explode' is not valid"),
    ];
    let passwords = vec![
        row("", "new", "The new password is required"),
        row(r#""new":"""#, "new", "The new password is required"),
        row(r#""new":null"#, "new", "The new password is required"),
        row(r#""new":"Sh0rt!""#, "new", "The password must have 8 or more characters"),
        row(r#""new":"pr0j3ctM4yh3m""#, "new", "The new password must differ from the current one"),
    ];
    for (method, path, message, template, rows) in [
        (Method::POST, USERS, CREATING_USER, new_user, person_rows()),
        (Method::POST, USERS, CREATING_USER, new_credentials, frequency_rows()),
        (Method::PUT, BOB, UPDATING_USER, "{%}", person_rows()),
        (Method::PUT, BOB, UPDATING_USER, credentials, changed_frequencies()),
        (Method::PATCH, BOB, UPDATING_USER, "{%}", person_rows()),
        (Method::PATCH, BOB, UPDATING_USER, credentials, changed_frequencies()),
        (Method::POST, GROUPS, CREATING_GROUP, r#"{"name":"New",%}"#, group_rows()),
        (Method::POST, GROUPS, CREATING_GROUP, r#"{"name":"New",%}"#, kinds),
        (Method::POST, GROUPS, CREATING_GROUP, "{%}", group_names()),
        (Method::PUT, SOAP, UPDATING_GROUP, "{%}", group_rows()),
        (Method::PUT, SOAP, UPDATING_GROUP, "{%}", group_names()),
        (Method::PUT, EDITORS, UPDATING_GROUP, "{%}", system_name),
        (Method::POST, KEYS, KEY, r#"{"name":"Mill",%}"#, description_rows()),
        (Method::POST, KEYS, KEY, "{%}", key_names()),
        (Method::PUT, FACTORY, KEY, "{%}", description_rows()),
        (Method::PUT, FACTORY, KEY, "{%}", key_names()),
        (Method::POST, ACTIONS, "There are validation errors in the action", "{%}", actions),
        (Method::POST, PASSWORD, "There are validation errors updating the password", "{%}", passwords),
    ] {
        for (property, field, fault) in rows {
            let body = template.replace('%', &property);
            let answer = world.send(by(ADMINISTRATOR, method.clone(), path).set_payload(body.clone())).await;
            assert_eq!(answer.error(), invalid(message, &[(field, fault)]), "{method} {path} {body}");
        }
    }
}

/// What people really send, and may.
#[actix_web::test]
async fn values_that_mean_the_same_are_taken() {
    let world = World::new();
    let put = async |body: &str| {
        let answer = world.send(by(ADMINISTRATOR, Method::PUT, BOB).set_payload(body.to_owned())).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.body);
        answer.json()
    };
    for (number, expected) in [("180.0", 180), ("1.8e2", 180), ("0.0", 0), ("-0", 0), ("2147483647.00", 2_147_483_647)]
    {
        let user = put(&format!(r#"{{"credentials":{{"passwordChangeFrequency":{number}}}}}"#)).await;
        assert_eq!(user["credentials"]["passwordChangeFrequency"], expected, "{number}");
    }
    for (date, expected) in [
        ("2026-06-01T10:00Z", "2026-06-01T10:00:00.000Z"),
        ("2026-06-01T10:00", "2026-06-01T10:00:00.000Z"),
        ("2026-06-01 10:00+02:00", "2026-06-01T08:00:00.000Z"),
        ("2026-06-01", "2026-06-01T00:00:00.000Z"),
    ] {
        assert_eq!(put(&json!({ "expiry": date }).to_string()).await["expiry"], expected, "{date}");
    }
    let user = put("\u{feff}{\"firstName\":\"\\ud83d\\ude00\"}").await;
    assert_eq!(user["firstName"], "\u{1f600}");
    for digits in ["9007199254740993", "18446744073709551615", "0.1", "1.50e2", "1e23", "5e-324", "-0"] {
        let body = format!(r#"{{"custom":{{"a":{digits}}}}}"#);
        let answer = world.send(by(ADMINISTRATOR, Method::PUT, BOB).set_payload(body)).await;
        assert!(answer.body.contains(&format!(r#""custom":{{"a":{digits}}}"#)), "{}", answer.body);
    }
}
