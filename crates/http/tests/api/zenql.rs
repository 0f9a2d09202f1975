//! Listings described by ZenQL (contract 8.2).

use crate::crowd::{EVERYBODY, GROUPS, USERS, crowd, misplaced};
use crate::world::{ADMINISTRATOR, ORDINARY, UNKNOWN, by, error};
use actix_web::http::Method;

#[actix_web::test]
async fn users_are_found() {
    let world = crowd().await;
    let id = world.ordinary.to_string();
    let spelled = |query: &str| query.replace("ID", &id).replace("BARE", &id.replace('-', "").to_uppercase());
    for (query, expected) in [
        // The examples of the API's pages.
        ("firstname~test", ""),
        ("firstname~ar", "marla"),
        ("username=\"Geoff\"", "Geoff"),
        ("username = \"geoff\"", "Geoff"),
        ("created > -30d", "angel, lou, raymond, tdurden"),
        ("created > 5d", ""),
        ("expiry < 5d", "jack"),
        ("created > now(-7)", "angel, raymond, tdurden"),
        ("created >= startOfYear(-1) and <= endOfYear(-1)", "Geoff"),
        ("lastLogin >= 2026-03-17 08:00:00", "tdurden"),
        ("lastLogin < \"2026/3/17 08:00\"", "raymond"),
        ("created > -1w 2d", "angel, raymond, tdurden"),
        ("credentials.passwordChangeFrequency = 180.0 and failedLoginAttempts = 1e0", "angel"),
        // Every operator.
        ("lastName = durden", "tdurden"),
        ("lastName != durden", "!! New key, admin, angel, bob, Geoff, jack, lou, marla, raymond"),
        ("lastName = NULL", "!! New key, admin, bob, Geoff, lou"),
        ("lastName != null", "angel, jack, marla, raymond, tdurden"),
        ("email ~ fightclub", "bob, tdurden"),
        ("email ~ \"t?durden*com\"", "tdurden"),
        ("email !~ example", "!! New key, admin, bob, raymond, tdurden"),
        ("username > lou and username <= raymond", "marla, raymond"),
        ("username >= LOU and username < raymond", "lou, marla"),
        ("username IN (lou, \"MARLA\", nobody)", "lou, marla"),
        ("firstName in (geoff, null)", "!! New key, admin, bob, Geoff, lou"),
        ("language NOT IN (en-GB, de)", "angel"),
        ("username BETWEEN (jack, marla)", "jack, lou, marla"),
        ("created between (2026-02-01, 2026-02-10)", "jack, marla"),
        ("username NOT BETWEEN (admin, raymond)", "!! New key, tdurden"),
        ("username STARTSWITH \"!!\"", "!! New key"),
        ("username not startswith a and username < jack", "!! New key, bob, Geoff"),
        ("email ENDSWITH Example.COM", "angel, Geoff, jack, lou, marla"),
        ("email NOT ENDSWITH \".com\"", "!! New key, admin, raymond"),
        ("username FREETEXT \"key NEW\"", "!! New key"),
        ("username FREETEXT ke", ""),
        ("email NOT FREETEXT com", "!! New key, admin, raymond"),
        ("lastName^3 FREETEXT face", "angel"),
        ("* FREETEXT \"durden tyler\"", "tdurden"),
        ("*^5 freetext adfs", "raymond"),
        ("* NOT FREETEXT contensis", "raymond"),
        ("firstName IS EMPTY", "!! New key, admin, bob, jack, lou"),
        ("firstName is not empty", "angel, Geoff, marla, raymond, tdurden"),
        ("firstName EXISTS and firstName is empty", "jack"),
        ("email not exists", "!! New key, admin, raymond"),
        // Every kind of field.
        ("id = ID", "bob"),
        ("id = {BARE}", "bob"),
        ("id IN (\"(ID)\")", "bob"),
        ("id != ID and username < c", "!! New key, admin, angel"),
        ("credentials.passwordChangeFrequency != 180", "!! New key, raymond"),
        ("failedLoginAttempts > 1", "lou"),
        ("failedLoginAttemptsSinceLastSuccess between (1, 4)", "angel"),
        ("successfulLoginAttempts >= 1", "raymond, tdurden"),
        ("optOutOfNotifications = TRUE", "angel"),
        ("status.suspended = false and username < c", "!! New key, admin, angel, bob"),
        ("created > startOfWeek(-1d) and < startOfDay(7h)", "raymond, tdurden"),
        ("lastFailedLogin <= now(-7)", "lou"),
        ("custom.department = soap", "tdurden"),
        ("custom.Department = lye", "tdurden"),
        ("custom.level = 2 or custom.level = 1.50", "marla, tdurden"),
        ("Custom.vip = true", "tdurden"),
        ("custom.nothing = NULL and username > n", "raymond, tdurden"),
        ("timezone = America/New_York", "tdurden"),
        ("created = 2026-03-15T12:00:00.000+02:00", "tdurden"),
        // Precedence, and who asks.
        ("username = bob or username = lou and failedLoginAttempts = 0", "bob"),
        ("(username = bob or username = lou) and failedLoginAttempts = 5", "lou"),
        ("not username = bob and not (username > admin)", "!! New key, admin"),
        ("username = currentUser()", "admin"),
        ("username > b and not username = CURRENTUSER() and username < c", "bob"),
        ("* freetext currentUser()", "admin"),
        ("", EVERYBODY),
    ] {
        let answer = world.list(USERS, &[("zenQL", &spelled(query))]).await;
        assert_eq!(answer.names(), expected, "{query}");
    }
}

#[actix_web::test]
async fn groups_are_found() {
    let world = crowd().await;
    for (query, expected) in [
        ("created>now(-7)", "Paper Street Soap Company"),
        ("name=\"test\"", "test"),
        ("type = external", "Directors"),
        ("type = contensis", "Liposuction Technicians, Paper Street Soap Company, test"),
        ("type != sys and userCount = 0", "Directors, test"),
        ("type=contensis and childGroupCount=0", "Liposuction Technicians, test"),
        ("userCount>1 and < 3", "Paper Street Soap Company"),
        ("description FREETEXT \"soap nothing\"", "Paper Street Soap Company"),
        ("description is empty and type != sys", "Directors, Liposuction Technicians, test"),
        ("description = NULL", "Directors, test"),
        ("* freetext soap", "Paper Street Soap Company"),
        ("name ~ currentUser() and name startswith api", "API Key Administrators"),
        ("type != sys order by created desc", "Paper Street Soap Company, Directors, Liposuction Technicians, test"),
    ] {
        assert_eq!(world.list(GROUPS, &[("zenql", query)]).await.names(), expected, "{query}");
    }
}

#[actix_web::test]
async fn a_query_may_say_the_order() {
    let world = crowd().await;
    for (query, expected) in [
        ("username < c ORDER BY username DESC", "bob, angel, admin, !! New key"),
        ("username in (lou, marla, angel) order by language asc, username desc", "lou, marla, angel"),
        ("lastLogin exists ORDER BY lastLogin DESC", "tdurden, raymond"),
        ("order by created DESC, username", "raymond, tdurden, angel, lou, jack, marla, !! New key, admin, bob, Geoff"),
    ] {
        for order in ["", "username", "-firstName"] {
            let answer = world.list(USERS, &[("zenql", query), ("order", order)]).await;
            assert_eq!(answer.names(), expected, "{query} {order}");
        }
    }
}

#[actix_web::test]
async fn what_is_wrong_with_a_query_is_told_with_its_place() {
    let world = crowd().await;
    for (query, position, detail) in [
        ("username =", 10, "expected a value after '=', found the end"),
        ("(username = a", 13, "expected AND, OR or ')' after 'a', found the end"),
        ("username DISTANCEWITHIN (1,2,3)", 9, "DISTANCEWITHIN is not supported"),
        ("  surname = x", 2, "there is no field 'surname'"),
        ("username = ä and sürname = x", 17, "there is no field 'sürname'"),
        ("credentials.password = x", 0, "there is no field 'credentials.password'"),
        ("names ~ x", 0, "there is no field 'names'"),
        ("custom. = x", 0, "expected a field name without empty parts around its dots (any other needs double quotes)"),
        ("username = a ORDER BY username, surname", 32, "there is no field 'surname'"),
        ("created ~ 2026", 8, "the operator does not fit the field 'created', which holds a date"),
        ("created NOT STARTSWITH 5d", 8, "the operator does not fit the field 'created', which holds a date"),
        ("id > x", 3, "the operator does not fit the field 'id', which holds an id"),
        (
            "status.locked between (true, true)",
            14,
            "the operator does not fit the field 'status.locked', which holds true or false",
        ),
        (
            "failedLoginAttempts freetext 1",
            20,
            "the operator does not fit the field 'failedLoginAttempts', which holds a whole number",
        ),
        ("created > yesterday", 10, "the field 'created' is compared with a date, a period or a date function"),
        ("created > 2026-02-30", 10, "there is no such date or time"),
        (
            "created = 2026-03-18T10:00+25:00",
            10,
            "the field 'created' is compared with a date, a period or a date function",
        ),
        (
            "failedLoginAttempts < 99999999999999999999",
            22,
            "the field 'failedLoginAttempts' is compared with a whole number from -9223372036854775808 to 9223372036854775807",
        ),
        (
            "failedLoginAttempts in (1, -1e999)",
            27,
            "the field 'failedLoginAttempts' is compared with a whole number from -9223372036854775808 to 9223372036854775807",
        ),
        ("failedLoginAttempts = 1e-1", 22, "the field 'failedLoginAttempts' is compared with a whole number"),
        ("created > 99999999y", 10, "the moment is outside the years 0 to 9999"),
        ("Created > NULL", 10, "the field 'Created' is compared with a date, a period or a date function"),
        (
            "created between (-1d, tomorrow)",
            22,
            "the field 'created' is compared with a date, a period or a date function",
        ),
        ("id in (24312b9f0b664e6daec06348c5b8d867, bob)", 41, "the field 'id' is compared with a UUID"),
        ("id = currentUser()", 5, "the field 'id' is compared with a UUID"),
        ("failedLoginAttempts = 1.5", 22, "the field 'failedLoginAttempts' is compared with a whole number"),
        ("status.locked = maybe", 16, "the field 'status.locked' is compared with true or false"),
        ("username = now()", 11, "the field 'username' is compared with a text"),
        ("username ~ NULL", 11, "the field 'username' is compared with a text"),
        ("* FREETEXT now()", 11, "words should stand here"),
    ] {
        assert_eq!(world.list(USERS, &[("zenql", query)]).await.error(), misplaced(position, detail), "{query}");
    }
    let long = "x".repeat(100);
    let answer = world.list(GROUPS, &[("zenql", &format!("{long} = 1"))]).await;
    assert_eq!(answer.error(), misplaced(0, &format!("there is no field '{}…'", &long[..60])));
    let answer = world.list(USERS, &[("zenql", &format!("{}a=b", "NOT ".repeat(51)))]).await;
    assert_eq!(answer.error(), misplaced(200, "at most 50 parentheses and NOTs may stand inside one another"));
    let answer = world.list(USERS, &[("zenql", &" ".repeat(8001))]).await;
    assert_eq!(answer.error(), misplaced(8000, "a query has at most 8000 characters"));
    let many: Vec<_> = (0..51).map(|number| format!("custom.c{number:02}")).collect();
    let answer = world.list(USERS, &[("zenql", &format!("ORDER BY {}", many.join(",")))]).await;
    assert_eq!(answer.error(), misplaced(9 + 50 * 11, "a listing is sorted by at most 50 fields"));
}

#[actix_web::test]
async fn every_listing_takes_a_query_and_tells_only_those_who_may_list() {
    let world = crowd().await;
    for (path, query, expected) in [
        (USERS, "username = bob", "bob"),
        ("/api/security/users/search", "username = bob", "bob"),
        (GROUPS, "name = test", "test"),
        ("/api/security/groups/Paper%20Street%20Soap%20Company/users", "lastName=singer", "marla"),
        ("/api/security/groups/Paper%20Street%20Soap%20Company/groups", "name ~ lipo", "Liposuction Technicians"),
        ("/api/security/users/tdurden/groups", "type = contensis", "Paper Street Soap Company"),
    ] {
        assert_eq!(world.list(path, &[("zenql", query)]).await.names(), expected, "{path}");
        assert_eq!(
            world.list(path, &[("zenql", "nothing = 1")]).await.error(),
            misplaced(0, "there is no field 'nothing'")
        );
        let path = format!("{path}?zenql=nothing");
        assert_eq!(world.send(by(UNKNOWN, Method::GET, &path)).await.status, 401, "{path}");
        assert_eq!(world.send(by(ORDINARY, Method::GET, &path)).await.error(), error(403, "Access denied"), "{path}");
        assert_eq!(world.send(by(ADMINISTRATOR, Method::GET, &path)).await.status, 400, "{path}");
    }
    let own = |query: &str| by(ORDINARY, Method::GET, &format!("/api/security/users/@current/groups?zenql={query}"));
    assert_eq!(world.send(own("name%20~%20every")).await.names(), "Everyone");
    assert_eq!(world.send(own("nothing=1")).await.error(), misplaced(0, "there is no field 'nothing'"));
}
