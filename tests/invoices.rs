//! Invoices of facilities as jobs: what holds for a walk through the API, for any file, for a large one, and for a worker
//! that is killed in the middle.
mod support;

use ayni::app::{HOOKS, work};
use ayni::db::schema::{claims, invoice_claims};
use ayni::ids::*;
use ayni::jobs::worker::{LEASE_SECONDS, Worker};
use chrono::{Duration, NaiveDate, TimeZone, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use support::care::Covered;
use support::{Answer, TestDb, World};

const HEADER: &str = "certificate,card,visit_type,service_on,discharged_on,diagnoses,service_code,quantity,unit_price";

/// A world at the end of April with a household of KAY covered since 10 March.
async fn world(size: usize) -> (World, Covered) {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "CARE", support::register::bands()).await;
    let home = world.covered(&product, size, 0).await;
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 30, 12, 0, 0).unwrap());
    (world, home)
}

fn file(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

fn row(certificate: &str, card: &str, on: &str, quantity: i64, price: i64) -> String {
    format!("{certificate},{card},,{on},,J06.9,CONS,{quantity},{price}")
}

fn body(world: &World, number: &str, csv: &str) -> Value {
    let id: InvoiceId = world.test.db.ids().next();
    json!({"id": id, "provider_id": world.provider("HC-KAY"), "number": number, "month": "2026-04", "csv": csv})
}

async fn send(world: &World, body: &Value) -> Answer {
    let path = format!("{}/invoices", world.mutual("KAY"));
    world.post(&path).as_("claims_officer").json(body.clone()).send().await
}

fn work_all(world: &World) -> usize {
    world.parts.jobs.work_all().unwrap()
}

fn path(world: &World, invoice: &str, rest: &str) -> String {
    format!("{}/invoices/{invoice}{rest}", world.mutual("KAY"))
}

async fn show(world: &World, invoice: &str) -> Answer {
    world.get(&path(world, invoice, "")).as_("claims_officer").send().await.expect(200)
}

async fn bad_file(world: &World, invoice: &str) -> String {
    world.get(&path(world, invoice, "/bad.csv")).as_("claims_officer").send().await.expect(200).text
}

/// Results by name, those that are not none.
fn results(invoice: &Answer) -> BTreeMap<String, i64> {
    let counts = invoice.body["results"].as_object().unwrap().iter();
    counts.map(|(name, count)| (name.clone(), count.as_i64().unwrap())).filter(|(_, count)| *count != 0).collect()
}

fn counted(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// All pages of a list.
async fn all(world: &World, list: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let between = if list.contains('?') { '&' } else { '?' };
        let at =
            cursor.map(|cursor| format!("{between}limit=7&cursor={cursor}")).unwrap_or(format!("{between}limit=7"));
        let page = world.get(&format!("{list}{at}")).as_("claims_officer").send().await.expect(200);
        found.extend(page.body["items"].as_array().unwrap().clone());
        cursor = page.body["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return found;
        }
    }
}

#[track_caller]
fn verified(test: &TestDb) {
    let verdict = ayni::verify::verify(&test.db).unwrap();
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
}

/// Number, claim, reason of every claim.
fn stored(test: &TestDb) -> Vec<(String, ClaimId, i64, i64)> {
    claims::table
        .order(claims::id)
        .select((claims::invoice_number, claims::id, claims::billed_minor, claims::mutual_minor))
        .load(&mut test.owner())
        .unwrap()
}

#[actix_web::test]
async fn an_invoice_is_sent_decided_told_accepted_and_disputed() {
    let (world, home) = world(2).await;
    let (aline, eric) = (&home.cards[0], &home.cards[1]);
    let csv = file(&[
        row("A-1", aline, "2026-04-01", 1, 5_000),
        row("A-2", eric, "2026-04-02", 1, 6_500),
        row("A-3", "10000100000000", "2026-04-02", 1, 5_000),
        row("A-4", aline, "2026-04-03", 0, 5_000),
        row("A-5", aline, "2026-04-04", 1, 5_000).replace("CONS", "NOPE"),
        row("A-6", eric, "2026-03-01", 1, 5_000),
        row("A-7", aline, "2026-04-01", 2, 5_000),
        row("A-8", aline, "2026-05-01", 1, 5_000),
        format!("A-9,{aline},,2026-04-09,2026-04-08,,CONS,1,5000"),
        row("A-10", aline, "2024-06-01", 1, 5_000),
    ]);
    let asked = body(&world, "2026-04-1", &csv);
    let made = send(&world, &asked).await.expect(202);
    let id = made.text("/id");
    assert_eq!((made.text("/state"), made.text("/job/state")), ("RECEIVED".into(), "QUEUED".into()));
    assert_eq!(results(&made), counted(&[("waiting", 7), ("bad", 3)]), "what cannot be read is told at once");
    assert_eq!(made.headers["location"], format!("/api/v1{}", path(&world, &id, "")));
    assert_eq!(world.count("claims"), 0, "the request itself submits nothing");
    let early = world.post(&path(&world, &id, "/accept")).as_("claims_officer").header("If-Match", "\"v1\"");
    assert_eq!(early.json(json!({})).send().await.expect(409).code(), "wrong_state");
    work_all(&world);
    let shown = show(&world, &id).await;
    assert_eq!((shown.text("/state"), shown.text("/job/state")), ("IN_CONTROL".into(), "DONE".into()));
    assert_eq!(results(&shown), counted(&[("claimed", 4), ("bad", 6)]));
    assert_eq!(shown.body["job"]["result"]["claimed"], 4);
    assert_eq!(shown.body["claims_pended"], 1, "A-7 has the services of A-1 on its day");
    let totals = &shown.body["totals"];
    // A-1 4,000 of 5,000; A-2 4,000 of 6,500, 1,500 above the price; A-6 before cover; A-7 waits.
    assert_eq!((&totals["claims"], &totals["billed_minor"]), (&json!(4), &json!(26_500)));
    assert_eq!((&totals["mutual_minor"], &totals["payable_minor"]), (&json!(8_000), &json!(8_000)));
    assert_eq!((&totals["provider_writeoff_minor"], &totals["member_minor"]), (&json!(1_500), &json!(7_000)));
    // What is wrong with each.
    let bad = all(&world, &path(&world, &id, "/lines?result=bad")).await;
    let told: Vec<(String, String, String, u64)> = bad
        .iter()
        .map(|line| {
            let error = &line["errors"][0];
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&line["certificate"]), text(&error["field"]), text(&error["code"]), error["row"].as_u64().unwrap())
        })
        .collect();
    let expected = [
        ("A-3", "card", "card_check_failed", 4),
        ("A-4", "quantity", "out_of_bounds", 5),
        ("A-5", "service_code", "unknown_value", 6),
        ("A-8", "service_on", "future_date", 9),
        ("A-9", "discharged_on", "before_admission", 10),
        ("A-10", "service_on", "not_contracted", 11),
    ];
    assert_eq!(told.len(), expected.len());
    for (told, expected) in told.iter().zip(expected) {
        assert_eq!((told.0.as_str(), told.1.as_str(), told.2.as_str(), told.3), expected);
    }
    assert_eq!(all(&world, &path(&world, &id, "/lines")).await.len(), 10);
    // The bad rows as they were sent.
    let text = bad_file(&world, &id).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], format!("{HEADER},error"));
    assert_eq!(lines.len(), 7);
    for (line, at) in lines[1..].iter().zip([3, 4, 5, 8, 9, 10]) {
        let sent = csv.lines().nth(at).unwrap();
        assert!(line.starts_with(&format!("{sent},")), "{line} is not {sent}");
    }
    // What was cut and refused, and who bears it.
    let cut = all(&world, &path(&world, &id, "/disallowances")).await;
    let cut: Vec<(&str, i64, i64, &Value)> = cut
        .iter()
        .map(|line| {
            let number = |name: &str| line[name].as_i64().unwrap();
            (line["certificate"].as_str().unwrap(), number("allowed_minor"), number("mutual_minor"), &line["reasons"])
        })
        .collect();
    let over = json!([{"code": "PRICE_OVER_TARIFF", "liable": "provider"}]);
    let uncovered = json!([{"code": "NO_COVERAGE", "liable": "member"}]);
    assert_eq!(cut, [("A-2", 5_000, 4_000, &over), ("A-6", 0, 0, &uncovered)]);
    let table =
        world.get(&path(&world, &id, "/disallowances?format=csv")).as_("claims_officer").send().await.expect(200);
    assert_eq!(table.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = table.text.lines().collect();
    assert_eq!(lines[1], "A-2,1,CONS,1,1,6500,5000,4000,1000,1500,0,PRICE_OVER_TARIFF (provider)");
    assert_eq!(lines[2], "A-6,1,CONS,1,0,5000,0,0,5000,0,0,NO_COVERAGE (member)");
    // Accepted only once nothing of it waits.
    let accept = |tag: &'static str| {
        let ask = world.post(&path(&world, &id, "/accept")).as_("claims_officer").header("If-Match", tag);
        ask.json(json!({"id": world.test.db.ids().next::<kind::Command>()})).send()
    };
    let refused = accept("\"v2\"").await.expect(409);
    assert_eq!(refused.code(), "wrong_state");
    let waits = all(&world, &format!("{}/claims?state=PENDED", world.mutual("KAY"))).await;
    assert_eq!(waits.len(), 1);
    let command: CommandId = world.test.db.ids().next();
    world
        .post(&format!("{}/claims/{}/decision", world.mutual("KAY"), waits[0]["id"].as_str().unwrap()))
        .as_("claims_officer")
        .header("If-Match", "\"v1\"")
        .json(json!({"id": command, "accept": true, "reason": "Two visits"}))
        .send()
        .await
        .expect(200);
    assert_eq!(accept("\"v1\"").await.expect(412).code(), "version_mismatch");
    assert_eq!(accept("\"v2\"").await.expect(200).text("/state"), "ACCEPTED");
    assert_eq!(accept("\"v3\"").await.expect(409).code(), "wrong_state");
    let own = format!("/providers/{}/invoices/{id}", world.provider("HC-KAY"));
    let command: CommandId = world.test.db.ids().next();
    let why = json!({"id": command, "mutual_id": world.org("KAY"), "reason": "6,500 was agreed"});
    let disputed = world.post(&format!("{own}/dispute")).as_("provider_clerk").json(why).send().await.expect(200);
    assert_eq!(disputed.text("/state"), "DISPUTED");
    let last = accept("\"v4\"").await.expect(200);
    let steps: Vec<&str> =
        last.body["steps"].as_array().unwrap().iter().map(|step| step["state"].as_str().unwrap()).collect();
    assert_eq!(steps, ["RECEIVED", "IN_CONTROL", "ACCEPTED", "DISPUTED", "ACCEPTED"]);
    assert_eq!(last.body["steps"][3]["reason"], "6,500 was agreed");
    // Paid with the claims.
    let approval = world.settlement_asked().await;
    world.approve(&approval, "treasurer").await.expect(200);
    let path = format!("{}/settlements/{approval}", world.mutual("KAY"));
    let settlement = world.get(&path).as_("treasurer").send().await.expect(200);
    world.pay(&approval, 1, settlement.body["payable_minor"].as_i64().unwrap()).await.expect(200);
    let seen =
        world.get(&format!("{own}?mutual_id={}", world.org("KAY"))).as_("provider_clerk").send().await.expect(200);
    assert_eq!(seen.text("/state"), "PAID");
    verified(&world.test);
}

#[actix_web::test]
async fn a_clerk_sends_a_list_and_sees_his_own_alone() {
    let (world, home) = world(2).await;
    let provider = world.provider("HC-KAY");
    let id: InvoiceId = world.test.db.ids().next();
    let list = json!([
        {"certificate": "L-1", "card": home.cards[0], "service_on": "2026-04-01", "diagnoses": ["J06.9", "A09"],
         "lines": [{"service": "CONS", "quantity": 1, "unit_price_minor": 5000}]},
        {"certificate": "L-2", "card": home.cards[1], "visit_type": "emergency", "service_on": "2026-04-02",
         "lines": [{"service": "CONS", "quantity": 1, "unit_price_minor": 5000}, {"service": "CONS", "quantity": 0, "unit_price_minor": 1}]},
    ]);
    let body = json!({"id": id, "mutual_id": world.org("KAY"), "number": "L", "month": "2026-04", "claims": list});
    let own = format!("/providers/{provider}/invoices");
    let made = world.post(&own).as_("provider_clerk").json(body.clone()).send().await.expect(202);
    assert_eq!(results(&made), counted(&[("waiting", 1), ("bad", 1)]));
    work_all(&world);
    let again = world.post(&own).as_("provider_clerk").json(body).send().await.expect(200);
    assert_eq!((again.headers["idempotent-replayed"].as_str(), again.text("/state")), ("true", "IN_CONTROL".into()));
    let asks = format!("?mutual_id={}", world.org("KAY"));
    let bad = world.get(&format!("{own}/{id}/bad.csv{asks}")).as_("provider_clerk").send().await.expect(200);
    let rows: Vec<&str> = bad.text.lines().collect();
    assert_eq!(rows[0], format!("{HEADER},error"));
    assert_eq!(
        rows[1],
        format!("L-2,{},emergency,2026-04-02,,,CONS,1,5000,", home.cards[1]),
        "all rows of the certificate"
    );
    assert!(
        rows[2].starts_with(&format!("L-2,{},emergency,2026-04-02,,,CONS,0,1,quantity", home.cards[1])),
        "{}",
        rows[2]
    );
    // Corrected and sent as a file: the columns of the answer, its errors left in.
    let corrected = bad.text.replace("CONS,0,1,", "CONS,2,5000,");
    let id: InvoiceId = world.test.db.ids().next();
    let body = json!({"id": id, "mutual_id": world.org("KAY"), "number": "L", "month": "2026-04", "csv": corrected});
    world.post(&own).as_("provider_clerk").json(body).send().await.expect(202);
    work_all(&world);
    let list = world.items("provider_clerk", &format!("{own}{asks}")).await;
    assert_eq!(list.len(), 1);
    assert_eq!((&list[0]["results"]["claimed"], &list[0]["results"]["bad"]), (&json!(2), &json!(0)));
    let diagnoses: Vec<String> =
        claims::table.order(claims::invoice_number).select(claims::diagnoses).load(&mut world.test.owner()).unwrap();
    assert_eq!(diagnoses, ["J06.9 A09", ""]);
    verified(&world.test);
}

#[actix_web::test]
async fn what_is_sent_again_is_never_a_duplicate_of_itself() {
    let (world, home) = world(3).await;
    let good: Vec<String> =
        (1..=5).map(|at| row(&format!("B-{at}"), &home.cards[at % 3], &format!("2026-04-0{at}"), 1, 5_000)).collect();
    let mut rows = good.clone();
    rows.push(row("B-6", "nobody", "2026-04-06", 1, 5_000));
    let csv = file(&rows);
    let id = send(&world, &body(&world, "B", &csv)).await.expect(202).text("/id");
    work_all(&world);
    let before = stored(&world.test);
    assert_eq!(before.len(), 5);
    let counts = ["jobs", "invoice_sendings", "invoice_steps", "invoice_claims", "fact_marks", "changes_pending"];
    let of = |world: &World| counts.map(|table| world.count(table));
    let rows_before = of(&world);
    // The same again, under another id, with other separators: nothing changes.
    for csv in [csv.clone(), csv.replace(',', ";"), csv.replace('\n', "\r\n")] {
        let answer = send(&world, &body(&world, "B", &csv)).await.expect(200);
        assert_eq!((answer.text("/id"), answer.text("/state")), (id.clone(), "IN_CONTROL".into()));
        assert_eq!((work_all(&world), of(&world)), (0, rows_before));
    }
    // The whole with one corrected and one changed.
    let mut corrected = good.clone();
    corrected[1] = row("B-2", &home.cards[2], "2026-04-02", 2, 5_000);
    corrected.push(row("B-6", &home.cards[0], "2026-04-06", 1, 5_000));
    let answer = send(&world, &body(&world, "B", &file(&corrected))).await.expect(202);
    assert_eq!(results(&answer), counted(&[("known", 4), ("differs", 1), ("waiting", 1)]));
    work_all(&world);
    let shown = show(&world, &id).await;
    assert_eq!(results(&shown), counted(&[("known", 4), ("differs", 1), ("claimed", 1)]));
    let differs = all(&world, &path(&world, &id, "/lines?result=differs")).await;
    assert_eq!(differs.len(), 1);
    assert_eq!(
        (&differs[0]["errors"][0]["field"], &differs[0]["errors"][0]["code"]),
        (&json!("lines"), &json!("differs"))
    );
    let after = stored(&world.test);
    assert_eq!(after.len(), 6);
    assert!(before.iter().all(|claim| after.contains(claim)), "what was a claim is as it was");
    assert_eq!(world.count("claims WHERE claim_reason = 'DUPLICATE'"), 0);
    // Another invoice that names one of them: as the rules say.
    let other = send(&world, &body(&world, "C", &file(&[row("B-1", &home.cards[1], "2026-04-01", 1, 5_000)]))).await;
    let other = other.expect(202).text("/id");
    work_all(&world);
    assert_eq!(world.count("claims WHERE claim_reason = 'DUPLICATE' AND outcome = 'rejected'"), 1);
    let cut = all(&world, &path(&world, &other, "/disallowances")).await;
    assert_eq!(cut.len(), 1);
    assert_eq!(cut[0]["reasons"], json!([{"code": "DUPLICATE", "liable": "provider"}]));
    // Another month is another invoice, and needs another number.
    let mut wrong = body(&world, "B", &csv);
    wrong["month"] = json!("2026-03");
    assert_eq!(send(&world, &wrong).await.expect(409).code(), "number_taken");
    verified(&world.test);
}

#[actix_web::test]
async fn a_file_that_is_not_whole_changes_nothing() {
    let (world, home) = world(1).await;
    let before = support::rows::dump(&world.test);
    let good = row("D-1", &home.cards[0], "2026-04-01", 1, 5_000);
    let files = [
        format!("{HEADER}\n{good}\nD-2,{},,2026", home.cards[0]),
        format!("{HEADER}\n{good}\nD-2,{},,2026-04-01,,,CONS,1,\"50", home.cards[0]),
        good.clone(),
        HEADER.to_owned(),
    ];
    for (at, csv) in files.iter().enumerate() {
        let answer = send(&world, &body(&world, "D", csv)).await.expect(422);
        assert_eq!((answer.code(), answer.pointers()), ("file_refused", vec!["/csv"]), "{at}");
    }
    let neither = json!({"id": world.test.db.ids().next::<kind::Invoice>(), "provider_id": world.provider("HC-KAY"),
        "number": "D", "month": "2026-04"});
    assert_eq!(send(&world, &neither).await.expect(422).pointers(), ["/csv"]);
    let mut elsewhere = body(&world, "D", &format!("{HEADER}\n{good}\n"));
    elsewhere["provider_id"] = json!(world.provider("HC-SEN"));
    assert_eq!(send(&world, &elsewhere).await.expect(404).pointers(), ["/provider_id"]);
    support::rows::assert_alike(&before, &support::rows::dump(&world.test));
}

/// Numbers that look like chance and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        ayni::ids::split_mix(&mut self.0) % bound
    }
}

#[actix_web::test]
async fn of_any_file_every_good_certificate_is_one_claim_and_every_bad_one_is_listed() {
    let mut seen = 0;
    for seed in 1..=3 {
        let (world, home) = world(4).await;
        let mut dice = Dice(seed);
        let (mut rows, mut good, mut bad) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        for at in 0..40 {
            let certificate = format!("P-{at}");
            let day = NaiveDate::from_ymd_opt(2026, 4, 1).unwrap() + chrono::Days::new(dice.below(29));
            let card = home.cards[usize::try_from(dice.below(4)).unwrap()].clone();
            let lines: Vec<(i64, i64)> = (0..=dice.below(3))
                .map(|_| (i64::try_from(1 + dice.below(3)).unwrap(), i64::try_from(dice.below(7_000)).unwrap()))
                .collect();
            let fault = dice.below(12);
            let (mut card, mut on, mut service) = (card, day.to_string(), "CONS");
            match fault {
                0 => card = "nobody".into(),
                1 => on = "2026-05-09".into(),
                2 => service = "NOPE",
                3 => on = "2026-04-31".into(),
                _ => {}
            }
            for (nth, (quantity, price)) in lines.iter().enumerate() {
                let quantity = if fault == 4 && nth == 0 { 0 } else { *quantity };
                rows.push(row(&certificate, &card, &on, quantity, *price).replace("CONS", service));
            }
            if fault <= 4 {
                bad.insert(certificate);
            } else {
                good.insert(certificate, lines.iter().map(|(quantity, price)| quantity * price).sum::<i64>());
            }
        }
        // Rows of one certificate may stand anywhere.
        for at in (1..rows.len()).rev() {
            let other = usize::try_from(dice.below(u64::try_from(at + 1).unwrap())).unwrap();
            rows.swap(at, other);
        }
        let csv = file(&rows);
        let id = send(&world, &body(&world, "P", &csv)).await.expect(202).text("/id");
        work_all(&world);
        let made: BTreeMap<String, i64> =
            stored(&world.test).into_iter().map(|(number, _, billed, _)| (number, billed)).collect();
        assert_eq!(made, good, "seed {seed}");
        assert_eq!(stored(&world.test).len(), good.len(), "seed {seed}: each once");
        let listed: BTreeSet<String> = all(&world, &path(&world, &id, "/lines?result=bad"))
            .await
            .iter()
            .map(|line| line["certificate"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(listed, bad, "seed {seed}");
        let shown = show(&world, &id).await;
        let sum = |at: fn(&(String, ClaimId, i64, i64)) -> i64| stored(&world.test).iter().map(at).sum::<i64>();
        let totals = &shown.body["totals"];
        assert_eq!(totals["billed_minor"], sum(|claim| claim.2), "seed {seed}");
        assert_eq!(totals["mutual_minor"], sum(|claim| claim.3), "seed {seed}");
        // Sent again, the whole or the bad rows alone: nothing more.
        let before = stored(&world.test);
        send(&world, &body(&world, "P", &csv)).await.expect(200);
        let text = bad_file(&world, &id).await;
        if !bad.is_empty() {
            send(&world, &body(&world, "P", &text)).await.expect(202);
            work_all(&world);
            assert_eq!(bad_file(&world, &id).await, text, "seed {seed}: the bad rows are as they were");
        }
        assert_eq!(stored(&world.test), before, "seed {seed}");
        seen += bad.len();
        verified(&world.test);
    }
    assert!(seen > 10, "{seen} bad certificates");
}

/// A file of so many certificates of so many lines, no two alike.
fn large(home: &Covered, certificates: usize, lines: usize) -> String {
    let mut rows = Vec::new();
    for at in 0..certificates {
        let day = NaiveDate::from_ymd_opt(2026, 3, 12).unwrap() + chrono::Days::new(u64::try_from(at % 45).unwrap());
        let card = &home.cards[(at / 45) % home.cards.len()];
        for line in 0..lines {
            let price = i64::try_from(1_000 + line).unwrap();
            rows.push(row(&format!("G-{at}"), card, &day.to_string(), 1, price));
        }
    }
    file(&rows)
}

#[actix_web::test]
async fn ten_thousand_lines_are_taken_at_once_and_decided_in_short_turns() {
    let (world, home) = world(6).await;
    let csv = large(&home, 100, 100);
    assert!(csv.len() > ayni::web::LARGEST_BODY, "{} bytes", csv.len());
    let made = send(&world, &body(&world, "G", &csv)).await.expect(202);
    assert_eq!(results(&made), counted(&[("waiting", 100)]));
    let turns = work_all(&world);
    assert!(turns >= 5, "{turns} turns");
    let shown = show(&world, &made.text("/id")).await;
    assert_eq!(results(&shown), counted(&[("claimed", 100)]));
    assert_eq!((&shown.body["job"]["done"], &shown.body["job"]["total"]), (&json!(100), &json!(100)));
    assert_eq!(world.count("claim_lines"), 10_000);
    let billed: i64 = 100 * (0..100).map(|line| 1_000 + line).sum::<i64>();
    assert_eq!(shown.body["totals"]["billed_minor"], billed);
    assert_eq!(world.count("invoice_claims WHERE claim_id IS NOT NULL"), 100);
    let linked: Vec<Option<ClaimId>> =
        invoice_claims::table.select(invoice_claims::claim_id).distinct().load(&mut world.test.owner()).unwrap();
    assert_eq!(linked.len(), 100);
}

#[actix_web::test]
async fn a_worker_that_is_killed_half_way_is_followed_by_another_and_nothing_is_done_twice() {
    let (world, home) = world(4).await;
    let kay: MutualId = Key::new(world.org("KAY").uuid());
    let made = send(&world, &body(&world, "K", &large(&home, 120, 1))).await.expect(202);
    let id = made.text("/id");
    let worker =
        || Worker::new(world.test.db.clone(), world.parts.access.pictures.clone(), HOOKS, work, |_, _| Ok(false));
    let (first, second) = (worker(), worker());
    assert!(first.turn(kay).unwrap());
    let half = show(&world, &id).await;
    let done = half.body["job"]["done"].as_i64().unwrap();
    assert!(done > 0 && done < 120, "{done}");
    assert_eq!((half.text("/job/state"), half.text("/state")), ("RUNNING".into(), "RECEIVED".into()));
    assert!(half.body["job"]["lease"]["worker_id"].is_string());
    assert_eq!(world.count("claims"), done);
    // The first one is gone; while its lease holds nobody else is at it.
    assert!(!second.turn(kay).unwrap());
    let later = world.test.clock.now().and_utc() + Duration::seconds(LEASE_SECONDS + 1);
    world.test.clock.set(later);
    assert!(second.turn(kay).unwrap());
    // It was not gone at all, only slow: the lease is another's now.
    assert!(!first.turn(kay).unwrap());
    while second.turn(kay).unwrap() {}
    let shown = show(&world, &id).await;
    assert_eq!((shown.text("/state"), shown.text("/job/state")), ("IN_CONTROL".into(), "DONE".into()));
    assert_eq!(results(&shown), counted(&[("claimed", 120)]));
    let numbers: BTreeSet<String> = stored(&world.test).into_iter().map(|claim| claim.0).collect();
    assert_eq!((numbers.len(), stored(&world.test).len()), (120, 120));
    assert_eq!(world.count("claims WHERE claim_reason = 'DUPLICATE'"), 0);
    assert_eq!(world.count("commands WHERE route = 'job invoice'"), 121, "each certificate once, and the control");
    verified(&world.test);
}

#[actix_web::test]
async fn a_job_is_stopped_and_begun_anew_by_sending_the_same_again() {
    let (world, home) = world(4).await;
    let kay: MutualId = Key::new(world.org("KAY").uuid());
    let csv = large(&home, 120, 1);
    let made = send(&world, &body(&world, "S", &csv)).await.expect(202);
    assert!(world.parts.jobs.turn(kay).unwrap());
    let job = format!("{}/jobs/{}", world.mutual("KAY"), made.text("/job/id"));
    let stopped = world.post(&format!("{job}/cancel")).as_("claims_officer").send().await.expect(200);
    assert_eq!(stopped.text("/state"), "CANCELLED");
    assert_eq!(
        world.post(&format!("{job}/cancel")).as_("claims_officer").send().await.expect(409).code(),
        "wrong_state"
    );
    assert_eq!(work_all(&world), 0);
    let half = show(&world, &made.text("/id")).await;
    assert_eq!(half.text("/state"), "RECEIVED");
    let done = world.count("claims");
    assert!(done > 0 && done < 120, "{done}");
    verified(&world.test);
    let again = send(&world, &body(&world, "S", &csv)).await.expect(202);
    assert_ne!(again.text("/job/id"), made.text("/job/id"));
    work_all(&world);
    let shown = show(&world, &made.text("/id")).await;
    assert_eq!(shown.text("/state"), "IN_CONTROL");
    let told = results(&shown);
    assert_eq!(told.values().sum::<i64>(), 120);
    assert!(!told.contains_key("bad") && !told.contains_key("waiting"), "{told:?}");
    assert_eq!(world.count("claims"), 120);
    assert_eq!(world.count("claims WHERE claim_reason = 'DUPLICATE'"), 0);
    verified(&world.test);
}

#[actix_web::test]
async fn a_servers_worker_is_nudged_while_others_send_more_of_the_same_invoice() {
    let (world, home) = world(4).await;
    world.parts.jobs.start().unwrap();
    let csv = large(&home, 60, 1);
    let id = send(&world, &body(&world, "T", &csv)).await.expect(202).text("/id");
    // More of it comes while the worker is at it.
    let more = format!("{csv}{}\n", row("T-1", &home.cards[0], "2026-04-29", 1, 5_000));
    let answer = send(&world, &body(&world, "T", &more)).await;
    assert!(matches!(answer.status, 200 | 202), "{}", answer.text);
    let mut shown = show(&world, &id).await;
    for _ in 0..600 {
        if shown.text("/state") == "IN_CONTROL" && !shown.body["job"]["ended_at"].is_null() {
            break;
        }
        actix_web::rt::time::sleep(std::time::Duration::from_millis(50)).await;
        shown = show(&world, &id).await;
    }
    world.parts.jobs.stop();
    assert_eq!((shown.text("/state"), shown.text("/job/state")), ("IN_CONTROL".into(), "DONE".into()));
    let told = results(&shown);
    assert_eq!(told.values().sum::<i64>(), 61);
    assert!(!told.contains_key("bad") && !told.contains_key("differs"), "{told:?}");
    assert_eq!(world.count("claims"), 61);
    assert_eq!(world.count("claims WHERE claim_reason = 'DUPLICATE'"), 0);
    verified(&world.test);
}
