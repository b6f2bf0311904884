//! What moves beside payments at the desk, and what is taken back: `/payments/{id}/reversal`, `/refunds`, `/dues/{id}/waiver`,
//! `/cash-desks`, `/movements`, `/remittances`, `/group-collections`, `/subsidies`, `/mobile-money`, `/receipts`…
mod collectors;
mod desks;
mod docs;
mod groups;
mod lists;
mod mobile;
mod relief;

use crate::support::World;
use crate::support::world::Answer;
use serde_json::{Value, json};

/// A body with an id of its own and the mutual's currency.
fn with_id(world: &World, mut body: Value) -> Value {
    let id: ayni::ids::CommandId = world.test.db.ids().next();
    body["id"] = json!(id);
    body
}

impl World {
    /// Posts below KAY as somebody, with an id.
    pub async fn give(&self, user: &str, path: &str, body: Value) -> Answer {
        let path = format!("{}{path}", self.mutual("KAY"));
        self.post(&path).as_(user).json(with_id(self, body)).send().await
    }

    /// The same, in the version that was read.
    pub async fn give_in(&self, user: &str, path: &str, version: i64, body: Value) -> Answer {
        let path = format!("{}{path}", self.mutual("KAY"));
        let tag = format!("\"v{version}\"");
        self.post(&path).as_(user).header("If-Match", &tag).json(with_id(self, body)).send().await
    }

    /// Reads below KAY as the treasurer.
    pub async fn read(&self, path: &str) -> Value {
        self.get(&format!("{}{path}", self.mutual("KAY"))).as_("treasurer").send().await.expect(200).body
    }

    /// Nothing is wrong anywhere.
    #[track_caller]
    pub fn adds_up(&self) {
        let findings = ayni::verify::verify(&self.test.db).unwrap().findings;
        assert!(findings.is_empty(), "{findings:?}");
    }

    /// Cash taken by the collector of the first section.
    pub async fn collected(&self, household: &str, amount_minor: i64) -> Answer {
        let body = json!({"household_id": household, "amount_minor": amount_minor, "currency": "BIF",
            "method": "cash", "received_on": "2026-03-10"});
        self.give("field_agent", "/payments", body).await
    }
}
