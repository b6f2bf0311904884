//! `/organisations`, `/areas`.
mod add;
mod areas;
mod change;
mod links;
mod list;

use crate::support::World;
use serde_json::Value;

/// A field of every item of every page of a list, walked with a page size.
pub async fn walk(world: &World, user: &str, list: &str, field: &str, limit: u16) -> Vec<String> {
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let mark = if list.contains('?') { '&' } else { '?' };
        let page = world.get(&format!("{list}{mark}limit={limit}{cursor}")).as_(user).send().await.expect(200);
        let items = page.body["items"].as_array().unwrap();
        assert!(items.len() <= usize::from(limit));
        seen.extend(items.iter().map(|item| item[field].as_str().unwrap().to_owned()));
        match &page.body["next_cursor"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            Value::Null => return seen,
            other => panic!("next_cursor is {other}"),
        }
    }
}
