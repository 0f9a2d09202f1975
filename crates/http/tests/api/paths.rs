//! How paths are read (contract 1.1).

use actix_web::http::Method;

use crate::world::World;

#[actix_web::test]
async fn segments_are_decoded_after_the_path_was_cut_into_them() {
    let world = World::new();
    for name in ["a/b", "a+b", "a b", "100%", "%2F", "50%25", "ä☃", "a?b#c", "{x}", "a,b&c=d;e", "users"] {
        world.add_group(name);
    }
    for (segment, name) in [
        ("a%2Fb", Some("a/b")),
        ("a%2fb", Some("a/b")),
        ("a+b", Some("a+b")),
        ("a%2Bb", Some("a+b")),
        ("a%20b", Some("a b")),
        ("100%25", Some("100%")),
        ("100%", Some("100%")),
        ("%252F", Some("%2F")),
        ("%252f", Some("%2F")),
        ("50%2525", Some("50%25")),
        ("%C3%A4%E2%98%83", Some("ä☃")),
        ("%61%3Fb%23c", Some("a?b#c")),
        ("%7Bx%7D", Some("{x}")),
        ("a,b&c=d;e", Some("a,b&c=d;e")),
        ("users", Some("users")),
        ("a%00b", None),
        ("%FF%C3", None),
        ("%", None),
        ("a/b", None),
    ] {
        let answer = world.ask(Method::GET, &format!("/api/security/groups/{segment}")).await;
        match name {
            Some(name) => assert_eq!(answer.json()["name"], name, "{segment}"),
            None => assert_eq!(answer.status, 404, "{segment}"),
        }
    }
}

#[actix_web::test]
async fn every_route_answers_at_both_places_with_and_without_a_slash_in_any_case() {
    let world = World::new();
    world.add_group("Soap");
    for (method, path, body, expected) in [
        (Method::POST, "users", "{}", 422),
        (Method::POST, "groups", "{}", 422),
        (Method::GET, "groups/Soap", "", 200),
        (Method::GET, "groups/Soap/users", "", 200),
        (Method::POST, "groups/Soap/users", "[]", 204),
        (Method::PUT, "groups/Soap/users/bob", "", 204),
        (Method::HEAD, "groups/Soap/users/bob", "", 204),
        (Method::DELETE, "groups/Everyone/users/bob", "", 409),
        (Method::PUT, "groups/Soap/groups/Everyone", "", 204),
    ] {
        for prefix in ["/api/security", "/api/management/security", "/API/Management/SECURITY"] {
            for suffix in ["", "/", "/?x=y"] {
                for path in [path.to_owned(), path.replace("groups", "Groups").replace("users", "%55SERS")] {
                    let path = format!("{prefix}/{path}{suffix}");
                    let request = crate::world::by(crate::world::ADMINISTRATOR, method.clone(), &path);
                    let answer = world.send(request.set_payload(body)).await;
                    assert_eq!(answer.status, expected, "{method} {path}: {}", answer.body);
                }
            }
        }
    }
}
