//! Headers that every answer has, compression, and the pages beside the API.
use crate::support::{Answer, World};
use actix_web::test::TestRequest;
use std::collections::BTreeSet;

fn is_secured(answer: &Answer) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        assert_eq!(answer.headers.get(name).map(String::as_str), Some(value), "{name} of {}", answer.status);
    }
    assert!(answer.headers.contains_key("x-request-id"));
}

#[actix_web::test]
async fn every_answer_has_the_security_headers() {
    let world = World::new().await;
    is_secured(&world.get("/me").as_("registrar").send().await.expect(200));
    is_secured(&world.get("/me").send().await.expect(401));
    is_secured(&world.get("/nothing").send().await.expect(404));
    is_secured(&world.post("/me").send().await.expect(405));
    let page = world.raw(TestRequest::get().uri("/no/such/page").to_request()).await;
    assert_eq!((page.status, page.code()), (404, "not_found"));
    is_secured(&page);
}

#[actix_web::test]
async fn a_fault_says_nothing_and_has_the_headers_too() {
    let world = World::new().await;
    world.test.execute("ALTER TABLE areas RENAME TO hills");
    let answer = world.get("/areas?country=BI").as_("registrar").send().await;
    assert_eq!((answer.status, answer.code()), (500, "internal"));
    assert!(!answer.text.contains("areas") && !answer.text.contains("table"), "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.text("/request_id"), answer.headers["x-request-id"]);
    is_secured(&answer);
}

#[actix_web::test]
async fn each_request_has_an_id_of_its_own() {
    let world = World::new().await;
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        seen.insert(world.get("/me").header("X-Request-Id", "mine").send().await.headers["x-request-id"].clone());
    }
    assert_eq!(seen.len(), 20);
    assert!(!seen.contains("mine"));
}

#[actix_web::test]
async fn answers_are_compressed_where_asked() {
    let world = World::new().await;
    let plain = world.raw(TestRequest::get().uri("/api/openapi.json").to_request()).await;
    assert!(!plain.headers.contains_key("content-encoding"));
    let request = TestRequest::get().uri("/api/openapi.json").insert_header(("Accept-Encoding", "gzip"));
    let packed = world.raw(request.to_request()).await;
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert!(packed.headers["vary"].to_lowercase().contains("accept-encoding"));
    assert!(packed.text.len() * 2 < plain.text.len(), "{} of {}", packed.text.len(), plain.text.len());
}

#[actix_web::test]
async fn the_server_says_that_it_lives_and_is_ready() {
    let world = World::new().await;
    let get = async |path: &str| world.raw(TestRequest::get().uri(path).to_request()).await;
    assert_eq!(get("/livez").await.expect(200).text, "ok");
    assert_eq!(get("/readyz").await.expect(200).text, "ready");
    world.test.execute("ALTER TABLE access_state RENAME TO access_state_gone");
    assert_eq!(get("/livez").await.expect(200).text, "ok");
    let answer = get("/readyz").await.expect(503);
    assert!(answer.headers.contains_key("retry-after"));
}
