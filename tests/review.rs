//! Review, letters, appeals, resubmission, and settlements that are given up: each case by itself.
mod support;

use ayni::access::approvals;
use ayni::app::HOOKS;
use ayni::claims::appeals::{self, Verdict as OnAppeal};
use ayni::claims::letters::{self, Issue, NewLetter};
use ayni::claims::model::{
    Appellant, Claim, ClaimReason, ClaimState, LetterState, Outcome, PaidBy, Settlement, VisitType,
};
use ayni::claims::review::{self, Verdict};
use ayni::claims::review_store;
use ayni::claims::rules::{Bearer, Share};
use ayni::claims::service::{Cites, NewClaim, NewLine};
use ayni::claims::settlement::{self, AdvanceRequest, NewPayment};
use ayni::claims::settlement_store::{self, Payee};
use ayni::error::{Code, Error, Result};
use ayni::ids::*;
use ayni::web::etag;
use chrono::{TimeZone, Utc};
use serde_json::json;
use support::World;
use support::care::{Clinic, clean, date, read, rich, with_ceilings};

/// The code of a refusal.
fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
    match result {
        Err(Error::Problem(problem)) => problem.code,
        other => panic!("{other:?}"),
    }
}

/// What the office does, each as its own user.
struct Desk<'w> {
    world: &'w World,
    clinic: &'w Clinic,
}

impl Desk<'_> {
    fn user(&self, name: &str) -> Option<UserId> {
        Some(self.world.users[name])
    }

    fn submit(&self, new: &NewClaim) -> Claim {
        let id = self.clinic.db.ids().next();
        self.clinic.submit(id, new).unwrap();
        self.claim(id)
    }

    fn claim(&self, id: ClaimId) -> Claim {
        self.clinic.find(id).0
    }

    fn void(&self, claim: &Claim) {
        let tag = etag(claim.version);
        self.clinic
            .give(self.user("claims_officer"), |w, order| {
                review::void(w, &self.clinic.scope, order, claim.id, Some(&tag), "Another person's")
            })
            .unwrap();
    }

    fn review(&self, claim: &Claim, accept: bool) -> Result<CommandId> {
        let (tag, verdict) = (etag(claim.version), Verdict::plain(accept, "Looked at"));
        self.clinic.give(self.user("claims_officer"), |w, order| {
            let scope = &self.clinic.scope;
            review::review(w, scope, order, &self.clinic.owners, claim.id, Some(&tag), &verdict).map(|_| ())
        })
    }

    fn appeal(&self, claim: ClaimId) -> Result<CommandId> {
        self.clinic.give(None, |w, order| {
            appeals::file(w, &self.clinic.scope, order, claim, Appellant::Member, "It was agreed")
        })
    }

    fn hear(&self, appeal: CommandId, shares: Vec<Share>) -> Result<CommandId> {
        let verdict = OnAppeal { change: true, reason: "Heard".into(), waived: Vec::new(), shares };
        self.clinic.give(self.user("medical_adviser"), |w, order| {
            let (scope, id) = (&self.clinic.scope, Key::new(appeal.uuid()));
            appeals::decide_on(w, scope, order, &self.clinic.owners, id, Some(&etag(1)), &verdict).map(|_| ())
        })
    }

    fn approve(&self, asked: CommandId) -> Result<CommandId> {
        self.clinic.give(self.user("mutual_admin"), |w, order| {
            let id = Key::new(asked.uuid());
            approvals::decide(w, &HOOKS, &self.clinic.scope, order, id, Some(&etag(1)), None)
        })
    }

    fn settle(&self) -> Settlement {
        let of = Payee::Provider(self.clinic.provider);
        let scope = &self.clinic.scope;
        let asked = self
            .clinic
            .give(self.user("treasurer"), |w, order| settlement::request(w, scope, order, of, scope.today()))
            .unwrap();
        self.approve(asked).unwrap();
        let id = Key::new(asked.uuid());
        read(self.clinic, |r| Ok(settlement_store::find(r, scope.mutual(), id)?)).unwrap()
    }

    fn pay(&self, row: &Settlement) {
        let new = NewPayment {
            settlement: row.id,
            method: PaidBy::Bank,
            cash_desk: None,
            amount_minor: row.amount_minor - row.advance_offset_minor,
            reference: None,
            paid_on: self.clinic.scope.today(),
        };
        let tag = etag(row.version);
        self.clinic
            .give(self.user("treasurer"), |w, order| settlement::pay(w, &self.clinic.scope, order, Some(&tag), &new))
            .unwrap();
    }

    fn advance(&self, amount_minor: i64) {
        let request = AdvanceRequest { provider_id: self.clinic.provider, amount_minor, reference: None };
        let scope = &self.clinic.scope;
        let asked = self
            .clinic
            .give(self.user("treasurer"), |w, order| {
                settlement::request_advance(w, scope, order, &self.clinic.owners, &request)
            })
            .unwrap();
        self.approve(asked).unwrap();
    }
}

#[actix_web::test]
async fn a_claims_own_refused_double_does_not_stand_in_its_way() {
    let (world, clinic, who) = rich().await;
    let desk = Desk { world: &world, clinic: &clinic };
    let other = desk.submit(&clinic.claim(who[0], "A-1", date("2026-04-20")));
    let waits = desk.submit(&clinic.claim(who[0], "N-1", date("2026-04-20")));
    assert_eq!(waits.claim_reason, Some(ClaimReason::SuspectedDuplicate));
    // The facility sends it once more: refused, and kept.
    let double = desk.submit(&clinic.claim(who[0], "N-1", date("2026-04-20")));
    assert_eq!((double.outcome, double.claim_reason), (Outcome::Rejected, Some(ClaimReason::Duplicate)));
    desk.review(&waits, true).unwrap();
    let decided = desk.claim(waits.id);
    assert_eq!((decided.outcome, decided.mutual_minor), (Outcome::Approved, 4_000), "{decided:?}");
    // Taken back and submitted again under its number, with the double still there.
    desk.void(&decided);
    let cites = Cites { resubmits: Some(decided.id), ..Cites::default() };
    let again = desk.submit(&NewClaim { cites, ..clinic.claim(who[0], "N-1", date("2026-04-20")) });
    assert_eq!(again.claim_reason, Some(ClaimReason::SuspectedDuplicate), "{} stands beside it", other.invoice_number);
    clean(&world, "its own double");
}

#[actix_web::test]
async fn cover_known_later_counts_from_the_appeal_on() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "CARE", with_ceilings(5_000, 9_000)).await;
    let home = world.home(None, "STANDARD", 1).await;
    let member: MemberId = home.text("/members/0/id").parse().unwrap();
    let enrolment = world.application(&home.text("/id"), &product, "2026-03-01").await.text("/id");
    let clinic = Clinic::of(&world);
    let desk = Desk { world: &world, clinic: &clinic };
    let refused = desk.submit(&clinic.claim(member, "L-1", date("2026-03-10")));
    assert_eq!((refused.claim_reason, refused.enrolment_id), (Some(ClaimReason::NoCoverage), None));
    world.admission(&enrolment).await.expect(200);
    world.payment(&home.text("/id"), 31_000, "2026-03-10").await.expect(201);
    let appeal = desk.appeal(refused.id).unwrap();
    desk.hear(appeal, Vec::new()).unwrap();
    let decided = desk.claim(refused.id);
    assert_eq!((decided.mutual_minor, decided.enrolment_id), (4_000, Some(enrolment.parse().unwrap())));
    // What it gave is used of the year's ceiling.
    let mut next = clinic.claim(member, "L-2", date("2026-03-10"));
    next.lines[0].quantity = 2;
    let waits = desk.submit(&next);
    desk.review(&waits, true).unwrap();
    assert_eq!(desk.claim(waits.id).mutual_minor, 1_000);
    clean(&world, "known later");
}

#[actix_web::test]
async fn what_a_second_person_approves_is_what_was_seen() {
    let world = World::new().await;
    let product = world.product("mutual_admin", "KAY", "CARE", with_ceilings(10_000, 20_000)).await;
    let home = world.covered(&product, 1, 0).await;
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 30, 12, 0, 0).unwrap());
    let clinic = Clinic::of(&world);
    let desk = Desk { world: &world, clinic: &clinic };
    let member: MemberId = home.members[0].parse().unwrap();
    let first = desk.submit(&clinic.claim(member, "W-1", date("2026-04-10")));
    assert_eq!(first.mutual_minor, 4_000);
    let limits = json!({"review_above_minor": 3_000, "second_person_above_minor": 3_000});
    let path = format!("{}/care-settings", world.mutual("KAY"));
    world.call("PATCH", &path).as_("mutual_admin").header("If-Match", "\"v1\"").json(limits).send().await.expect(200);
    let mut large = clinic.claim(member, "W-2", date("2026-04-12"));
    large.lines[0].quantity = 2;
    let waits = desk.submit(&large);
    assert_eq!(waits.claim_reason, Some(ClaimReason::AboveLimit));
    let asked = desk.review(&waits, true).unwrap();
    assert_eq!(desk.claim(waits.id).state, ClaimState::Pended, "6,000 are left and wait for the second person");
    desk.void(&first);
    assert_eq!(code(desk.approve(asked)), Code::WrongState, "it would be 8,000 now");
    assert_eq!(desk.claim(waits.id).state, ClaimState::Pended);
    let anew = desk.review(&waits, true).unwrap();
    desk.approve(anew).unwrap();
    assert_eq!(desk.claim(waits.id).mutual_minor, 8_000);
    clean(&world, "as it was seen");
}

#[actix_web::test]
async fn a_settlement_is_not_given_up_under_a_later_one() {
    let (world, clinic, who) = rich().await;
    let desk = Desk { world: &world, clinic: &clinic };
    desk.advance(8_000);
    let mut first = Vec::new();
    for (at, member) in who.iter().take(3).enumerate() {
        first.push(desk.submit(&clinic.claim(*member, &format!("G-{at}"), date("2026-04-20"))));
    }
    let early = desk.settle();
    assert_eq!((early.amount_minor, early.advance_offset_minor), (12_000, 8_000));
    // A claim that the advance paid is taken back, and recovered from the next settlement.
    let paid = first.iter().map(|claim| desk.claim(claim.id)).find(|claim| claim.state == ClaimState::Paid).unwrap();
    desk.void(&paid);
    world.test.clock.set(Utc.with_ymd_and_hms(2026, 4, 30, 13, 0, 0).unwrap());
    desk.submit(&clinic.claim(who[3], "G-8", date("2026-04-21")));
    desk.submit(&clinic.claim(who[4], "G-9", date("2026-04-21")));
    let late = desk.settle();
    assert_eq!(late.amount_minor, 4_000);
    let cancel = |row: &Settlement| {
        let tag = etag(row.version);
        clinic.give(desk.user("treasurer"), |w, order| {
            settlement::cancel(w, &clinic.scope, order, row.id, Some(&tag), "Anew")
        })
    };
    assert_eq!(code(cancel(&early)), Code::WrongState);
    clean(&world, "refused");
    // The later one first.
    cancel(&late).unwrap();
    cancel(&early).unwrap();
    clean(&world, "given up in turn");
    let all = desk.settle();
    assert_eq!((all.amount_minor, all.advance_offset_minor), (16_000, 8_000));
    desk.pay(&all);
    clean(&world, "paid");
}

#[actix_web::test]
async fn what_an_appeal_lowers_is_recovered_and_the_claim_is_paid_again() {
    let (world, clinic, who) = rich().await;
    let desk = Desk { world: &world, clinic: &clinic };
    let mut dear = clinic.claim(who[0], "D-1", date("2026-04-20"));
    dear.lines[0].unit_price_minor = 6_000;
    let cut = desk.submit(&dear);
    assert_eq!(cut.mutual_minor, 4_000);
    desk.pay(&desk.settle());
    let appeal = desk.appeal(cut.id).unwrap();
    desk.hear(appeal, vec![Share { line: 1, mutual: 2_500, bearer: Bearer::Member }]).unwrap();
    let lowered = desk.claim(cut.id);
    assert_eq!((lowered.state, lowered.open_minor()), (ClaimState::Decided, -1_500));
    desk.submit(&clinic.claim(who[1], "D-2", date("2026-04-21")));
    let next = desk.settle();
    assert_eq!((next.amount_minor, next.number_of_claims), (2_500, 2));
    let settled = desk.claim(cut.id);
    assert_eq!((settled.state, settled.settled_minor), (ClaimState::Paid, 2_500));
    desk.pay(&next);
    clean(&world, "lowered");
}

#[actix_web::test]
async fn a_claim_is_contested_or_submitted_again_and_never_paid_for_both() {
    let (world, clinic, who) = rich().await;
    let desk = Desk { world: &world, clinic: &clinic };
    let stay = |number: &str| {
        let mut new = clinic.claim(who[0], number, date("2026-04-20"));
        new.lines = vec![NewLine { line: 1, service: "BED".into(), quantity: 4, unit_price_minor: 9_000 }];
        new
    };
    let refused = desk.submit(&stay("C-1"));
    assert_eq!(refused.claim_reason, Some(ClaimReason::PriorAuthRequired));
    let again = NewClaim {
        visit_type: VisitType::Emergency,
        cites: Cites { resubmits: Some(refused.id), ..Cites::default() },
        ..stay("C-2")
    };
    let appeal = desk.appeal(refused.id).unwrap();
    assert_eq!(code(clinic.submit(clinic.db.ids().next(), &again)), Code::WrongState, "an appeal waits");
    let keep = OnAppeal { change: false, reason: "No letter".into(), waived: Vec::new(), shares: Vec::new() };
    clinic
        .give(desk.user("medical_adviser"), |w, order| {
            let id = Key::new(appeal.uuid());
            appeals::decide_on(w, &clinic.scope, order, &clinic.owners, id, Some(&etag(1)), &keep).map(|_| ())
        })
        .unwrap();
    assert!(desk.submit(&again).mutual_minor > 0);
    let by_facility = clinic.give(None, |w, order| {
        appeals::file(w, &clinic.scope, order, refused.id, Appellant::Provider, "It was an emergency")
    });
    assert_eq!(code(by_facility), Code::WrongState, "it has been submitted again");
    // Nor does a claim have to wait, or is it taken back, while an appeal against it waits.
    let mut dear = clinic.claim(who[1], "C-3", date("2026-04-20"));
    dear.lines[0].unit_price_minor = 6_000;
    let cut = desk.submit(&dear);
    desk.appeal(cut.id).unwrap();
    let tag = etag(cut.version);
    let pended = clinic.give(desk.user("claims_officer"), |w, order| {
        review::pend(w, &clinic.scope, order, cut.id, Some(&tag), (ClaimReason::MedicalReview, "Why"))
    });
    assert_eq!(code(pended), Code::WrongState);
    let voided = clinic
        .give(desk.user("claims_officer"), |w, order| review::void(w, &clinic.scope, order, cut.id, Some(&tag), "Why"));
    assert_eq!(code(voided), Code::WrongState);
    clean(&world, "one or the other");
}

#[actix_web::test]
async fn a_claim_whose_letter_is_gone_can_still_be_decided() {
    let (world, clinic, who) = rich().await;
    let desk = Desk { world: &world, clinic: &clinic };
    let ask = NewLetter {
        number: Some("L-7".into()),
        provider: clinic.provider,
        member: who[0],
        services: vec!["XRAY".into()],
        diagnoses: String::new(),
        estimated_minor: 7_000,
        planned_on: date("2026-04-20"),
        note: None,
    };
    let id = clinic.give(None, |w, order| letters::request(w, &clinic.scope, order, &clinic.owners, &ask)).unwrap();
    let letter: LetterId = Key::new(id.uuid());
    let issue =
        Issue { letter_id: letter, amount_minor: 7_000, valid_from: date("2026-04-15"), valid_to: None, reason: None };
    let officer = desk.user("claims_officer");
    clinic
        .give(officer, |w, order| letters::issue(w, &clinic.scope, order, Some(&etag(1)), &issue).map(|_| ()))
        .unwrap();
    // The service is not covered: nothing is paid, so the letter is not used.
    let mut new = clinic.claim(who[0], "X-1", date("2026-04-20"));
    new.lines = vec![NewLine { line: 1, service: "XRAY".into(), quantity: 1, unit_price_minor: 7_000 }];
    new.cites = Cites { letter: Some(letter), ..Cites::default() };
    let claim = desk.submit(&new);
    assert_eq!(claim.mutual_minor, 0);
    let revoked = (LetterState::Revoked, "Called off");
    clinic
        .give(officer, |w, order| letters::withdraw(w, &clinic.scope, order, letter, Some(&etag(2)), revoked))
        .unwrap();
    let (tag, why) = (etag(claim.version), (ClaimReason::DocumentsMissing, "The film"));
    clinic.give(officer, |w, order| review::pend(w, &clinic.scope, order, claim.id, Some(&tag), why)).unwrap();
    desk.review(&desk.claim(claim.id), true).unwrap();
    assert_eq!(desk.claim(claim.id).state, ClaimState::Decided);
    assert_eq!(
        code(clinic.submit(clinic.db.ids().next(), &NewClaim { invoice_number: "X-2".into(), ..new })),
        Code::WrongState
    );
    clean(&world, "without its letter");
}

#[actix_web::test]
async fn a_facility_submits_for_today_cites_what_there_is_and_is_not_told_diagnoses() {
    let (world, clinic, _) = rich().await;
    let home = world.home(None, "STANDARD", 1).await;
    let card = home.text("/members/0/card_number");
    let own = format!("/providers/{}/claims", clinic.provider);
    let ask = |more: serde_json::Value| {
        let mut body = json!({"id": world.test.db.ids().next::<kind::Claim>(), "card": card, "birth_year": 1988,
            "invoice_number": "F-1", "service_on": "2026-04-29",
            "lines": [{"line": 1, "service": "CONS", "quantity": 1, "unit_price_minor": 5000}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.post(&own).as_("provider_clerk").json(body).send()
    };
    for (more, pointer) in [
        (json!({"submitted_on": "2026-04-29"}), "/submitted_on"),
        (json!({"mode": "reimbursement"}), "/mode"),
        (json!({"birth_year": null}), "/birth_year"),
        (json!({"check_id": world.test.db.ids().next::<kind::Audit>()}), "/check_id"),
    ] {
        let answer = ask(more).await.expect(422);
        assert_eq!(answer.pointers(), [pointer], "{}", answer.text);
    }
    assert_eq!(ask(json!({"birth_year": 1990})).await.expect(404).code(), "not_found");
    let elsewhere = json!({"resubmits_id": world.test.db.ids().next::<kind::Claim>()});
    assert_eq!(ask(elsewhere).await.expect(404).pointers(), ["/resubmits_id"]);
    let list = json!({"owner_id": world.org("KAY"), "name": "Short", "csv": "code,name\nJ06.9,Cold\n"});
    world.post("/diagnosis-lists").as_("mutual_admin").json(list).send().await.expect(201);
    let unknown = ask(json!({"diagnoses": ["J06.9", "J99.9"]})).await.expect(422);
    assert_eq!(unknown.pointers(), ["/diagnoses/1"]);
    assert!(!unknown.text.contains("J99"), "a diagnosis is not told on: {}", unknown.text);
    ask(json!({"diagnoses": ["J06.9"]})).await.expect(201);
    assert_eq!(world.count("claims"), 1);
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
