//! `/providers`, `/services`, `/tariffs`, `/diagnoses`
mod conventions;
mod diagnoses;
mod facilities;
mod services;
mod tariffs;

use crate::support::{Answer, World};
use serde_json::Value;

/// The values of a field over the items of a list.
fn column<'a>(answer: &'a Answer, field: &str) -> Vec<&'a str> {
    answer.body["items"].as_array().unwrap().iter().map(|item| item[field].as_str().unwrap()).collect()
}

/// A change by the administrator of KAY of what he read as a version.
async fn change(world: &World, path: &str, version: i64, body: Value) -> Answer {
    let tag = format!("\"v{version}\"");
    world.patch(path).as_("mutual_admin").header("If-Match", &tag).json(body).send().await
}
