//! A covered household and its claims, made through the API, for the tests of care.
use super::world::{Answer, World};
use serde_json::{Value, json};

/// The household tariff with ceilings of the cover year.
pub fn with_ceilings(person_year: i64, household_year: i64) -> Value {
    let mut parameters = super::register::bands();
    parameters["ceilings"] = json!({"person_year": person_year, "household_year": household_year});
    parameters
}

/// A household with its members' ids and cards.
pub struct Covered {
    pub household: String,
    pub members: Vec<String>,
    pub cards: Vec<String>,
}

impl World {
    /// A household of KAY in force from today, 10 March 2026; `surplus` is paid beyond its dues.
    pub async fn covered(&self, product: &str, size: usize, surplus: i64) -> Covered {
        let home = self.home(None, "STANDARD", size).await;
        let household = home.text("/id");
        self.enrolled(&household, product, "2026-03-01").await;
        let owed: i64 = self.dues(&household).await.iter().map(|due| due.4).sum();
        self.payment(&household, owed + surplus, "2026-03-10").await.expect(201);
        let of = |name: &str| -> Vec<String> {
            let members = home.body["members"].as_array().unwrap().iter();
            members.map(|member| member[name].as_str().unwrap().to_owned()).collect()
        };
        Covered { members: of("id"), cards: of("card_number"), household }
    }

    /// The body of a claim at KAY's facility; lines are service, quantity, unit price.
    pub fn claim_body(&self, member: &str, invoice: &str, on: &str, lines: &[(&str, i64, i64)]) -> Value {
        let lines: Vec<Value> = (1..)
            .zip(lines)
            .map(|(line, (service, quantity, price))| {
                json!({"line": line, "service": service, "quantity": quantity, "unit_price_minor": price})
            })
            .collect();
        let id: ayni::ids::ClaimId = self.test.db.ids().next();
        json!({"id": id, "provider_id": self.provider("HC-KAY"), "member_id": member, "invoice_number": invoice,
            "service_on": on, "diagnoses": ["J06.9"], "lines": lines})
    }

    /// Submits a claim at KAY.
    pub async fn claim(&self, member: &str, invoice: &str, on: &str, lines: &[(&str, i64, i64)]) -> Answer {
        let body = self.claim_body(member, invoice, on, lines);
        self.post(&format!("{}/claims", self.mutual("KAY"))).as_("claims_officer").json(body).send().await.expect(201)
    }

    /// Asks, as the mutual's administrator, for the settlement of KAY's facility; gives the approval's id.
    pub async fn settlement_asked(&self) -> String {
        let id: ayni::ids::ApprovalId = self.test.db.ids().next();
        let body = json!({"id": id, "provider_id": self.provider("HC-KAY")});
        let path = format!("{}/settlements", self.mutual("KAY"));
        self.post(&path).as_("mutual_admin").json(body).send().await.expect(201).text("/approval_id")
    }

    /// Approves as somebody.
    pub async fn approve(&self, approval: &str, user: &str) -> Answer {
        let path = format!("{}/approvals/{approval}/approve", self.mutual("KAY"));
        self.post(&path).as_(user).header("If-Match", "\"v1\"").send().await
    }
}
