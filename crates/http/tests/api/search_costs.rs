//! What a search may ask of the database for every single user.

use serde_json::{Value, json};

use crate::crowd::{SEARCH, USERS, crowd, misplaced};
use crate::world::error;

const MOST: usize = 100;
const TOO_COSTLY: &str = "a search makes at most 100 comparisons with wildcards or of custom properties";

#[actix_web::test]
async fn a_search_makes_only_so_many_costly_comparisons() {
    let world = crowd().await;
    for (condition, zenql) in [
        (json!({ "field": "username", "contains": "b*b" }), "username ~ \"b*b\""),
        (json!({ "field": "username", "contains": "b?b" }), "username ~ \"b?b\""),
        (json!({ "field": "custom.a", "exists": true }), "custom.a EXISTS"),
        (json!({ "field": "custom.a", "equalTo": "b" }), "custom.a = b"),
        (json!({ "not": { "field": "custom.a", "contains": "b" } }), "not custom.a ~ b"),
    ] {
        let inside = if condition.get("not").is_some() { ".not" } else { "" };
        let (last, operator) = (MOST, operator_of(&condition));
        let conditions = |count: usize| json!([{ "or": vec![&condition; count] }]).to_string();
        let answer = world.list(SEARCH, &[("where", &conditions(MOST))]).await;
        assert_eq!(answer.status, 200, "{condition}");
        let answer = world.list(SEARCH, &[("where", &conditions(MOST + 1))]).await;
        let place = format!("where[0].or[{last}]{inside}.{operator}");
        assert_eq!(answer.error(), error(400, &format!("The search is not valid at {place}: {TOO_COSTLY}")));

        let query = |count: usize| vec![zenql; count].join(" or ");
        let answer = world.list(USERS, &[("zenql", &query(MOST))]).await;
        assert_eq!(answer.status, 200, "{zenql}");
        let answer = world.list(USERS, &[("zenql", &query(MOST + 1))]).await;
        let field = if zenql.starts_with("not ") { "not ".len() } else { 0 };
        let position = MOST * (zenql.len() + " or ".len()) + field;
        assert_eq!(answer.error(), misplaced(position, TOO_COSTLY), "{zenql}");
        // Both together make one search.
        let both = [("where", &*conditions(MOST)), ("zenql", zenql)];
        assert_eq!(world.list(USERS, &both).await.error(), misplaced(field, TOO_COSTLY), "{zenql}");
    }
}

#[actix_web::test]
async fn what_is_cheap_does_not_count_as_costly() {
    let world = crowd().await;
    let cheap = vec![json!({ "field": "username", "contains": "zz" }); 120];
    let values: Vec<String> = (0..400).map(|number| format!("v{number}")).collect();
    let among = json!({ "field": "custom.a", "in": values });
    let conditions = json!([{ "or": cheap }, { "not": among }]).to_string();
    let answer = world.list(SEARCH, &[("where", &conditions)]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// The operator that a condition, or the one inside it, has.
fn operator_of(condition: &Value) -> String {
    let condition = condition.get("not").unwrap_or(condition);
    let mut names = condition.as_object().unwrap().keys().filter(|name| *name != "field");
    names.next().unwrap().clone()
}
