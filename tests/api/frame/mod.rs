//! What every route has in common.
mod deadline;
mod docs;
mod headers;
mod openapi;
mod refusals;

use crate::support::World;
use serde_json::json;

#[actix_web::test]
async fn problems_have_their_shape_and_the_request_id() {
    let world = World::new().await;
    let answer = world.get("/me").send().await.expect(401);
    assert_eq!(answer.code(), "unauthenticated");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.text("/request_id"), answer.headers["x-request-id"]);
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    let answer = world.get("/nothing/here").send().await.expect(404);
    assert_eq!(answer.code(), "not_found");
    let answer = world.delete("/me").as_("registrar").send().await.expect(405);
    assert_eq!(answer.code(), "method_not_allowed");
    let answer = world.post("/areas").as_("platform_admin").json(json!({"x": 1})).send().await.expect(422);
    assert_eq!(answer.code(), "invalid");
    assert_eq!(answer.pointers(), ["/x"]);
}
