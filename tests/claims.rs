//! Claims and settlements: what holds when many come at once, and for any claim whatever.
mod support;

use ayni::access::permissions::Role;
use ayni::claims::model::{Claim, ClaimReason, ClaimState, Line, Mode, Outcome, VisitType};
use ayni::claims::rules::{Input, adjudicate};
use ayni::claims::service::{NewLine, quote};
use ayni::db::Wall;
use ayni::db::schema::{claim_lines, claims};
use ayni::error::Error;
use ayni::ids::*;
use chrono::{NaiveDate, TimeZone, Utc};
use diesel::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::mpsc;
use std::time::Duration;
use support::care::{Clinic as Office, Covered, Dice, catalogue, with_ceilings};
use support::database::on_postgres;
use support::{TestDb, World, all_at_once};

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn ids(home: &Covered) -> Vec<MemberId> {
    home.members.iter().map(|id| id.parse().unwrap()).collect()
}

fn stored(test: &TestDb) -> Vec<Claim> {
    claims::table.order(claims::id).select(Claim::as_select()).load(&mut test.owner()).unwrap()
}

fn inputs(claim: &Claim) -> Input {
    serde_json::from_str(&claim.inputs).unwrap()
}

/// A world at the end of April, with a household in force since 10 March.
async fn world(person_year: i64, household_year: i64, size: usize) -> (World, Covered, String) {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "CARE", with_ceilings(person_year, household_year)).await;
    let home = world.covered(&product, size, 0).await;
    (world, home, product)
}

fn end_of_april(world: &World) {
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 30, 12, 0, 0).unwrap());
}

#[actix_web::test]
async fn claims_of_a_household_at_once_never_exceed_a_ceiling_together() {
    let (world, home, _) = world(8_000, 21_000, 4).await;
    end_of_april(&world);
    let office = Office::of(&world);
    let members = ids(&home);
    let barrier = Barrier::new(16);
    std::thread::scope(|threads| {
        for at in 0..16usize {
            let (office, members, barrier) = (office.clone(), &members, &barrier);
            threads.spawn(move || {
                let day = date("2026-03-11") + chrono::Days::new(u64::try_from(at).unwrap());
                let new = office.claim(members[at % 4], &format!("T-{at}"), day);
                barrier.wait();
                office.submit(office.db.ids().next(), &new).unwrap();
            });
        }
    });
    let all = stored(&world.test);
    assert_eq!(all.len(), 16);
    let mut by_member: BTreeMap<MemberId, i64> = BTreeMap::new();
    for claim in &all {
        *by_member.entry(claim.member_id).or_default() += claim.mutual_minor;
    }
    assert_eq!(by_member.values().sum::<i64>(), 21_000, "the household's ceiling is reached and not exceeded");
    assert!(by_member.values().all(|paid| *paid <= 8_000), "{by_member:?}");
    // Some order of the claims gives just these decisions: each counted what those before it had been given.
    let mut left: Vec<&Claim> = all.iter().collect();
    let (mut household, mut persons) = (0, BTreeMap::<MemberId, i64>::new());
    while !left.is_empty() {
        // Those that were given nothing leave the sums as they are: they go first, at the moment that they saw. Of those that
        // were given something only one can have seen this sum of the household.
        let fits = |claim: &Claim| {
            let history = inputs(claim).history;
            let own = persons.get(&claim.member_id).copied().unwrap_or(0);
            (history.household_year_paid, history.person_year_paid) == (household, own)
        };
        let next = left
            .iter()
            .position(|claim| claim.mutual_minor == 0 && fits(claim))
            .or_else(|| left.iter().position(|claim| fits(claim)));
        let claim = left.remove(next.unwrap_or_else(|| panic!("no claim counted {household} and {persons:?}")));
        household += claim.mutual_minor;
        *persons.entry(claim.member_id).or_default() += claim.mutual_minor;
    }
    let verdict = ayni::verify::verify(&world.test.db).unwrap();
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
}

#[actix_web::test]
async fn a_claim_sent_by_two_threads_takes_effect_once() {
    let (world, home, _) = world(80_000, 200_000, 4).await;
    end_of_april(&world);
    let office = Office::of(&world);
    let members = ids(&home);
    let mut known: Vec<ClaimId> = (0..8).map(|_| office.db.ids().next()).collect();
    known.sort_unstable();
    let barrier = Barrier::new(16);
    std::thread::scope(|threads| {
        for at in 0..16usize {
            let (office, members, known, barrier) = (office.clone(), &members, &known, &barrier);
            threads.spawn(move || {
                let which = at % 8;
                let day = date("2026-03-11") + chrono::Days::new(u64::try_from(which).unwrap());
                let new = office.claim(members[which % 4], &format!("T-{which}"), day);
                barrier.wait();
                office.submit(known[which], &new).unwrap();
            });
        }
    });
    let all = stored(&world.test);
    assert_eq!(all.iter().map(|claim| claim.id).collect::<Vec<_>>(), known);
    assert!(all.iter().all(|claim| claim.outcome == Outcome::Approved), "none is the duplicate of itself");
    for (table, rows) in [("claim_lines", 8), ("claim_numbers", 8), ("transfers WHERE claim_id IS NOT NULL", 8)] {
        assert_eq!(world.test.count(table), rows, "{table}");
    }
}

#[actix_web::test]
async fn a_number_of_a_facility_is_taken_by_one_of_eight_claims() {
    let (world, home, product) = world(80_000, 200_000, 4).await;
    let other = world.covered(&product, 4, 0).await;
    end_of_april(&world);
    let office = Office::of(&world);
    let members = [ids(&home), ids(&other)].concat();
    let barrier = Barrier::new(8);
    std::thread::scope(|threads| {
        for at in 0..8usize {
            let (office, members, barrier) = (office.clone(), &members, &barrier);
            threads.spawn(move || {
                let new = office.claim(members[at], "THE-SAME", date("2026-03-20"));
                barrier.wait();
                office.submit(office.db.ids().next(), &new).unwrap();
            });
        }
    });
    let all = stored(&world.test);
    assert_eq!(all.len(), 8);
    let (taken, free): (Vec<&Claim>, Vec<&Claim>) =
        all.iter().partition(|claim| claim.claim_reason == Some(ClaimReason::Duplicate));
    assert_eq!((taken.len(), free.len()), (7, 1));
    assert_eq!(free[0].outcome, Outcome::Approved);
    assert!(taken.iter().all(|claim| claim.provider_writeoff_minor == claim.billed_minor), "the facility's (R26)");
    let holder: ClaimId = ayni::db::schema::claim_numbers::table
        .select(ayni::db::schema::claim_numbers::claim_id)
        .first(&mut world.test.owner())
        .unwrap();
    assert_eq!(holder, free[0].id);
}

/// SQLite has one writer; on PostgreSQL only the household is waited for.
#[actix_web::test]
async fn another_household_does_not_wait() {
    if !on_postgres() {
        println!("SQLite has one writer: nothing to be seen");
        return;
    }
    let (world, home, product) = world(80_000, 200_000, 2).await;
    let other = world.covered(&product, 2, 0).await;
    end_of_april(&world);
    let office = Office::of(&world);
    let held: HouseholdId = home.household.parse().unwrap();
    let (locked, is_locked) = mpsc::channel();
    let (release, is_released) = mpsc::channel::<()>();
    let (same, free) = (ids(&home)[0], ids(&other)[0]);
    std::thread::scope(|threads| {
        let holder = office.clone();
        threads.spawn(move || {
            holder
                .db
                .write(Wall::mutual(holder.scope.mutual()), |w| {
                    ayni::households::store::lock(w, holder.scope.mutual(), held)?;
                    locked.send(()).unwrap();
                    let _ = is_released.recv_timeout(Duration::from_secs(20));
                    Ok::<_, Error>(())
                })
                .unwrap();
        });
        is_locked.recv().unwrap();
        let (done, is_done) = mpsc::channel();
        for (member, invoice) in [(free, "FREE"), (same, "HELD")] {
            let (office, done) = (office.clone(), done.clone());
            threads.spawn(move || {
                let new = office.claim(member, invoice, date("2026-03-20"));
                office.submit(office.db.ids().next(), &new).unwrap();
                done.send(invoice).unwrap();
            });
        }
        assert_eq!(is_done.recv_timeout(Duration::from_secs(10)), Ok("FREE"));
        assert!(is_done.recv_timeout(Duration::from_millis(300)).is_err(), "the household's own claim waits");
        release.send(()).unwrap();
        assert_eq!(is_done.recv_timeout(Duration::from_secs(10)), Ok("HELD"));
    });
}

#[actix_web::test]
async fn whatever_is_claimed_the_parts_add_up_and_the_inputs_give_the_decision() {
    for seed in 1..=3 {
        let world = World::new().await;
        catalogue(&world).await;
        let mut parameters = with_ceilings(40_000, 90_000);
        parameters["filing_days"] = json!(40);
        parameters["deductible_claim"] = json!(300);
        parameters["referral_levels"] = json!(["hospital"]);
        parameters["ceilings"]["episode"] = json!({"amount": 12_000, "categories": ["HOSP"]});
        parameters["prior_auth"] = json!({"categories": ["HOSP"], "threshold": 60_000});
        parameters["frequency"] = json!({"OPD": {"limit": 3, "window": "calendar_month", "per": "person"}});
        parameters["benefits"]["DRUG"] = json!({"waiting_months": 0, "copay": 50});
        parameters["benefits"]["HOSP"]["waiting_months"] = json!(1);
        let product = world.product("mutual_admin", "KAY", "CARE", parameters).await;
        let homes = [world.covered(&product, 3, 0).await, world.covered(&product, 2, 0).await];
        end_of_april(&world);
        let office = Office::of(&world);
        let members: Vec<MemberId> = homes.iter().flat_map(ids).collect();
        let mut dice = Dice(seed);
        let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
        for at in 0..60 {
            let service_on = date("2026-03-08") + chrono::Days::new(dice.below(58));
            let member = members[usize::try_from(dice.below(5)).unwrap()];
            let mut new = office.claim(member, &format!("R-{}", dice.below(80)), service_on);
            if dice.below(10) > 0 {
                new.submitted_on = (service_on + chrono::Days::new(dice.below(30))).min(office.scope.today());
            }
            new.mode = if dice.below(4) == 0 { Mode::Reimbursement } else { Mode::ThirdParty };
            new.visit_type =
                [VisitType::Other, VisitType::Emergency, VisitType::Referral][usize::try_from(dice.below(3)).unwrap()];
            new.discharged_on = (dice.below(3) == 0).then(|| service_on + chrono::Days::new(dice.below(5)));
            new.other_payer_minor = (dice.below(5) == 0).then(|| dice.up_to(9_000));
            new.lines = (0..=dice.below(4))
                .map(|line| {
                    let services = ["CONS", "AMOX", "BED", "XRAY", "NEW"];
                    let service = services[usize::try_from(dice.below(12)).unwrap().min(9) / 2];
                    NewLine {
                        line: i32::try_from(line + 1).unwrap(),
                        service: service.into(),
                        quantity: 1 + dice.up_to(4),
                        unit_price_minor: dice.up_to(11_000),
                    }
                })
                .collect();
            let told = office
                .db
                .read(Wall::mutual(office.scope.mutual()), |r| quote(r, &office.scope, &office.owners, &new))
                .unwrap();
            let id = office.db.ids().next();
            office.submit(id, &new).unwrap();
            let (claim, lines) = office.find(id);
            let here = format!("seed {seed}, claim {at}: {claim:?}");
            let again = adjudicate(&inputs(&claim)).unwrap();
            assert_eq!(told, again, "{here}: the quote is the decision");
            assert_eq!((claim.outcome, claim.claim_reason), (again.decision, again.claim_reason), "{here}");
            let totals = [
                claim.billed_minor,
                claim.mutual_minor,
                claim.member_minor,
                claim.provider_writeoff_minor,
                claim.other_paid_minor,
            ];
            let of = &again.totals;
            assert_eq!(totals, [of.billed, of.mutual, of.member, of.provider_writeoff, of.other_payer], "{here}");
            assert_eq!(claim.billed_minor, lines.iter().map(|line| line.quantity * line.unit_price_minor).sum::<i64>());
            if claim.state == ClaimState::Decided {
                assert_eq!(claim.billed_minor, totals[1..].iter().sum::<i64>(), "{here}: R27");
            }
            let decided: Vec<&Line> = lines.iter().filter(|line| line.mutual_minor.is_some()).collect();
            assert_eq!(decided.len(), again.lines.len(), "{here}");
            for (line, told) in decided.iter().zip(&again.lines) {
                let parts = [line.mutual_minor, line.member_minor, line.provider_writeoff_minor, line.other_paid_minor]
                    .map(Option::unwrap);
                assert_eq!(parts.iter().sum::<i64>(), line.quantity * line.unit_price_minor, "{here}: R27 of {line:?}");
                assert_eq!(parts, [told.mutual, told.member, told.provider_writeoff, told.other_payer], "{here}");
                assert!(parts.iter().all(|part| *part >= 0), "{here}: {line:?}");
            }
            *outcomes.entry(claim.outcome.code()).or_default() += 1;
        }
        assert!(outcomes.contains_key("partially_approved") && outcomes.contains_key("rejected"), "{outcomes:?}");
        let paid: i64 = stored(&world.test).iter().map(|claim| claim.mutual_minor).sum();
        assert!(paid > 0 && paid <= 180_000, "{paid}");
        let verdict = ayni::verify::verify(&world.test.db).unwrap();
        assert!(verdict.findings.is_empty(), "seed {seed}: {:?}", verdict.findings);
    }
}

async fn decide(world: &World, claim: &str, accept: bool) -> support::Answer {
    let id: CommandId = world.test.db.ids().next();
    world
        .post(&format!("{}/claims/{claim}/decision", world.mutual("KAY")))
        .as_("claims_officer")
        .header("If-Match", "\"v1\"")
        .json(json!({"id": id, "accept": accept, "reason": "Asked the facility"}))
        .send()
        .await
}

#[actix_web::test]
async fn a_suspected_duplicate_waits_for_a_person_who_accepts_or_rejects_it() {
    let (world, home, _) = world(80_000, 200_000, 2).await;
    let lines = [("CONS", 1, 6_000)];
    world.claim(&home.members[0], "A-1", "2026-03-10", &lines).await;
    let first = world.claim(&home.members[0], "A-2", "2026-03-10", &lines).await;
    let second = world.claim(&home.members[0], "A-3", "2026-03-10", &lines).await;
    for waits in [&first, &second] {
        assert_eq!(waits.text("/state"), "PENDED");
        assert_eq!(waits.text("/claim_reason"), "SUSPECTED_DUPLICATE");
        assert_eq!((&waits.body["billed_minor"], &waits.body["mutual_minor"]), (&json!(6_000), &json!(0)));
        assert!(waits.body["decided_on"].is_null() && waits.body["lines"][0]["mutual_minor"].is_null());
    }
    let accepted = decide(&world, &first.text("/id"), true).await.expect(200);
    assert_eq!((accepted.text("/state"), accepted.text("/outcome")), ("DECIDED".into(), "partially_approved".into()));
    assert!(accepted.body["claim_reason"].is_null());
    let parts = |answer: &support::Answer| {
        ["mutual_minor", "member_minor", "provider_writeoff_minor"].map(|name| answer.body[name].as_i64().unwrap())
    };
    assert_eq!(parts(&accepted), [4_000, 1_000, 1_000]);
    assert_eq!(accepted.body["lines"][0]["reasons"], json!(["PRICE_OVER_TARIFF"]));
    assert_eq!(accepted.text("/decision_reason"), "Asked the facility");
    let rejected = decide(&world, &second.text("/id"), false).await.expect(200);
    assert_eq!(rejected.text("/outcome"), "rejected");
    assert_eq!(rejected.text("/claim_reason"), "SUSPECTED_DUPLICATE");
    assert_eq!(parts(&rejected), [0, 6_000, 0]);
    assert_eq!(decide(&world, &second.text("/id"), true).await.expect(412).code(), "version_mismatch");
    let path = format!("{}/claims/{}/decision", world.mutual("KAY"), second.text("/id"));
    let again = json!({"id": world.test.db.ids().next::<kind::Command>(), "accept": true, "reason": "Again"});
    let answer = world.post(&path).as_("claims_officer").header("If-Match", "\"v2\"").json(again).send().await;
    assert_eq!(answer.expect(409).code(), "wrong_state");
    assert_eq!(world.count("transfers WHERE claim_id IS NOT NULL"), 2, "the first and the accepted one");
    let verdict = ayni::verify::verify(&world.test.db).unwrap();
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
}

#[actix_web::test]
async fn a_settlement_is_done_once_by_a_second_person() {
    let (mut world, home, _) = world(80_000, 200_000, 2).await;
    let kay = world.org("KAY");
    world.add_user("treasurer_2", Role::Treasurer, kay);
    let path = world.mutual("KAY");
    let nothing = json!({"id": world.test.db.ids().next::<kind::Approval>(), "provider_id": world.provider("HC-KAY")});
    let answer = world.post(&format!("{path}/settlements")).as_("treasurer").json(nothing).send().await;
    assert_eq!(answer.expect(409).code(), "wrong_state", "nothing is owed yet");
    world.claim(&home.members[0], "A-1", "2026-03-10", &[("CONS", 1, 5_000)]).await;
    world.claim(&home.members[1], "A-2", "2026-03-10", &[("CONS", 2, 5_000)]).await;
    world.claim(&home.members[1], "A-2", "2026-03-10", &[("CONS", 2, 5_000)]).await;
    let payable = format!("payable:{}", world.provider("HC-KAY"));
    assert_eq!(world.stands("benefits").await, (12_000, 0));
    assert_eq!(world.stands(&payable).await, (0, 12_000));
    let bank = world.stands("bank").await;
    // Refused, the claims are as they were.
    let refused = world.settlement_asked().await;
    let answer = world
        .post(&format!("{path}/approvals/{refused}/refuse"))
        .as_("treasurer")
        .header("If-Match", "\"v1\"")
        .json(json!({"reason": "The invoice is not here"}))
        .send()
        .await
        .expect(200);
    assert_eq!((answer.text("/state"), answer.text("/reason")), ("refused".into(), "The invoice is not here".into()));
    assert_eq!(world.count("claims WHERE state = 'DECIDED'"), 3);
    assert_eq!(world.count("settlements"), 0);
    assert_eq!(world.approve(&refused, "treasurer").await.expect(412).code(), "version_mismatch");
    // Never by who asked for it.
    let asked = world.settlement_asked().await;
    assert_eq!(world.approve(&asked, "mutual_admin").await.expect(403).code(), "same_person");
    assert_eq!(world.count("settlements"), 0);
    let answers = all_at_once(vec![world.approve(&asked, "treasurer"), world.approve(&asked, "treasurer_2")]).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert!(statuses == [200, 409] || statuses == [200, 412], "{statuses:?}");
    let list = world.items("treasurer", &format!("{path}/settlements")).await;
    assert_eq!(list.len(), 1);
    assert_eq!((&list[0]["amount_minor"], &list[0]["number_of_claims"]), (&json!(12_000), &json!(2)));
    assert_eq!(list[0]["id"], json!(asked), "the approval's id is the settlement's");
    assert_eq!((list[0]["state"].clone(), list[0]["paid_minor"].clone()), (json!("APPROVED"), json!(0)));
    assert_eq!(world.stands(&payable).await, (0, 12_000), "approved is not paid");
    // A part first, which pays the first claim and a part of the second.
    let first = world.pay(&asked, 1, 5_000).await.expect(200);
    assert_eq!((first.text("/state"), &first.body["paid_minor"]), ("PART_PAID".into(), &json!(5_000)));
    let settled: i64 = stored(&world.test).iter().map(|claim| claim.settled_minor).sum();
    assert_eq!(settled, 5_000);
    let above = world.pay(&asked, 2, 7_001).await.expect(422);
    assert_eq!((above.code(), above.pointers()), ("payment_above_settlement", vec!["/amount_minor"]));
    assert_eq!(world.pay(&asked, 1, 7_000).await.expect(412).code(), "version_mismatch");
    let last = world.pay(&asked, 2, 7_000).await.expect(200);
    assert_eq!((last.text("/state"), last.text("/paid_on")), ("PAID".into(), "2026-03-10".into()));
    assert_eq!(world.pay(&asked, 3, 1).await.expect(409).code(), "wrong_state");
    assert_eq!(world.stands("benefits").await, (12_000, 0));
    assert_eq!(world.stands(&payable).await, (12_000, 12_000));
    assert_eq!(world.stands("bank").await, (bank.0, bank.1 + 12_000));
    assert_eq!(world.count("transfers WHERE settlement_id IS NOT NULL"), 2);
    assert_eq!(world.count("claims WHERE state = 'PAID' AND settled_minor = mutual_minor AND mutual_minor > 0"), 2);
    assert_eq!(world.count("claims WHERE state = 'DECIDED' AND mutual_minor = 0"), 1, "nothing to be paid for it");
    let more = json!({"id": world.test.db.ids().next::<kind::Approval>(), "provider_id": world.provider("HC-KAY")});
    let answer = world.post(&format!("{path}/settlements")).as_("treasurer").json(more).send().await;
    assert_eq!(answer.expect(409).code(), "wrong_state", "all is paid");
    let verdict = ayni::verify::verify(&world.test.db).unwrap();
    assert!(verdict.findings.is_empty(), "{:?}", verdict.findings);
}

#[actix_web::test]
async fn what_waits_in_a_settlement_is_asked_for_once() {
    let (world, home, _) = world(80_000, 200_000, 2).await;
    world.claim(&home.members[0], "A-1", "2026-03-10", &[("CONS", 1, 5_000)]).await;
    let first = world.settlement_asked().await;
    let again = json!({"id": world.test.db.ids().next::<kind::Approval>(), "provider_id": world.provider("HC-KAY")});
    let path = format!("{}/settlements", world.mutual("KAY"));
    let answer = world.post(&path).as_("mutual_admin").json(again).send().await;
    assert_eq!(answer.expect(409).code(), "wrong_state");
    world.approve(&first, "treasurer").await.expect(200);
    world.pay(&first, 1, 4_000).await.expect(200);
    assert_eq!((world.count("settlements"), world.count("transfers WHERE settlement_id IS NOT NULL")), (1, 1));
    assert_eq!(world.count("approvals"), 1);
}

#[actix_web::test]
async fn diagnoses_are_for_who_treats_and_decides() {
    let (world, home, _) = world(80_000, 200_000, 2).await;
    let made = world.claim(&home.members[0], "A-1", "2026-03-10", &[("CONS", 1, 5_000)]).await;
    assert_eq!(made.body["diagnoses"], json!(["J06.9"]));
    let path = format!("{}/claims", world.mutual("KAY"));
    let one = format!("{path}/{}", made.text("/id"));
    for (user, sees) in [
        ("claims_officer", true),
        ("medical_adviser", true),
        ("mutual_admin", false),
        ("auditor", false),
        ("treasurer", false),
    ] {
        let expected = if sees { json!(["J06.9"]) } else { json!(null) };
        assert_eq!(world.get(&one).as_(user).send().await.expect(200).body["diagnoses"], expected, "{user}");
        let list = world.get(&path).as_(user).send().await.expect(200);
        assert_eq!(list.body["items"][0]["diagnoses"], expected, "{user}");
        assert_eq!(list.text.contains("J06.9"), sees, "{user}");
        assert!(!world.get(&one).as_(user).send().await.text.contains("inputs"), "{user}");
    }
    let body = world.claim_body(&home.members[1], "A-2", "2026-03-10", &[("CONS", 1, 5_000)]);
    let by_admin = world.post(&path).as_("mutual_admin").json(body).send().await.expect(201);
    assert!(by_admin.body["diagnoses"].is_null(), "who wrote them does not read them back");
}

#[actix_web::test]
async fn a_clerk_reaches_a_mutual_only_by_a_convention_of_his_facility() {
    let (world, home, _) = world(80_000, 200_000, 2).await;
    let body = |card: &str, invoice: &str| {
        json!({"id": world.test.db.ids().next::<kind::Claim>(), "card": card, "birth_year": home.born[0],
            "invoice_number": invoice,
            "service_on": "2026-03-10", "lines": [{"line": 1, "service": "CONS", "quantity": 1, "unit_price_minor": 5000}]})
    };
    let at = |facility: &str| format!("/providers/{}/claims", world.provider(facility));
    let card = &home.cards[0];
    let made = world.post(&at("HC-KAY")).as_("provider_clerk").json(body(card, "B-1")).send().await.expect(201);
    assert_eq!(made.text("/outcome"), "approved");
    let sen = world.org("SEN");
    let (kay_list, sen_list) =
        (format!("{}?mutual_id={}", at("HC-SEN"), world.org("KAY")), format!("?mutual_id={sen}"));
    for (facility, user) in
        [("HC-SEN", "provider_clerk@SEN"), ("HC-KAY", "provider_clerk@SEN"), ("HC-GIT", "provider_clerk")]
    {
        let answer = world.post(&at(facility)).as_(user).json(body(card, "B-2")).send().await;
        assert_eq!(answer.status, 404, "{facility} as {user}: {}", answer.text);
    }
    world.get(&kay_list).as_("provider_clerk@SEN").send().await.expect(404);
    let none = world.get(&format!("{}{sen_list}", at("HC-SEN"))).as_("provider_clerk@SEN").send().await.expect(200);
    assert_eq!(none.body["items"], json!([]));
    world.get(&format!("{}{sen_list}", at("HC-KAY"))).as_("provider_clerk").send().await.expect(404);
    // The convention ended: the facility's clerk is outside again, its past claims too.
    world.test.execute("UPDATE conventions SET valid_to = '2026-03-09'");
    world.parts.access.pictures.reload().unwrap();
    let answer = world.post(&at("HC-KAY")).as_("provider_clerk").json(body(card, "B-3")).send().await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    assert_eq!(world.count("claims"), 1);
    let lines: i64 = claim_lines::table.count().get_result(&mut world.test.owner()).unwrap();
    assert_eq!(lines, 1);
}

#[actix_web::test]
async fn what_a_claim_names_must_be_there() {
    let (world, home, _) = world(80_000, 200_000, 2).await;
    let path = format!("{}/claims", world.mutual("KAY"));
    for (pointer, value, expected) in [
        ("provider_id", json!(world.provider("HC-SEN")), (404, "/provider_id")),
        ("provider_id", json!(world.test.db.ids().next::<kind::Provider>()), (404, "/provider_id")),
        ("member_id", json!(world.test.db.ids().next::<kind::Member>()), (404, "/member_id")),
        ("submitted_on", json!("2026-03-11"), (422, "/submitted_on")),
        ("discharged_on", json!("2026-03-09"), (422, "/discharged_on")),
    ] {
        let mut body = world.claim_body(&home.members[0], "A-1", "2026-03-10", &[("CONS", 1, 5_000)]);
        body[pointer] = value;
        let answer = world.post(&path).as_("claims_officer").json(body).send().await;
        assert_eq!((answer.status, answer.pointers()), (expected.0, vec![expected.1]), "{}", answer.text);
    }
    assert_eq!((world.count("claims"), world.count("claim_numbers")), (0, 0), "a refused claim takes no number");
}
