//! The register under 200,000 persons: what a clerk waits for when he searches and when he enrols a family, over HTTP on a
//! kept-alive connection, beside the same statements alone in the same run. The ratio is what matters; milliseconds are the
//! machine's. `AYNI_BENCH_PERSONS` says how many persons, `AYNI_TEST_ENGINE` which engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement stops where it cannot go on")]
#![allow(clippy::disallowed_types, clippy::float_arithmetic, reason = "milliseconds are no money")]
#[path = "../tests/support/mod.rs"]
mod support;

use ayni::audit::model::{AuditRow, AuditValue, ChangeRow, CommandRow, MarkRow};
use ayni::contributions::model::Due;
use ayni::dates::add_days;
use ayni::db::schema::*;
use ayni::db::{DbError, Wall, Write};
use ayni::enrolments::model::{Enrolment, Span, SpanReason, SpanState, Step};
use ayni::enrolments::rules::EnrolmentState;
use ayni::enrolments::search::{Asked, find};
use ayni::error::Error;
use ayni::households::model::*;
use ayni::households::rules::fold_name;
use ayni::ids::*;
use ayni::insert_all;
use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::World;
use support::database::on_postgres;

/// Times of one kind of request, in order.
struct Times(Vec<Duration>);

impl Times {
    fn of(times: usize, mut once: impl FnMut(usize)) -> Times {
        for at in 0..times.min(10) {
            once(at);
        }
        let mut all: Vec<Duration> = (0..times)
            .map(|at| {
                let begun = Instant::now();
                once(at);
                begun.elapsed()
            })
            .collect();
        all.sort_unstable();
        Times(all)
    }

    fn at(&self, percent: usize) -> f64 {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)].as_secs_f64() * 1000.0
    }
}

fn line(name: &str, http: &Times, alone: &Times) {
    println!(
        "| {name} | {:.1} | {:.1} | {:.1} | {:.1} |",
        http.at(50),
        http.at(95),
        alone.at(50),
        http.at(50) / alone.at(50).max(0.001),
    );
}

const FAMILIES: [&str; 10] = [
    "Ndayizeye",
    "Ndayishimiye",
    "Niyonkuru",
    "Nshimirimana",
    "Hakizimana",
    "Irakoze",
    "Bigirimana",
    "Ntahonkiriye",
    "Barutwanayo",
    "Manirakiza",
];
const GIVEN: [&str; 10] = ["Jean", "Marie", "Éric", "Aline", "Espérance", "Bosco", "Claude", "Diane", "Belyse", "Yves"];

/// A few names that thousands have, and hundreds that few have.
fn name(of: &[&str], stem: &str, many: u64, dice: u64) -> String {
    if dice.is_multiple_of(2) {
        of[usize::try_from(dice / 2 % 10).unwrap()].to_owned()
    } else {
        format!("{stem}{}", dice / 2 % many)
    }
}

/// The next of a row of numbers that look thrown.
fn next(dice: &mut u64) -> u64 {
    *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *dice >> 33
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Fills KAY with households of five persons who are covered, one in 500 suspended, straight into the tables.
fn fill(world: &World, persons: usize, version: ProductVersionId, areas: &[AreaId]) {
    let mutual: MutualId = Key::new(world.org("KAY").uuid());
    let mut dice = 7;
    for block in 0..persons.div_ceil(5).div_ceil(2_000) {
        world.test.db.write(Wall::mutual(mutual), |w| block_of(w, mutual, version, areas, block, &mut dice)).unwrap();
    }
    let analyse = if on_postgres() { "VACUUM ANALYZE" } else { "ANALYZE" };
    world.test.execute(analyse);
}

fn block_of(
    w: &mut Write,
    mutual: MutualId,
    version: ProductVersionId,
    areas: &[AreaId],
    block: usize,
    dice: &mut u64,
) -> Result<(), Error> {
    let (mut homes, mut living, mut people, mut stays) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut words, mut phones, mut covers, mut spans) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (begun, ends, now) = (day("2026-01-01"), day("2026-12-31"), w.now());
    for at in block * 2_000..(block + 1) * 2_000 {
        let (household, enrolment) = (w.new_id(), w.new_id());
        let area_id = Some(areas[at % areas.len()]);
        let phone = format!("+2577{at:07}");
        homes.push(Household {
            mutual_id: mutual,
            id: household,
            number: format!("B{at:06}"),
            section_id: None,
            area_id,
            class: "STANDARD".into(),
            phone: Some(phone.clone()),
            registered_on: begun,
            recorded_at: now,
            revision: 1,
            version: 1,
        });
        living.push(Residence {
            mutual_id: mutual,
            id: w.new_id(),
            household_id: household,
            area_id,
            from_on: begun,
            recorded_at: now,
        });
        phones.push(Phone {
            mutual_id: mutual,
            id: w.new_id(),
            household_id: Some(household),
            member_id: None,
            e164: phone.clone(),
            raw: phone,
            from_on: begun,
            ended_on: None,
            recorded_at: now,
        });
        covers.push(Enrolment {
            mutual_id: mutual,
            id: enrolment,
            number: format!("BE{at:06}"),
            household_id: household,
            product_version_id: version,
            starts_on: begun,
            ends_on: ends,
            state: EnrolmentState::Admitted,
            first_enrolment: true,
            applied_on: begun,
            admitted_on: Some(begun),
            ended_on: None,
            reason: None,
            waiting_from: None,
            recorded_at: now,
            version: 2,
        });
        let family = name(&FAMILIES, "Ntaba", 400, next(dice));
        for place in 0..5 {
            let given = name(&GIVEN, "Kana", 300, next(dice));
            let folded = fold_name(&format!("{family} {given}"));
            let id = w.new_id();
            words.extend(folded.split(' ').map(|word| {
                (name_words::mutual_id.eq(mutual), name_words::word.eq(word.to_owned()), name_words::member_id.eq(id))
            }));
            people.push(Member {
                mutual_id: mutual,
                id,
                card_number: format!("99{:08}{place}000", at),
                legacy_number: None,
                family_name: family.clone(),
                given_name: given,
                folded_name: folded,
                sex: if place % 2 == 0 { Sex::Female } else { Sex::Male },
                birth_date: add_days(day("1940-01-01"), i64::try_from(next(dice) % 31_000).unwrap()).ok(),
                birth_precision: BirthPrecision::Day,
                national_id: None,
                phone: None,
                occupation: None,
                died_on: None,
                recorded_at: now,
                version: 1,
            });
            stays.push(Membership {
                mutual_id: mutual,
                id: w.new_id(),
                household_id: household,
                member_id: id,
                relationship: if place == 0 { Relationship::Principal } else { Relationship::Child },
                from_on: begun,
                to_on: None,
                recorded_at: now,
                waiting_from: None,
            });
            let suspended = at % 500 == 0;
            spans.push(Span {
                mutual_id: mutual,
                id: w.new_id(),
                household_id: household,
                member_id: id,
                enrolment_id: enrolment,
                from_on: begun,
                to_on: Some(ends),
                state: if suspended { SpanState::Suspended } else { SpanState::InForce },
                reason: if suspended { SpanReason::Arrears } else { SpanReason::UpToDate },
                waiting_from: Some(begun),
            });
        }
    }
    insert_all!(w, households::table, homes)?;
    insert_all!(w, residences::table, living)?;
    insert_all!(w, members::table, people)?;
    insert_all!(w, memberships::table, stays)?;
    insert_all!(w, name_words::table, words)?;
    insert_all!(w, phones::table, phones)?;
    insert_all!(w, enrolments::table, covers)?;
    insert_all!(w, cover_spans::table, spans)?;
    Ok(())
}

/// The server, on a port of its own, and a connection to it that is kept.
struct Client {
    agent: ureq::Agent,
    at: String,
    token: String,
}

impl Client {
    fn new(world: &World) -> Client {
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
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Client { agent, at: format!("http://{}/api/v1", hears.recv().unwrap()), token: world.token("mutual_admin") }
    }

    fn post(&self, path: &str, if_match: Option<&str>, body: &Value, status: u16) -> Value {
        let mut ask = self
            .agent
            .post(format!("{}{path}", self.at))
            .header("Authorization", &format!("Bearer {}", self.token))
            .header("Content-Type", "application/json");
        if let Some(tag) = if_match {
            ask = ask.header("If-Match", tag);
        }
        let mut answer = ask.send(&body.to_string()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

/// The page that a search gives without being asked for another size.
const PAGE: i64 = 50;

fn searches(world: &World, client: &Client, persons: usize, area: AreaId) {
    let scope = world.scope("KAY");
    let today = scope.today();
    let path = format!("{}/members/search", world.mutual("KAY"));
    let none = Asked {
        words: Vec::new(),
        number: None,
        phone: None,
        birth_year: None,
        areas: None,
        group: None,
        cover: None,
        former: false,
        today,
    };
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let year =
        |year: i32| (NaiveDate::from_ymd_opt(year, 1, 1).unwrap(), NaiveDate::from_ymd_opt(year, 12, 31).unwrap());
    let home = persons / 10;
    let cases: Vec<(&str, Value, Asked)> = vec![
        (
            "a family name that thousands have",
            json!({"name": "Ndayizeye"}),
            Asked { words: words("ndayizeye"), ..none.clone() },
        ),
        ("two letters of a name", json!({"name": "nd"}), Asked { words: words("nd"), ..none.clone() }),
        (
            "two words, one rare",
            json!({"name": "kana12 ndayizeye"}),
            Asked { words: words("kana12 ndayizeye"), ..none.clone() },
        ),
        (
            "two words that thousands have",
            json!({"name": "marie hakizimana"}),
            Asked { words: words("marie hakizimana"), ..none.clone() },
        ),
        ("a name that nobody has", json!({"name": "zzzz"}), Asked { words: words("zzzz"), ..none.clone() }),
        (
            "a card number",
            json!({"number": format!("99{home:08}2000")}),
            Asked { number: Some(format!("99{home:08}2000")), ..none.clone() },
        ),
        (
            "a household's phone",
            json!({"phone": format!("+2577{home:07}")}),
            Asked { phone: Some(format!("+2577{home:07}")), ..none.clone() },
        ),
        ("a birth year", json!({"birth_year": 1988}), Asked { birth_year: Some(year(1988)), ..none.clone() }),
        (
            "a name and a birth year",
            json!({"name": "aline", "birth_year": 1988}),
            Asked { words: words("aline"), birth_year: Some(year(1988)), ..none.clone() },
        ),
        ("an area", json!({"area_id": area}), Asked { areas: Some(vec![area]), ..none.clone() }),
        (
            "in force today",
            json!({"cover": "IN_FORCE"}),
            Asked { cover: Some((Some(SpanState::InForce), today)), ..none.clone() },
        ),
        (
            "suspended on a day",
            json!({"cover": "SUSPENDED", "on": "2026-02-01"}),
            Asked { cover: Some((Some(SpanState::Suspended), day("2026-02-01"))), ..none.clone() },
        ),
        (
            "a name, suspended",
            json!({"cover": "SUSPENDED", "name": "jean"}),
            Asked { cover: Some((Some(SpanState::Suspended), today)), words: words("jean"), ..none.clone() },
        ),
        ("never covered: nobody", json!({"never_covered": true}), Asked { cover: Some((None, today)), ..none }),
    ];
    println!("| search, first page | HTTP p50 ms | p95 ms | SQL alone p50 ms | ratio |");
    println!("|---|---|---|---|---|");
    for (name, body, asked) in cases {
        let found = client.post(&path, None, &body, 200)["items"].as_array().unwrap().len();
        let alone = || {
            world
                .test
                .db
                .read(Wall::mutual(scope.mutual()), |r| find(r, &scope, &asked, None, PAGE + 1).map_err(Error::from))
        };
        let rows = alone().unwrap().len();
        assert_eq!(found, rows.min(usize::try_from(PAGE).unwrap()), "{name}: both look for the same");
        let times = if name.starts_with("never") { 10 } else { 100 };
        let sql = Times::of(times, |_| drop(alone().unwrap()));
        let http = Times::of(times, |_| drop(client.post(&path, None, &body, 200)));
        line(&format!("{name} ({found} rows)"), &http, &sql);
    }
}

const FAMILIES_ENROLLED: usize = 100;

fn enrolments(world: &World, client: &Client, product: &str) {
    let mutual = world.mutual("KAY");
    let family = |at: usize| {
        let members: Vec<Value> = (0..5)
            .map(|place| {
                json!({"relationship": if place == 0 { "principal" } else { "child" }, "family_name": format!("Enrolled{at}"),
                    "given_name": GIVEN[place], "sex": "female", "birth_date": "1990-05-02"})
            })
            .collect();
        json!({"registered_on": "2026-03-10", "phone": format!("+25771{at:06}"), "members": members})
    };
    let mut made: Vec<(HouseholdId, EnrolmentId)> = Vec::new();
    let http = Times::of(FAMILIES_ENROLLED, |at| {
        let home = client.post(&format!("{mutual}/households"), None, &family(at), 201);
        let body = json!({"household_id": home["id"], "product_id": product, "starts_on": "2026-03-10"});
        let applied = client.post(&format!("{mutual}/enrolments"), None, &body, 201);
        let id = applied["id"].as_str().unwrap();
        client.post(&format!("{mutual}/enrolments/{id}/admit"), Some("\"v1\""), &json!({}), 200);
        made.push((home["id"].as_str().unwrap().parse().unwrap(), id.parse().unwrap()));
    });
    let rows: Vec<Rows> = made.iter().map(|(home, enrolment)| Rows::of(world, *home, *enrolment)).collect();
    let wall = Wall::mutual(world.scope("KAY").mutual());
    let mut at = 0;
    let alone = Times::of(FAMILIES_ENROLLED, |_| {
        let rows = &rows[at];
        at += 1;
        let fresh = rows.copied(world);
        world.test.db.write(wall, |w| fresh.register(w)).unwrap();
        world.test.db.write(wall, |w| fresh.apply(w)).unwrap();
        world.test.db.write(wall, |w| fresh.admit(w)).unwrap();
    });
    println!();
    println!("| a family of five | HTTP p50 ms | p95 ms | SQL alone p50 ms | ratio |");
    println!("|---|---|---|---|---|");
    line("registered, applied for, admitted: three requests", &http, &alone);
}

/// What three requests wrote about a family.
struct Rows {
    home: Household,
    living: Vec<Residence>,
    phones: Vec<Phone>,
    people: Vec<Member>,
    stays: Vec<Membership>,
    enrolment: Enrolment,
    steps: Vec<Step>,
    dues: Vec<Due>,
    /// By request: its command, audit, marks and pending changes.
    frames: Vec<Frame>,
}

struct Frame {
    command: CommandRow,
    audit: AuditRow,
    value: AuditValue,
    marks: Vec<NaiveDate>,
    changes: Vec<String>,
}

impl Rows {
    fn of(world: &World, home: HouseholdId, enrolment: EnrolmentId) -> Rows {
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
        let stays = all!(memberships, Membership, memberships::household_id.eq(home));
        let who: Vec<MemberId> = stays.iter().map(|stay| stay.member_id).collect();
        let named = format!("%{enrolment}%");
        let of_family = all!(
            audit_rows,
            AuditRow,
            audit_rows::entities.like(format!("%{home}%")).or(audit_rows::entities.like(named))
        );
        let frames: Vec<Frame> = of_family
            .into_iter()
            .filter(|row| row.command_id.is_some())
            .map(|audit| {
                let command = audit.command_id.unwrap();
                let entities: Vec<(String, uuid::Uuid)> = serde_json::from_str(&audit.entities).unwrap();
                Frame {
                    command: all!(commands, CommandRow, commands::id.eq(command)).pop().unwrap(),
                    value: all!(audit_values, AuditValue, audit_values::id.eq(audit.id)).pop().unwrap(),
                    marks: all!(fact_marks, MarkRow, fact_marks::command_id.eq(command))
                        .iter()
                        .map(|row| row.month)
                        .collect(),
                    changes: entities.into_iter().map(|(kind, _)| kind).collect(),
                    audit,
                }
            })
            .collect();
        assert_eq!(frames.len(), 3, "three commands");
        Rows {
            home: all!(households, Household, households::id.eq(home)).pop().unwrap(),
            living: all!(residences, Residence, residences::household_id.eq(home)),
            phones: all!(phones, Phone, phones::household_id.eq(home)),
            people: all!(members, Member, members::id.eq_any(who)),
            enrolment: all!(enrolments, Enrolment, enrolments::id.eq(enrolment)).pop().unwrap(),
            steps: all!(enrolment_steps, Step, enrolment_steps::enrolment_id.eq(enrolment)),
            dues: all!(dues, Due, dues::enrolment_id.eq(enrolment)),
            stays,
            frames,
        }
    }

    /// The same rows under other ids and numbers.
    fn copied(&self, world: &World) -> Rows {
        let ids = world.test.db.ids();
        let (home, enrolment) = (ids.next(), ids.next());
        let who: Vec<(MemberId, MemberId)> = self.people.iter().map(|row| (row.id, ids.next())).collect();
        let other = |id: MemberId| who.iter().find(|(known, _)| *known == id).unwrap().1;
        let frames = self.frames.iter().map(|frame| {
            let (command, audit): (CommandId, AuditId) = (ids.next(), ids.next());
            let row = &frame.command;
            Frame {
                command: CommandRow {
                    mutual_id: row.mutual_id,
                    id: command,
                    route: row.route.clone(),
                    actor_id: row.actor_id,
                    request_hash: row.request_hash.clone(),
                    recorded_at: row.recorded_at,
                },
                audit: AuditRow { id: audit, command_id: Some(command), ..frame.audit.clone() },
                value: AuditValue { id: audit, ..frame.value.clone() },
                marks: frame.marks.clone(),
                changes: frame.changes.clone(),
            }
        });
        Rows {
            home: Household { id: home, number: format!("C{}", self.home.number), ..self.home.clone() },
            living: self
                .living
                .iter()
                .map(|row| Residence { id: ids.next(), household_id: home, ..row.clone() })
                .collect(),
            phones: self
                .phones
                .iter()
                .map(|row| Phone { id: ids.next(), household_id: Some(home), ..row.clone() })
                .collect(),
            people: self
                .people
                .iter()
                .map(|row| Member { id: other(row.id), card_number: format!("C{}", row.card_number), ..row.clone() })
                .collect(),
            stays: self
                .stays
                .iter()
                .map(|row| Membership {
                    id: ids.next(),
                    household_id: home,
                    member_id: other(row.member_id),
                    ..row.clone()
                })
                .collect(),
            enrolment: Enrolment {
                id: enrolment,
                household_id: home,
                number: format!("C{}", self.enrolment.number),
                ..self.enrolment.clone()
            },
            steps: self
                .steps
                .iter()
                .map(|row| Step { id: ids.next(), enrolment_id: enrolment, ..row.clone() })
                .collect(),
            dues: self
                .dues
                .iter()
                .map(|row| Due { id: ids.next(), household_id: home, enrolment_id: enrolment, ..row.clone() })
                .collect(),
            frames: frames.collect(),
        }
    }

    fn frame(&self, w: &mut Write, which: usize) -> Result<(), DbError> {
        let frame = &self.frames[which];
        let (mutual, now) = (self.home.mutual_id, w.now());
        let marks: Vec<MarkRow> = frame
            .marks
            .iter()
            .map(|month| MarkRow { mutual_id: mutual, id: w.new_id(), month: *month, command_id: frame.command.id })
            .collect();
        let changes: Vec<ChangeRow> = frame
            .changes
            .iter()
            .map(|kind| ChangeRow {
                mutual_id: mutual,
                id: w.new_id(),
                entity_kind: kind.clone(),
                entity_id: frame.command.id,
                section_before: None,
                section_after: None,
                recorded_at: now,
            })
            .collect();
        diesel::insert_into(commands::table).values(&frame.command).execute(w.conn())?;
        diesel::insert_into(audit_rows::table).values(&frame.audit).execute(w.conn())?;
        diesel::insert_into(audit_values::table).values(&frame.value).execute(w.conn())?;
        insert_all!(w, fact_marks::table, marks)?;
        insert_all!(w, changes_pending::table, changes)?;
        Ok(())
    }

    fn register(&self, w: &mut Write) -> Result<(), DbError> {
        diesel::insert_into(households::table).values(&self.home).execute(w.conn())?;
        insert_all!(w, residences::table, self.living)?;
        insert_all!(w, phones::table, self.phones)?;
        insert_all!(w, members::table, self.people)?;
        insert_all!(w, memberships::table, self.stays)?;
        let words: Vec<_> = self
            .people
            .iter()
            .flat_map(|row| {
                row.folded_name.split(' ').map(|word| {
                    (
                        name_words::mutual_id.eq(row.mutual_id),
                        name_words::word.eq(word.to_owned()),
                        name_words::member_id.eq(row.id),
                    )
                })
            })
            .collect();
        insert_all!(w, name_words::table, words)?;
        self.frame(w, 0)
    }

    fn apply(&self, w: &mut Write) -> Result<(), DbError> {
        diesel::insert_into(enrolments::table).values(&self.enrolment).execute(w.conn())?;
        insert_all!(w, enrolment_steps::table, self.steps[..1])?;
        self.frame(w, 1)
    }

    fn admit(&self, w: &mut Write) -> Result<(), DbError> {
        insert_all!(w, enrolment_steps::table, self.steps[1..])?;
        insert_all!(w, dues::table, self.dues)?;
        self.frame(w, 2)
    }
}

#[actix_web::main]
async fn main() {
    let persons = std::env::var("AYNI_BENCH_PERSONS").map_or(200_000, |text| text.parse().unwrap());
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", support::register::bands()).await;
    let version = {
        let id: ProductId = product.parse().unwrap();
        let found = product_versions::table.filter(product_versions::product_id.eq(id)).select(product_versions::id);
        found.first(&mut world.test.owner()).unwrap()
    };
    let begun = Instant::now();
    let areas = ["Kabezi", "Mukike", "Rugari", "Butaganzwa"].map(|name| world.area(name));
    fill(&world, persons, version, &areas);
    let engine = if on_postgres() { "PostgreSQL" } else { "SQLite" };
    println!("{engine}, {persons} persons, filled in {:.0} s", begun.elapsed().as_secs_f64());
    println!();
    let client = Client::new(&world);
    searches(&world, &client, persons, areas[1]);
    enrolments(&world, &client, &product);
    // The server goes on until the process ends, and the database would then stay in the temporary folder.
    drop(world);
    std::process::exit(0);
}
