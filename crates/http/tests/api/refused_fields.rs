//! Values of the wrong kind, in every field of every body that is an object: each is named, and told what it must be.

use std::collections::BTreeSet;

use actix_web::http::Method;
use serde_json::Value;

use crate::openapi::document;
use crate::world::{ADMINISTRATOR, World, by, invalid};

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Id,
    Moment,
    Boolean,
    Integer,
    Sequence,
    Texts,
    Object,
    Objects,
}

/// Fields, each with what it holds.
type Fields = &'static [(&'static str, Kind)];
/// Bodies with a place for one property, the name of the object that it is in, and the fields that go there.
type Places = &'static [(&'static str, &'static str, Fields)];

/// A body with a place for one property, `%`: its schema, its route, and the message above the faults.
struct Body {
    schema: &'static str,
    method: Method,
    path: &'static str,
    message: &'static str,
    places: Places,
}

const NEW_USER: Places = &[
    (
        r#"{"email":"t@x.com","credentials":{"password":"pr0j3ctM4yh3m"},%}"#,
        "",
        &[
            ("id", Kind::Id),
            ("username", Kind::Text),
            ("firstName", Kind::Text),
            ("lastName", Kind::Text),
            ("timezone", Kind::Text),
            ("language", Kind::Text),
            ("custom", Kind::Object),
            ("expiry", Kind::Moment),
            ("optOutOfNotifications", Kind::Boolean),
        ],
    ),
    (r#"{"credentials":{"password":"pr0j3ctM4yh3m"},%}"#, "", &[("email", Kind::Text)]),
    (r#"{"email":"t@x.com",%}"#, "", &[("credentials", Kind::Object)]),
    (
        r#"{"email":"t@x.com","credentials":{%}}"#,
        "credentials.",
        &[("password", Kind::Text), ("passwordChangeFrequency", Kind::Integer)],
    ),
];

const NEW_GROUP: Places = &[
    ("{%}", "", &[("name", Kind::Text)]),
    (
        r#"{"name":"Soap",%}"#,
        "",
        &[
            ("id", Kind::Id),
            ("description", Kind::Text),
            ("type", Kind::Text),
            ("custom", Kind::Object),
            ("autoMembershipEmailDomains", Kind::Texts),
        ],
    ),
];

const USER_CHANGES: Places = &[
    (
        "{%}",
        "",
        &[
            ("username", Kind::Text),
            ("email", Kind::Text),
            ("firstName", Kind::Text),
            ("lastName", Kind::Text),
            ("timezone", Kind::Text),
            ("language", Kind::Text),
            ("custom", Kind::Object),
            ("credentials", Kind::Object),
            ("expiry", Kind::Moment),
            ("optOutOfNotifications", Kind::Boolean),
        ],
    ),
    (r#"{"credentials":{%}}"#, "credentials.", &[("passwordChangeFrequency", Kind::Integer)]),
];

const KEY_FIELDS: Places = &[
    ("{%}", "", &[("name", Kind::Text)]),
    (r#"{"name":"Mill",%}"#, "", &[("description", Kind::Text), ("enabled", Kind::Boolean), ("scopes", Kind::Texts)]),
];

const WEBHOOK_FIELDS: Places = &[(
    "{%}",
    "",
    &[
        ("name", Kind::Text),
        ("url", Kind::Text),
        ("types", Kind::Texts),
        ("groups", Kind::Texts),
        ("enabled", Kind::Boolean),
    ],
)];

const CHECKS: Places = &[
    ("{%}", "", &[("checks", Kind::Objects)]),
    (r#"{"checks":[{"user":"bob",%}]}"#, "checks[0].", &[("group", Kind::Text)]),
    (r#"{"checks":[{"user":"bob","group":"Soap"},{"group":"Soap",%}]}"#, "checks[1].", &[("user", Kind::Text)]),
];

#[expect(clippy::too_many_lines, reason = "one entry for each body")]
fn bodies() -> [Body; 13] {
    [
        Body {
            schema: "NewUser",
            method: Method::POST,
            path: "/api/security/users",
            message: "There are validation errors creating the user",
            places: NEW_USER,
        },
        Body {
            schema: "UserChanges",
            method: Method::PUT,
            path: "/api/security/users/bob",
            message: "There are validation errors updating the user",
            places: USER_CHANGES,
        },
        Body {
            schema: "UserChanges",
            method: Method::PATCH,
            path: "/api/security/users/bob",
            message: "There are validation errors updating the user",
            places: USER_CHANGES,
        },
        Body {
            schema: "PasswordChange",
            method: Method::POST,
            path: "/api/security/users/bob/credentials/password",
            message: "There are validation errors updating the password",
            places: &[("{%}", "", &[("existing", Kind::Text), ("new", Kind::Text)])],
        },
        Body {
            schema: "UserAction",
            method: Method::POST,
            path: "/api/security/users/bob/actions",
            message: "There are validation errors in the action",
            places: &[("{%}", "", &[("type", Kind::Text)])],
        },
        Body {
            schema: "NewGroup",
            method: Method::POST,
            path: "/api/security/groups",
            message: "There are validation errors creating the group",
            places: NEW_GROUP,
        },
        Body {
            schema: "GroupChanges",
            method: Method::PUT,
            path: "/api/security/groups/CMS%20Editors",
            message: "There are validation errors updating the group",
            places: &[(
                "{%}",
                "",
                &[
                    ("name", Kind::Text),
                    ("description", Kind::Text),
                    ("custom", Kind::Object),
                    ("autoMembershipEmailDomains", Kind::Texts),
                ],
            )],
        },
        Body {
            schema: "MembershipChecks",
            method: Method::POST,
            path: "/api/security/memberships/check",
            message: "There are validation errors in the checks",
            places: CHECKS,
        },
        Body {
            schema: "NewApiKey",
            method: Method::POST,
            path: "/api/security/apiKeys",
            message: "There are validation errors in the API key",
            places: KEY_FIELDS,
        },
        Body {
            schema: "ApiKeyChanges",
            method: Method::PUT,
            path: "/api/security/apiKeys/Factory",
            message: "There are validation errors in the API key",
            places: KEY_FIELDS,
        },
        Body {
            schema: "NewWebhook",
            method: Method::POST,
            path: "/api/security/webhooks",
            message: "There are validation errors in the webhook",
            places: WEBHOOK_FIELDS,
        },
        Body {
            schema: "WebhookChanges",
            method: Method::PUT,
            path: "/api/security/webhooks/Hook",
            message: "There are validation errors in the webhook",
            places: WEBHOOK_FIELDS,
        },
        Body {
            schema: "WebhookAction",
            method: Method::POST,
            path: "/api/security/webhooks/Hook/actions",
            message: "There are validation errors in the action",
            places: &[
                ("{%}", "", &[("type", Kind::Text)]),
                (r#"{"type":"replay",%}"#, "", &[("after", Kind::Sequence)]),
            ],
        },
    ]
}

const STRING: &str = "The value must be a string";
const HALF: &str = "The value has half of a surrogate pair in it, such as \\ud800 alone, which is no character";
const REPEATED: &str = "The property is given more than once";
const DATE: &str = "The value must be an ISO 8601 date, such as 2024-09-03 or 2024-09-03T09:51:20Z";
const NO_SUCH_DATE: &str = "There is no such date or time";
const WHOLE: &str = "The value must be a whole number";
const SEQUENCE: &str = "The sequence of an event is required, or 0";
const SWITCH: &str = "The value must be true or false";
const OBJECT: &str = "The value must be an object";
const OBJECTS: &str = "The value must be an array of objects";
const TEXTS: &str = "The value must be an array of strings";

impl Kind {
    /// Values that are not of this kind: the JSON, what follows the name of the field, and the message.
    fn faults(self) -> Vec<(&'static str, &'static str, &'static str)> {
        let strings = [
            ("5", "", STRING),
            ("true", "", STRING),
            ("[]", "", STRING),
            ("[\"x\"]", "", STRING),
            ("{}", "", STRING),
            (r#""\ud800""#, "", HALF),
            (r#""a\udc00b""#, "", HALF),
            (r#""\ud800\u0041""#, "", HALF),
            (r#""\udc00\ud800""#, "", HALF),
        ];
        let own: &[_] = match self {
            Self::Text => return strings.into(),
            Self::Id => &[
                ("\"\"", "", "The value must be a UUID"),
                ("\"bob\"", "", "The value must be a UUID"),
                ("\"24312b9f-0b66-4e6d-aec0-6348c5b8d86\"", "", "The value must be a UUID"),
                ("\"{24312b9f-0b66-4e6d-aec0-6348c5b8d867)\"", "", "The value must be a UUID"),
            ],
            Self::Moment => &[
                ("\"\"", "", DATE),
                ("\"tomorrow\"", "", DATE),
                ("\"03/09/2030\"", "", DATE),
                ("\"10000-01-01\"", "", DATE),
                ("\"1893456000\"", "", DATE),
                ("\"2030-02-30\"", "", NO_SUCH_DATE),
                ("\"2030-01-01T24:00:00Z\"", "", NO_SUCH_DATE),
                ("\"2030-01-01T10:00:61Z\"", "", NO_SUCH_DATE),
                ("\"2030-01-01T10:00:00+25:00\"", "", NO_SUCH_DATE),
            ],
            Self::Boolean => {
                return ["\"true\"", "\"\"", "1", "0", "[]", "{}"].map(|json| (json, "", SWITCH)).into();
            }
            Self::Integer => {
                return ["1.5", "1e-1", "\"180\"", "true", "[]", "{}"].map(|json| (json, "", WHOLE)).into();
            }
            Self::Sequence => {
                let wrong = ["-1", "1.5", "\"\"", "\"x\"", "true", "[1]", "{}", "null", "9223372036854775808"];
                return wrong.map(|json| (json, "", SEQUENCE)).into();
            }
            Self::Texts => {
                return vec![
                    ("\"a.org\"", "", TEXTS),
                    ("5", "", TEXTS),
                    ("{}", "", TEXTS),
                    ("false", "", TEXTS),
                    ("[null]", "[0]", STRING),
                    ("[\"a.org\",1]", "[1]", STRING),
                    ("[[]]", "[0]", STRING),
                    (r#"["a.org","\ud800"]"#, "[1]", HALF),
                ];
            }
            Self::Object => {
                return vec![
                    ("\"x\"", "", OBJECT),
                    ("5", "", OBJECT),
                    ("[]", "", OBJECT),
                    ("true", "", OBJECT),
                    (r#"{"\ud800":1}"#, "", HALF),
                ];
            }
            Self::Objects => {
                return vec![
                    ("\"x\"", "", OBJECTS),
                    ("5", "", OBJECTS),
                    ("{}", "", OBJECTS),
                    ("false", "", OBJECTS),
                    ("[null]", "[0]", OBJECT),
                    ("[[]]", "[0]", OBJECT),
                    ("[\"bob\"]", "[0]", OBJECT),
                    (r#"[{"user":"bob","group":"Soap"},7]"#, "[1]", OBJECT),
                    (r#"[{"\ud800":1}]"#, "[0]", HALF),
                ];
            }
        };
        strings.into_iter().chain(own.iter().copied()).collect()
    }
}

#[actix_web::test]
async fn values_of_the_wrong_kind_are_named_and_told_what_they_must_be() {
    let world = World::new();
    world.add_api_key("Factory");
    for Body { method, path, message, places, .. } in bodies() {
        for (template, prefix, fields) in places {
            for (field, kind) in *fields {
                let repeated = format!("\"{field}\":null,\"{}\":null", field.to_uppercase());
                let bodies =
                    kind.faults().into_iter().map(|(json, rest, fault)| (format!("\"{field}\":{json}"), rest, fault));
                for (property, rest, fault) in bodies.chain([(repeated, "", REPEATED)]) {
                    let body = template.replace('%', &property);
                    let answer = world.send(by(ADMINISTRATOR, method.clone(), path).set_payload(body.clone())).await;
                    let expected = invalid(message, &[(&format!("{prefix}{field}{rest}"), fault)]);
                    assert_eq!(answer.error(), expected, "{method} {path} {body}");
                }
            }
        }
    }
}

#[test]
fn every_property_of_every_body_is_tried() {
    let document = document();
    for Body { schema, places, .. } in bodies() {
        let listed = |value: &Value| value["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let described: BTreeSet<String> = listed(&document["components"]["schemas"][schema]).into_iter().collect();
        let top = places.iter().filter(|(_, prefix, _)| prefix.is_empty()).flat_map(|(.., fields)| *fields);
        let tried: BTreeSet<String> = top.map(|(field, _)| (*field).to_owned()).collect();
        assert_eq!(tried, described, "{schema}");
    }
}
