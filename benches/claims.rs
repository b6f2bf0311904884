//! Claims of three lines from many facilities, submitted and decided over HTTP on kept-alive connections, beside the same
//! statements alone in a bare loop, in the same run. The ratio of the rates is what matters. `AYNI_BENCH_CLAIMS` says how many,
//! `AYNI_BENCH_PROVIDERS` from how many facilities, `AYNI_TEST_ENGINE` on which engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement stops where it cannot go on")]
#![allow(clippy::disallowed_types, clippy::float_arithmetic, reason = "seconds are no money")]
#[path = "../tests/support/mod.rs"]
mod support;

use ayni::access::service::terminal_order;
use ayni::app::HOOKS;
use ayni::audit::frame::command;
use ayni::audit::model::{AuditRow, AuditValue, ChangeRow, CommandRow, MarkRow};
use ayni::claims::model::{Claim, Line, Number};
use ayni::claims::{review_store, store as claims_store};
use ayni::db::schema::*;
use ayni::db::{DbError, Wall, Write};
use ayni::enrolments::store as enrolments;
use ayni::households::store as households;
use ayni::ids::*;
use ayni::insert_all;
use ayni::ledger::model::Transfer;
use ayni::ledger::store as ledger;
use ayni::products::store as products;
use ayni::providers::diagnoses;
use ayni::providers::model::Sector;
use ayni::providers::service::{self as care, Agreed, NewConvention, NewProvider, ProviderDetails};
use ayni::providers::store as providers;
use chrono::{Datelike, Days, NaiveDate, TimeZone, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use support::World;
use support::database::on_postgres;

/// Clients that send at once.
const CLIENTS: usize = 4;
/// Persons of a household.
const SIZE: usize = 4;
/// Services of a claim, with what they cost.
const SERVICES: [(&str, i64); 3] = [("CONS", 5_000), ("MAL", 1_500), ("AMOX", 300)];

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// The care of a claim: who, where, when. No two of one person fall on one day.
struct Care {
    members: Vec<(String, MemberId)>,
    facilities: Vec<ProviderId>,
    first: NaiveDate,
}

impl Care {
    fn of(&self, at: usize) -> (MemberId, ProviderId, NaiveDate) {
        let (turn, visit) = (at % self.members.len(), at / self.members.len());
        // One household after another: clients that send at once seldom ask for the same one.
        let homes = self.members.len() / SIZE;
        let member = (turn % homes) * SIZE + turn / homes;
        let day = self.first + Days::new(u64::try_from(visit).unwrap());
        (self.members[member].1, self.facilities[at % self.facilities.len()], day)
    }
}

/// What a claim wrote.
struct Rows {
    command: CommandRow,
    claim: Claim,
    lines: Vec<Line>,
    transfer: Transfer,
    audit: AuditRow,
    value: AuditValue,
    marks: Vec<MarkRow>,
    change: ChangeRow,
}

impl Rows {
    fn of(world: &World, id: ClaimId) -> Rows {
        let conn = &mut world.test.owner();
        let mutual: MutualId = Key::new(world.org("KAY").uuid());
        macro_rules! all {
            ($table:ident, $row:ty, $filter:expr) => {
                $table::table
                    .filter($table::mutual_id.eq(mutual))
                    .filter($filter)
                    .select(<$row>::as_select())
                    .load::<$row>(conn)
                    .unwrap()
            };
        }
        let command: CommandId = Key::new(id.uuid());
        let audit = all!(audit_rows, AuditRow, audit_rows::command_id.eq(command)).pop().unwrap();
        let mut changes = all!(changes_pending, ChangeRow, changes_pending::entity_kind.eq("claim"));
        changes.retain(|row| row.entity_id.uuid() == id.uuid());
        Rows {
            command: all!(commands, CommandRow, commands::id.eq(command)).pop().unwrap(),
            claim: all!(claims, Claim, claims::id.eq(id)).pop().unwrap(),
            lines: all!(claim_lines, Line, claim_lines::claim_id.eq(id)),
            transfer: all!(transfers, Transfer, transfers::claim_id.eq(id)).pop().unwrap(),
            value: all!(audit_values, AuditValue, audit_values::id.eq(audit.id)).pop().unwrap(),
            marks: all!(fact_marks, MarkRow, fact_marks::command_id.eq(command)),
            change: changes.pop().unwrap(),
            audit,
        }
    }

    /// The statements of another claim, with nothing decided in between.
    fn again(
        &self,
        w: &mut Write,
        world: &Scopes,
        (member, provider, on): (MemberId, ProviderId, NaiveDate),
        at: usize,
    ) -> Result<(), DbError> {
        let mutual = self.claim.mutual_id;
        let (command, id): (CommandId, ClaimId) = (w.new_id(), w.new_id());
        diesel::insert_into(commands::table)
            .values(&CommandRow {
                mutual_id: mutual,
                id: command,
                route: self.command.route.clone(),
                actor_id: self.command.actor_id,
                request_hash: self.command.request_hash.clone(),
                recorded_at: self.command.recorded_at,
            })
            .execute(w.conn())?;
        diagnoses::in_force(w, &world.owners)?;
        let (_, stay) = households::find_member(w, &world.scope, member)?.unwrap();
        households::list_stays(w, &world.scope, member)?;
        let household = stay.household_id;
        households::lock(w, mutual, household)?;
        households::find_member(w, &world.scope, member)?;
        providers::find(w, provider)?;
        households::list_stays(w, &world.scope, member)?;
        households::find(w, &world.scope, household)?;
        enrolments::list_spans_of_member(w, &world.scope, member)?;
        let covers = enrolments::list_of_household(w, mutual, household)?;
        products::list_versions_by_id(w, &[covers[0].product_version_id])?;
        providers::list_conventions(w, provider)?;
        let codes = SERVICES.map(|(code, _)| code.to_owned());
        let known = providers::find_services(w, &world.owners, &codes)?;
        let ids: Vec<ServiceId> = known.iter().map(|service| service.id).collect();
        providers::list_prices(w, &world.owners, Some(provider), &ids)?;
        claims_store::year_paid(w, mutual, household, member, covers[0].id, None)?;
        let month = (on.with_day(1).unwrap(), on.with_day(28).unwrap());
        claims_store::used_quantities(w, mutual, member, month, [None, None])?;
        claims_store::list_near(w, mutual, member, provider, on, [None, None])?;
        review_store::settings(w, mutual)?;
        let number = Number {
            mutual_id: mutual,
            id: w.new_id(),
            provider_id: provider,
            number: format!("B-{at}"),
            claim_id: id,
        };
        claims_store::insert_number(w, &number)?;
        let claim = Claim {
            id,
            number: format!("C-{id}"),
            invoice_number: number.number.clone(),
            provider_id: provider,
            member_id: member,
            household_id: household,
            enrolment_id: Some(covers[0].id),
            service_on: on,
            ..self.claim.clone()
        };
        claims_store::insert(w, &claim)?;
        let lines: Vec<Line> =
            self.lines.iter().map(|line| Line { id: w.new_id(), claim_id: id, ..line.clone() }).collect();
        claims_store::insert_lines(w, &lines)?;
        ledger::list_accounts_of(w, mutual, "MAIN")?;
        let transfer = Transfer { id: w.new_id(), command_id: command, claim_id: Some(id), ..self.transfer.clone() };
        ledger::insert_transfers(w, &[transfer])?;
        let audit: AuditId = w.new_id();
        diesel::insert_into(audit_rows::table)
            .values(&AuditRow { id: audit, command_id: Some(command), ..self.audit.clone() })
            .execute(w.conn())?;
        diesel::insert_into(audit_values::table)
            .values(&AuditValue { id: audit, ..self.value.clone() })
            .execute(w.conn())?;
        let marks: Vec<MarkRow> = self
            .marks
            .iter()
            .map(|row| MarkRow { mutual_id: mutual, id: w.new_id(), month: row.month, command_id: command })
            .collect();
        insert_all!(w, fact_marks::table, marks)?;
        let change = ChangeRow {
            mutual_id: mutual,
            id: w.new_id(),
            entity_kind: self.change.entity_kind.clone(),
            entity_id: Key::new(id.uuid()),
            section_before: None,
            section_after: None,
            recorded_at: self.change.recorded_at,
        };
        insert_all!(w, changes_pending::table, [change])?;
        // What the answer shows.
        claims_store::find(w, &world.scope, id)?;
        claims_store::list_lines(w, mutual, id)?;
        review_store::find_links(w, mutual, id)?;
        Ok(())
    }
}

/// With what the statements alone are asked.
struct Scopes {
    scope: ayni::access::scopes::MutualScope,
    owners: Vec<OrganisationId>,
}

/// Facilities with a convention with KAY each.
fn open(world: &World, how_many: usize) -> Vec<ProviderId> {
    (0..how_many)
        .map(|at| {
            let order = terminal_order(&world.test.db, "a facility");
            let new = NewProvider {
                owner: world.org("KAY"),
                code: format!("F{at}"),
                name: format!("Facility {at}"),
                level: "health_centre".into(),
                sector: Sector::Public,
                area: None,
                details: ProviderDetails::default(),
            };
            command(&world.test.db, &HOOKS, &order, |w| care::add(w, &order, &new).map(|_| ())).unwrap();
            let provider: ProviderId = Key::new(order.id.uuid());
            let order = terminal_order(&world.test.db, "a convention");
            let new = NewConvention {
                provider,
                party: world.org("KAY"),
                valid_from: "2026-01-01".parse().unwrap(),
                valid_to: None,
                terms: Agreed::default(),
            };
            command(&world.test.db, &HOOKS, &order, |w| care::convene(w, &order, &new).map(|_| ())).unwrap();
            provider
        })
        .collect()
}

#[actix_web::main]
async fn main() {
    let claims = number("AYNI_BENCH_CLAIMS", 4_000);
    let world = World::new().await;
    for (code, price) in &SERVICES[1..] {
        let body =
            json!({"owner_id": world.org("KAY"), "code": code, "name": code, "category": "OPD", "kind": "service"});
        let made = world.post("/services").as_("mutual_admin").json(body).send().await.expect(201);
        let body = json!({"owner_id": world.org("KAY"), "service_id": made.text("/id"), "unit_price_minor": price,
            "currency": "BIF", "valid_from": "2026-01-01"});
        world.post("/tariffs").as_("mutual_admin").json(body).send().await.expect(201);
    }
    let product =
        world.product("mutual_admin", "KAY", "CARE", support::care::with_ceilings(9_000_000, 9_000_000)).await;
    let facilities = open(&world, number("AYNI_BENCH_PROVIDERS", 200));
    world.parts.access.pictures.reload().unwrap();
    let mut members = Vec::new();
    for _ in 0..(claims / 40).max(1) {
        let home = world.covered(&product, SIZE, 0).await;
        members.extend(home.members.iter().map(|id| (id.clone(), id.parse().unwrap())));
    }
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 30, 12, 0, 0).unwrap());
    if on_postgres() {
        world.test.execute("VACUUM ANALYZE");
    }
    let care = Care { members, facilities, first: "2026-03-11".parse().unwrap() };
    let (told, hears) = std::sync::mpsc::channel();
    let parts = world.parts.clone();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = actix_web::HttpServer::new(move || parts.app()).workers(2).disable_signals();
            let server = server.bind("127.0.0.1:0").unwrap();
            told.send(server.addrs()[0]).unwrap();
            server.run().await.unwrap();
        });
    });
    let at = hears.recv().unwrap();
    let url = format!("http://{at}/api/v1{}/claims", world.mutual("KAY"));
    let token = format!("Bearer {}", world.token("claims_officer"));
    let next = AtomicUsize::new(0);
    let ids = world.test.db.ids().clone();
    let begun = Instant::now();
    std::thread::scope(|threads| {
        for _ in 0..CLIENTS {
            let (care, next, url, token, ids) = (&care, &next, &url, &token, &ids);
            threads.spawn(move || {
                let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= claims {
                        break;
                    }
                    let (member, provider, on) = care.of(at);
                    let lines: Vec<Value> = (1..)
                        .zip(SERVICES)
                        .map(|(line, (code, price))| {
                            json!({"line": line, "service": code, "quantity": 1, "unit_price_minor": price})
                        })
                        .collect();
                    let id: ClaimId = ids.next();
                    let body = json!({"id": id, "provider_id": provider, "member_id": member,
                        "invoice_number": format!("A-{at}"), "service_on": on, "diagnoses": ["J06.9"], "lines": lines});
                    let ask = agent.post(url).header("Authorization", token).header("Content-Type", "application/json");
                    let mut answer = ask.send(&body.to_string()).unwrap();
                    let text = answer.body_mut().read_to_string().unwrap();
                    assert_eq!(answer.status().as_u16(), 201, "{text}");
                    let view: Value = serde_json::from_str(&text).unwrap();
                    assert_eq!(view["state"], "DECIDED", "{text}");
                    assert_eq!(view["outcome"], "approved", "{text}");
                }
            });
        }
    });
    let over_http = begun.elapsed().as_secs_f64();
    let last: ClaimId =
        claims::table.select(claims::id).order(claims::id.desc()).first(&mut world.test.owner()).unwrap();
    let rows = Rows::of(&world, last);
    assert_eq!((rows.lines.len(), world.test.count("claims")), (3, i64::try_from(claims).unwrap()));
    let scopes =
        Scopes { scope: world.scope("KAY"), owners: ["KAY", "P1", "NET", "ROOT"].map(|code| world.org(code)).to_vec() };
    let wall = Wall::from(world.org("KAY"));
    let begun = Instant::now();
    for at in 0..claims {
        let of = care.of(at);
        // A day on which the person has no claim yet, so that as much is found as before.
        let of = (of.0, of.1, of.2 + Days::new(60));
        world.test.db.write(wall, |w| rows.again(w, &scopes, of, at)).unwrap();
    }
    let alone = begun.elapsed().as_secs_f64();
    let rate = |seconds: f64| claims as f64 / seconds;
    println!(
        "{}, {claims} claims of 3 lines from {} facilities",
        if on_postgres() { "PostgreSQL" } else { "SQLite" },
        care.facilities.len()
    );
    println!();
    println!("| | over HTTP, {CLIENTS} clients, claims a second | SQL alone, claims a second | ratio |");
    println!("|---|---|---|---|");
    println!(
        "| submitted, decided, posted, audited | {:.0} | {:.0} | {:.2} |",
        rate(over_http),
        rate(alone),
        rate(over_http) / rate(alone)
    );
    // The server goes on until the process ends, and the database would then stay in the temporary folder.
    drop(world);
    std::process::exit(0);
}
