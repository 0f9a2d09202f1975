use actix_web::http::Method;

use crate::world::{World, error, invalid};

const INVALID: &str = "There are validation errors adding the child group";

#[actix_web::test]
async fn groups_go_below_groups_but_never_in_a_circle() {
    let world = World::new();
    for name in ["A", "B", "C"] {
        world.add_group(name);
    }
    let put = async |path: &str| world.ask(Method::PUT, &format!("/api/security/groups/{path}")).await;
    for path in ["A/groups/B", "B/groups/C/", "A/groups/B"] {
        assert_eq!(put(path).await.bare(), 204, "{path}");
    }
    let cycle = "The child group already has this group below it, so adding it would close a cycle";
    let mut expected = invalid(INVALID, &[("childGroupId", cycle)]);
    let named = async |name: &str| {
        let group = world.ask(Method::GET, &format!("/api/security/groups/{name}")).await.json();
        serde_json::json!({ "id": group["id"], "name": name })
    };
    let mut itself = invalid(INVALID, &[("childGroupId", "A group cannot be added as a child of itself")]);
    itself.1["data"][0]["path"] = serde_json::json!([named("A").await]);
    assert_eq!(put("A/groups/a").await.error(), itself);
    expected.1["data"][0]["path"] = serde_json::json!([named("C").await, named("A").await, named("B").await]);
    assert_eq!(put("C/groups/A").await.error(), expected);
    assert_eq!(put("X/groups/A").await.error(), error(404, "Group not found"));
    assert_eq!(put("A/groups/X").await.error(), error(404, "Child group not found"));
}
