use actix_web::http::Method;
use actix_web::test::TestRequest;

use crate::store::Mood;
use crate::world::{World, error};

#[actix_web::test]
async fn a_service_without_its_store_lives_but_is_not_ready() {
    let world = World::new();
    let get = async |path: &str| world.send(TestRequest::with_uri(path).method(Method::GET)).await;
    assert_eq!(get("/health/live").await.body, r#"{"status":"ok"}"#);
    assert_eq!(get("/health/ready/").await.body, r#"{"status":"ok"}"#);
    for mood in [Mood::Away, Mood::Broken] {
        world.store.becomes(mood);
        assert_eq!(get("/health/live").await.status, 200);
        let answer = get("/health/ready").await;
        assert_eq!(answer.error(), error(503, "The service is temporarily unavailable"));
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
}
