//! Registration from the field: signed pushes of 100 operations over kept connections, a household of five persons in each,
//! beside plain batch inserts of the same rows into a copy of the same database, in the same run. `AYNI_BENCH_PUSHES` says how
//! many pushes, `AYNI_BENCH_CLIENTS` how many are under way at once, `AYNI_TEST_ENGINE` on which engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement stops where it cannot go on")]
#![allow(clippy::disallowed_types, clippy::float_arithmetic, reason = "seconds are no money")]
#[path = "../tests/support/mod.rs"]
mod support;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use ayni::audit::model::{AuditRow, AuditValue, ChangeRow, CommandRow, MarkRow};
use ayni::db::backup::backup;
use ayni::db::schema::*;
use ayni::db::{DbError, Wall};
use ayni::field::devices::{self, NewDevice};
use ayni::field::model::StoredResult;
use ayni::field::signatures::signed_text;
use ayni::households::model::{Household, Member, Membership, Residence};
use ayni::ids::*;
use ayni::insert_all;
use data_encoding::BASE64URL_NOPAD;
use diesel::prelude::*;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::World;
use support::database::on_postgres;
use uuid::Uuid;

/// Operations of a push, and persons of each.
const OPERATIONS: usize = 100;
const SIZE: usize = 5;

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// Names that look like names and seldom repeat.
fn name(stem: &[&str], at: usize) -> String {
    const ENDS: [&str; 16] = [
        "yizeye",
        "shimiye",
        "yonkuru",
        "mirimana",
        "zimana",
        "rakoze",
        "girimana",
        "honkiriye",
        "wanayo",
        "rakiza",
        "bonimpa",
        "kurikiye",
        "sabimana",
        "habonimana",
        "butoyi",
        "gahungu",
    ];
    let (one, two, three) = (at % 16, at / 16 % 16, at / 256 % 16);
    format!("{}{}{}{}", stem[at % stem.len()], &ENDS[one][..4], &ENDS[two][..3], ENDS[three])
}

/// `is_at` sets the clock to when a household is registered.
fn push(ids: &Ids, section: OrganisationId, at: usize, is_at: impl Fn(usize)) -> Value {
    let fresh = || ids.next::<kind::Command>();
    let op = |home: usize| {
        is_at(home);
        let place = at * OPERATIONS + home;
        let family = name(&["Nda", "Ni", "Ha", "Bi", "Ma"], place);
        let members: Vec<Value> = (0..SIZE)
            .map(|person| {
                let who = place * SIZE + person;
                json!({
                    "relationship": if person == 0 { "principal" } else { "child" }, "family_name": family,
                    "given_name": name(&["Je", "Ma", "Cla", "Es", "Bo", "Di"], who * 7 + 3),
                    "sex": if who.is_multiple_of(2) { "female" } else { "male" },
                    "birth_date": format!("{}-{:02}-{:02}", 1950 + who % 60, 1 + who / 7 % 12, 1 + who / 11 % 28),
                })
            })
            .collect();
        json!({"op_id": fresh(), "type": "create", "entity": format!("household/{}", fresh()),
            "data": {"section_id": section, "registered_on": "2026-03-09", "members": members}})
    };
    let ops: Vec<Value> = (0..OPERATIONS).map(op).collect();
    json!({"batch_id": fresh(), "device_time": "2026-03-10T12:00:00Z", "schema": 1, "ops": ops})
}

#[actix_web::main]
async fn main() {
    let pushes = number("AYNI_BENCH_PUSHES", 40).max(2);
    let world = World::new().await;
    let (agent, scope) = (world.users["field_agent"], world.scope("KAY"));
    let wall = Wall::mutual(scope.mutual());
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let act = |body: &mut dyn FnMut(&mut ayni::db::Write, &ayni::audit::frame::Order) -> ayni::error::Result<()>| {
        let order = ayni::audit::frame::Order {
            wall,
            today: scope.today(),
            ..ayni::access::service::terminal_order(&world.test.db, "bench")
        };
        ayni::audit::frame::command(&world.test.db, &ayni::app::HOOKS, &order, |w| body(w, &order)).unwrap();
        order.id
    };
    let new = NewDevice { agent, code: "T1".into(), name: "Phone".into() };
    let mut code = String::new();
    let device = act(&mut |w, order| {
        code = devices::register(w, &scope, order, &[agent], &new)?;
        Ok(())
    });
    act(&mut |w, _| devices::activate(w, &scope, agent, &code, pair.public_key().as_ref()).map(|_| ()));
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.backup");
    backup(&world.test.url, &copy, None).unwrap();
    let empty = world.test.restored(&copy);

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
    let path = format!("/api/v1{}/sync/push", world.mutual("KAY"));
    let url = format!("http://{at}{path}");
    let section = world.org("KAY-S1");
    // Ids begin with the time: a clock that stood still would scatter over every index what in truth comes one after the other.
    let clock = world.test.clock.clone();
    let began_on = clock.now().and_utc();
    let bodies: Vec<String> = (0..pushes)
        .map(|at| {
            push(world.test.db.ids(), section, at, |home| {
                let passed = u32::try_from(at * OPERATIONS + home).unwrap();
                clock.set(began_on + Duration::from_secs(1) * passed);
            })
            .to_string()
        })
        .collect();
    let goes_on = clock.now().and_utc();
    std::thread::spawn(move || {
        let begun = Instant::now();
        loop {
            clock.set(goes_on + begun.elapsed());
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let token = format!("Bearer {}", world.token("field_agent"));
    let send = |body: &String, http: &ureq::Agent| {
        let text = signed_text("POST", &path, "now", body.as_bytes());
        let signature = BASE64URL_NOPAD.encode(pair.sign(text.as_bytes()).as_ref());
        let ask = http.post(&url).header("Authorization", &token).header("Content-Type", "application/json");
        let ask = ask.header("Ayni-Device", device.to_string()).header("Ayni-Timestamp", "now");
        let mut answer = ask.header("Ayni-Signature", &signature).send(body.as_str()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{text}");
        assert_eq!(text.matches("\"status\":\"applied\"").count(), OPERATIONS, "{text}");
    };
    let clients = number("AYNI_BENCH_CLIENTS", 2);
    // The first one is not counted: PostgreSQL plans by tables that were empty until its autovacuum has looked at them.
    let http: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    send(&bodies[0], &http);
    look_at_tables(&world.test);
    let begun = Instant::now();
    std::thread::scope(|threads| {
        for some in bodies[1..].chunks((pushes - 1).div_ceil(clients)) {
            let send = &send;
            threads.spawn(move || {
                let http: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
                some.iter().for_each(|body| send(body, &http));
            });
        }
    });
    let pushed = begun.elapsed().as_secs_f64();
    let persons = pushes * OPERATIONS * SIZE;
    assert_eq!(world.test.count("members"), i64::try_from(persons).unwrap());

    let counted = (pushes - 1) * OPERATIONS * SIZE;
    let bare = bare(&world, &empty, wall, pushes);
    assert_eq!(empty.count("members"), i64::try_from(persons).unwrap());
    println!(
        "{}, {pushes} pushes of {OPERATIONS} households of {SIZE}, {clients} at once",
        if on_postgres() { "PostgreSQL" } else { "SQLite" }
    );
    println!();
    println!("| | through pushes, persons a second | batch inserts alone, persons a second | ratio |");
    println!("|---|---|---|---|");
    let rate = |seconds: f64| counted as f64 / seconds;
    println!("| registered | {:.0} | {:.0} | {:.2} |", rate(pushed), rate(bare), rate(pushed) / rate(bare));
    // The server goes on until the process ends, and what is to be dropped would then stay in the temporary folder.
    drop((world, empty, folder));
    std::process::exit(0);
}

fn look_at_tables(test: &support::TestDb) {
    if on_postgres() {
        ayni::db::execute(&mut test.owner(), "ANALYZE").unwrap();
    }
}

/// The same rows, in as many transactions, by the hundred: no look at anything.
fn bare(world: &World, empty: &support::TestDb, wall: Wall, pushes: usize) -> f64 {
    let conn = &mut world.test.owner();
    let kay: MutualId = wall.id();
    macro_rules! all {
        ($table:ident, $model:ty) => {{
            let rows: Vec<$model> = $table::table
                .filter($table::mutual_id.eq(kay))
                .order($table::id)
                .select(<$model>::as_select())
                .load(conn)
                .unwrap();
            rows
        }};
    }
    let (homes, people, stays) = (all!(households, Household), all!(members, Member), all!(memberships, Membership));
    let (living, results) = (all!(residences, Residence), all!(sync_results, StoredResult));
    let pushed = "route LIKE '%sync/push'";
    let audited: Vec<AuditRow> = audit_rows::table
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(pushed))
        .order(audit_rows::id)
        .select(AuditRow::as_select())
        .load(conn)
        .unwrap();
    let ids: std::collections::BTreeSet<AuditId> = audited.iter().map(|row| row.id).collect();
    let values: Vec<AuditValue> =
        all!(audit_values, AuditValue).into_iter().filter(|row| ids.contains(&row.id)).collect();
    let commanded: Vec<CommandRow> = commands::table
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>(pushed))
        .order(commands::id)
        .select(CommandRow::as_select())
        .load(conn)
        .unwrap();
    let own: std::collections::BTreeSet<Uuid> = commanded.iter().map(|row| row.id.uuid()).collect();
    let marks: Vec<MarkRow> =
        all!(fact_marks, MarkRow).into_iter().filter(|row| own.contains(&row.command_id.uuid())).collect();
    let changed: Vec<ChangeRow> =
        all!(changes_pending, ChangeRow).into_iter().filter(|row| row.entity_kind != "device").collect();
    let words: Vec<(MutualId, String, MemberId)> =
        name_words::table.select((name_words::mutual_id, name_words::word, name_words::member_id)).load(conn).unwrap();
    let keys: Vec<(MutualId, String, MemberId)> =
        match_keys::table.select((match_keys::mutual_id, match_keys::key, match_keys::member_id)).load(conn).unwrap();
    let words: Vec<_> = words
        .into_iter()
        .map(|row| (name_words::mutual_id.eq(row.0), name_words::word.eq(row.1), name_words::member_id.eq(row.2)))
        .collect();
    let keys: Vec<_> = keys
        .into_iter()
        .map(|row| (match_keys::mutual_id.eq(row.0), match_keys::key.eq(row.1), match_keys::member_id.eq(row.2)))
        .collect();
    fn part<T>(rows: &[T], at: usize, of: usize) -> &[T] {
        &rows[rows.len() * at / of..rows.len() * (at + 1) / of]
    }
    let mut begun = Instant::now();
    // Households and persons come before what points to them, so that every part can stand.
    for at in 0..pushes {
        if at == 1 {
            look_at_tables(empty);
            begun = Instant::now();
        }
        let written = empty.db.write(wall, |w| {
            insert_all!(w, commands::table, part(&commanded, at, pushes))?;
            insert_all!(w, households::table, part(&homes, at, pushes))?;
            insert_all!(w, members::table, part(&people, at, pushes))?;
            insert_all!(w, audit_rows::table, part(&audited, at, pushes))?;
            insert_all!(w, fact_marks::table, part(&marks, at, pushes))?;
            insert_all!(w, changes_pending::table, part(&changed, at, pushes))?;
            insert_all!(w, sync_results::table, part(&results, at, pushes))?;
            Ok::<_, DbError>(())
        });
        written.unwrap();
    }
    for at in 0..pushes {
        let written = empty.db.write(wall, |w| {
            insert_all!(w, memberships::table, part(&stays, at, pushes))?;
            insert_all!(w, residences::table, part(&living, at, pushes))?;
            insert_all!(w, name_words::table, part(&words, at, pushes))?;
            insert_all!(w, match_keys::table, part(&keys, at, pushes))?;
            insert_all!(w, audit_values::table, part(&values, at, pushes))?;
            Ok::<_, DbError>(())
        });
        written.unwrap();
    }
    begun.elapsed().as_secs_f64()
}
