//! `kill -9` under load: what was acknowledged is there, once; what was not is sent again and is there, once; the books
//! balance and no receipt is missing.
mod support;

use ayni::access::keys::{Bearer, Keys};
use ayni::access::model::{Grant, User};
use ayni::access::permissions::Role;
use ayni::access::store;
use ayni::db::Wall;
use ayni::error::Error;
use ayni::ids::*;
use diesel::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::office::{Office, day, household};

const ROUNDS: u64 = 10;
const WRITERS: usize = 8;
const HOMES: usize = 5;

/// The built program, serving the database of the test.
struct Server {
    process: Child,
    address: String,
}

fn program(office: &Office, folder: &std::path::Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ayni"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AYNI_")) {
        command.env_remove(name);
    }
    command
        .env("AYNI_DATABASE", &office.test.text)
        .env("AYNI_ALLOW_PLAINTEXT_DATABASE", "true")
        .env("AYNI_KEYS", folder.join("keys"))
        .env("AYNI_METRICS", "off")
        .args(args);
    command
}

impl Server {
    fn start(office: &Office, folder: &std::path::Path) -> Server {
        let mut process = program(office, folder, &["serve", "--bind", "127.0.0.1:0", "--today", "2026-03-10"])
            .env("AYNI_LOG", "info")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("the server ended").unwrap();
            let logged: Value = serde_json::from_str(&line).unwrap();
            if logged["message"] == "serving" {
                break logged["address"].as_str().unwrap().to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Server { process, address }
    }
}

/// A payment that a client means to make, under its own id.
#[derive(Clone)]
struct Meant {
    id: PaymentId,
    household: HouseholdId,
    amount: usize,
}

struct Client {
    agent: ureq::Agent,
    url: String,
    token: String,
}

impl Client {
    fn new(server: &Server, office: &Office, token: &str) -> Client {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        let url = format!("http://{}/api/v1/mutuals/{}/payments", server.address, office.mutual);
        Client { agent, url, token: format!("Bearer {token}") }
    }

    /// The status of the answer; none where there is none.
    fn send(&self, meant: &Meant) -> Option<u16> {
        let body = json!({"id": meant.id, "household_id": meant.household, "amount_minor": meant.amount,
            "currency": "BIF", "method": "cash", "received_on": "2026-03-10"});
        let request = self.agent.post(&self.url).header("Authorization", &self.token);
        let mut answer = request.header("Content-Type", "application/json").send(body.to_string()).ok()?;
        // An answer that breaks off in the middle is none.
        answer.body_mut().read_to_string().ok()?;
        Some(answer.status().as_u16())
    }
}

fn treasurer(office: &Office) -> UserId {
    office
        .test
        .db
        .write(Wall::ROOT, |w| {
            let user = User {
                id: w.new_id(),
                email: Some("treasurer@example.org".into()),
                phone: None,
                name: "treasurer".into(),
                password_hash: None,
                disabled_at: None,
                created_at: w.now(),
                version: 1,
            };
            store::insert_user(w, &user)?;
            let grant = Grant {
                id: w.new_id(),
                user_id: user.id,
                role: Role::Treasurer,
                organisation_id: Some(office.mutual),
                provider_id: None,
                reason: None,
                granted_by: None,
                granted_at: w.now(),
                expires_at: None,
                ended_at: None,
                ended_by: None,
            };
            store::insert_grant(w, &grant)?;
            Ok::<_, Error>(user.id)
        })
        .unwrap()
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled() {
    let office = Office::new();
    let homes: Vec<HouseholdId> = (0..HOMES)
        .map(|_| {
            let order = office.order("POST /households");
            office.register(&order, &household("STANDARD", day("2026-03-01"), 1)).unwrap();
            Key::new(order.id.uuid())
        })
        .collect();
    let user = treasurer(&office);
    let folder = tempfile::tempdir().unwrap();
    let keys = Keys::open(&folder.path().join("keys")).unwrap();
    let acknowledged = Mutex::new(BTreeSet::<PaymentId>::new());
    let unanswered = Mutex::new(Vec::<Meant>::new());
    let (mut cut_off, mut sent_again) = (0, 0);
    for round in 0..=ROUNDS {
        let mut server = Server::start(&office, folder.path());
        let bearer = Bearer { user, session: office.test.db.ids().next() };
        let token = keys.sign(bearer, ayni::clock::Clock::machine(None).now()).unwrap();
        // As a client does that had no answer: the same id again.
        let client = Client::new(&server, &office, &token);
        for meant in std::mem::take(&mut *unanswered.lock().unwrap()) {
            let status = client.send(&meant).expect("nobody killed it");
            assert!(matches!(status, 200 | 201), "{status}");
            sent_again += usize::from(status == 200);
            acknowledged.lock().unwrap().insert(meant.id);
        }
        if round == ROUNDS {
            server.process.kill().unwrap();
            server.process.wait().unwrap();
            break;
        }
        let goal = acknowledged.lock().unwrap().len() + 12;
        let is_killed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let client = Client::new(&server, &office, &token);
                let (office, homes, is_killed) = (&office, &homes, &is_killed);
                let (acknowledged, unanswered) = (&acknowledged, &unanswered);
                scope.spawn(move || {
                    for at in 0.. {
                        let household = homes[(writer + at) % HOMES];
                        let meant = Meant { id: office.test.db.ids().next(), household, amount: 100 + writer };
                        match client.send(&meant) {
                            Some(201) => {
                                acknowledged.lock().unwrap().insert(meant.id);
                            }
                            // Busy: nothing was written, the client comes again with the same id.
                            Some(503) => unanswered.lock().unwrap().push(meant),
                            Some(other) => panic!("{other}"),
                            None => {
                                assert!(is_killed.load(Ordering::SeqCst), "no answer and nobody killed it");
                                unanswered.lock().unwrap().push(meant);
                                return;
                            }
                        }
                    }
                });
            }
            while acknowledged.lock().unwrap().len() < goal {
                std::thread::sleep(Duration::from_millis(2));
            }
            // At a moment of its own in each round.
            std::thread::sleep(Duration::from_millis(7 * round));
            is_killed.store(true, Ordering::SeqCst);
            server.process.kill().unwrap();
            server.process.wait().unwrap();
        });
        cut_off += unanswered.lock().unwrap().len();
    }
    // Every writer of every round was cut off in the middle of something.
    assert!(cut_off >= WRITERS * 10, "{cut_off}");
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() > 200, "{}", acknowledged.len());
    let there: Vec<PaymentId> = ayni::db::schema::payments::table
        .select(ayni::db::schema::payments::id)
        .load(&mut office.test.owner())
        .unwrap();
    assert_eq!(there.len(), there.iter().collect::<BTreeSet<_>>().len());
    assert_eq!(there.into_iter().collect::<BTreeSet<_>>(), acknowledged);
    let end = office.snapshot(&mut office.test.owner());
    end.money_holds();
    end.receipts_hold();
    let verified = program(&office, folder.path(), &["verify"]).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    println!("{} payments, {cut_off} cut off, {sent_again} of them had been written", acknowledged.len());
}
