//! A mutual's register made through the API, for the tests of what comes after it.
use super::world::{Answer, World};
use serde_json::{Value, json};

/// A household tariff with a fee, arrears and two categories, one of which waits three months.
pub fn bands() -> Value {
    json!({
        "currency": "BIF",
        "contribution": {"kind": "household_bands", "bands": [{"from": 1, "to": 6, "amount": 30000}],
            "extra_per_person_above": {"above": 6, "amount": 2500}},
        "registration_fee": 1000,
        "renewal_grace_days": 30,
        "arrears": {"grace_days": 30, "reinstatement_delay_days": 15, "lapse_days": 60},
        "benefits": {
            "OPD": {"waiting_months": 0, "rate_bp": {"public": 8000, "private": 5000}},
            "HOSP": {"waiting_months": 3, "rate_bp": {"public": 8000, "private": 5000}}
        }
    })
}

/// A price per person with a subsidy of two classes by two payers.
pub fn per_person(kind: &str, amount: i64) -> Value {
    json!({
        "currency": "BIF",
        "contribution": {"kind": kind, "amount": amount},
        "registration_fee": 1000,
        "subsidies": {
            "POOR": {"rate_bp": 5000, "payer": "STATE"},
            "INDIGENT": {"rate_bp": 10000, "payer": "FUND", "registration_waived": true}
        },
        "benefits": {"OPD": {"copay": 500}}
    })
}

/// A person of a registration.
pub fn person(relationship: &str, given_name: &str, birth_date: &str) -> Value {
    json!({"relationship": relationship, "family_name": "Ndayizeye", "given_name": given_name, "sex": "female",
        "birth_date": birth_date})
}

impl World {
    /// A product of an owner, published; gives its id.
    pub async fn product(&self, user: &str, owner: &str, code: &str, parameters: Value) -> String {
        let made = self
            .post("/products")
            .as_(user)
            .json(json!({"owner_id": self.org(owner), "code": code, "name": code, "parameters": parameters}))
            .send()
            .await
            .expect(201);
        let id = made.text("/id");
        let publish = format!("/products/{id}/versions/1/publish");
        self.post(&publish).as_(user).header("If-Match", "\"v1\"").send().await.expect(200);
        id
    }

    /// A household of KAY, registered on 1 March 2026.
    pub async fn home(&self, section: Option<&str>, class: &str, size: usize) -> Answer {
        self.home_of("KAY", section, class, size).await
    }

    /// A household of a mutual.
    pub async fn home_of(&self, mutual: &str, section: Option<&str>, class: &str, size: usize) -> Answer {
        let user = if mutual == "KAY" { "mutual_admin".to_owned() } else { format!("mutual_admin@{mutual}") };
        let mut members = vec![person("principal", "Aline", "1988-05-02")];
        members.extend((1..size).map(|_| person("child", "Éric", "2015-01-20")));
        self.post(&format!("{}/households", self.mutual(mutual)))
            .as_(&user)
            .json(json!({"registered_on": "2026-03-01", "class": class, "members": members,
                "section_id": section.map(|code| self.org(code))}))
            .send()
            .await
            .expect(201)
    }

    /// An application of a household of KAY; gives the answer.
    pub async fn application(&self, household: &str, product: &str, starts_on: &str) -> Answer {
        self.post(&format!("{}/enrolments", self.mutual("KAY")))
            .as_("mutual_admin")
            .json(json!({"household_id": household, "product_id": product, "starts_on": starts_on}))
            .send()
            .await
    }

    /// An admission today.
    pub async fn admission(&self, enrolment: &str) -> Answer {
        self.post(&format!("{}/enrolments/{enrolment}/admit", self.mutual("KAY")))
            .as_("mutual_admin")
            .header("If-Match", "\"v1\"")
            .json(json!({}))
            .send()
            .await
    }

    /// A household of KAY enrolled and admitted; gives the enrolment's id.
    pub async fn enrolled(&self, household: &str, product: &str, starts_on: &str) -> String {
        let id = self.application(household, product, starts_on).await.expect(201).text("/id");
        self.admission(&id).await.expect(200);
        id
    }

    /// Cash at the desk of KAY.
    pub async fn payment(&self, household: &str, amount_minor: i64, received_on: &str) -> Answer {
        let id: ayni::ids::PaymentId = self.test.db.ids().next();
        self.post(&format!("{}/payments", self.mutual("KAY")))
            .as_("treasurer")
            .json(json!({"id": id, "household_id": household, "amount_minor": amount_minor, "currency": "BIF",
                "method": "cash", "received_on": received_on}))
            .send()
            .await
    }

    /// The dues of a household: kind, payer, day, amount, open; in the order of the API.
    pub async fn dues(&self, household: &str) -> Vec<(String, String, String, i64, i64)> {
        let mut dues: Vec<_> = self
            .items("treasurer", &format!("{}/dues?limit=200&household_id={household}", self.mutual("KAY")))
            .await
            .iter()
            .map(|due| {
                let text = |name: &str| due[name].as_str().unwrap().to_owned();
                let number = |name: &str| due[name].as_i64().unwrap();
                assert_eq!(number("amount_minor"), number("paid_minor") + number("outstanding_minor"));
                (text("kind"), text("payer"), text("due_on"), number("amount_minor"), number("outstanding_minor"))
            })
            .collect();
        dues.sort_by(|a, b| (&a.2, &b.0, &a.1).cmp(&(&b.2, &a.0, &b.1)));
        dues
    }

    /// The rows of a list.
    pub async fn items(&self, user: &str, path: &str) -> Vec<Value> {
        let answer = self.get(path).as_(user).send().await.expect(200);
        answer.body["items"].as_array().unwrap().clone()
    }

    /// What stands on an account of KAY: debits and credits.
    pub async fn stands(&self, code: &str) -> (i64, i64) {
        let accounts = self.items("treasurer", &format!("{}/accounts", self.mutual("KAY"))).await;
        let row = accounts.iter().find(|row| row["code"] == code).unwrap_or_else(|| panic!("no account {code}"));
        (row["debit_minor"].as_i64().unwrap(), row["credit_minor"].as_i64().unwrap())
    }

    /// What a card gives on a day.
    pub async fn eligibility(&self, card: &str, on: &str) -> Answer {
        self.post("/eligibility").as_("claims_officer").json(json!({"card": card, "on": on})).send().await.expect(200)
    }

    /// Asserts the status of one request for each of several users.
    pub async fn each(&self, method: &'static str, path: &str, body: Option<Value>, users: &[(&str, u16)]) {
        for (user, status) in users {
            let mut ask = self.call(method, path).as_(user).header("If-Match", "\"v1\"");
            if let Some(body) = &body {
                ask = ask.json(body.clone());
            }
            let answer = ask.send().await;
            assert_eq!(answer.status, *status, "{method} {path} as {user}: {}", answer.text);
        }
    }

    /// The number of rows, below all walls.
    pub fn count(&self, what: &str) -> i64 {
        self.test.count(what)
    }
}

impl Answer {
    /// Pointer and code of each fault.
    pub fn faults(&self) -> Vec<(&str, &str)> {
        let errors = self.body["errors"].as_array().into_iter().flatten();
        errors.map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
    }

    /// Asserts a refusal: status, code and the faults, in any order.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str, faults: &[(&str, &str)]) -> Answer {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        let mut found = self.faults();
        found.sort_unstable();
        let mut wanted = faults.to_vec();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{}", self.text);
        self
    }
}
