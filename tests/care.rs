//! What follows a claim's first decision, in any order: voids and resubmissions, review, letters, appeals, settlements paid in
//! parts, advances. Whatever happens, no ceiling is exceeded, nothing is below zero, and the books say what the rows say.
mod support;

use ayni::access::approvals;
use ayni::app::HOOKS;
use ayni::claims::appeals::{self, Verdict as OnAppeal};
use ayni::claims::letters::{self, Issue, NewLetter};
use ayni::claims::model::{
    AppealState, Appellant, Claim, ClaimReason, ClaimState, Line, Mode, Outcome, PaidBy, SettlementState,
};
use ayni::claims::review::{self, Verdict};
use ayni::claims::rules::{Bearer, Share};
use ayni::claims::service::{Cites, NewClaim, NewLine};
use ayni::claims::settlement::{self, AdvanceRequest, NewPayment};
use ayni::claims::settlement_store::Payee;
use ayni::claims::{review_store, settlement_store, store};
use ayni::db::schema::{appeals as appeal_rows, approvals as approval_rows, claims, settlements};
use ayni::db::{Read, Wall};
use ayni::error::{Code, Error, Result};
use ayni::ids::*;
use ayni::web::etag;
use chrono::{NaiveDate, TimeZone, Utc};
use diesel::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use support::World;
use support::care::{Clinic, Covered, Dice, catalogue, with_ceilings};

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn members(homes: &[Covered]) -> Vec<MemberId> {
    homes.iter().flat_map(|home| &home.members).map(|id| id.parse().unwrap()).collect()
}

fn read<T>(clinic: &Clinic, body: impl FnMut(&mut Read) -> Result<T>) -> T {
    clinic.db.read(Wall::mutual(clinic.scope.mutual()), body).unwrap()
}

fn stored(world: &World) -> Vec<Claim> {
    claims::table.order(claims::id).select(Claim::as_select()).load(&mut world.test.owner()).unwrap()
}

/// A refusal of a rule is an answer, anything else is a fault of the program.
fn answered(result: Result<CommandId>) -> Option<CommandId> {
    match result {
        Ok(id) => Some(id),
        Err(Error::Problem(problem)) => {
            assert!(problem.code.status() < 500, "{problem}");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

fn what_was_decided(claim: &Claim, lines: &[Line]) -> serde_json::Value {
    let lines: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| {
            json!([
                line.line,
                line.approved_quantity,
                line.allowed_unit_minor,
                line.mutual_minor,
                line.member_minor,
                line.provider_writeoff_minor,
                line.other_paid_minor,
                line.reasons
            ])
        })
        .collect();
    json!([
        claim.outcome,
        claim.claim_reason,
        claim.billed_minor,
        claim.mutual_minor,
        claim.member_minor,
        claim.provider_writeoff_minor,
        claim.other_paid_minor,
        lines
    ])
}

fn clean(world: &World, here: &str) {
    let verdict = ayni::verify::verify(&world.test.db).unwrap();
    assert!(verdict.findings.is_empty(), "{here}: {:?}", verdict.findings);
}

/// A world at the end of April with a rich product, two households in force since 10 March.
async fn rich() -> (World, Clinic, Vec<MemberId>) {
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

fn random_claim(clinic: &Clinic, who: &[MemberId], at: usize, dice: &mut Dice) -> NewClaim {
    let on = date("2026-03-11") + chrono::Days::new(dice.below(50));
    let member = who[usize::try_from(dice.below(u64::try_from(who.len()).unwrap())).unwrap()];
    let mut new = clinic.claim(member, &format!("H-{at}"), on);
    new.mode = if dice.below(4) == 0 { Mode::Reimbursement } else { Mode::ThirdParty };
    new.lines = (0..=dice.below(3))
        .map(|line| NewLine {
            line: i32::try_from(line + 1).unwrap(),
            service: ["CONS", "AMOX", "BED"][usize::try_from(dice.below(3)).unwrap()].into(),
            quantity: 1 + dice.up_to(3),
            unit_price_minor: dice.up_to(9_500),
        })
        .collect();
    new
}

#[actix_web::test]
async fn whatever_happens_to_claims_the_books_and_the_ceilings_hold() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 1..=4_u64 {
        let (world, clinic, who) = rich().await;
        let mutual = clinic.scope.mutual();
        let (officer, adviser) = (Some(world.users["claims_officer"]), Some(world.users["medical_adviser"]));
        let (treasurer, admin) = (Some(world.users["treasurer"]), Some(world.users["mutual_admin"]));
        let mut dice = Dice(seed * 977);
        let mut done = |what: &'static str, happened: bool| {
            *seen.entry(what).or_default() += usize::from(happened);
        };
        for at in 0..140 {
            let all = stored(&world);
            let pick = |dice: &mut Dice, states: &[ClaimState]| {
                let fit: Vec<&Claim> = all.iter().filter(|claim| states.contains(&claim.state)).collect();
                let which = usize::try_from(dice.below(u64::try_from(fit.len().max(1)).unwrap())).unwrap();
                fit.get(which).map(|claim| (*claim).clone())
            };
            match dice.below(13) {
                0..=3 => {
                    let new = random_claim(&clinic, &who, at, &mut dice);
                    let id = clinic.db.ids().next();
                    clinic.submit(id, &new).unwrap();
                    done("submitted", true);
                    // Taken back at once and submitted again, it is decided as it was.
                    if dice.below(3) == 0 {
                        let first = clinic.find(id);
                        let void = clinic.give(officer, |w, order| {
                            review::void(w, &clinic.scope, order, id, Some(&etag(first.0.version)), "Entered twice")
                        });
                        assert!(answered(void).is_some());
                        let again = clinic.db.ids().next();
                        let cites = Cites { resubmits: Some(id), ..Cites::default() };
                        clinic.submit(again, &NewClaim { cites, ..new.clone() }).unwrap();
                        let second = clinic.find(again);
                        assert_eq!(
                            what_was_decided(&first.0, &first.1),
                            what_was_decided(&second.0, &second.1),
                            "seed {seed}, {at}: void then resubmit equals the first"
                        );
                        let other = clinic.submit(clinic.db.ids().next(), &NewClaim { cites, ..new });
                        assert!(matches!(other, Err(Error::Problem(problem)) if problem.code == Code::WrongState));
                        done("resubmitted", true);
                    }
                }
                4 => {
                    let Some(claim) = pick(&mut dice, &[ClaimState::Decided, ClaimState::Paid, ClaimState::Pended])
                    else {
                        continue;
                    };
                    let void = clinic.give(officer, |w, order| {
                        review::void(w, &clinic.scope, order, claim.id, Some(&etag(claim.version)), "Not his")
                    });
                    done("voided", answered(void).is_some());
                }
                5 => {
                    let Some(claim) = pick(&mut dice, &[ClaimState::Decided]) else { continue };
                    let why = (ClaimReason::DocumentsMissing, "The prescription");
                    let pend = clinic.give(officer, |w, order| {
                        review::pend(w, &clinic.scope, order, claim.id, Some(&etag(claim.version)), why)
                    });
                    done("pended", answered(pend).is_some());
                }
                6 => {
                    let Some(claim) = pick(&mut dice, &[ClaimState::Pended]) else { continue };
                    let mut verdict = Verdict::plain(dice.below(4) > 0, "Looked at");
                    if verdict.accept && dice.below(2) == 0 {
                        let mutual = dice.up_to(2_000);
                        verdict.shares = vec![Share { line: 1, mutual, bearer: Bearer::Member }];
                    }
                    let tag = etag(claim.version);
                    let decided = clinic.give(officer, |w, order| {
                        review::review(w, &clinic.scope, order, &clinic.owners, claim.id, Some(&tag), &verdict)
                            .map(|_| ())
                    });
                    done("reviewed", answered(decided).is_some());
                }
                7 => {
                    let cut: Vec<&Claim> = all.iter().filter(|claim| claim.outcome != Outcome::Approved).collect();
                    let Some(claim) = cut.get(usize::try_from(dice.below(8)).unwrap()) else { continue };
                    let filed = clinic.give(None, |w, order| {
                        appeals::file(w, &clinic.scope, order, claim.id, Appellant::Member, "It was agreed")
                    });
                    done("appealed", answered(filed).is_some());
                }
                8 => {
                    let open: Option<(AppealId, i64)> = appeal_rows::table
                        .filter(appeal_rows::state.eq(AppealState::Filed))
                        .order(appeal_rows::id)
                        .select((appeal_rows::id, appeal_rows::version))
                        .first(&mut world.test.owner())
                        .optional()
                        .unwrap();
                    let Some((id, version)) = open else { continue };
                    let mut verdict = OnAppeal {
                        change: dice.below(4) > 0,
                        reason: "Heard".into(),
                        waived: vec![ClaimReason::PriorAuthRequired, ClaimReason::NoCoverage],
                        shares: Vec::new(),
                    };
                    if dice.below(2) == 0 {
                        verdict.shares = vec![Share { line: 1, mutual: dice.up_to(3_000), bearer: Bearer::Member }];
                    }
                    let tag = etag(version);
                    let decided = clinic.give(adviser, |w, order| {
                        appeals::decide_on(w, &clinic.scope, order, &clinic.owners, id, Some(&tag), &verdict)
                            .map(|_| ())
                    });
                    done("appeal decided", answered(decided).is_some());
                }
                9 => {
                    let payee = match dice.below(3) {
                        0 => Payee::Household(all.first().map_or(HouseholdId::NIL, |claim| claim.household_id)),
                        _ => Payee::Provider(clinic.provider),
                    };
                    let asked = clinic.give(treasurer, |w, order| {
                        settlement::request(w, &clinic.scope, order, payee, clinic.scope.today())
                    });
                    done("settlement asked", answered(asked).is_some());
                }
                10 => {
                    let waits: Option<ApprovalId> = approval_rows::table
                        .filter(approval_rows::state.eq(approvals::State::Requested))
                        .order(approval_rows::id)
                        .select(approval_rows::id)
                        .first(&mut world.test.owner())
                        .optional()
                        .unwrap();
                    let Some(id) = waits else { continue };
                    let refusal = (dice.below(4) == 0).then_some("The invoice is not here");
                    let decided = clinic.give(admin, |w, order| {
                        approvals::decide(w, &HOOKS, &clinic.scope, order, id, Some(&etag(1)), refusal)
                    });
                    done(if refusal.is_some() { "refused" } else { "approved" }, answered(decided).is_some());
                }
                11 => {
                    let to_pay = read(&clinic, |r| Ok(settlement_store::list_to_pay(r, mutual)?));
                    let Some(row) = to_pay.first() else { continue };
                    let left = row.amount_minor - row.advance_offset_minor - row.paid_minor;
                    if row.paid_minor == 0 && dice.below(3) == 0 {
                        let cancelled = clinic.give(treasurer, |w, order| {
                            settlement::cancel(w, &clinic.scope, order, row.id, Some(&etag(row.version)), "Anew")
                        });
                        done("cancelled", answered(cancelled).is_some());
                        continue;
                    }
                    let new = NewPayment {
                        settlement: row.id,
                        method: PaidBy::Bank,
                        cash_desk: None,
                        amount_minor: if dice.below(2) == 0 { left } else { 1 + dice.up_to(4_000) },
                        reference: None,
                        paid_on: clinic.scope.today(),
                    };
                    let paid = clinic.give(treasurer, |w, order| {
                        settlement::pay(w, &clinic.scope, order, Some(&etag(row.version)), &new)
                    });
                    done("paid", answered(paid).is_some());
                }
                _ => {
                    let amount_minor = 1 + dice.up_to(6_000);
                    let request = AdvanceRequest { provider_id: clinic.provider, amount_minor, reference: None };
                    let asked = clinic.give(treasurer, |w, order| {
                        settlement::request_advance(w, &clinic.scope, order, &clinic.owners, &request)
                    });
                    done("advance asked", answered(asked).is_some());
                }
            }
            if at % 35 == 34 {
                clean(&world, &format!("seed {seed}, after {at}"));
            }
        }
        let mut by_member: BTreeMap<MemberId, i64> = BTreeMap::new();
        for claim in stored(&world).iter().filter(|claim| claim.state != ClaimState::Voided) {
            *by_member.entry(claim.member_id).or_default() += claim.mutual_minor;
        }
        assert!(by_member.values().all(|paid| (0..=30_000).contains(paid)), "seed {seed}: {by_member:?}");
        clean(&world, &format!("seed {seed}"));
    }
    // The rarest (an appeal decided, a settlement refused or given up) may miss; each has a test of its own.
    let expected = [
        "submitted",
        "resubmitted",
        "voided",
        "pended",
        "reviewed",
        "appealed",
        "settlement asked",
        "approved",
        "paid",
        "advance asked",
    ];
    for what in expected {
        assert!(seen.get(what).is_some_and(|times| *times > 0), "{what} never happened: {seen:?}");
    }
}

#[actix_web::test]
async fn independent_claims_are_decided_alike_in_any_order() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "CARE", with_ceilings(8_000, 12_000)).await;
    let mut homes = Vec::new();
    for _ in 0..6 {
        homes.push(world.covered(&product, 1, 0).await);
    }
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 30, 12, 0, 0).unwrap());
    let clinic = Clinic::of(&world);
    let officer = Some(world.users["claims_officer"]);
    let claims: Vec<NewClaim> = members(&homes)
        .into_iter()
        .enumerate()
        .map(|(at, member)| {
            let mut new = clinic.claim(member, &format!("I-{at}"), date("2026-03-20"));
            new.lines[0].quantity = i64::try_from(at).unwrap() + 1;
            new
        })
        .collect();
    let mut first = BTreeMap::new();
    for round in 0..3_usize {
        let mut order: Vec<usize> = (0..claims.len()).collect();
        match round {
            0 => {}
            1 => order.reverse(),
            _ => order.rotate_left(2),
        }
        let mut made = Vec::new();
        for at in order {
            let id = clinic.db.ids().next();
            clinic.submit(id, &claims[at]).unwrap();
            let (claim, lines) = clinic.find(id);
            let told = what_was_decided(&claim, &lines);
            assert_eq!(*first.entry(at).or_insert_with(|| told.clone()), told, "round {round}, claim {at}");
            made.push(claim);
        }
        for claim in made {
            let tag = etag(claim.version);
            clinic
                .give(officer, |w, order| review::void(w, &clinic.scope, order, claim.id, Some(&tag), "Again"))
                .unwrap();
        }
    }
    assert_eq!(first.len(), 6);
    assert!(first.values().any(|told| told.to_string().contains("CEILING_PERSON_YEAR")));
    clean(&world, "independent");
}

#[actix_web::test]
async fn a_letter_opens_the_hospital_and_is_used_once() {
    let (world, clinic, who) = rich().await;
    let officer = Some(world.users["claims_officer"]);
    let ask = |member: MemberId| NewLetter {
        number: None,
        provider: clinic.provider,
        member,
        services: vec!["BED".into()],
        diagnoses: "O80".into(),
        estimated_minor: 40_000,
        planned_on: date("2026-04-20"),
        note: None,
    };
    let mut stay = clinic.claim(who[0], "L-1", date("2026-04-20"));
    stay.lines = vec![NewLine { line: 1, service: "BED".into(), quantity: 4, unit_price_minor: 9_000 }];
    let without = clinic.db.ids().next();
    clinic.submit(without, &stay).unwrap();
    assert_eq!(clinic.find(without).0.claim_reason, Some(ClaimReason::PriorAuthRequired));
    let letter = clinic.give(None, |w, order| letters::request(w, &clinic.scope, order, &clinic.owners, &ask(who[0])));
    let letter: LetterId = Key::new(letter.unwrap().uuid());
    let cites = Cites { letter: Some(letter), resubmits: Some(without), check: None };
    let cited = NewClaim { cites, ..stay.clone() };
    let early = clinic.submit(clinic.db.ids().next(), &cited);
    assert!(matches!(early, Err(Error::Problem(problem)) if problem.code == Code::WrongState), "it is not issued");
    let issue = Issue {
        letter_id: letter,
        amount_minor: 20_000,
        valid_from: date("2026-04-15"),
        valid_to: Some(date("2026-04-30")),
        reason: None,
    };
    clinic
        .give(officer, |w, order| letters::issue(w, &clinic.scope, order, Some(&etag(1)), &issue).map(|_| ()))
        .unwrap();
    let with = clinic.db.ids().next();
    clinic.submit(with, &cited).unwrap();
    let (claim, lines) = clinic.find(with);
    assert_eq!((claim.outcome, claim.mutual_minor), (Outcome::PartiallyApproved, 20_000), "{claim:?}");
    assert!(lines[0].reasons.contains("AUTHORISED_AMOUNT"), "{}", lines[0].reasons);
    assert!(claim.provider_writeoff_minor > 0, "the excess is the facility's");
    let state = || {
        let row = read(&clinic, |r| Ok(review_store::find_letter(r, clinic.scope.mutual(), letter)?));
        let row = row.unwrap();
        (row.state.code(), row.claim_id)
    };
    assert_eq!(state(), ("USED", Some(with)));
    let mut second = stay.clone();
    second.invoice_number = "L-2".into();
    second.cites = Cites { letter: Some(letter), ..Cites::default() };
    let twice = clinic.submit(clinic.db.ids().next(), &second);
    assert!(matches!(twice, Err(Error::Problem(problem)) if problem.code == Code::WrongState));
    clinic
        .give(officer, |w, order| {
            review::void(w, &clinic.scope, order, with, Some(&etag(claim.version)), "Another stay")
        })
        .unwrap();
    assert_eq!(state(), ("ISSUED", None), "a void gives the letter back");
    let other = NewClaim { member: who[1], cites: Cites { letter: Some(letter), ..Cites::default() }, ..stay };
    let of_another = clinic.submit(clinic.db.ids().next(), &other);
    assert!(matches!(of_another, Err(Error::Problem(problem)) if problem.code == Code::NotFound));
    clean(&world, "letters");
}

#[actix_web::test]
async fn above_the_limit_a_second_person_decides_and_an_appeal_another_one() {
    let (world, clinic, who) = rich().await;
    let path = world.mutual("KAY");
    let settings = json!({"review_above_minor": 7_000, "second_person_above_minor": 9_000});
    let patch = world.call("PATCH", &format!("{path}/care-settings")).as_("mutual_admin").header("If-Match", "\"v1\"");
    patch.json(settings).send().await.expect(200);
    let mut new = clinic.claim(who[0], "S-1", date("2026-04-20"));
    new.lines[0].quantity = 3;
    let id = clinic.db.ids().next();
    clinic.submit(id, &new).unwrap();
    let (claim, _) = clinic.find(id);
    assert_eq!((claim.state, claim.claim_reason), (ClaimState::Pended, Some(ClaimReason::AboveLimit)));
    let queue = world.items("claims_officer", &format!("{path}/claims/queue")).await;
    assert_eq!(queue.len(), 1);
    assert_eq!(queue[0]["review"]["reason"], json!("ABOVE_LIMIT"));
    assert_eq!(queue[0]["review"]["facts"]["billed_minor"], json!(15_000));
    let adviser = world.users["medical_adviser"];
    let assign = |user: serde_json::Value| {
        world
            .call("PUT", &format!("{path}/claims/{id}/assignment"))
            .as_("claims_officer")
            .header("If-Match", "\"v1\"")
            .json(json!({"user_id": user}))
            .send()
    };
    assert_eq!(assign(json!(world.users["treasurer"])).await.expect(422).pointers(), ["/user_id"]);
    assert_eq!(assign(json!(adviser)).await.expect(200).text("/assigned_to"), adviser.to_string());
    let mine = format!("{path}/claims/queue?assigned_to={adviser}");
    assert_eq!(world.items("medical_adviser", &mine).await.len(), 1);
    let word = |version: i64, body: serde_json::Value| {
        let mut body = body;
        body["id"] = json!(world.test.db.ids().next::<kind::Command>());
        world
            .post(&format!("{path}/claims/{id}/decision"))
            .as_("claims_officer")
            .header("If-Match", &format!("\"v{version}\""))
            .json(body)
            .send()
    };
    // More than the rules give cannot come from who does not bear it.
    let share = json!({"line": 1, "mutual_minor": 15_001, "bearer": "member"});
    let answer = word(1, json!({"accept": true, "reason": "All of it", "shares": [share]})).await;
    assert_eq!(answer.expect(422).code(), "amount_refused");
    let asked = word(1, json!({"accept": true, "reason": "Three visits"})).await.expect(200);
    assert_eq!(asked.text("/state"), "PENDED");
    let approval = asked.text("/approval_id");
    assert_eq!(world.approve(&approval, "treasurer").await.expect(200).text("/state"), "approved");
    let (claim, _) = clinic.find(id);
    assert_eq!((claim.state, claim.mutual_minor), (ClaimState::Decided, 12_000));
    assert_eq!(claim.decided_by, Some(world.users["claims_officer"]));
    // It has to wait after all, and is cut: now below the limit.
    let pend =
        json!({"id": world.test.db.ids().next::<kind::Command>(), "reason": "MEDICAL_REVIEW", "note": "Why three"});
    let pended = world
        .post(&format!("{path}/claims/{id}/pend"))
        .as_("claims_officer")
        .header("If-Match", &etag(claim.version))
        .json(pend)
        .send()
        .await
        .expect(200);
    assert_eq!((pended.text("/state"), pended.text("/claim_reason")), ("PENDED".into(), "MEDICAL_REVIEW".into()));
    assert_eq!(world.stands("benefits").await, (12_000, 12_000), "what was decided is taken back");
    let share = json!({"line": 1, "mutual_minor": 4_000, "bearer": "provider"});
    let version = pended.body["version"].as_i64().unwrap();
    let cut = word(version, json!({"accept": true, "reason": "One was needed", "shares": [share]})).await.expect(200);
    assert_eq!(cut.body["lines"][0]["reasons"], json!(["REVIEWED"]));
    let parts =
        ["mutual_minor", "member_minor", "provider_writeoff_minor"].map(|part| cut.body[part].as_i64().unwrap());
    assert_eq!(parts, [4_000, 3_000, 8_000]);
    // The facility appeals; who decided the claim does not decide on it.
    let body = json!({"id": world.test.db.ids().next::<kind::Appeal>(), "mutual_id": world.org("KAY"), "claim_id": id,
        "reason": "The dressing was changed twice"});
    let own = format!("/providers/{}/appeals", clinic.provider);
    let appeal = world.post(&own).as_("provider_clerk").json(body.clone()).send().await.expect(201).text("/id");
    let mut twice = body;
    twice["id"] = json!(world.test.db.ids().next::<kind::Appeal>());
    assert_eq!(world.post(&own).as_("provider_clerk").json(twice).send().await.expect(409).code(), "wrong_state");
    let hear = |user: &'static str, change: bool, shares: serde_json::Value| {
        world
            .post(&format!("{path}/appeals/{appeal}/decision"))
            .as_(user)
            .header("If-Match", "\"v1\"")
            .json(
                json!({"id": world.test.db.ids().next::<kind::Command>(), "change": change, "reason": "Twice is right",
                "shares": shares}),
            )
            .send()
    };
    let shares = json!([{"line": 1, "mutual_minor": 8_000, "bearer": "member"}]);
    assert_eq!(hear("claims_officer", true, shares.clone()).await.expect(403).code(), "same_person");
    let heard = hear("medical_adviser", true, shares).await.expect(200);
    assert_eq!((heard.text("/state"), &heard.body["difference_minor"]), ("CHANGED".into(), &json!(4_000)));
    assert_eq!(world.stands("benefits").await, (20_000, 12_000));
    let history = world.get(&format!("{path}/claims/{id}/history")).as_("auditor").send().await.expect(200);
    let former = history.body["former_decisions"].as_array().unwrap();
    assert_eq!(former.len(), 2);
    let mut told: Vec<String> =
        former.iter().map(|row| format!("{} {}", row["replaced_by"], row["mutual_minor"])).collect();
    told.sort();
    assert_eq!(told, ["\"APPEAL\" 4000", "\"REVIEW\" 12000"]);
    clean(&world, "second person");
    // The deadline.
    let late = clinic.db.ids().next();
    let mut other = clinic.claim(who[1], "S-2", date("2026-04-21"));
    other.lines[0].unit_price_minor = 6_000;
    clinic.submit(late, &other).unwrap();
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 6, 30, 12, 0, 0).unwrap());
    let clinic = Clinic::of(&world);
    let filed =
        clinic.give(None, |w, order| appeals::file(w, &clinic.scope, order, late, Appellant::Member, "The price"));
    assert!(matches!(filed, Err(Error::Problem(problem)) if problem.code == Code::AppealLate));
}

#[actix_web::test]
async fn an_advance_is_taken_off_and_what_is_voided_is_recovered() {
    let (world, clinic, who) = rich().await;
    let path = world.mutual("KAY");
    let (officer, treasurer) = (Some(world.users["claims_officer"]), Some(world.users["treasurer"]));
    let admin = Some(world.users["mutual_admin"]);
    let approve = |id: CommandId| {
        let id: ApprovalId = Key::new(id.uuid());
        clinic
            .give(admin, |w, order| approvals::decide(w, &HOOKS, &clinic.scope, order, id, Some(&etag(1)), None))
            .unwrap();
    };
    let request = AdvanceRequest { provider_id: clinic.provider, amount_minor: 5_000, reference: Some("ADV-1".into()) };
    let advance = clinic
        .give(treasurer, |w, order| settlement::request_advance(w, &clinic.scope, order, &clinic.owners, &request))
        .unwrap();
    approve(advance);
    assert_eq!(world.stands("advances").await, (5_000, 0));
    let mut ids = Vec::new();
    for (at, member) in who.iter().take(3).enumerate() {
        let id: ClaimId = clinic.db.ids().next();
        clinic.submit(id, &clinic.claim(*member, &format!("P-{at}"), date("2026-04-20"))).unwrap();
        ids.push(id);
    }
    let settle = || {
        let of = Payee::Provider(clinic.provider);
        let asked = clinic
            .give(treasurer, |w, order| settlement::request(w, &clinic.scope, order, of, clinic.scope.today()))
            .unwrap();
        approve(asked);
        let id: SettlementId = Key::new(asked.uuid());
        read(&clinic, |r| Ok(settlement_store::find(r, clinic.scope.mutual(), id)?)).unwrap()
    };
    let given_up = settle();
    assert_eq!((given_up.amount_minor, given_up.advance_offset_minor), (12_000, 5_000));
    assert_eq!(world.stands("advances").await, (5_000, 5_000));
    // Given up before anything was paid, it leaves its claims and the advance to the next one.
    clinic
        .give(treasurer, |w, order| {
            settlement::cancel(w, &clinic.scope, order, given_up.id, Some(&etag(given_up.version)), "One is missing")
        })
        .unwrap();
    assert_eq!(world.stands("advances").await, (10_000, 5_000));
    assert!(stored(&world).iter().all(|claim| (claim.state, claim.settled_minor) == (ClaimState::Decided, 0)));
    clean(&world, "given up");
    let first = settle();
    assert_eq!((first.amount_minor, first.advance_offset_minor), (12_000, 5_000));
    assert_eq!(world.stands("advances").await, (10_000, 10_000));
    // The advance paid the first claim and a part of the second.
    ids.sort_unstable();
    let states: Vec<(ClaimState, i64)> =
        ids.iter().map(|id| clinic.find(*id).0).map(|claim| (claim.state, claim.settled_minor)).collect();
    assert_eq!(states, [(ClaimState::Paid, 4_000), (ClaimState::Batched, 1_000), (ClaimState::Batched, 0)]);
    let file = world.get(&format!("{path}/settlements/payment-file")).as_("treasurer").send().await.expect(200);
    let lines: Vec<&str> = file.text.lines().collect();
    assert_eq!(lines.len(), 2, "{}", file.text);
    assert!(lines[1].contains("HC-KAY") && lines[1].contains(",7000,BIF,"), "{}", file.text);
    let pay = |row: &ayni::claims::model::Settlement, amount_minor: i64| {
        let new = NewPayment {
            settlement: row.id,
            method: PaidBy::Bank,
            cash_desk: None,
            amount_minor,
            reference: None,
            paid_on: clinic.scope.today(),
        };
        clinic.give(treasurer, |w, order| settlement::pay(w, &clinic.scope, order, Some(&etag(row.version)), &new))
    };
    pay(&first, 7_000).unwrap();
    clean(&world, "paid");
    // One of the paid claims was another person's: it is recovered from the next settlement.
    let wrong = clinic.find(ids[0]).0;
    clinic
        .give(officer, |w, order| {
            review::void(w, &clinic.scope, order, wrong.id, Some(&etag(wrong.version)), "Another person's")
        })
        .unwrap();
    let nothing = clinic.give(treasurer, |w, order| {
        settlement::request(w, &clinic.scope, order, Payee::Provider(clinic.provider), clinic.scope.today())
    });
    assert!(matches!(nothing, Err(Error::Problem(problem)) if problem.code == Code::WrongState));
    let more: ClaimId = clinic.db.ids().next();
    let mut large = clinic.claim(who[3], "P-9", date("2026-04-22"));
    large.lines[0].quantity = 2;
    clinic.submit(more, &large).unwrap();
    let second = settle();
    assert_eq!((second.amount_minor, second.number_of_claims), (4_000, 2), "8,000 less 4,000 recovered");
    assert_eq!(clinic.find(wrong.id).0.settled_minor, 0);
    // Contested, nothing is paid; taken up again, the rest is.
    let give = |tag: i64, body: &mut dyn FnMut(&mut ayni::db::Write, &str) -> Result<()>| {
        clinic.give(treasurer, |w, _| body(w, &etag(tag)))
    };
    give(1, &mut |w, tag| settlement::dispute(w, &clinic.scope, second.id, Some(tag), "One is missing")).unwrap();
    let contested = read(&clinic, |r| Ok(settlement_store::find(r, clinic.scope.mutual(), second.id)?)).unwrap();
    assert_eq!(contested.state, SettlementState::Disputed);
    assert!(matches!(pay(&contested, 4_000), Err(Error::Problem(problem)) if problem.code == Code::WrongState));
    give(2, &mut |w, tag| settlement::resume(w, &clinic.scope, second.id, Some(tag), "It was not")).unwrap();
    let again = read(&clinic, |r| Ok(settlement_store::find(r, clinic.scope.mutual(), second.id)?)).unwrap();
    pay(&again, 4_000).unwrap();
    let paid: i64 = settlements::table
        .select(diesel::dsl::sql::<diesel::sql_types::BigInt>("CAST(SUM(paid_minor) AS BIGINT)"))
        .first(&mut world.test.owner())
        .unwrap();
    assert_eq!(paid, 11_000);
    assert_eq!(read(&clinic, |r| Ok(store::find_in(r, clinic.scope.mutual(), more)?)).unwrap().settled_minor, 8_000);
    let payable = format!("payable:{}", clinic.provider);
    let (debits, credits) = world.stands(&payable).await;
    assert_eq!(debits, credits, "nothing is owed any more");
    let owed = world.get(&format!("{path}/claims/outstanding")).as_("auditor").send().await.expect(200);
    assert_eq!((&owed.body["decided_minor"], &owed.body["undecided_claims"]), (&json!(0), &json!(0)));
    let fast = format!("{path}/claims/promptness?from=2026-04-01&to=2026-04-30");
    let fast = world.get(&fast).as_("auditor").send().await.expect(200);
    assert_eq!((&fast.body["claims"], &fast.body["from_event"]["from_8_to_30"]), (&json!(4), &json!(4)));
    clean(&world, "recovered");
}

#[actix_web::test]
async fn a_household_that_paid_itself_is_paid_back_at_the_desk() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "CARE", with_ceilings(60_000, 90_000)).await;
    let home = world.covered(&product, 1, 0).await;
    let path = world.mutual("KAY");
    let mut body = world.claim_body(&home.members[0], "R-1", "2026-03-10", &[("CONS", 1, 6_000)]);
    body["mode"] = json!("reimbursement");
    let claim = world.post(&format!("{path}/claims")).as_("claims_officer").json(body).send().await.expect(201);
    let parts =
        ["mutual_minor", "member_minor", "provider_writeoff_minor"].map(|name| claim.body[name].as_i64().unwrap());
    assert_eq!(parts, [4_000, 2_000, 0], "what is above the tariff is the member's");
    assert_eq!(world.stands("payable:member").await, (0, 4_000));
    let ask = |body: serde_json::Value| {
        let mut body = body;
        body["id"] = json!(world.test.db.ids().next::<kind::Approval>());
        world.post(&format!("{path}/settlements")).as_("treasurer").json(body).send()
    };
    assert_eq!(ask(json!({})).await.expect(422).pointers(), ["/provider_id"]);
    let both = json!({"household_id": home.household, "provider_id": world.provider("HC-KAY")});
    assert_eq!(ask(both).await.expect(422).pointers(), ["/household_id"]);
    let of_facility = ask(json!({"provider_id": world.provider("HC-KAY")})).await;
    assert_eq!(of_facility.expect(409).code(), "wrong_state", "nothing is owed to the facility");
    let asked = ask(json!({"household_id": home.household})).await.expect(201).text("/approval_id");
    world.approve(&asked, "mutual_admin").await.expect(200);
    let cash = world.stands("cash").await;
    let pay = |amount: i64, more: serde_json::Value| {
        let mut body = json!({"id": world.test.db.ids().next::<kind::SettlementPayment>(), "method": "cash",
            "amount_minor": amount, "currency": "BIF"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world
            .post(&format!("{path}/settlements/{asked}/payments"))
            .as_("treasurer")
            .header("If-Match", "\"v1\"")
            .json(body)
            .send()
    };
    assert_eq!(pay(4_000, json!({"currency": "XOF"})).await.expect(422).code(), "CURRENCY_MISMATCH");
    assert_eq!(pay(0, json!({})).await.expect(422).code(), "amount_refused");
    assert_eq!(pay(4_000, json!({"paid_on": "2026-03-11"})).await.expect(422).code(), "future_date");
    assert_eq!(pay(4_000, json!({"paid_on": "2026-03-09"})).await.expect(422).code(), "impossible_date");
    let paid = pay(4_000, json!({})).await.expect(200);
    assert_eq!((paid.text("/state"), paid.text("/payments/0/method")), ("PAID".into(), "cash".into()));
    assert_eq!(world.stands("cash").await, (cash.0, cash.1 + 4_000));
    assert_eq!(world.stands("payable:member").await, (4_000, 4_000));
    clean(&world, "paid back");
}
