//! The pages of `docs/walkthroughs/` executed as they stand: every request is sent, every status and value compared.
mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use support::World;
use support::page::{exchanges, kept};

/// Sends every request of a page and compares what it says of the answers.
async fn is_as_told(world: &World, page: &str, least: usize, mut known: BTreeMap<String, String>) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/walkthroughs").join(page);
    let page = std::fs::read_to_string(path).unwrap();
    let exchanges = exchanges(&page);
    assert!(exchanges.len() >= least, "{} requests", exchanges.len());
    known.insert("{KAY}".into(), world.org("KAY").to_string());
    for one in exchanges {
        let fill = |text: &str| known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
        let path = fill(&one.path);
        let mut ask = world.call(one.method, &path).as_(&one.user);
        for (name, value) in &one.headers {
            ask = ask.header(name, &fill(value));
        }
        if !one.body.trim().is_empty() {
            ask = ask.json(serde_json::from_str(&fill(&one.body)).unwrap());
        }
        let answer = ask.send().await;
        assert_eq!(answer.status, one.status, "line {}: {} {}: {}", one.line, one.method, path, answer.text);
        // What is done by a job is done before the next request.
        if answer.status == 202 {
            world.parts.jobs.work_all().unwrap();
        }
        for (pointer, value) in &one.found {
            let there = answer.body.pointer(pointer);
            match kept(value) {
                Some(name) => {
                    let value = there.unwrap_or_else(|| panic!("line {}: {pointer} of {}", one.line, answer.text));
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    known.insert(name.to_owned(), text);
                }
                None => {
                    let fill =
                        |text: &str| known.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id));
                    let value: Value = serde_json::from_str(&fill(value)).unwrap();
                    assert_eq!(there, Some(&value), "line {}: {pointer} of {}", one.line, answer.text);
                }
            }
        }
    }
}

#[actix_web::test]
async fn a_registrars_day_is_as_it_is_told() {
    is_as_told(&World::new().await, "register.md", 20, BTreeMap::new()).await;
}

#[actix_web::test]
async fn the_way_of_a_claim_is_as_it_is_told() {
    let world = World::new().await;
    let known = [("{HC}".to_owned(), world.provider("HC-KAY").to_string())];
    is_as_told(&world, "claims.md", 30, known.into()).await;
    assert!(ayni::verify::verify(&world.test.db).unwrap().findings.is_empty());
}

#[actix_web::test]
async fn a_treasurers_day_is_as_it_is_told() {
    let mut world = World::new().await;
    let section = world.org("KAY-S2");
    world.add_user("field_agent_2", ayni::access::permissions::Role::FieldAgent, section);
    let desks = world.items("treasurer", &format!("{}/cash-desks", world.mutual("KAY"))).await;
    let known = [
        ("{S1}".to_owned(), world.org("KAY-S1").to_string()),
        ("{S2}".to_owned(), section.to_string()),
        ("{DESK}".to_owned(), desks[0]["id"].as_str().unwrap().to_owned()),
    ];
    is_as_told(&world, "treasurer.md", 40, known.into()).await;
    assert!(ayni::verify::verify(&world.test.db).unwrap().findings.is_empty());
}

#[actix_web::test]
async fn a_month_seen_from_above_is_as_it_is_told() {
    let mut world = World::new().await;
    let network = world.org("NET");
    world.add_user("platform_analyst@NET", ayni::access::permissions::Role::PlatformAnalyst, network);
    world.add_user("platform_admin@NET", ayni::access::permissions::Role::PlatformAdmin, network);
    world.test.clock.set(chrono::TimeZone::with_ymd_and_hms(&chrono::Utc, 2026, 4, 4, 8, 0, 0).unwrap());
    let known = ["GIT", "SEN", "P1", "NET"].map(|code| (format!("{{{code}}}"), world.org(code).to_string()));
    is_as_told(&world, "analyst.md", 26, known.into()).await;
    assert!(ayni::verify::verify(&world.test.db).unwrap().findings.is_empty());
}
