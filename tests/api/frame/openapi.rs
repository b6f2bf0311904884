//! The API description is made from the route table and says it whole.
use crate::support::World;
use actix_web::test::TestRequest;
use ayni::routes::{PREFIX, ROUTES};
use serde_json::Value;
use std::collections::BTreeSet;

async fn description() -> Value {
    let world = World::new().await;
    let answer = world.raw(TestRequest::get().uri("/api/openapi.json").to_request()).await.expect(200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert!(answer.text("/openapi").starts_with("3.1"));
    answer.body
}

/// Method, path and operation of each.
fn operations(description: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    all
}

#[actix_web::test]
async fn it_has_every_route_and_no_other() {
    let description = description().await;
    let described: BTreeSet<(String, String)> =
        operations(&description).into_iter().map(|(method, path, _)| (method, path)).collect();
    let served: BTreeSet<(String, String)> =
        ROUTES.iter().map(|route| (route.method.as_str().to_owned(), format!("{PREFIX}{}", route.path))).collect();
    assert_eq!(described, served);
    assert_eq!(served.len(), ROUTES.len(), "a route stands twice in the table");
}

#[actix_web::test]
async fn every_operation_is_named_once_and_described() {
    let description = description().await;
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&description) {
        let at = format!("{method} {path}");
        assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{at}: its name is taken");
        for field in ["summary", "description"] {
            assert!(operation[field].as_str().is_some_and(|text| !text.is_empty()), "{at} has no {field}");
        }
        assert!(operation["tags"][0].as_str().is_some_and(|tag| !tag.is_empty()), "{at} has no tag");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("default") && responses.len() >= 2, "{at}");
        for (status, response) in responses {
            let text = response["description"].as_str();
            assert!(text.is_some_and(|text| !text.is_empty()), "{at} {status} has no description");
        }
        let in_path: BTreeSet<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let named: BTreeSet<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
        assert_eq!(in_path, named, "{at}");
        let mut parameters = BTreeSet::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameters.insert((parameter["in"].clone().to_string(), parameter["name"].to_string())), "{at}");
            assert!(parameter["schema"].is_object(), "{at}: {parameter}");
        }
    }
}

#[actix_web::test]
async fn every_reference_resolves_and_every_schema_is_used() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                    found.insert(reference.to_owned());
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let description = description().await;
    let mut found = BTreeSet::new();
    references(&description, &mut found);
    assert!(found.len() > 10, "{found:?}");
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads outside"));
        assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for name in description["components"]["schemas"].as_object().unwrap().keys() {
        assert!(found.contains(&format!("#/components/schemas/{name}")), "nothing uses the schema {name}");
    }
}

#[actix_web::test]
async fn what_needs_a_login_says_so() {
    let description = description().await;
    assert!(description["components"]["securitySchemes"]["bearer"].is_object());
    for (method, path, operation) in operations(&description) {
        let route = ROUTES
            .iter()
            .find(|route| route.method.as_str() == method && format!("{PREFIX}{}", route.path) == path)
            .unwrap();
        let public = route.caller == ayni::routes::Caller::Public;
        let security = operation["security"].as_array().unwrap();
        assert_eq!(security.is_empty(), public, "{method} {path}: {security:?}");
        assert!(public || security[0]["bearer"].is_array(), "{method} {path}");
        let asks_version =
            operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["name"] == "If-Match");
        assert_eq!(asks_version, route.if_match, "{method} {path}");
        assert_eq!(operation["requestBody"].is_object(), route.body.is_some(), "{method} {path}");
    }
}
