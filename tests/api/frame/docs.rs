//! The pages for people: Swagger UI, the list of problems, and their copies in `docs/`.
use crate::support::World;
use actix_web::test::TestRequest;
use std::path::Path;

/// Compares a page of `docs/` with what the code makes, or writes it.
fn page_is(name: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var_os("AYNI_WRITE_DOCS").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == made, "docs/{name} is not what the code makes; run: AYNI_WRITE_DOCS=1 cargo nextest run docs");
}

#[test]
fn docs_errors_is_made_from_the_table() {
    page_is("errors.md", &ayni::error::errors_page());
}

#[test]
fn docs_api_is_made_from_the_route_table() {
    page_is("api.md", &ayni::routes::api_page());
}

#[test]
fn docs_indicators_is_made_from_the_catalogue() {
    page_is("indicators.md", &ayni::reports::catalogue::indicators_md());
}

#[actix_web::test]
async fn the_problems_are_explained_where_their_type_points() {
    let world = World::new().await;
    let refused = world.get("/me").send().await.expect(401);
    let kind = refused.text("/type");
    let (path, anchor) = kind.split_once('#').unwrap();
    let page = world.raw(TestRequest::get().uri(path).to_request()).await.expect(200);
    assert!(page.headers["content-type"].starts_with("text/markdown"));
    assert!(page.text.contains(&format!("<a id=\"{anchor}\">")));
    assert_eq!(page.text, ayni::error::errors_page());
}

#[actix_web::test]
async fn swagger_ui_needs_nothing_from_outside() {
    let world = World::new().await;
    let get = async |path: &str| world.raw(TestRequest::get().uri(path).to_request()).await;
    assert_eq!(get("/docs").await.expect(308).headers["location"], "/docs/");
    let page = get("/docs/").await.expect(200);
    assert!(page.headers["content-type"].starts_with("text/html"));
    let mut parts = 0;
    for attribute in ["src=\"", "href=\""] {
        for rest in page.text.split(attribute).skip(1) {
            let target = rest.split('"').next().unwrap();
            assert!(!target.contains("//"), "{target} lies outside");
            let found = get(&format!("/docs/{}", target.trim_start_matches("./"))).await;
            assert_eq!(found.status, 200, "{target}");
            parts += 1;
        }
    }
    assert!(parts >= 4, "{}", page.text);
    let start = get("/docs/swagger-initializer.js").await.expect(200);
    assert!(start.text.contains("/api/openapi.json"), "{}", start.text);
    assert!(!start.text.contains("http://") && !start.text.contains("https://"), "{}", start.text);
}
