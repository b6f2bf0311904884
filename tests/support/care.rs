//! A covered household and its claims, made through the API, for the tests of care.
use super::world::{Answer, World};
use ayni::access::scopes::MutualScope;
use ayni::app::HOOKS;
use ayni::audit::frame::{Order, command};
use ayni::audit::model::{Asker, Purpose};
use ayni::claims::model::{Claim, Line, Mode, VisitType};
use ayni::claims::service::{Cites, Deciding, NewClaim, NewLine, submit};
use ayni::claims::store;
use ayni::db::schema::claims;
use ayni::db::{Db, Read, Wall, Write};
use ayni::error::{Error, Result};
use ayni::ids::*;
use chrono::{NaiveDate, TimeZone, Utc};
use diesel::prelude::*;
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
    /// Years of birth.
    pub born: Vec<i32>,
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
        let born = of("birth_date").iter().map(|day| day[..4].parse().unwrap()).collect();
        Covered { members: of("id"), cards: of("card_number"), born, household }
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

    /// Records, as the treasurer, that the bank paid so much of a settlement whose version was read.
    pub async fn pay(&self, settlement: &str, version: i64, amount_minor: i64) -> Answer {
        let id: ayni::ids::SettlementPaymentId = self.test.db.ids().next();
        let body = json!({"id": id, "method": "bank", "amount_minor": amount_minor, "currency": "BIF"});
        let path = format!("{}/settlements/{settlement}/payments", self.mutual("KAY"));
        let tag = format!("\"v{version}\"");
        self.post(&path).as_("treasurer").header("If-Match", &tag).json(body).send().await
    }

    /// Approves as somebody.
    pub async fn approve(&self, approval: &str, user: &str) -> Answer {
        let path = format!("{}/approvals/{approval}/approve", self.mutual("KAY"));
        self.post(&path).as_(user).header("If-Match", "\"v1\"").send().await
    }
}

/// What threads submit claims with.
#[derive(Clone)]
pub struct Clinic {
    pub db: Db,
    pub scope: MutualScope,
    pub owners: Vec<OrganisationId>,
    pub provider: ProviderId,
}

impl Clinic {
    /// The office of KAY and its facility.
    pub fn of(world: &World) -> Clinic {
        Clinic {
            db: world.test.db.clone(),
            scope: world.scope("KAY"),
            owners: ["KAY", "P1", "NET", "ROOT"].map(|code| world.org(code)).to_vec(),
            provider: world.provider("HC-KAY"),
        }
    }

    /// A claim for one consultation at the tariff.
    pub fn claim(&self, member: MemberId, invoice: &str, on: NaiveDate) -> NewClaim {
        NewClaim {
            number: None,
            invoice_number: invoice.into(),
            provider: self.provider,
            member,
            mode: Mode::ThirdParty,
            visit_type: VisitType::Other,
            service_on: on,
            discharged_on: None,
            submitted_on: self.scope.today(),
            diagnoses: String::new(),
            other_payer_minor: None,
            lines: vec![NewLine { line: 1, service: "CONS".into(), quantity: 1, unit_price_minor: 5_000 }],
            cites: Cites::default(),
        }
    }

    /// An order of somebody, of nobody known where none is named.
    pub fn order(&self, id: CommandId, by: Option<UserId>) -> Order {
        Order {
            id,
            wall: Wall::mutual(self.scope.mutual()),
            route: "a test's command".into(),
            hash: [7; 32],
            asker: Asker { user: by, purpose: Purpose::Claim, request: id.uuid() },
            today: self.scope.today(),
            by_header: false,
        }
    }

    /// Carries a command out; gives its id.
    pub fn give(
        &self,
        by: Option<UserId>,
        mut body: impl FnMut(&mut Write, &Order) -> Result<()>,
    ) -> Result<CommandId> {
        let order = self.order(self.db.ids().next(), by);
        command(&self.db, &HOOKS, &order, |w| body(w, &order))?;
        Ok(order.id)
    }

    /// Submits a claim with an id of its own.
    pub fn submit(&self, id: ClaimId, new: &NewClaim) -> Result<()> {
        let order = self.order(Key::new(id.uuid()), None);
        let deciding = Deciding { on: self.scope.today() };
        command(&self.db, &HOOKS, &order, |w| submit(w, &self.scope, &order, &self.owners, new, deciding)).map(|_| ())
    }

    /// A claim as it is stored.
    pub fn find(&self, id: ClaimId) -> (Claim, Vec<Line>) {
        self.db
            .read(Wall::mutual(self.scope.mutual()), |r| {
                let claim = store::find(r, &self.scope, id)?.unwrap();
                Ok::<_, Error>((claim, store::list_lines(r, self.scope.mutual(), id)?))
            })
            .unwrap()
    }
}

/// Numbers that look like chance and are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: u64) -> u64 {
        ayni::ids::split_mix(&mut self.0) % bound
    }
    pub fn up_to(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound + 1)).unwrap()
    }
}

/// Services of each category with prices, one without a price, one of a category that is not covered.
pub async fn catalogue(world: &World) {
    let owner = world.org("KAY");
    for (code, category, price) in
        [("AMOX", "DRUG", Some(200)), ("BED", "HOSP", Some(9_000)), ("XRAY", "LAB", Some(7_000)), ("NEW", "OPD", None)]
    {
        let body = json!({"owner_id": owner, "code": code, "name": code, "category": category, "kind": "service"});
        let made = world.post("/services").as_("mutual_admin").json(body).send().await.expect(201);
        let Some(price) = price else { continue };
        let body = json!({"owner_id": owner, "service_id": made.text("/id"), "unit_price_minor": price, "currency": "BIF",
            "valid_from": "2026-01-01"});
        world.post("/tariffs").as_("mutual_admin").json(body).send().await.expect(201);
    }
}

/// A day.
pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The persons of households.
pub fn members(homes: &[Covered]) -> Vec<MemberId> {
    homes.iter().flat_map(|home| &home.members).map(|id| id.parse().unwrap()).collect()
}

/// Reads within KAY.
pub fn read<T>(clinic: &Clinic, body: impl FnMut(&mut Read) -> Result<T>) -> T {
    clinic.db.read(Wall::mutual(clinic.scope.mutual()), body).unwrap()
}

/// All claims.
pub fn stored(world: &World) -> Vec<Claim> {
    claims::table.order(claims::id).select(Claim::as_select()).load(&mut world.test.owner()).unwrap()
}

/// Everything adds up.
pub fn clean(world: &World, here: &str) {
    let verdict = ayni::verify::verify(&world.test.db).unwrap();
    assert!(verdict.findings.is_empty(), "{here}: {:?}", verdict.findings);
}

/// A world at the end of April with a rich product, two households in force since 10 March.
pub async fn rich() -> (World, Clinic, Vec<MemberId>) {
    let world = World::new().await;
    catalogue(&world).await;
    let mut parameters = with_ceilings(30_000, 60_000);
    parameters["frequency"] = json!({"OPD": {"limit": 4, "window": "calendar_month", "per": "person"}});
    parameters["benefits"]["HOSP"]["waiting_months"] = json!(0);
    parameters["prior_auth"] = json!({"categories": ["HOSP"], "threshold": 25_000});
    let product = world.product("mutual_admin", "KAY", "CARE", parameters).await;
    let homes = [world.covered(&product, 3, 0).await, world.covered(&product, 2, 0).await];
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 30, 12, 0, 0).unwrap());
    let clinic = Clinic::of(&world);
    let who = members(&homes);
    (world, clinic, who)
}
