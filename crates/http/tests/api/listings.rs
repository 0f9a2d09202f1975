//! Listings in parts and in order: `q`, `order`, and the filters of the platform's administration pages.

use actix_web::http::Method;

use crate::crowd::{EVERYBODY, GROUPS, SEARCH, USERS, crowd};
use crate::world::{ADMINISTRATOR, ORDINARY, World, by, error};

#[actix_web::test]
async fn names_are_searched_by_a_part_of_them() {
    let world = crowd().await;
    for (q, expected) in [
        ("durd", "tdurden"),
        ("TYLER DURDEN", "tdurden"),
        ("yler du", "tdurden"),
        ("durden tyler", ""),
        ("fightclub", "bob, tdurden"),
        ("@EXAMPLE", "angel, Geoff, jack, lou, marla"),
        ("!!", "!! New key"),
        ("america", ""),
        ("t?durden", ""),
        ("", EVERYBODY),
        ("undefined", EVERYBODY),
        ("null", EVERYBODY),
    ] {
        assert_eq!(world.list(USERS, &[("q", q)]).await.names(), expected, "{q}");
        assert_eq!(world.list(SEARCH, &[("Q", q)]).await.names(), expected, "{q}");
    }
    assert_eq!(world.list(GROUPS, &[("q", "SOAP C")]).await.names(), "Paper Street Soap Company");
    assert_eq!(world.list(GROUPS, &[("q", "nothing but")]).await.names(), "");
}

#[actix_web::test]
async fn listings_come_in_the_order_asked_for() {
    let world = crowd().await;
    let some = ("zenql", "username in (angel, lou, marla, tdurden)");
    for (order, expected) in [
        ("username", "angel, lou, marla, tdurden"),
        ("-username", "tdurden, marla, lou, angel"),
        ("userName", "angel, lou, marla, tdurden"),
        ("+userName", "angel, lou, marla, tdurden"),
        (" userName", "angel, lou, marla, tdurden"),
        ("-created", "tdurden, angel, lou, marla"),
        ("-language, username", "angel, marla, tdurden, lou"),
        ("language,-userName", "lou, tdurden, marla, angel"),
        ("failedLoginAttempts,-username", "tdurden, marla, angel, lou"),
        ("-lastLogin,username", "tdurden, angel, lou, marla"),
        ("-custom.level", "marla, tdurden, angel, lou"),
        (",username,,", "angel, lou, marla, tdurden"),
        ("username,-username,username", "angel, lou, marla, tdurden"),
        ("undefined", "angel, lou, marla, tdurden"),
    ] {
        assert_eq!(world.list(USERS, &[some, ("ORDER", order)]).await.names(), expected, "{order}");
    }
    // As it comes from a client that does not encode a plus.
    let answer = world.ask(Method::GET, &format!("{USERS}?order=-language,+username&q=example")).await;
    assert_eq!(answer.names(), "angel, Geoff, jack, marla, lou");
    for (path, order, name) in [
        (USERS, "surname", "surname"),
        (USERS, "username,- surname", "surname"),
        (USERS, "--username", "-username"),
        (USERS, "name", "name"),
        (GROUPS, "-username", "username"),
        (SEARCH, "credentials.password", "credentials.password"),
    ] {
        let message = format!("The parameter 'order': there is no field '{name}'");
        assert_eq!(world.list(path, &[("order", order)]).await.error(), error(400, &message), "{path} {order}");
    }
    let many: Vec<_> = (0..51).map(|number| format!("custom.{number}")).collect();
    let answer = world.list(USERS, &[("order", &many.join(","))]).await;
    assert_eq!(answer.error(), error(400, "The parameter 'order': a listing is sorted by at most 50 fields"));
}

#[actix_web::test]
async fn every_listing_is_narrowed_by_all_that_is_asked() {
    let world = crowd().await;
    let company = "/api/security/groups/Paper%20Street%20Soap%20Company";
    let (users, groups) = (format!("{company}/users"), format!("{company}/groups"));
    let soap = r#"[{"field":"custom.department","equalTo":"soap"}]"#;
    for (path, parameters, expected) in [
        (USERS, vec![("q", "example"), ("zenql", "failedLoginAttempts > 0")], "angel, lou"),
        (USERS, vec![("q", "example"), ("zenql", "failedLoginAttempts > 0"), ("order", "-username")], "lou, angel"),
        (USERS, vec![("q", "durden"), ("where", soap), ("zenql", "username exists")], "tdurden"),
        (USERS, vec![("q", "marla"), ("where", soap)], ""),
        (&users, vec![("order", "-lastName")], "marla, tdurden"),
        (&users, vec![("includeInherited", "true"), ("q", "l")], "lou, marla, tdurden"),
        (&users, vec![("includeInherited", "true"), ("q", "l"), ("zenql", "status.locked=false")], "marla, tdurden"),
        (
            &users,
            vec![("excludedGroups", "Liposuction Technicians"), ("includeInherited", "true"), ("order", "-lastLogin")],
            "tdurden, marla",
        ),
        (
            &groups,
            vec![("includeSelf", "true"), ("order", "-name")],
            "Paper Street Soap Company, Liposuction Technicians",
        ),
        (&groups, vec![("includeSelf", "true"), ("zenQL", "childGroupCount > 0")], "Paper Street Soap Company"),
        (&groups, vec![("includeSelf", "true"), ("q", "lipo")], "Liposuction Technicians"),
        (
            "/api/security/users/lou/groups",
            vec![("order", "-created"), ("zenql", "type != sys")],
            "Liposuction Technicians",
        ),
        (
            "/api/security/users/lou/groups",
            vec![("order", "-created"), ("zenql", "type != sys"), ("includeInherited", "true")],
            "Paper Street Soap Company, Liposuction Technicians",
        ),
        ("/api/security/users/lou/groups", vec![("q", "every")], "Everyone"),
    ] {
        assert_eq!(world.list(path, &parameters).await.names(), expected, "{path} {parameters:?}");
    }
    let page = world.list(
        GROUPS,
        &[("order", "name,-created"), ("pageIndex", "1"), ("pageSize", "2"), ("q", "e"), ("zenQL", "type != sys")],
    );
    let page = page.await;
    assert_eq!(page.names(), "Paper Street Soap Company, test");
    assert!(page.body.starts_with(r#"{"pageIndex":1,"pageSize":2,"totalCount":4,"pageCount":2,"#), "{}", page.body);
}

#[actix_web::test]
async fn the_filters_of_the_administration_pages_can_be_asked_for() {
    let world = crowd().await;
    for (path, zenql, json, expected) in [
        (USERS, "status.suspended = true", r#"{"field":"status.suspended","equalTo":true}"#, "Geoff, jack"),
        (USERS, "status.locked = true", r#"{"field":"status.locked","equalTo":true}"#, "lou"),
        (
            USERS,
            "status.passwordResetRequired = true",
            r#"{"field":"status.passwordResetRequired","equalTo":true}"#,
            "angel",
        ),
        (
            USERS,
            "credentials.provider.type = external",
            r#"{"field":"credentials.provider.type","equalTo":"External"}"#,
            "raymond",
        ),
        (USERS, "failedLoginAttempts > 0", r#"{"field":"failedLoginAttempts","greaterThan":0}"#, "angel, lou"),
        (
            USERS,
            "created between (2026-02-01, endOfMonth(-1))",
            r#"{"field":"created","between":["2026-02-01","endOfMonth(-1)"]}"#,
            "jack, lou, marla",
        ),
        (
            USERS,
            "modified >= startOfWeek() and username in (marla, lou)",
            r#"[{"field":"modified","greaterThanOrEqualTo":"startOfWeek()"},{"field":"username","in":["marla","lou"]}]"#,
            "marla",
        ),
        (USERS, "lastLogin > -28h 30m", r#"{"field":"lastLogin","greaterThan":"-28h 30m"}"#, "tdurden"),
        (GROUPS, "type = sys and name ~ \"users\"", "", "AD Users"),
        (GROUPS, "userCount = 0 and type != sys", "", "Directors, test"),
        (GROUPS, "childGroupCount = 0 and type = contensis", "", "Liposuction Technicians, test"),
    ] {
        assert_eq!(world.list(path, &[("zenql", zenql)]).await.names(), expected, "{zenql}");
        if path == USERS {
            assert_eq!(world.list(SEARCH, &[("where", json)]).await.names(), expected, "{json}");
        }
    }
}

#[actix_web::test]
async fn the_word_search_is_nobody() {
    let world = World::new();
    let body = r#"{"username":"search","email":"s@x.com","credentials":{"password":"pr0j3ctM4yh3m"}}"#;
    assert_eq!(world.post(USERS, body).await.status, 422);
    for path in [SEARCH, "/api/security/users/Search/", "/api/management/security/users/%73earch"] {
        assert_eq!(world.ask(Method::GET, path).await.names(), "admin, bob", "{path}");
        assert_eq!(world.post(path, "{}").await.names(), "admin, bob", "{path}");
        let answer = world.ask(Method::PUT, path).await;
        assert_eq!(
            answer.error(),
            error(405, "The method is not allowed here; allowed are: GET, HEAD, POST"),
            "{path}"
        );
    }
    assert_eq!(world.ask(Method::GET, "/api/security/users/search/groups").await.error(), error(404, "User not found"));
    for (token, method, expected) in
        [(ORDINARY, Method::GET, 403), (ORDINARY, Method::POST, 403), (ADMINISTRATOR, Method::POST, 400)]
    {
        let request = by(token, method, &format!("{SEARCH}?where=nonsense")).set_payload("nonsense");
        assert_eq!(world.send(request).await.status, expected, "{token}");
    }
}
