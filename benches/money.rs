//! Payments over HTTP on a kept-alive connection, beside the same statements alone in the same run. The ratio is what
//! matters; milliseconds are the machine's. `AYNI_BENCH_PAYMENTS` says how many, `AYNI_TEST_ENGINE` which engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a measurement stops where it cannot go on")]
#![allow(clippy::disallowed_types, clippy::float_arithmetic, reason = "milliseconds are no money")]
#[path = "../tests/support/mod.rs"]
mod support;

use ayni::audit::model::{AuditRow, AuditValue, ChangeRow, CommandRow, MarkRow};
use ayni::contributions::model::{Allocation, Payment, Receipt};
use ayni::contributions::position::Position;
use ayni::contributions::store as contributions;
use ayni::db::schema::*;
use ayni::db::{DbError, Wall, Write};
use ayni::enrolments::model::Span;
use ayni::enrolments::store as enrolments;
use ayni::households::store as households;
use ayni::ids::*;
use ayni::insert_all;
use ayni::ledger::model::Transfer;
use ayni::ledger::store as ledger;
use ayni::products::store as products;
use ayni::series::{self, SeriesKind};
use diesel::prelude::*;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::World;
use support::database::on_postgres;

/// Times of one kind of request, in order.
struct Times(Vec<Duration>);

impl Times {
    fn of(times: usize, mut once: impl FnMut(usize)) -> Times {
        let mut all: Vec<Duration> = (0..times)
            .map(|at| {
                let begun = Instant::now();
                once(at);
                begun.elapsed()
            })
            .skip(times / 20)
            .collect();
        all.sort_unstable();
        Times(all)
    }

    fn at(&self, percent: usize) -> f64 {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)].as_secs_f64() * 1000.0
    }
}

/// What a payment wrote.
struct Rows {
    command: CommandRow,
    payment: Payment,
    receipt: Receipt,
    allocations: Vec<Allocation>,
    transfers: Vec<Transfer>,
    spans: Vec<Span>,
    audit: AuditRow,
    value: AuditValue,
    marks: Vec<MarkRow>,
    changes: Vec<ChangeRow>,
}

impl Rows {
    fn of(world: &World, id: PaymentId) -> Rows {
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
        let payment = all!(payments, Payment, payments::id.eq(id)).pop().unwrap();
        let audit = all!(audit_rows, AuditRow, audit_rows::command_id.eq(command)).pop().unwrap();
        Rows {
            command: all!(commands, CommandRow, commands::id.eq(command)).pop().unwrap(),
            receipt: all!(receipts, Receipt, receipts::id.eq(payment.receipt_id)).pop().unwrap(),
            allocations: all!(allocations, Allocation, allocations::payment_id.eq(id)),
            transfers: all!(transfers, Transfer, transfers::payment_id.eq(id)),
            spans: all!(cover_spans, Span, cover_spans::household_id.eq(payment.household_id)),
            value: all!(audit_values, AuditValue, audit_values::id.eq(audit.id)).pop().unwrap(),
            marks: all!(fact_marks, MarkRow, fact_marks::command_id.eq(command)),
            changes: {
                let mut rows = all!(changes_pending, ChangeRow, changes_pending::entity_kind.eq("payment"));
                rows.retain(|row| row.entity_id.uuid() == id.uuid());
                rows
            },
            audit,
            payment,
        }
    }

    /// The statements of a payment of another household, with nothing decided in between.
    fn again(&self, w: &mut Write, household: HouseholdId, at: i64) -> Result<(), DbError> {
        let mutual = self.payment.mutual_id;
        let (command, id): (CommandId, PaymentId) = (w.new_id(), w.new_id());
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
        let revision = households::lock(w, mutual, household)?.unwrap();
        households::section_of(w, mutual, household)?;
        contributions::list_desks(w, mutual)?;
        let desk = self.payment.cash_desk_id.unwrap();
        contributions::lock_desk(w, mutual, desk)?;
        contributions::find_desk(w, mutual, desk)?;
        contributions::last_session(w, mutual, desk)?;
        let position = Position::load(w, mutual, household)?;
        contributions::find_desk(w, mutual, desk)?;
        series::take(w, mutual, SeriesKind::Receipt, desk, 2026, "C1-2026", 1)?;
        let receipt =
            Receipt { id: w.new_id(), number: Some(1_000_000 + at), label: format!("B{at}"), ..self.receipt.clone() };
        contributions::insert_receipt(w, &receipt)?;
        let payment = Payment { id, household_id: household, receipt_id: receipt.id, ..self.payment.clone() };
        contributions::insert_payment(w, &payment)?;
        let parts: Vec<Allocation> = self
            .allocations
            .iter()
            .zip(&position.dues)
            .map(|(row, due)| Allocation {
                id: w.new_id(),
                household_id: household,
                payment_id: id,
                due_id: due.id,
                revision,
                ..row.clone()
            })
            .collect();
        contributions::insert_allocations(w, &parts)?;
        ledger::list_accounts_of(w, mutual, "MAIN")?;
        let rows: Vec<Transfer> = self
            .transfers
            .iter()
            .zip(&position.dues)
            .map(|(row, due)| Transfer {
                id: w.new_id(),
                command_id: command,
                payment_id: Some(id),
                due_id: Some(due.id),
                ..row.clone()
            })
            .collect();
        ledger::insert_transfers(w, &rows)?;
        // What follows: the facts of the cover, the spans written anew, the frame's rows.
        let stays = households::list_of_household(w, mutual, household)?;
        let ids: Vec<MemberId> = stays.iter().map(|(member, _)| member.id).collect();
        households::list_begun_elsewhere(w, mutual, household, &ids)?;
        let covers = enrolments::list_of_household(w, mutual, household)?;
        Position::load(w, mutual, household)?;
        products::list_versions_by_id(w, &[covers[0].product_version_id])?;
        enrolments::list_spans_of(w, mutual, household)?;
        let mut known: Vec<MemberId> = self.spans.iter().map(|row| row.member_id).collect();
        known.sort_unstable();
        known.dedup();
        let spans: Vec<Span> = self
            .spans
            .iter()
            .map(|row| Span {
                id: w.new_id(),
                household_id: household,
                member_id: ids[known.iter().position(|id| *id == row.member_id).unwrap()],
                enrolment_id: covers[0].id,
                ..row.clone()
            })
            .collect();
        enrolments::replace_spans(w, mutual, household, &spans)?;
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
        let changes: Vec<ChangeRow> = self
            .changes
            .iter()
            .map(|row| ChangeRow {
                mutual_id: mutual,
                id: w.new_id(),
                entity_kind: row.entity_kind.clone(),
                entity_id: row.entity_id,
                section_before: None,
                section_after: None,
                recorded_at: row.recorded_at,
            })
            .collect();
        insert_all!(w, changes_pending::table, changes)?;
        Ok(())
    }
}

#[actix_web::main]
async fn main() {
    let payments: usize = std::env::var("AYNI_BENCH_PAYMENTS").map_or(400, |text| text.parse().unwrap());
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "FAM", support::register::bands()).await;
    let mut homes = Vec::new();
    for _ in 0..2 * payments {
        let home = world.home(None, "STANDARD", 3).await.text("/id");
        world.enrolled(&home, &product, "2026-03-01").await;
        homes.push(home);
    }
    world.test.execute(if on_postgres() { "VACUUM ANALYZE" } else { "ANALYZE" });
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
    let url = format!("http://{at}/api/v1{}/payments", world.mutual("KAY"));
    let token = format!("Bearer {}", world.token("treasurer"));
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut last = PaymentId::NIL;
    let http = Times::of(payments, |at| {
        let id: PaymentId = world.test.db.ids().next();
        let body = json!({"id": id, "household_id": homes[at], "amount_minor": 31_000, "currency": "BIF",
            "method": "cash", "received_on": "2026-03-10"});
        let ask = agent.post(&url).header("Authorization", &token).header("Content-Type", "application/json");
        let mut answer = ask.send(&body.to_string()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status().as_u16(), 201, "{text}");
        let _: Value = serde_json::from_str(&text).unwrap();
        last = id;
    });
    let rows = Rows::of(&world, last);
    assert!(rows.allocations.len() == 2 && rows.transfers.len() == 2 && rows.spans.len() >= 3);
    let wall = Wall::from(world.org("KAY"));
    let alone = Times::of(payments, |at| {
        let household: HouseholdId = homes[payments + at].parse().unwrap();
        world.test.db.write(wall, |w| rows.again(w, household, i64::try_from(at).unwrap())).unwrap();
    });
    println!("{}, {payments} payments", if on_postgres() { "PostgreSQL" } else { "SQLite" });
    println!();
    println!("| a payment | HTTP p50 ms | p95 ms | SQL alone p50 ms | ratio |");
    println!("|---|---|---|---|---|");
    println!(
        "| cash of a family of three, two dues, receipt, books, cover | {:.1} | {:.1} | {:.1} | {:.1} |",
        http.at(50),
        http.at(95),
        alone.at(50),
        http.at(50) / alone.at(50).max(0.001),
    );
    // The server goes on until the process ends, and the database would then stay in the temporary folder.
    drop(world);
    std::process::exit(0);
}
