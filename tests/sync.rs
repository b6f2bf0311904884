//! Three agents with the reference client and an office, over connections that are cut anywhere: whatever happens in whatever
//! order, though a push arrives late and the server is restored from a backup in between, both sides end equal and nothing is
//! lost or doubled.
//! `AYNI_SCHEDULES` says how many random schedules are run, `AYNI_SEED` which is the first.
#[path = "../examples/field-client/client.rs"]
mod client;
mod support;

use actix_web::test::{TestRequest, call_service, init_service, read_body};
use ayni::access::keys::{Bearer, Keys};
use ayni::access::permissions::Role;
use ayni::access::scopes::{MutualScope, SystemScope};
use ayni::app::{HOOKS, Parts};
use ayni::audit::frame::command;
use ayni::db::{Wall, Write, schema};
use ayni::error::{Error as Failure, Result as Done};
use ayni::field::devices::{self, NewDevice};
use ayni::field::documents::document;
use ayni::field::feed;
use ayni::field::model::ProposalState;
use ayni::households::store as households;
use ayni::ids::*;
use chrono::{DateTime, Duration, FixedOffset, TimeZone, Utc};
use client::{Broken, Client, Error, NewHousehold, Person, Request, Response, Transport};
use diesel::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use support::database::{on_postgres, start};
use support::page::{Exchange, blocks, exchange, kept};
use support::rows::{Dump, assert_alike, dump, texts};
use support::{TestDb, World};
use uuid::Uuid;

/// Small and the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

type Asked = (Request, Sender<Response>);

/// A server on a thread of its own.
fn serve(parts: Parts) -> Sender<Asked> {
    let (send, hears) = channel::<Asked>();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = init_service(parts.app()).await;
            while let Ok((request, reply)) = hears.recv() {
                let mut made = TestRequest::default()
                    .method(request.method.parse().unwrap())
                    .uri(&request.path)
                    .peer_addr("127.0.0.1:50000".parse().unwrap())
                    .set_payload(request.body);
                for (name, value) in &request.headers {
                    made = made.insert_header((*name, value.as_str()));
                }
                let answer = call_service(&app, made.to_request()).await;
                let status = answer.status().as_u16();
                let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap().to_owned();
                let headers =
                    answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
                let body = read_body(answer).await.to_vec();
                // Who asked may have gone away.
                let _ = reply.send(Response { status, headers, body });
            }
        });
    });
    send
}

/// The server that stands now: another one after a restore.
struct Standing {
    test: TestDb,
    parts: Parts,
    asks: Sender<Asked>,
}

impl Standing {
    fn on(test: TestDb) -> Standing {
        let parts = Parts::new(test.db.clone(), Keys::passing().unwrap()).unwrap();
        Standing { asks: serve(parts.clone()), test, parts }
    }

    fn token(&self, user: UserId) -> String {
        let bearer = Bearer { user, session: self.test.db.ids().next() };
        self.parts.access.keys.sign(bearer, self.test.db.clock().now()).unwrap()
    }

    fn send(&self, request: Request) -> Response {
        let (reply, hears) = channel();
        self.asks.send((request, reply)).unwrap();
        hears.recv().unwrap()
    }
}

/// A line that is cut now and then: before the server heard, or before it was heard.
struct Line {
    server: Arc<Mutex<Standing>>,
    agent: UserId,
    mutual: OrganisationId,
    dice: Dice,
    /// One request in so many is cut; none where it is zero.
    cuts: u64,
    /// The next request is cut.
    cut: Option<Cut>,
    /// Pushes that the server has carried out, the oldest first; whether the phone heard of it or not.
    heard: Vec<Request>,
}

/// Where a line is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Before,
    After,
}

impl Line {
    /// Brings a request to the server that stands now, with the agent's own token.
    fn deliver(&self, request: &Request) -> Response {
        let server = self.server.lock().unwrap();
        let mut sent = request.clone();
        sent.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        sent.headers.push(("Authorization", format!("Bearer {}", server.token(self.agent))));
        server.send(sent)
    }
}

impl Transport for Line {
    fn send(&mut self, request: &Request) -> Result<Response, Broken> {
        let answer = |body: Value| Response { status: 200, headers: Vec::new(), body: body.to_string().into() };
        // Passwords are tried elsewhere; here the line itself is the agent's.
        match request.path.as_str() {
            "/api/v1/auth/login" | "/api/v1/auth/refresh" => {
                return Ok(answer(json!({"access_token": "a", "refresh_token": "r"})));
            }
            "/api/v1/me/mutuals" => return Ok(answer(json!({"items": [{"id": self.mutual, "name": "KAY"}]}))),
            _ => {}
        }
        let cut = self.cut.take();
        if cut == Some(Cut::Before) || self.cuts > 0 && self.dice.one_in(self.cuts) {
            return Err(Broken::default());
        }
        let got = self.deliver(request);
        // What was blocked is looked at anew when it comes again: then something may come of it.
        let is_push = request.path.ends_with("/sync/push") && got.status == 200;
        if is_push && !String::from_utf8_lossy(&got.body).contains("\"blocked\"") {
            self.heard.push(request.clone());
        }
        if cut == Some(Cut::After) || self.cuts > 0 && self.dice.one_in(self.cuts) {
            return Err(Broken::default());
        }
        Ok(got)
    }
}

/// An agent with a phone.
struct Agent {
    user: UserId,
    device: DeviceId,
    file: String,
    client: Client<Line>,
    /// Receipts that were given on paper, with what was paid.
    given: BTreeMap<String, i64>,
    /// Persons who were registered.
    persons: BTreeSet<Uuid>,
}

/// A schedule while it runs.
struct Story {
    world: World,
    server: Arc<Mutex<Standing>>,
    now: Arc<Mutex<DateTime<Utc>>>,
    folder: tempfile::TempDir,
    agents: Vec<Agent>,
    dice: Dice,
    /// Pushes that arrived once more, behind newer ones.
    late: usize,
    /// Payments that the office reversed.
    reversed: usize,
}

const USERS: [(&str, &str); 3] = [("field_agent", "KAY-S1"), ("agent2", "KAY-S2"), ("agent3", "KAY-S1")];

fn open(file: &str, line: Line, now: &Arc<Mutex<DateTime<Utc>>>, seed: u64) -> Client<Line> {
    let now = now.clone();
    let zone = FixedOffset::east_opt(2 * 3600).unwrap();
    let clock = Box::new(move || now.lock().unwrap().with_timezone(&zone));
    let mut dice = Dice(seed);
    let chance = Box::new(move |bytes: &mut [u8]| {
        bytes.iter_mut().for_each(|byte| *byte = u8::try_from(dice.below(256)).unwrap());
        true
    });
    Client::open(file, line, clock, chance).unwrap()
}

impl Story {
    /// Nobody has a phone yet.
    async fn empty(seed: u64) -> Story {
        let mut world = World::new().await;
        for (name, section) in &USERS[1..] {
            let section = world.org(section);
            world.add_user(name, Role::FieldAgent, section);
        }
        let test = TestDb::again(&world.test);
        let server = Arc::new(Mutex::new(Standing::on(test)));
        let now = Arc::new(Mutex::new(start()));
        let folder = tempfile::tempdir().unwrap();
        Story { world, server, now, folder, agents: Vec::new(), dice: Dice(seed), late: 0, reversed: 0 }
    }

    async fn begin(seed: u64) -> Story {
        let mut story = Story::empty(seed).await;
        for (at, (name, _)) in USERS.iter().enumerate() {
            let agent = story.equip(name, at, seed);
            story.agents.push(agent);
        }
        story
    }

    fn scope(&self) -> MutualScope {
        self.world.scope("KAY")
    }

    fn act<T>(&self, mut body: impl FnMut(&mut Write, &ayni::audit::frame::Order) -> Done<T>) -> CommandId {
        let server = self.server.lock().unwrap();
        let order = ayni::audit::frame::Order {
            wall: Wall::mutual(self.scope().mutual()),
            today: self.scope().today(),
            ..ayni::access::service::terminal_order(&server.test.db, "test")
        };
        command(&server.test.db, &HOOKS, &order, |w| body(w, &order).map(|_| ())).unwrap();
        order.id
    }

    fn line(&mut self, user: UserId, cuts: u64) -> Line {
        let mutual = self.world.org("KAY");
        let (server, dice) = (self.server.clone(), Dice(self.dice.next()));
        Line { server, agent: user, mutual, dice, cuts, cut: None, heard: Vec::new() }
    }

    fn equip(&mut self, name: &str, at: usize, seed: u64) -> Agent {
        let user = self.world.users[name];
        let scope = self.scope();
        let new = NewDevice { agent: user, code: format!("T{at}"), name: "Phone".into() };
        let mut code = String::new();
        let device = self.act(|w, order| {
            code = devices::register(w, &scope, order, &[user], &new)?;
            Ok(())
        });
        let file = self.folder.path().join(format!("{at}.db")).display().to_string();
        let line = self.line(user, 0);
        let mut client = open(&file, line, &self.now, seed.wrapping_add(u64::try_from(at).unwrap()) ^ 0x5eed);
        client.login("agent", "secret", None).unwrap();
        client.activate(&code).unwrap();
        client.ask_numbers(60).unwrap();
        client.sync().unwrap();
        let device = Key::new(device.uuid());
        Agent { user, device, file, client, given: BTreeMap::new(), persons: BTreeSet::new() }
    }

    fn person(&mut self, relationship: &str) -> Person {
        let number = self.dice.below(100_000);
        Person {
            relationship: relationship.into(),
            family_name: format!("Family{}", number % 977),
            given_name: format!("Given{number}"),
            sex: "female".into(),
            birth_date: "1988-05-02".parse().ok(),
            ..Person::default()
        }
    }

    fn some_home(&mut self, at: usize) -> Option<Uuid> {
        let homes = self.agents[at].client.households().unwrap();
        if homes.is_empty() {
            return None;
        }
        let which = usize::try_from(self.dice.below(u64::try_from(homes.len()).unwrap())).unwrap();
        Some(homes[which].id.parse().unwrap())
    }

    /// An office's request, never cut.
    fn office(&self, method: &'static str, path: &str, version: Option<i64>, body: Option<Value>) -> (u16, Value) {
        self.office_as("mutual_admin", method, path, version, body)
    }

    /// The same, as somebody.
    fn office_as(
        &self,
        user: &str,
        method: &'static str,
        path: &str,
        version: Option<i64>,
        body: Option<Value>,
    ) -> (u16, Value) {
        let server = self.server.lock().unwrap();
        let mut headers = vec![
            ("Authorization", format!("Bearer {}", server.token(self.world.users[user]))),
            ("Content-Type", "application/json".to_owned()),
        ];
        headers.extend(version.map(|version| ("If-Match", format!("\"v{version}\""))));
        let path = format!("/api/v1{}{path}", self.world.mutual("KAY"));
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let answer = server.send(Request { method, path, headers, body });
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    fn fresh(&self) -> Uuid {
        self.server.lock().unwrap().test.db.ids().next::<kind::Command>().uuid()
    }

    /// The office decides on everything that waits. It discards no family: what depends on one would wait for ever.
    fn decide(&self, accept: bool) {
        let (status, page) = self.office("GET", "/proposals?state=OPEN&limit=200", None, None);
        assert_eq!(status, 200, "{page}");
        for row in page["items"].as_array().unwrap() {
            let (id, version) = (row["id"].as_str().unwrap(), row["version"].as_i64());
            let entity = row["operation"]["entity"].as_str().unwrap();
            if !accept && row["operation"]["type"] == "create" && entity.starts_with("household/") {
                continue;
            }
            let what = if accept { "accept" } else { "discard" };
            let body = if accept { json!({"id": self.fresh()}) } else { json!({"note": "no"}) };
            let (status, answer) = self.office("POST", &format!("/proposals/{id}/{what}"), version, Some(body));
            // What can still not be done stays open.
            assert!(status == 200 || accept && (400..500).contains(&status), "{status} {answer}");
        }
    }

    /// The office reverses a payment that came from the field: one asks, another one approves. No dice say which, so that a
    /// schedule goes on as it would without.
    fn reverse(&mut self) {
        let standing: Vec<PaymentId> = {
            use ayni::db::schema::{payments, reversals};
            let mut conn = self.server.lock().unwrap().test.owner();
            let reversed: Vec<PaymentId> = reversals::table.select(reversals::payment_id).load(&mut conn).unwrap();
            let mut all: Vec<PaymentId> = payments::table.select(payments::id).load(&mut conn).unwrap();
            // The phones made these ids of what was thrown for them: the same in each run.
            all.sort_unstable();
            all.into_iter().filter(|id| !reversed.contains(id)).collect()
        };
        let Some(payment) = standing.get(standing.len() / 2) else { return };
        let path = format!("/payments/{payment}/reversal");
        let body = json!({"id": self.fresh(), "reason": "never paid"});
        let (status, asked) = self.office_as("treasurer", "POST", &path, None, Some(body));
        assert_eq!(status, 201, "{asked}");
        let path = format!("/approvals/{}/approve", asked["approval_id"].as_str().unwrap());
        let (status, approved) = self.office("POST", &path, Some(1), None);
        assert_eq!(status, 200, "{approved}");
        self.reversed += 1;
    }

    fn sync(&mut self, at: usize, cuts: u64) {
        let line = self.agents[at].client.transport_mut();
        line.cuts = cuts;
        match self.agents[at].client.sync() {
            Ok(report) => assert!(!report.wiped),
            Err(Error::Broken(_) | Error::Busy { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
        self.agents[at].client.transport_mut().cuts = 0;
    }

    fn step(&mut self) {
        let at = usize::try_from(self.dice.below(3)).unwrap();
        match self.dice.below(21) {
            0..=4 => {
                let mut members = vec![self.person("principal")];
                for _ in 0..self.dice.below(3) {
                    members.push(self.person("child"));
                }
                let new = NewHousehold { members, ..NewHousehold::default() };
                let made = self.agents[at].client.register(new).unwrap();
                self.agents[at].persons.extend(made.members.iter().map(|member| member.id));
            }
            5..=8 => {
                let amount = i64::try_from(self.dice.below(9_000)).unwrap() + 1;
                if let Some(home) = self.some_home(at) {
                    let receipt = self.agents[at].client.collect(home, amount).unwrap();
                    assert!(self.agents[at].given.insert(receipt.label, amount).is_none(), "a receipt was given twice");
                }
            }
            9 => {
                let phone = format!("+257790{:05}", self.dice.below(100_000));
                if let Some(home) = self.some_home(at) {
                    let fields: Map<String, Value> = [("phone".to_owned(), json!(phone))].into_iter().collect();
                    self.agents[at].client.correct_household(home, fields).unwrap();
                }
            }
            10 => {
                let person = self.person("child");
                if let Some(home) = self.some_home(at) {
                    let made = self.agents[at].client.add_member(home, person).unwrap();
                    self.agents[at].persons.insert(made.id);
                }
            }
            11 => {
                // The office corrects, or moves a household to the other section.
                if let Some(home) = self.some_home(at) {
                    let (status, row) = self.office("GET", &format!("/households/{home}"), None, None);
                    if status == 200 {
                        let body = if self.dice.one_in(3) {
                            json!({"section_id": self.world.org(["KAY-S1", "KAY-S2"][at % 2])})
                        } else {
                            json!({"phone": format!("+257791{:05}", self.dice.below(100_000)), "class": "INDIGENT"})
                        };
                        let path = format!("/households/{home}");
                        assert_eq!(self.office("PATCH", &path, row["version"].as_i64(), Some(body)).0, 200);
                    }
                }
            }
            12 => match self.dice.below(3) {
                0 => self.decide(true),
                1 => self.decide(false),
                _ => self.reverse(),
            },
            13 => self.restart(at),
            14 => self.pass_a_day(),
            15 => self.come_late(at),
            _ => {
                let cuts = 2 + self.dice.below(6);
                self.sync(at, cuts);
            }
        }
    }

    /// The phone is switched off and on.
    fn restart(&mut self, at: usize) {
        let (file, user) = (self.agents[at].file.clone(), self.agents[at].user);
        let seed = self.dice.next();
        let mut line = self.line(user, 0);
        line.heard = std::mem::take(&mut self.agents[at].client.transport_mut().heard);
        self.agents[at].client = open(&file, line, &self.now, seed);
    }

    /// A push from before arrives once more, behind newer ones: its operations are told as they were, and nothing changes.
    fn come_late(&mut self, at: usize) {
        let heard = self.agents[at].client.transport_mut().heard.len();
        if heard < 2 {
            return;
        }
        let which = usize::try_from(self.dice.below(u64::try_from(heard - 1).unwrap())).unwrap();
        let before = self.rows();
        let line = self.agents[at].client.transport_mut();
        let answer = line.deliver(&line.heard[which]);
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, &told["wipe"]), (200, &json!(false)), "{told}");
        let results = told["results"].as_array().unwrap();
        assert!(!results.is_empty() && results.iter().all(|result| result["status"] == "replayed"), "{told}");
        let after = self.rows();
        assert_alike(&before.0, &after.0);
        assert_eq!(before.1, after.1);
        self.late += 1;
    }

    /// Every row of the server that stands now. A push says when its device was heard of, and takes its households by their
    /// revisions: of them there is what else they say.
    fn rows(&self) -> (Dump, Vec<String>) {
        let server = self.server.lock().unwrap();
        let mut rows = dump(&server.test);
        assert!(rows.remove("devices").is_some() && rows.remove("households").is_some());
        let said =
            "number || '/' || class || '/' || coalesce(phone, '') || '/' || CAST(version AS text) FROM households";
        let mut homes = texts(&mut server.test.owner(), said);
        homes.sort();
        (rows, homes)
    }

    fn pass_a_day(&mut self) {
        let mut now = self.now.lock().unwrap();
        // Operations of more than 45 days ago are the office's.
        if *now < Utc.with_ymd_and_hms(2026, 3, 25, 0, 0, 0).unwrap() {
            *now += Duration::days(1);
            self.world.test.clock.set(*now);
        }
    }

    /// The server goes back to a copy that was made before.
    fn restore(&mut self, copy: &std::path::Path) {
        let test = self.server.lock().unwrap().test.restored(copy);
        *self.server.lock().unwrap() = Standing::on(test);
        // It may not know what the one before had carried out: of that something would come.
        for agent in &mut self.agents {
            agent.client.transport_mut().heard.clear();
        }
    }

    /// Without cuts, until nothing waits: then both sides are equal.
    fn end(&mut self, seed: u64) {
        for round in 0..8 {
            for at in 0..3 {
                self.sync(at, 0);
            }
            self.decide(true);
            // Of what has arrived and is known on both sides something changes in the office once more.
            if round == 1 {
                self.reverse();
            }
            let waits: usize = (0..3).map(|at| self.agents[at].client.queued().unwrap()).sum();
            if waits == 0 && round > 1 {
                break;
            }
        }
        for at in 0..3 {
            self.sync(at, 0);
        }
        let server = self.server.lock().unwrap();
        let (db, picture) = (&server.test.db, server.parts.access.pictures.current().unwrap());
        let mutual = self.scope().mutual();
        let wall = Wall::mutual(mutual);
        feed::number_all(db, mutual).unwrap();
        let mut conn = server.test.owner();
        use ayni::db::schema::{members, memberships, payments, receipts, sync_proposals};
        // Persons: those that the agents registered, nobody twice and nobody else. The office registers none.
        let registered: Vec<MemberId> = members::table.select(members::id).load(&mut conn).unwrap();
        let registered: BTreeSet<Uuid> = registered.into_iter().map(Key::uuid).collect();
        let told: BTreeSet<Uuid> = self.agents.iter().flat_map(|agent| agent.persons.iter().copied()).collect();
        let strangers: Vec<&Uuid> = registered.difference(&told).collect();
        assert!(strangers.is_empty(), "seed {seed}: persons whom nobody registered: {strangers:?}");
        let stays: i64 = memberships::table.count().get_result(&mut conn).unwrap();
        assert_eq!(usize::try_from(stays), Ok(registered.len()), "seed {seed}: somebody is in two households");
        let paid: Vec<PaymentId> = payments::table.select(payments::id).load(&mut conn).unwrap();
        let homes: Vec<HouseholdId> = schema::households::table.select(schema::households::id).load(&mut conn).unwrap();
        let mut there: BTreeSet<String> = registered.iter().map(|id| format!("member/{id}")).collect();
        there.extend(paid.iter().map(|id| format!("payment/{id}")));
        there.extend(homes.iter().map(|id| format!("household/{id}")));
        assert_eq!(there.len(), registered.len() + paid.len() + homes.len());
        let mut entered: BTreeSet<String> = BTreeSet::new();
        for agent in &mut self.agents {
            let entries = agent.client.outbox().unwrap();
            let waiting: Vec<_> = entries.iter().filter(|entry| entry.state == client::State::Queued).collect();
            assert!(waiting.is_empty(), "seed {seed}: {waiting:?}");
            // Receipts: each once, no number missing, no franc more.
            let (sum, mut given): (i64, BTreeMap<String, i64>) = {
                let rows: Vec<(String, i64)> = payments::table
                    .inner_join(receipts::table.on(receipts::id.eq(payments::receipt_id)))
                    .filter(payments::collector_id.eq(agent.user))
                    .select((receipts::label, payments::amount_minor))
                    .load(&mut conn)
                    .unwrap();
                (rows.iter().map(|row| row.1).sum(), rows.into_iter().collect())
            };
            assert_eq!(sum, given.values().sum::<i64>(), "seed {seed}: a receipt stands twice");
            // What the office holds, or has discarded, is not there; what it accepted is. Nothing else may be absent.
            let proposals: Vec<(ProposalState, String)> = sync_proposals::table
                .filter(sync_proposals::device_id.eq(agent.device))
                .select((sync_proposals::state, sync_proposals::content))
                .load(&mut conn)
                .unwrap();
            let mut withheld: BTreeSet<String> = BTreeSet::new();
            for (state, content) in &proposals {
                let made = made_by(&serde_json::from_str(content).unwrap());
                let is_made = *state == ProposalState::Accepted;
                let as_decided = made.iter().all(|entity| there.contains(entity) == is_made);
                assert!(as_decided, "seed {seed}: {state}, and its data is not so: {content}");
                if !is_made {
                    withheld.extend(made);
                }
            }
            let payment_of: BTreeMap<&str, &str> =
                entries.iter().filter_map(|entry| Some((entry.receipt.as_deref()?, entry.entity.as_str()))).collect();
            for (label, amount) in &agent.given {
                match given.remove(label) {
                    Some(found) => assert_eq!(found, *amount, "seed {seed}: {label}"),
                    None => {
                        let payment = payment_of[label.as_str()];
                        assert!(withheld.contains(payment), "seed {seed}: {label} is lost, {payment}: {proposals:?}");
                    }
                }
            }
            assert!(given.is_empty(), "seed {seed}: receipts that nobody gave: {given:?}");
            for id in &agent.persons {
                let person = format!("member/{id}");
                let is_known = there.contains(&person) || withheld.contains(&person);
                assert!(is_known, "seed {seed}: {person} is lost: {proposals:?}");
            }
            entered.extend(entries.iter().filter(|entry| entry.kind == "create").map(|entry| entry.entity.clone()));
            // Households: what a pull of everything would bring.
            let scope =
                SystemScope::of_the_terminal().agent(&picture, db.clock(), self.world.org("KAY"), agent.user).unwrap();
            let on_server: BTreeMap<String, Value> = db
                .read(wall, |r| {
                    let mut found = BTreeMap::new();
                    for row in households::list(r, &scope, None, None, 10_000)? {
                        let id = row.id.to_string();
                        found.insert(id, json!(document(r, &scope, row, agent.user)?));
                    }
                    Ok::<_, Failure>(found)
                })
                .unwrap();
            let here: Vec<String> = agent.client.households().unwrap().into_iter().map(|home| home.id).collect();
            let mut on_phone = BTreeMap::new();
            for id in here {
                on_phone.insert(id.clone(), agent.client.document(id.parse().unwrap()).unwrap());
            }
            let ids = |all: &BTreeMap<String, Value>| all.keys().cloned().collect::<Vec<_>>();
            assert_eq!(ids(&on_phone), ids(&on_server), "seed {seed}");
            assert_eq!(on_phone, on_server, "seed {seed}");
        }
        let is_entered = |id: &HouseholdId| entered.contains(&format!("household/{id}"));
        assert!(homes.iter().all(is_entered), "seed {seed}: a household that nobody entered");
        let findings = ayni::verify::verify(db).unwrap().findings;
        assert!(findings.is_empty(), "seed {seed}: {findings:?}");
    }
}

/// What an operation makes where it is carried out: a payment, a household with its persons, a person. An update makes nothing.
fn made_by(operation: &Value) -> Vec<String> {
    if !["create", "payment"].contains(&operation["type"].as_str().unwrap()) {
        return Vec::new();
    }
    let persons = operation["data"]["members"].as_array().into_iter().flatten();
    let mut made: Vec<String> = persons.map(|person| format!("member/{}", person["id"].as_str().unwrap())).collect();
    made.push(operation["entity"].as_str().unwrap().to_owned());
    made
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[actix_web::test]
async fn whatever_is_cut_both_sides_end_equal() {
    let schedules = number("AYNI_SCHEDULES", if on_postgres() { 6 } else { 12 });
    let first = number("AYNI_SEED", 1);
    let (mut restores, mut payments, mut late, mut reversed) = (0, 0, 0, 0);
    for seed in first..first + schedules {
        let mut story = Story::begin(seed).await;
        let copy = story.folder.path().join("copy.backup");
        let steps = 40 + story.dice.below(40);
        // A dump and its restoring take PostgreSQL seconds.
        let restores_now = seed % if on_postgres() { 6 } else { 3 } == 0;
        for step in 0..steps {
            if restores_now && step == steps / 3 {
                let url = story.server.lock().unwrap().test.url.clone();
                ayni::db::backup::backup(&url, &copy, None).unwrap();
            }
            if restores_now && step == 2 * steps / 3 {
                story.restore(&copy);
                restores += 1;
            }
            story.step();
        }
        story.end(seed);
        payments += story.agents.iter().map(|agent| agent.given.len()).sum::<usize>();
        late += story.late;
        reversed += story.reversed;
    }
    let happened = format!("{payments} receipts, {reversed} of them reversed, {late} pushes late, {restores} restores");
    assert!(payments > 0 && (schedules < 6 || restores > 0 && late > 0 && reversed > 0), "{happened}");
    println!("{schedules} schedules, {happened}: both sides equal");
}

/// A phone of the page, and what is known of it.
struct Page<'s> {
    story: &'s mut Story,
    known: BTreeMap<String, String>,
    cards: usize,
}

impl Page<'_> {
    fn fill(&self, text: &str) -> String {
        self.known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn id(&self, name: &str) -> Uuid {
        self.known[name].parse().unwrap()
    }

    fn person(relationship: &str, told: &str) -> Person {
        let words: Vec<&str> = told.split_whitespace().collect();
        Person {
            relationship: relationship.into(),
            family_name: words[0].into(),
            given_name: words[1].into(),
            sex: words[2].into(),
            birth_date: words[3].parse().ok(),
            ..Person::default()
        }
    }

    fn request(&mut self, asked: &Exchange) {
        let server = self.story.server.lock().unwrap();
        let mut headers =
            vec![("Authorization", format!("Bearer {}", server.token(self.story.world.users[asked.user.as_str()])))];
        headers.push(("Content-Type", "application/json".to_owned()));
        for (name, value) in &asked.headers {
            assert_eq!(name, "If-Match");
            headers.push(("If-Match", value.clone()));
        }
        let body = self.fill(asked.body.trim()).into_bytes();
        let path = format!("/api/v1{}", self.fill(&asked.path));
        let answer = server.send(Request { method: asked.method, path: path.clone(), headers, body });
        drop(server);
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, asked.status, "line {}: {} {path}: {text}", asked.line, asked.method);
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        for (pointer, value) in &asked.found {
            let there = body.pointer(pointer).cloned().unwrap_or(Value::Null);
            match kept(value) {
                Some(name) => {
                    let text = there.as_str().unwrap_or_else(|| panic!("line {}: {pointer} of {text}", asked.line));
                    self.known.insert(name.to_owned(), text.to_owned());
                }
                None => {
                    let value: Value = serde_json::from_str(&self.fill(value)).unwrap();
                    assert_eq!(there, value, "line {}: {pointer} of {text}", asked.line);
                }
            }
        }
    }

    /// What the phone says to what is done with it.
    fn phone(&mut self, told: &str) -> String {
        let (what, rest) = told.split_once(' ').unwrap_or((told, ""));
        match what {
            "activate" => {
                let code = self.fill(rest);
                self.story.agents[0].client.activate(&code).unwrap();
                "active".into()
            }
            "numbers" => {
                let count = self.story.agents[0].client.ask_numbers(rest.parse().unwrap()).unwrap();
                format!("{count} card numbers")
            }
            "register" => {
                let (name, persons) = rest.split_once(' ').unwrap();
                let mut members = Vec::new();
                for (at, one) in persons.split(", ").enumerate() {
                    let relationship = if at == 0 { "principal" } else { one.split_once(' ').unwrap().0 };
                    // A child has the name of the family.
                    let family = persons.split(' ').next().unwrap();
                    let one = if at == 0 { one.to_owned() } else { one.replacen(relationship, family, 1) };
                    members.push(Page::person(relationship, &one));
                }
                let new = NewHousehold { members, ..NewHousehold::default() };
                let made = self.story.agents[0].client.register(new).unwrap();
                self.known.insert(name.to_owned(), made.household_id.to_string());
                assert!(made.members.iter().all(|member| member.card_number.is_some()));
                let first = self.cards + 1;
                self.cards += made.members.len();
                format!("{} persons, cards {first} and {} of the block", made.members.len(), self.cards)
            }
            "collect" => {
                let (name, amount) = rest.split_once(' ').unwrap();
                let id = self.id(name);
                self.story.agents[0].client.collect(id, amount.parse().unwrap()).unwrap().label
            }
            "correct" => {
                let words: Vec<&str> = rest.splitn(3, ' ').collect();
                let id = self.id(words[0]);
                let fields = [(words[1].to_owned(), json!(words[2]))].into_iter().collect();
                self.story.agents[0].client.correct_household(id, fields).unwrap();
                "queued".into()
            }
            "list" => {
                let id = self.id(rest);
                let home = self.story.agents[0].client.household(id).unwrap();
                let standing = home.standing.unwrap_or_else(|| "no cover known".into());
                let estimate = if home.is_estimate { ", an estimate" } else { "" };
                format!("{}: {standing}, balance {}{estimate}", home.name, home.balance_minor)
            }
            "outbox" => format!("{} queued", self.story.agents[0].client.queued().unwrap()),
            "float" => self.story.agents[0].client.account().unwrap().unwrap()["float_minor"].to_string(),
            "next" => {
                self.story.pass_a_day();
                self.story.now.lock().unwrap().format("%-d %B %Y").to_string()
            }
            "sync" | "sync," => {
                let line = self.story.agents[0].client.transport_mut();
                line.cut = match rest {
                    "" => None,
                    "cut before" => Some(Cut::Before),
                    "cut after" => Some(Cut::After),
                    other => panic!("{other}"),
                };
                match self.story.agents[0].client.sync() {
                    Ok(report) if report.wiped => "this device was wiped".into(),
                    Ok(report) => format!(
                        "answered {}, done {}, with the office {}, blocked {}; came {}, left {}",
                        report.answered, report.done, report.with_office, report.blocked, report.stored, report.removed
                    ),
                    Err(Error::Broken(_)) => "no connection".into(),
                    Err(other) => panic!("{other:?}"),
                }
            }
            other => panic!("the phone knows no {other}"),
        }
    }
}

#[actix_web::test]
async fn an_agents_three_days_are_as_they_are_told() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/walkthroughs/agent.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut story = Story::empty(7).await;
    let user = story.world.users["field_agent"];
    let line = story.line(user, 0);
    let file = story.folder.path().join("jean.db").display().to_string();
    let mut client = open(&file, line, &story.now, 7);
    client.login("jean@example.org", "secret", None).unwrap();
    let agent = Agent { user, device: DeviceId::NIL, file, client, given: BTreeMap::new(), persons: BTreeSet::new() };
    story.agents.push(agent);
    let known = [("{KAY}".to_owned(), story.world.org("KAY").to_string()), ("{AGENT}".to_owned(), user.to_string())];
    let mut page = Page { story: &mut story, known: known.into_iter().collect(), cards: 0 };
    let (mut requests, mut said) = (0, 0);
    for (kind, line, block) in blocks(&text) {
        match kind {
            "http" => {
                page.request(&exchange(line, &block));
                requests += 1;
            }
            "field" => {
                for (at, pair) in block.chunks(2).enumerate() {
                    let told = pair[0].strip_prefix("> ").unwrap_or_else(|| panic!("line {}", line + 2 * at));
                    assert_eq!(page.phone(told), pair[1], "line {}: {told}", line + 2 * at);
                    said += 1;
                }
            }
            other => panic!("line {line}: a block of the kind {other}"),
        }
    }
    assert!(requests >= 14 && said >= 25, "{requests} requests, {said} lines of the phone");
    assert!(ayni::verify::verify(&story.world.test.db).unwrap().findings.is_empty());
}

#[actix_web::test]
async fn a_push_is_carried_as_a_file() {
    let mut story = Story::begin(77).await;
    let members = vec![story.person("principal")];
    let made = story.agents[0].client.register(NewHousehold { members, ..NewHousehold::default() }).unwrap();
    story.agents[0].client.collect(made.household_id, 700).unwrap();
    let file = story.folder.path().join("push.json");
    assert_eq!(story.agents[0].client.export(&file).unwrap().operations, 2);
    let database = story.world.test.text.clone();
    let apply = |file: &std::path::Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ayni"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AYNI_")) {
            command.env_remove(name);
        }
        command.env("AYNI_DATABASE", &database).env("AYNI_LOG", "error").env("AYNI_TODAY", "2026-03-12");
        let output = command.args(["sync", "apply"]).arg(file).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), text)
    };
    // Three days on foot: nothing is wrong with the phone's clock.
    let (code, said) = apply(&file);
    assert_eq!((code, said.matches("\"applied\"").count()), (Some(0), 2), "{said}");
    let (code, said) = apply(&file);
    assert_eq!((code, said.matches("\"replayed\"").count()), (Some(0), 2), "{said}");
    let changed = std::fs::read_to_string(&file).unwrap().replace("700", "900");
    let other = story.folder.path().join("other.json");
    std::fs::write(&other, changed).unwrap();
    let (code, said) = apply(&other);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("the signature is not the device's"), "{said}");
    assert_eq!((story.world.test.count("households"), story.world.test.count("payments")), (1, 1));
    story.sync(0, 0);
    assert_eq!(story.agents[0].client.queued().unwrap(), 0);
    assert!(ayni::verify::verify(&story.world.test.db).unwrap().findings.is_empty());
}
