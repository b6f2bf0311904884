//! What follows a claim's first decision, in any order: voids and resubmissions, review, appeals, settlements paid in parts,
//! advances. Whatever happens, no ceiling is exceeded, nothing is below zero, and the books say what the rows say.
mod support;

use ayni::access::approvals;
use ayni::app::HOOKS;
use ayni::claims::appeals::{self, Verdict as OnAppeal};
use ayni::claims::model::{
    AppealState, Appellant, Claim, ClaimReason, ClaimState, Line, Mode, Outcome, PaidBy, Settlement, SettlementState,
};
use ayni::claims::review::{self, Verdict};
use ayni::claims::rules::{Bearer, Share};
use ayni::claims::service::{Cites, NewClaim, NewLine};
use ayni::claims::settlement::{self, AdvanceRequest, NewPayment};
use ayni::claims::settlement_store::Payee;
use ayni::claims::{settlement_store, store};
use ayni::db::schema::{appeals as appeal_rows, approvals as approval_rows, settlements};
use ayni::error::{Code, Error, Result};
use ayni::ids::*;
use ayni::reports::measures::{Dimension, Measure};
use ayni::web::etag;
use chrono::{TimeZone, Utc};
use diesel::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use support::World;
use support::care::{Clinic, Dice, clean, date, members, read, rich, stored, with_ceilings};

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
        let (world, mut clinic, who) = rich().await;
        let mutual = clinic.scope.mutual();
        let (officer, adviser) = (Some(world.users["claims_officer"]), Some(world.users["medical_adviser"]));
        let (treasurer, admin) = (Some(world.users["treasurer"]), Some(world.users["mutual_admin"]));
        let mut dice = Dice(seed * 977);
        let mut published = support::facts::Published::default();
        let mut done = |what: &'static str, happened: bool| {
            *seen.entry(what).or_default() += usize::from(happened);
        };
        for at in 0..140 {
            // Days pass, so that what is decided, changed and paid lies in several months.
            let now = Utc.with_ymd_and_hms(2026, 4, 30, 12, 0, 0).unwrap() + chrono::Days::new(at as u64 / 2);
            world.test.clock.set(now);
            clinic = Clinic::of(&world);
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
                    // Often on a day of a month before, which is marked by `settlement::pay` alone: all else of it is of today.
                    let earlier = clinic.scope.today() - chrono::Days::new(at as u64 % 41);
                    let new = NewPayment {
                        settlement: row.id,
                        method: PaidBy::Bank,
                        cash_desk: None,
                        amount_minor: if dice.below(2) == 0 { left } else { 1 + dice.up_to(4_000) },
                        reference: None,
                        paid_on: earlier.max(row.approved_on),
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
            if at % 6 == 5 {
                let first = date("2026-03-01");
                let filled = support::facts::hold(&world.test.db, &mut world.test.owner(), &clinic.scope, first);
                published.go_on(&world.test.db, &mut world.test.owner(), &clinic.scope, first);
                assert!(filled >= 2, "{filled} months");
            }
        }
        let mut by_member: BTreeMap<MemberId, i64> = BTreeMap::new();
        for claim in stored(&world).iter().filter(|claim| claim.state != ClaimState::Voided) {
            *by_member.entry(claim.member_id).or_default() += claim.mutual_minor;
        }
        assert!(by_member.values().all(|paid| (0..=30_000).contains(paid)), "seed {seed}: {by_member:?}");
        clean(&world, &format!("seed {seed}"));
        for (what, times) in [
            ("month closed", published.closings()),
            ("month corrected", published.corrections),
            ("month opened again", published.reopenings),
        ] {
            *seen.entry(what).or_default() += times;
        }
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
        "month closed",
        "month corrected",
        "month opened again",
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

/// A settlement of what is owed to KAY's facility, approved today.
fn settled(world: &World, clinic: &Clinic) -> Settlement {
    let (treasurer, admin) = (Some(world.users["treasurer"]), Some(world.users["mutual_admin"]));
    let (scope, of) = (&clinic.scope, Payee::Provider(clinic.provider));
    let asked = clinic.give(treasurer, |w, order| settlement::request(w, scope, order, of, scope.today())).unwrap();
    let id: ApprovalId = Key::new(asked.uuid());
    clinic.give(admin, |w, order| approvals::decide(w, &HOOKS, scope, order, id, Some(&etag(1)), None)).unwrap();
    read(clinic, |r| Ok(settlement_store::find(r, scope.mutual(), Key::new(asked.uuid()))?)).unwrap()
}

/// What is kept of a measure, and that all that is kept is what the rows say.
fn figure(world: &World, clinic: &Clinic, month: &str, measure: Measure) -> i64 {
    let found = support::facts::kept(&world.test.db, &clinic.scope, date(month)).totals.get(measure);
    support::facts::hold(&world.test.db, &mut world.test.owner(), &clinic.scope, date("2026-03-01"));
    found
}

/// `settlement::pay` marks the day on which the money went. All else that it marks is of today: without that mark April would
/// stay as it was kept.
#[actix_web::test]
async fn what_was_paid_in_an_earlier_month_is_in_the_figures_of_that_month() {
    let (world, mut clinic, who) = rich().await;
    clinic.submit(clinic.db.ids().next(), &clinic.claim(who[0], "B-1", date("2026-04-20"))).unwrap();
    let row = settled(&world, &clinic);
    assert_eq!((row.amount_minor, row.approved_on), (4_000, date("2026-04-30")));
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 5, 20, 12, 0, 0).unwrap());
    clinic = Clinic::of(&world);
    let paid = |month: &str| figure(&world, &clinic, month, Measure::Paid);
    assert_eq!((paid("2026-04-01"), paid("2026-05-01")), (0, 0));
    let pay = |amount_minor: i64, paid_on: &str| {
        let new = NewPayment {
            settlement: row.id,
            method: PaidBy::Bank,
            cash_desk: None,
            amount_minor,
            reference: None,
            paid_on: date(paid_on),
        };
        let version = read(&clinic, |r| Ok(settlement_store::find(r, clinic.scope.mutual(), row.id)?)).unwrap().version;
        let treasurer = Some(world.users["treasurer"]);
        clinic.give(treasurer, |w, order| settlement::pay(w, &clinic.scope, order, Some(&etag(version)), &new))
    };
    let refused = pay(1_000, "2026-04-29");
    assert!(matches!(refused, Err(Error::Problem(problem)) if problem.code == Code::ImpossibleDate));
    pay(1_000, "2026-04-30").unwrap();
    assert_eq!((paid("2026-04-01"), paid("2026-05-01")), (1_000, 0));
    // The rest, told on the same day: now the claim is paid, in April too.
    pay(3_000, "2026-04-30").unwrap();
    assert_eq!((paid("2026-04-01"), paid("2026-05-01")), (4_000, 0));
    let april = support::facts::kept(&world.test.db, &clinic.scope, date("2026-04-01"));
    let days: Vec<(&String, &Vec<i64>)> = april.cells(Dimension::DaysFromEvent).collect();
    assert_eq!(days, [(&"10".to_owned(), &vec![1])]);
    clean(&world, "paid late");
}

/// What an advance paid of a settlement was paid when it was approved. Who gives the settlement up in a later month takes that
/// back, and `settlement::cancel` marks the day of the approval.
#[actix_web::test]
async fn a_settlement_that_is_given_up_later_is_no_longer_in_the_month_of_its_approval() {
    let (world, mut clinic, who) = rich().await;
    let treasurer = Some(world.users["treasurer"]);
    let request = AdvanceRequest { provider_id: clinic.provider, amount_minor: 3_000, reference: None };
    let asked = clinic
        .give(treasurer, |w, order| settlement::request_advance(w, &clinic.scope, order, &clinic.owners, &request))
        .unwrap();
    let id: ApprovalId = Key::new(asked.uuid());
    clinic
        .give(Some(world.users["mutual_admin"]), |w, order| {
            approvals::decide(w, &HOOKS, &clinic.scope, order, id, Some(&etag(1)), None)
        })
        .unwrap();
    clinic.submit(clinic.db.ids().next(), &clinic.claim(who[0], "B-1", date("2026-04-20"))).unwrap();
    let row = settled(&world, &clinic);
    assert_eq!((row.amount_minor, row.advance_offset_minor), (4_000, 3_000));
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 5, 20, 12, 0, 0).unwrap());
    clinic = Clinic::of(&world);
    assert_eq!(figure(&world, &clinic, "2026-04-01", Measure::Paid), 3_000);
    clinic
        .give(treasurer, |w, order| {
            settlement::cancel(w, &clinic.scope, order, row.id, Some(&etag(row.version)), "One is missing")
        })
        .unwrap();
    assert_eq!(figure(&world, &clinic, "2026-04-01", Measure::Paid), 0);
    clean(&world, "given up late");
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
