//! The reference field client: what docs/sync.md asks of a device, over one SQLite file.
//!
//! Nothing here reads the machine's clock, its random source, its arguments or its network: whoever makes a [`Client`]
//! gives them. Every step is one transaction, and nothing is written between sending a request and reading its answer;
//! so the program may be killed at any moment, and the next `sync` goes on from there.

#![allow(dead_code, reason = "the command line and each test use a part of it")]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use chrono::{DateTime, Datelike as _, Duration, FixedOffset, NaiveDate, SecondsFormat};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The most operations of one push.
pub const PUSH_OPERATIONS: usize = 100;
/// The most bytes of one push before compression; the server takes 1 MiB.
pub const PUSH_BYTES: usize = 900 * 1024;
/// How long an operation is kept after it was answered, in days: a server restored from a backup may ask for it again.
pub const KEPT_DAYS: i64 = 30;

const API: &str = "/api/v1";
const PULL_LIMIT: u32 = 100;

const SCHEMA: &str = "
PRAGMA busy_timeout = 5000;
PRAGMA synchronous = FULL;
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
-- is_local: registered on this device, and not yet brought by a pull.
CREATE TABLE IF NOT EXISTS households (id TEXT PRIMARY KEY, is_local INTEGER NOT NULL, document TEXT NOT NULL);
-- is_seen: what the server did of it is in the stored household, so it no longer adds to the estimate.
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, op_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, entity TEXT NOT NULL,
    household_id TEXT NOT NULL, operation TEXT NOT NULL, receipt TEXT, result TEXT, answered_ms INTEGER,
    state TEXT NOT NULL CHECK (state IN ('QUEUED', 'DONE', 'WITH_OFFICE')), is_seen INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS receipts (year INTEGER PRIMARY KEY, last_number INTEGER NOT NULL);
-- A number that the server's households wear is here too, as used and without a last day of its own.
CREATE TABLE IF NOT EXISTS cards (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT NOT NULL UNIQUE, expires_on TEXT NOT NULL,
    is_used INTEGER NOT NULL DEFAULT 0);
";

// --- the network ---------------------------------------------------------------------------------------------------

/// A request, as the transport has to send it.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The whole path with its query, from `/api/v1` on.
    pub path: String,
    /// Names and values; the transport adds none that matter.
    pub headers: Vec<(&'static str, String)>,
    /// The bytes, compressed already where a header says so.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Names (in any case) and values.
    pub headers: Vec<(String, String)>,
    /// The bytes, decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.body).map_err(|_| Error::Answer("it is no JSON".to_owned()))
    }

    /// The problem's code: its member `code`, or else the last part of its `type`.
    fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        match (text(&body, "code"), text(&body, "type")) {
            (Some(code), _) => code.to_owned(),
            (None, Some(kind)) => kind.rsplit(['/', '#', ':']).next().unwrap_or_default().to_owned(),
            (None, None) => String::new(),
        }
    }

    fn refused(&self) -> Error {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let detail = text(&body, "detail").or_else(|| text(&body, "title")).unwrap_or_default().to_owned();
        Error::Refused { status: self.status, code: self.code(), detail }
    }
}

/// The connection was cut, before or after the server acted: the client cannot know.
#[derive(Debug, Default, thiserror::Error)]
#[error("no connection: {0}")]
pub struct Broken(pub String);

/// Carries requests to the server.
pub trait Transport {
    /// Sends one request and waits for its answer, whatever its status.
    fn send(&mut self, request: &Request) -> Result<Response, Broken>;
}

/// Why something was not done. What was queued before stays queued.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection was cut.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The server asks to come back later (429 or 503).
    #[error("the server is busy; try again {}", .retry_after.map_or("later".to_owned(), |s| format!("in {s} s")))]
    Busy {
        /// Seconds, where the server said so.
        retry_after: Option<u64>,
    },
    /// Neither token counts any more.
    #[error("the login has ended; log in again")]
    LoginAgain,
    /// The server refused the whole request; nothing was done.
    #[error("the server refuses ({status} {code}): {detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The code of the problem, small letters.
        code: String,
        /// What the server says to it.
        detail: String,
    },
    /// The answer is not what docs/sync.md promises.
    #[error("the server's answer is not understood: {0}")]
    Answer(String),
    /// `login` or `activate` has to come first.
    #[error("{0} first")]
    First(&'static str),
    /// The household is not on this device.
    #[error("no household {0} on this device")]
    UnknownHousehold(Uuid),
    /// The person is not of this household.
    #[error("no person {0} in this household")]
    UnknownMember(Uuid),
    /// What was asked makes no sense.
    #[error("{0}")]
    Wrong(String),
    /// The office had this device's content deleted.
    #[error("this device was wiped; start with a new file")]
    Wiped,
    /// The random source failed.
    #[error("the random source gives nothing")]
    Random,
    /// The database failed.
    #[error("the device's database: {0}")]
    Store(#[from] diesel::result::Error),
    /// The database cannot be opened.
    #[error("the device's database: {0}")]
    Open(#[from] diesel::ConnectionError),
    /// A file cannot be written.
    #[error("the file: {0}")]
    File(#[from] std::io::Error),
}

// --- what goes in and comes out ------------------------------------------------------------------------------------

/// A person, with the names of docs/sync.md.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Made by the client where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// `principal spouse child parent sibling other`.
    pub relationship: String,
    /// The family name.
    pub family_name: String,
    /// The given name.
    pub given_name: String,
    /// `male female other unknown`.
    pub sex: String,
    /// The date of birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<NaiveDate>,
    /// `day month year`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_precision: Option<String>,
    /// The number of the identity card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub national_id: Option<String>,
    /// The telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The occupation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occupation: Option<String>,
    /// Taken from the device's blocks where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_number: Option<String>,
}

/// A household to register.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewHousehold {
    /// Today where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_on: Option<NaiveDate>,
    /// Needed where the agent has several sections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_id: Option<Uuid>,
    /// The area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area_id: Option<Uuid>,
    /// The class, `STANDARD` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The household's number, where it has one already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// 1 to 50 persons, one of them the principal.
    pub members: Vec<Person>,
}

/// A consent given or refused.
#[derive(Debug, Clone)]
pub struct Consent {
    /// Whose data it is about.
    pub member_id: Uuid,
    /// What for.
    pub purpose: String,
    /// Which text was read out.
    pub wording: String,
    /// Yes or no.
    pub given: bool,
    /// Who decided for a child.
    pub guardian_id: Option<Uuid>,
}

/// What `register` made.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The household's id.
    pub household_id: Uuid,
    /// The operation's id.
    pub op_id: Uuid,
    /// Its persons, in their order.
    pub members: Vec<RegisteredMember>,
}

/// A person registered on this device.
#[derive(Debug, Clone)]
pub struct RegisteredMember {
    /// The person's id.
    pub id: Uuid,
    /// The given and the family name.
    pub name: String,
    /// The card's number; none where the device's blocks are used up, then the server gives one.
    pub card_number: Option<String>,
}

/// What `collect` made.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// What goes on paper, `D.T1-2026-000017`.
    pub label: String,
    /// The calendar year.
    pub year: i32,
    /// The number within the year.
    pub number: i64,
    /// The operation's id.
    pub op_id: Uuid,
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The server has not answered it, or answered `blocked`.
    Queued,
    /// The server did it.
    Done,
    /// Kept as a proposal; a person decides.
    WithOffice,
}

impl State {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Done => "DONE",
            Self::WithOffice => "WITH_OFFICE",
        }
    }

    fn of(name: &str) -> Self {
        match name {
            "DONE" => Self::Done,
            "WITH_OFFICE" => Self::WithOffice,
            _ => Self::Queued,
        }
    }
}

/// An operation of the outbox.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The operation's id.
    pub op_id: String,
    /// `create update event payment consent`.
    pub kind: String,
    /// `household/…`, `member/…`, `payment/…`, `consent/…`.
    pub entity: String,
    /// The household that it is about.
    pub household_id: String,
    /// Where it stands.
    pub state: State,
    /// The label of its receipt.
    pub receipt: Option<String>,
    /// The server's last answer to it.
    pub result: Option<Value>,
}

/// A household as the device shows it: the server's last word, and on top of it what is not answered or pulled yet.
#[derive(Debug, Clone)]
pub struct Household {
    /// Its id.
    pub id: String,
    /// The server's number, none before the first pull.
    pub number: Option<String>,
    /// The principal's given and family name.
    pub name: String,
    /// The principal's cover by the server's last word; the device never reckons it.
    pub standing: Option<String>,
    /// The last day for which the standing holds.
    pub until_on: Option<String>,
    /// What is due less what was paid; below zero it paid ahead.
    pub balance_minor: i64,
    /// Whether the name, persons or balance are the device's own reckoning.
    pub is_estimate: bool,
    /// Whether only this device knows it so far.
    pub is_local: bool,
    /// How many of its operations wait for the server.
    pub queued: usize,
    /// How many of its operations of the last days are with the office.
    pub with_office: usize,
    /// Its persons.
    pub members: Vec<Member>,
}

/// A person as the device shows him.
#[derive(Debug, Clone)]
pub struct Member {
    /// The id.
    pub id: String,
    /// The given and the family name.
    pub name: String,
    /// The card's number.
    pub card_number: Option<String>,
    /// The cover by the server's last word.
    pub standing: Option<String>,
}

/// What a `sync` did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Operations that were sent and answered.
    pub answered: usize,
    /// Of these, done.
    pub done: usize,
    /// Of these, with the office.
    pub with_office: usize,
    /// Of these, blocked: still queued.
    pub blocked: usize,
    /// Households that came.
    pub stored: usize,
    /// Households that were taken away.
    pub removed: usize,
    /// Whether everything was fetched and sent again (410).
    pub resynced: bool,
    /// Whether the device's content was deleted.
    pub wiped: bool,
    /// Whether it is to be deleted, once blocked operations have been taken too.
    pub wipe_waits: bool,
}

/// A push written as files.
#[derive(Debug, Clone, Default)]
pub struct Exported {
    /// The files, to be applied in this order.
    pub files: Vec<PathBuf>,
    /// How many operations are in them.
    pub operations: usize,
}

// --- the client ----------------------------------------------------------------------------------------------------

/// Tells the time, with the offset of the mutual's zone.
pub type Clock = Box<dyn Fn() -> DateTime<FixedOffset> + Send>;
/// Fills bytes with chance, for ids and the key; false where it cannot.
pub type Chance = Box<dyn FnMut(&mut [u8]) -> bool + Send>;

/// A device's client over its own SQLite file.
pub struct Client<T: Transport> {
    db: SqliteConnection,
    transport: T,
    clock: Clock,
    chance: Chance,
}

impl<T: Transport> Client<T> {
    /// Opens the file, or makes it; any SQLite address will do.
    pub fn open(file: &str, transport: T, clock: Clock, chance: Chance) -> Result<Self, Error> {
        let mut db = SqliteConnection::establish(file)?;
        db.batch_execute(SCHEMA)?;
        Ok(Self { db, transport, clock, chance })
    }

    /// The transport, for a test that has to change it.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Logs in, and chooses the mutual by its id or code where the user has several.
    pub fn login(&mut self, login: &str, password: &str, mutual: Option<&str>) -> Result<Uuid, Error> {
        self.not_wiped()?;
        let body = json!({"login": login, "password": password});
        let response = self.send_json("/auth/login", &body)?;
        let answer = good(&response)?;
        self.keep_tokens(&answer)?;
        let response = self.call("GET", &format!("{API}/me/mutuals"), &[], Vec::new())?;
        let answer = good(&response)?;
        let mut found = mutuals(&answer);
        if let Some(wanted) = mutual {
            found.retain(|(id, code)| id.to_string() == wanted || code.as_deref() == Some(wanted));
        }
        let chosen = match found.as_slice() {
            [(id, _)] => *id,
            [] => return Err(Error::Wrong("this user belongs to no such mutual".to_owned())),
            several => {
                let names: Vec<_> =
                    several.iter().map(|(id, code)| code.clone().unwrap_or_else(|| id.to_string())).collect();
                return Err(Error::Wrong(format!("say which mutual: {}", names.join(", "))));
            }
        };
        self.db.immediate_transaction(|db| match setting(db, "mutual")? {
            Some(before) if before != chosen.to_string() => {
                Err(Error::Wrong("this file belongs to another mutual; use another one".to_owned()))
            }
            _ => set(db, "mutual", &chosen.to_string()),
        })?;
        Ok(chosen)
    }

    /// Makes a key where there is none, and activates the device with the office's one-time code.
    pub fn activate(&mut self, code: &str) -> Result<Uuid, Error> {
        self.not_wiped()?;
        let mutual = self.mutual()?;
        // The key is kept before it is sent: should the answer be lost, it is the same one with the next code.
        let mut seed = [0; 32];
        self.fill(&mut seed)?;
        let key = self.db.immediate_transaction(|db| {
            if setting(db, "key_seed")?.is_none() {
                set(db, "key_seed", &BASE64URL_NOPAD.encode(&seed))?;
            }
            key(db)
        })?;
        let body = json!({"code": code, "public_key": BASE64URL_NOPAD.encode(key.public_key().as_ref())});
        let path = format!("{API}/mutuals/{mutual}/devices/activate");
        // Kept before it is sent, so that a lost answer can be asked for again.
        let (asked, new) = (format!("activation {code}"), self.new_id()?);
        let id = self.db.immediate_transaction(|db| match setting(db, &asked)? {
            Some(known) => Ok::<_, Error>(known),
            None => set(db, &asked, &new.to_string()).map(|()| new.to_string()),
        })?;
        let headers = [json_body(), ("Idempotency-Key", id)];
        let response = self.call("POST", &path, &headers, body.to_string().into())?;
        let answer = good(&response)?;
        let id = uuid(&answer, "id").ok_or_else(|| Error::Answer("the device has no id".to_owned()))?;
        self.db.immediate_transaction(|db| {
            if setting(db, "device_id")?.is_some_and(|before| before != id.to_string()) {
                // Receipts and numbers of two devices in one file would mix their series.
                return Err(Error::Wrong("this file belongs to another device; use another one".to_owned()));
            }
            set(db, "device_id", &id.to_string())?;
            text(&answer, "code").map_or(Ok(()), |code| set(db, "device_code", code))
        })?;
        Ok(id)
    }

    /// Asks for card numbers; gives how many there are now. A block whose answer was lost is asked for again first.
    pub fn ask_numbers(&mut self, count: u32) -> Result<usize, Error> {
        self.not_wiped()?;
        let (mutual, device) = (self.mutual()?, self.device()?);
        let id = self.new_id()?;
        let wanted = self.db.immediate_transaction(|db| -> Result<_, Error> {
            if let Some(before) = setting(db, "block_wanted")? {
                return Ok(before);
            }
            let wanted = json!({"id": id, "count": count}).to_string();
            set(db, "block_wanted", &wanted)?;
            Ok(wanted)
        })?;
        let path = format!("{API}/mutuals/{mutual}/devices/{device}/number-blocks");
        let response = self.call("POST", &path, &[json_body()], wanted.into_bytes())?;
        match good(&response) {
            Ok(block) => self.db.immediate_transaction(|db| {
                keep_block(db, &block)?;
                unset(db, "block_wanted")
            })?,
            Err(error) => {
                // Refused for good: the next one is another request.
                if matches!(error, Error::Refused { status: 400..=499, .. }) {
                    unset(&mut self.db, "block_wanted")?;
                }
                return Err(error);
            }
        }
        self.cards_left()
    }

    /// Registers a household: queues its create, and gives its persons ids and card numbers of the device's blocks.
    pub fn register(&mut self, mut household: NewHousehold) -> Result<Registered, Error> {
        self.ready()?;
        let principals = household.members.iter().filter(|person| person.relationship == "principal").count();
        if principals != 1 || household.members.len() > 50 {
            return Err(Error::Wrong("a household has 1 to 50 persons, exactly one of them the principal".to_owned()));
        }
        let (now, op_id, household_id) = ((self.clock)(), self.new_id()?, self.new_id()?);
        household.registered_on.get_or_insert(now.date_naive());
        for person in &mut household.members {
            if person.id.is_none() {
                person.id = Some(self.new_id()?);
            }
        }
        self.db.immediate_transaction(|db| {
            let mut members = Vec::new();
            for person in &mut household.members {
                give_card(db, person, now.date_naive())?;
                members.push(registered(person));
            }
            let data = value(&household)?;
            let mut document = data.clone();
            if let Some(document) = document.as_object_mut() {
                document.insert("id".to_owned(), json!(household_id));
            }
            // Until the server tells otherwise it has version 1: the first that a create gives.
            set_versions(&mut document, 1);
            sql_query("INSERT INTO households (id, is_local, document) VALUES (?, 1, ?)")
                .bind::<Text, _>(household_id.to_string())
                .bind::<Text, _>(document.to_string())
                .execute(db)?;
            let entity = format!("household/{household_id}");
            Draft { kind: "create", entity, household_id, ..Draft::new(data) }.queue(db, op_id, now)?;
            Ok(Registered { household_id, op_id, members })
        })
    }

    /// Adds a person to a household, with a card number of the device's blocks.
    pub fn add_member(&mut self, household_id: Uuid, mut person: Person) -> Result<RegisteredMember, Error> {
        self.ready()?;
        let (now, op_id) = ((self.clock)(), self.new_id()?);
        let id = match person.id {
            Some(id) => id,
            None => self.new_id()?,
        };
        person.id = Some(id);
        self.db.immediate_transaction(|db| {
            known(db, household_id)?;
            give_card(db, &mut person, now.date_naive())?;
            let made = registered(&person);
            let mut data = value(&person)?;
            if let Some(data) = data.as_object_mut() {
                data.remove("id"); // the entity says it
                data.insert("household_id".to_owned(), json!(household_id));
                data.insert("registered_on".to_owned(), json!(now.date_naive()));
            }
            let depends_on = creates_of(db, household_id, None)?;
            let entity = format!("member/{id}");
            Draft { kind: "create", entity, household_id, depends_on, ..Draft::new(data) }.queue(db, op_id, now)?;
            Ok(made)
        })
    }

    /// Corrects fields of a household, on the version that the device has.
    pub fn correct_household(&mut self, household_id: Uuid, fields: Map<String, Value>) -> Result<Uuid, Error> {
        self.correct(household_id, None, fields)
    }

    /// Corrects fields of a person, on the version that the device has.
    pub fn correct_member(
        &mut self,
        household_id: Uuid,
        member_id: Uuid,
        fields: Map<String, Value>,
    ) -> Result<Uuid, Error> {
        self.correct(household_id, Some(member_id), fields)
    }

    fn correct(
        &mut self,
        household_id: Uuid,
        member_id: Option<Uuid>,
        fields: Map<String, Value>,
    ) -> Result<Uuid, Error> {
        self.ready()?;
        if fields.is_empty() {
            return Err(Error::Wrong("say what to correct".to_owned()));
        }
        let (now, op_id) = ((self.clock)(), self.new_id()?);
        self.db.immediate_transaction(|db| {
            let row = known(db, household_id)?;
            let entity = match member_id {
                Some(member_id) => {
                    known_member(db, &row, member_id)?;
                    format!("member/{member_id}")
                }
                None => format!("household/{household_id}"),
            };
            // A correction that still waits will have made the next version by the time that this one is looked at.
            let waiting = count(
                db,
                sql_query("SELECT count(*) AS n FROM outbox WHERE kind = 'update' AND state = 'QUEUED' AND entity = ?")
                    .bind::<Text, _>(&entity),
            )?;
            let base_version = Some(version_of(&row.document()?, &entity).unwrap_or(1) + waiting);
            let depends_on = creates_of(db, household_id, member_id)?;
            let draft = Draft { kind: "update", entity, household_id, base_version, depends_on, ..Draft::new(fields) };
            draft.queue(db, op_id, now)?;
            Ok(op_id)
        })
    }

    /// Reports what happened: `{"kind": "DEATH", "on": "…", "member_id": "…"}`; `on` is today where it is left out.
    pub fn event(&mut self, household_id: Uuid, mut what: Map<String, Value>) -> Result<Uuid, Error> {
        self.ready()?;
        let (now, op_id) = ((self.clock)(), self.new_id()?);
        what.entry("on").or_insert_with(|| json!(now.date_naive()));
        self.db.immediate_transaction(|db| {
            let row = known(db, household_id)?;
            let member_id = what.get("member_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
            if let Some(member_id) = member_id {
                known_member(db, &row, member_id)?;
            }
            let depends_on = creates_of(db, household_id, member_id)?;
            let entity = format!("household/{household_id}");
            Draft { kind: "event", entity, household_id, depends_on, ..Draft::new(what) }.queue(db, op_id, now)?;
            Ok(op_id)
        })
    }

    /// Takes money today: queues the payment and counts its receipt in one transaction.
    pub fn collect(&mut self, household_id: Uuid, amount_minor: i64) -> Result<Receipt, Error> {
        self.ready()?;
        if amount_minor <= 0 {
            return Err(Error::Wrong("the amount is above zero".to_owned()));
        }
        let (now, op_id, payment_id) = ((self.clock)(), self.new_id()?, self.new_id()?);
        self.db.immediate_transaction(|db| {
            known(db, household_id)?;
            // The first pull tells the currency, and how far the series had come before this file was made.
            let currency = setting(db, "currency")?.ok_or(Error::First("sync"))?;
            let code = setting(db, "device_code")?
                .ok_or_else(|| Error::Answer("the server did not tell the device's code".to_owned()))?;
            let (received_on, year) = (now.date_naive(), now.year());
            let last = count(
                db,
                sql_query("SELECT max(last_number) AS n FROM receipts WHERE year = ?")
                    .bind::<BigInt, _>(i64::from(year)),
            )?;
            let number = last + 1;
            raise_receipts(db, i64::from(year), number)?;
            let label = format!("D.{code}-{year}-{number:06}");
            let data = json!({"household_id": household_id, "amount_minor": amount_minor, "currency": currency,
                              "received_on": received_on, "receipt_number": number});
            let depends_on = creates_of(db, household_id, None)?;
            let (entity, receipt) = (format!("payment/{payment_id}"), Some(label.clone()));
            let draft = Draft { kind: "payment", entity, household_id, depends_on, receipt, ..Draft::new(data) };
            draft.queue(db, op_id, now)?;
            Ok(Receipt { label, year, number, op_id })
        })
    }

    /// Notes that a person consents, or does not.
    pub fn consent(&mut self, household_id: Uuid, consent: &Consent) -> Result<Uuid, Error> {
        self.ready()?;
        let (now, op_id, id) = ((self.clock)(), self.new_id()?, self.new_id()?);
        self.db.immediate_transaction(|db| {
            let row = known(db, household_id)?;
            known_member(db, &row, consent.member_id)?;
            let mut data = json!({"member_id": consent.member_id, "purpose": consent.purpose, "given": consent.given,
                                  "wording": consent.wording, "decided_on": now.date_naive()});
            if let (Some(guardian), Some(data)) = (consent.guardian_id, data.as_object_mut()) {
                data.insert("guardian_id".to_owned(), json!(guardian));
            }
            let mut depends_on = creates_of(db, household_id, Some(consent.member_id))?;
            if let Some(guardian) = consent.guardian_id {
                depends_on.extend(creates_of(db, household_id, Some(guardian))?);
                depends_on.sort_unstable();
                depends_on.dedup();
            }
            let entity = format!("consent/{id}");
            Draft { kind: "consent", entity, household_id, depends_on, ..Draft::new(data) }.queue(db, op_id, now)?;
            Ok(op_id)
        })
    }

    // --- sync --------------------------------------------------------------------------------------------------

    /// Sends what is queued, then fetches what is new. An error ends it where it was; the next one goes on from there.
    pub fn sync(&mut self) -> Result<Report, Error> {
        self.ready()?;
        let mut report = Report::default();
        if setting(&mut self.db, "cursor")?.is_none() {
            // Without a cursor no 410 would tell of a server that was restored since the last answer.
            self.start_over()?;
        }
        let mut wipe = self.push_all(&mut report)?;
        if !wipe {
            wipe = match self.pull_all(&mut report)? {
                Pulled::All => false,
                Pulled::Wipe => true,
                Pulled::Gone => {
                    // The operations are queued again in the same transaction that empties the households. They go
                    // before the pull, so that it brings what a restored server has just learnt from them.
                    self.start_over()?;
                    report.resynced = true;
                    if self.push_all(&mut report)? {
                        true
                    } else {
                        match self.pull_all(&mut report)? {
                            Pulled::All => false,
                            Pulled::Wipe => true,
                            Pulled::Gone => {
                                return Err(Error::Answer("410 to a pull without a cursor".to_owned()));
                            }
                        }
                    }
                }
            };
        }
        if wipe {
            report.wiped = self.wipe()?;
            report.wipe_waits = !report.wiped;
            return Ok(report);
        }
        self.prune()?;
        Ok(report)
    }

    /// Pushes everything that is queued, once; true where the server wants the device wiped.
    fn push_all(&mut self, report: &mut Report) -> Result<bool, Error> {
        let (mut after, mut wipe) = (0, false);
        loop {
            let batch = queued_after(&mut self.db, after)?;
            let Some(last) = batch.last() else { return Ok(wipe) };
            // A blocked operation stays queued: going on behind it, the loop ends.
            after = last.seq;
            let push = self.signed_push(&batch)?;
            let headers = [
                json_body(),
                ("Content-Encoding", "gzip".to_owned()),
                ("Ayni-Device", push.device_id),
                ("Ayni-Timestamp", push.signed_at),
                ("Ayni-Signature", push.signature),
            ];
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(push.body.as_bytes())?;
            let response = self.call("POST", &push.path, &headers, gzip.finish()?)?;
            let answer = good(&response)?;
            self.settle(&batch, &answer, report)?;
            wipe |= answer.get("wipe").and_then(Value::as_bool).unwrap_or(false);
        }
    }

    fn signed_push(&mut self, batch: &[Queued]) -> Result<SignedPush, Error> {
        let (mutual, device_id, now) = (self.mutual()?, self.device()?, stamp((self.clock)()));
        let batch_id = self.new_id()?;
        let path = format!("{API}/mutuals/{mutual}/sync/push");
        // The texts of the operations as they were queued: what is sent again is the same to the byte.
        let ops: Vec<&str> = batch.iter().map(|queued| queued.operation.as_str()).collect();
        let body = format!(r#"{{"batch_id":"{batch_id}","device_time":"{now}","schema":1,"ops":[{}]}}"#, ops.join(","));
        let hash = HEXLOWER.encode(&Sha256::digest(body.as_bytes()));
        let message = format!("POST\n{path}\n{now}\n{hash}");
        let signature = BASE64URL_NOPAD.encode(key(&mut self.db)?.sign(message.as_bytes()).as_ref());
        Ok(SignedPush { device_id, path, signed_at: now, signature, body })
    }

    /// Takes the results of a push, all in one transaction.
    fn settle(&mut self, batch: &[Queued], answer: &Value, report: &mut Report) -> Result<(), Error> {
        let now_ms = (self.clock)().timestamp_millis();
        let results = answer.get("results").and_then(Value::as_array);
        let results = results.ok_or_else(|| Error::Answer("a push without results".to_owned()))?;
        let mut tally = Report::default();
        // To a lost device nothing is answered one by one: the office has taken all of it.
        let is_held = answer.get("wipe").and_then(Value::as_bool) == Some(true) && results.is_empty();
        let held = json!({"status": "applied", "detail": "held for the office"});
        self.db.immediate_transaction(|db| {
            for queued in batch {
                let own = |result: &&Value| text(result, "op_id") == Some(queued.op_id.as_str());
                let result = if is_held { Some(&held) } else { results.iter().find(own) };
                let Some(result) = result else {
                    return Err(Error::Answer(format!("no result for the operation {}", queued.op_id)));
                };
                tally.answered += 1;
                // Told again, the status is `replayed` whatever it was: then the code tells.
                let state = match text(result, "status") {
                    Some("applied" | "merged") => State::Done,
                    Some("replayed") if text(result, "code").is_none() => State::Done,
                    Some("replayed" | "rejected" | "conflict") => State::WithOffice,
                    // `blocked`; and what this client does not know it keeps.
                    _ => State::Queued,
                };
                match state {
                    State::Done => tally.done += 1,
                    State::WithOffice => tally.with_office += 1,
                    State::Queued => tally.blocked += 1,
                }
                sql_query("UPDATE outbox SET state = ?, answered_ms = ?, result = ?, is_seen = 0 WHERE op_id = ?")
                    .bind::<Text, _>(state.name())
                    .bind::<Nullable<BigInt>, _>((state != State::Queued).then_some(now_ms))
                    .bind::<Text, _>(result.to_string())
                    .bind::<Text, _>(&queued.op_id)
                    .execute(db)?;
                if state == State::Done && queued.kind == "update" {
                    note_version(db, queued, result.get("version").and_then(Value::as_i64))?;
                }
            }
            Ok(())
        })?;
        report.answered += tally.answered;
        report.done += tally.done;
        report.with_office += tally.with_office;
        report.blocked += tally.blocked;
        Ok(())
    }

    fn pull_all(&mut self, report: &mut Report) -> Result<Pulled, Error> {
        let (mutual, device) = (self.mutual()?, self.device()?);
        loop {
            let cursor = setting(&mut self.db, "cursor")?;
            let mut path = format!("{API}/mutuals/{mutual}/sync/pull?device_id={device}&limit={PULL_LIMIT}");
            if let Some(cursor) = &cursor {
                path = format!("{path}&cursor={}", escaped(cursor));
            }
            let response = self.call("GET", &path, &[], Vec::new())?;
            if response.status == 410 {
                return Ok(Pulled::Gone);
            }
            let answer = good(&response)?;
            if answer.get("wipe").and_then(Value::as_bool).unwrap_or(false) {
                return Ok(Pulled::Wipe);
            }
            let has_more = answer.get("has_more").and_then(Value::as_bool).unwrap_or(false);
            let items = answer.get("items").and_then(Value::as_array);
            let items = items.ok_or_else(|| Error::Answer("a pull without items".to_owned()))?;
            let next = text(&answer, "next_cursor");
            if has_more && (next.is_none() || next == cursor.as_deref()) {
                return Err(Error::Answer("a pull that does not go on".to_owned()));
            }
            let (mut stored, mut removed) = (0, 0);
            self.db.immediate_transaction(|db| {
                if setting(db, "cursor")? != cursor {
                    // Another process synced meanwhile: its page is the newer one.
                    return Err(Error::Wrong("another sync is running on this file".to_owned()));
                }
                for item in items {
                    if keep_item(db, item)? {
                        stored += 1;
                    } else {
                        removed += 1;
                    }
                }
                if let Some(next) = next {
                    set(db, "cursor", next)?;
                }
                if !has_more {
                    keep_last_page(db, &answer)?;
                }
                Ok::<_, Error>(())
            })?;
            report.stored += stored;
            report.removed += removed;
            if !has_more {
                return Ok(Pulled::All);
            }
        }
    }

    /// After a 410: empties the households and queues the operations of the last 30 days again.
    fn start_over(&mut self) -> Result<(), Error> {
        let since = self.kept_since();
        self.db.immediate_transaction(|db| {
            unset(db, "cursor")?;
            // What only this device knows stays: no pull would bring it back.
            sql_query("DELETE FROM households WHERE is_local = 0").execute(db)?;
            sql_query("UPDATE outbox SET state = 'QUEUED', is_seen = 0 WHERE state <> 'QUEUED' AND answered_ms >= ?")
                .bind::<BigInt, _>(since)
                .execute(db)?;
            Ok(())
        })
    }

    /// Deletes the content, unless operations wait that the server has not taken.
    fn wipe(&mut self) -> Result<bool, Error> {
        let wiped = self.db.immediate_transaction(|db| -> Result<_, Error> {
            if count(db, sql_query("SELECT count(*) AS n FROM outbox WHERE state = 'QUEUED'"))? > 0 {
                return Ok(false);
            }
            for table in ["settings", "households", "outbox", "receipts", "cards"] {
                sql_query(format!("DELETE FROM {table}")).execute(db)?;
            }
            set(db, "wiped", "true")?;
            Ok(true)
        })?;
        if wiped {
            // `secure_delete` has overwritten the rows; this gives the pages back.
            self.db.batch_execute("VACUUM")?;
        }
        Ok(wiped)
    }

    fn prune(&mut self) -> Result<(), Error> {
        let since = self.kept_since();
        self.db.immediate_transaction(|db| {
            sql_query("DELETE FROM outbox WHERE state <> 'QUEUED' AND answered_ms < ?")
                .bind::<BigInt, _>(since)
                .execute(db)?;
            // Registered here, refused, and the office did nothing of it: gone with its last operation.
            sql_query("DELETE FROM households WHERE is_local = 1 AND id NOT IN (SELECT household_id FROM outbox)")
                .execute(db)?;
            Ok(())
        })
    }

    /// Writes what is queued as signed files, the first of this name and the others numbered. It all stays queued: the
    /// next sync learns from the server what became of it.
    pub fn export(&mut self, file: &Path) -> Result<Exported, Error> {
        self.ready()?;
        let mut exported = Exported::default();
        let mut after = 0;
        loop {
            let batch = queued_after(&mut self.db, after)?;
            let Some(last) = batch.last() else { return Ok(exported) };
            after = last.seq;
            let push = self.signed_push(&batch)?;
            let target = match exported.files.len() {
                0 => file.to_owned(),
                n => numbered(file, n + 1),
            };
            // Written beside and renamed, so that there is never half a file.
            let partial = target.with_extension("partial");
            let mut out = private_file(&partial)?;
            out.write_all(value(&push)?.to_string().as_bytes())?;
            out.sync_all()?;
            std::fs::rename(&partial, &target)?;
            exported.files.push(target);
            exported.operations += batch.len();
        }
    }

    // --- what the device shows ---------------------------------------------------------------------------------

    /// All households of this device, by the principal's name.
    pub fn households(&mut self) -> Result<Vec<Household>, Error> {
        let mut households = self.db.transaction(|db| {
            let rows: Vec<HouseholdRow> = sql_query("SELECT id, is_local, document FROM households").load(db)?;
            rows.iter().map(|row| shown(db, row)).collect::<Result<Vec<_>, Error>>()
        })?;
        households.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(households)
    }

    /// One household of this device.
    pub fn household(&mut self, household_id: Uuid) -> Result<Household, Error> {
        self.db.transaction(|db| {
            let row = known(db, household_id)?;
            shown(db, &row)
        })
    }

    /// The household as the server last sent it, or as it was registered here.
    pub fn document(&mut self, household_id: Uuid) -> Result<Value, Error> {
        known(&mut self.db, household_id)?.document()
    }

    /// The balance with what is not pulled yet, and whether it is an estimate.
    pub fn balance(&mut self, household_id: Uuid) -> Result<(i64, bool), Error> {
        let household = self.household(household_id)?;
        Ok((household.balance_minor, household.is_estimate))
    }

    /// The outbox in its order, with what was answered in the last 30 days.
    pub fn outbox(&mut self) -> Result<Vec<Entry>, Error> {
        let rows: Vec<OutboxRow> = sql_query(format!("{OUTBOX} ORDER BY seq")).load(&mut self.db)?;
        Ok(rows.into_iter().map(OutboxRow::entry).collect())
    }

    /// How many operations wait for the server.
    pub fn queued(&mut self) -> Result<usize, Error> {
        let n = count(&mut self.db, sql_query("SELECT count(*) AS n FROM outbox WHERE state = 'QUEUED'"))?;
        Ok(usize::try_from(n).unwrap_or_default())
    }

    /// How many card numbers may still be given today.
    pub fn cards_left(&mut self) -> Result<usize, Error> {
        let today = (self.clock)().date_naive().to_string();
        let query = sql_query("SELECT count(*) AS n FROM cards WHERE is_used = 0 AND expires_on >= ?");
        let n = count(&mut self.db, query.bind::<Text, _>(today))?;
        Ok(usize::try_from(n).unwrap_or_default())
    }

    /// The agent's account as the last pull told it.
    pub fn account(&mut self) -> Result<Option<Value>, Error> {
        Ok(setting(&mut self.db, "account")?.and_then(|account| serde_json::from_str(&account).ok()))
    }

    /// The last receipt number of a year, 0 for none.
    pub fn last_receipt(&mut self, year: i32) -> Result<i64, Error> {
        let query = sql_query("SELECT max(last_number) AS n FROM receipts WHERE year = ?");
        count(&mut self.db, query.bind::<BigInt, _>(i64::from(year)))
    }

    /// The day of the server's last pull.
    pub fn as_of(&mut self) -> Result<Option<String>, Error> {
        setting(&mut self.db, "as_of_at")
    }

    /// The device's id, once it is activated.
    pub fn device_id(&mut self) -> Result<Option<String>, Error> {
        setting(&mut self.db, "device_id")
    }

    /// Whether the office had the content deleted.
    pub fn is_wiped(&mut self) -> Result<bool, Error> {
        Ok(setting(&mut self.db, "wiped")?.is_some())
    }

    // --- small things ------------------------------------------------------------------------------------------

    fn call(
        &mut self,
        method: &'static str,
        path: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Response, Error> {
        let token = self.token()?;
        let mut request = Request { method, path: path.to_owned(), headers: headers.to_vec(), body };
        request.headers.push(("Authorization", format!("Bearer {token}")));
        let response = self.transport.send(&request)?;
        if !needs_login(&response) {
            return unless_busy(response);
        }
        let token = self.refresh()?;
        request.headers.pop();
        request.headers.push(("Authorization", format!("Bearer {token}")));
        let response = self.transport.send(&request)?;
        if needs_login(&response) {
            return Err(Error::LoginAgain);
        }
        unless_busy(response)
    }

    /// A request without a login.
    fn send_json(&mut self, path: &str, body: &Value) -> Result<Response, Error> {
        let (path, headers) = (format!("{API}{path}"), vec![json_body()]);
        unless_busy(self.transport.send(&Request { method: "POST", path, headers, body: body.to_string().into() })?)
    }

    fn refresh(&mut self) -> Result<String, Error> {
        let refresh_token = setting(&mut self.db, "refresh_token")?.ok_or(Error::LoginAgain)?;
        let response = self.send_json("/auth/refresh", &json!({"refresh_token": refresh_token}))?;
        if matches!(response.status, 400..=499) {
            return Err(Error::LoginAgain);
        }
        self.keep_tokens(&good(&response)?)?;
        self.token()
    }

    fn keep_tokens(&mut self, answer: &Value) -> Result<(), Error> {
        let token = text(answer, "access_token").ok_or_else(|| Error::Answer("no access token".to_owned()))?;
        self.db.immediate_transaction(|db| {
            set(db, "access_token", token)?;
            text(answer, "refresh_token").map_or(Ok(()), |token| set(db, "refresh_token", token))
        })
    }

    fn token(&mut self) -> Result<String, Error> {
        setting(&mut self.db, "access_token")?.ok_or(Error::First("login"))
    }

    fn mutual(&mut self) -> Result<String, Error> {
        setting(&mut self.db, "mutual")?.ok_or(Error::First("login"))
    }

    fn device(&mut self) -> Result<String, Error> {
        setting(&mut self.db, "device_id")?.ok_or(Error::First("activate"))
    }

    fn ready(&mut self) -> Result<(), Error> {
        self.not_wiped()?;
        self.device().map(|_| ())
    }

    fn not_wiped(&mut self) -> Result<(), Error> {
        if self.is_wiped()? { Err(Error::Wiped) } else { Ok(()) }
    }

    fn kept_since(&self) -> i64 {
        ((self.clock)() - Duration::days(KEPT_DAYS)).timestamp_millis()
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        if (self.chance)(bytes) { Ok(()) } else { Err(Error::Random) }
    }

    fn new_id(&mut self) -> Result<Uuid, Error> {
        let mut bytes = [0; 10];
        self.fill(&mut bytes)?;
        let millis = u64::try_from((self.clock)().timestamp_millis()).unwrap_or_default();
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }
}

enum Pulled {
    All,
    Wipe,
    Gone,
}

/// A push as it is signed; written out, it is the file of `ayni sync apply`.
#[derive(Serialize)]
struct SignedPush {
    device_id: String,
    path: String,
    signed_at: String,
    signature: String,
    body: String,
}

/// A new file that only its owner reads, where the system knows such a thing.
pub fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn numbered(file: &Path, n: usize) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    match file.extension() {
        Some(extension) => file.with_file_name(format!("{stem}-{n}.{}", extension.to_string_lossy())),
        None => file.with_file_name(format!("{stem}-{n}")),
    }
}

fn json_body() -> (&'static str, String) {
    ("Content-Type", "application/json".to_owned())
}

fn stamp(now: DateTime<FixedOffset>) -> String {
    now.to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// A 401 that a new access token can help: the others are about the signature or the activation code.
fn needs_login(response: &Response) -> bool {
    response.status == 401 && !matches!(response.code().as_str(), "signature_refused" | "code_refused")
}

fn unless_busy(response: Response) -> Result<Response, Error> {
    if matches!(response.status, 429 | 503) {
        let retry_after = response.header("Retry-After").and_then(|value| value.trim().parse().ok());
        return Err(Error::Busy { retry_after });
    }
    Ok(response)
}

fn good(response: &Response) -> Result<Value, Error> {
    if (200..300).contains(&response.status) { response.json() } else { Err(response.refused()) }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn value<S: Serialize>(what: &S) -> Result<Value, Error> {
    serde_json::to_value(what).map_err(|error| Error::Wrong(error.to_string()))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn uuid(value: &Value, name: &str) -> Option<Uuid> {
    text(value, name).and_then(|id| id.parse().ok())
}

/// The mutuals of `GET /me/mutuals`: a list, bare or under one name, of objects with an id.
fn mutuals(answer: &Value) -> Vec<(Uuid, Option<String>)> {
    let list = answer.as_array().or_else(|| answer.as_object()?.values().find_map(Value::as_array));
    list.into_iter()
        .flatten()
        .filter_map(|item| {
            let inner = item.get("mutual").filter(|inner| inner.is_object()).unwrap_or(item);
            let id = uuid(inner, "mutual_id").or_else(|| uuid(inner, "id"))?;
            Some((id, text(inner, "code").map(str::to_owned)))
        })
        .collect()
}

// --- the database --------------------------------------------------------------------------------------------------

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Nullable<BigInt>)]
    n: Option<i64>,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(QueryableByName)]
struct HouseholdRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    is_local: i64,
    #[diesel(sql_type = Text)]
    document: String,
}

impl HouseholdRow {
    fn document(&self) -> Result<Value, Error> {
        serde_json::from_str(&self.document).map_err(|error| Error::Wrong(format!("household {}: {error}", self.id)))
    }
}

#[derive(QueryableByName)]
struct Queued {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    op_id: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    entity: String,
    #[diesel(sql_type = Text)]
    household_id: String,
    #[diesel(sql_type = Text)]
    operation: String,
}

const OUTBOX: &str = "SELECT op_id, kind, entity, household_id, operation, receipt, result, state, is_seen FROM outbox";

#[derive(QueryableByName)]
struct OutboxRow {
    #[diesel(sql_type = Text)]
    op_id: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    entity: String,
    #[diesel(sql_type = Text)]
    household_id: String,
    #[diesel(sql_type = Text)]
    operation: String,
    #[diesel(sql_type = Nullable<Text>)]
    receipt: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    result: Option<String>,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    is_seen: i64,
}

impl OutboxRow {
    fn entry(self) -> Entry {
        Entry {
            state: State::of(&self.state),
            result: self.result.and_then(|result| serde_json::from_str(&result).ok()),
            op_id: self.op_id,
            kind: self.kind,
            entity: self.entity,
            household_id: self.household_id,
            receipt: self.receipt,
        }
    }
}

fn count<'a, Q>(db: &mut SqliteConnection, query: Q) -> Result<i64, Error>
where
    Q: diesel::query_dsl::LoadQuery<'a, SqliteConnection, Count>,
{
    Ok(query.get_result::<Count>(db)?.n.unwrap_or_default())
}

fn setting(db: &mut SqliteConnection, name: &str) -> Result<Option<String>, Error> {
    let query = sql_query("SELECT value AS word FROM settings WHERE name = ?").bind::<Text, _>(name);
    Ok(query.get_result::<Word>(db).optional()?.map(|row| row.word))
}

fn set(db: &mut SqliteConnection, name: &str, value: &str) -> Result<(), Error> {
    sql_query(
        "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind::<Text, _>(name)
    .bind::<Text, _>(value)
    .execute(db)?;
    Ok(())
}

fn unset(db: &mut SqliteConnection, name: &str) -> Result<(), Error> {
    sql_query("DELETE FROM settings WHERE name = ?").bind::<Text, _>(name).execute(db)?;
    Ok(())
}

fn key(db: &mut SqliteConnection) -> Result<Ed25519KeyPair, Error> {
    let seed = setting(db, "key_seed")?.ok_or(Error::First("activate"))?;
    let seed = BASE64URL_NOPAD.decode(seed.as_bytes()).map_err(|error| Error::Wrong(error.to_string()))?;
    Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|error| Error::Wrong(error.to_string()))
}

fn known(db: &mut SqliteConnection, household_id: Uuid) -> Result<HouseholdRow, Error> {
    sql_query("SELECT id, is_local, document FROM households WHERE id = ?")
        .bind::<Text, _>(household_id.to_string())
        .get_result(db)
        .optional()?
        .ok_or(Error::UnknownHousehold(household_id))
}

fn known_member(db: &mut SqliteConnection, row: &HouseholdRow, member_id: Uuid) -> Result<(), Error> {
    if persons(&row.document()?).iter().any(|person| uuid(person, "id") == Some(member_id)) {
        return Ok(());
    }
    let added = sql_query("SELECT count(*) AS n FROM outbox WHERE kind = 'create' AND household_id = ? AND entity = ?")
        .bind::<Text, _>(&row.id)
        .bind::<Text, _>(format!("member/{member_id}"));
    if count(db, added)? > 0 { Ok(()) } else { Err(Error::UnknownMember(member_id)) }
}

/// The creates that an operation on a household, or on one of its persons, depends on.
fn creates_of(db: &mut SqliteConnection, household_id: Uuid, member_id: Option<Uuid>) -> Result<Vec<String>, Error> {
    // Those done are named too: a server restored from a backup may lack them, and hears of this operation before the
    // device hears of the backup. It then answers `blocked` instead of turning the operation down for good.
    let rows: Vec<Word> = sql_query(
        "SELECT op_id AS word FROM outbox
          WHERE kind = 'create' AND household_id = ?2 AND entity IN (?1, 'member/' || ?3) ORDER BY seq",
    )
    .bind::<Text, _>(format!("household/{household_id}"))
    .bind::<Text, _>(household_id.to_string())
    .bind::<Text, _>(member_id.map(|id| id.to_string()).unwrap_or_default())
    .load(db)?;
    Ok(rows.into_iter().map(|row| row.word).collect())
}

fn queued_after(db: &mut SqliteConnection, after: i64) -> Result<Vec<Queued>, Error> {
    let mut rows: Vec<Queued> = sql_query(
        "SELECT seq, op_id, kind, entity, household_id, operation FROM outbox
          WHERE state = 'QUEUED' AND seq > ? ORDER BY seq LIMIT ?",
    )
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(i64::try_from(PUSH_OPERATIONS).unwrap_or(1))
    .load(db)?;
    let mut bytes = 1024; // the envelope
    let fit = rows.iter().take_while(|row| {
        bytes += row.operation.len() + 1;
        bytes <= PUSH_BYTES
    });
    // At least one: `Draft::queue` lets none in that is too big by itself.
    let fit = fit.count().max(1);
    rows.truncate(fit);
    Ok(rows)
}

/// An operation that is being made.
struct Draft {
    kind: &'static str,
    entity: String,
    household_id: Uuid,
    base_version: Option<i64>,
    depends_on: Vec<String>,
    receipt: Option<String>,
    data: Value,
}

impl Draft {
    fn new(data: impl Into<Value>) -> Self {
        Self {
            kind: "",
            entity: String::new(),
            household_id: Uuid::nil(),
            base_version: None,
            depends_on: Vec::new(),
            receipt: None,
            data: data.into(),
        }
    }

    fn queue(self, db: &mut SqliteConnection, op_id: Uuid, now: DateTime<FixedOffset>) -> Result<(), Error> {
        let mut operation = json!({"op_id": op_id, "type": self.kind, "entity": self.entity,
                                   "captured_at": stamp(now), "data": self.data});
        if let Some(operation) = operation.as_object_mut() {
            if let Some(version) = self.base_version {
                operation.insert("base_version".to_owned(), json!(version));
            }
            if !self.depends_on.is_empty() {
                operation.insert("depends_on".to_owned(), json!(self.depends_on));
            }
        }
        let operation = operation.to_string();
        if operation.len() > PUSH_BYTES / 4 {
            return Err(Error::Wrong("this is too much text for one operation".to_owned()));
        }
        sql_query(
            "INSERT INTO outbox (op_id, kind, entity, household_id, operation, receipt, state)
             VALUES (?, ?, ?, ?, ?, ?, 'QUEUED')",
        )
        .bind::<Text, _>(op_id.to_string())
        .bind::<Text, _>(self.kind)
        .bind::<Text, _>(self.entity)
        .bind::<Text, _>(self.household_id.to_string())
        .bind::<Text, _>(operation)
        .bind::<Nullable<Text>, _>(self.receipt)
        .execute(db)?;
        Ok(())
    }
}

fn registered(person: &Person) -> RegisteredMember {
    RegisteredMember {
        id: person.id.unwrap_or_default(),
        name: format!("{} {}", person.given_name, person.family_name),
        card_number: person.card_number.clone(),
    }
}

/// Takes the person's card number out of the blocks, or the next one that still counts where he has none.
fn give_card(db: &mut SqliteConnection, person: &mut Person, today: NaiveDate) -> Result<(), Error> {
    let wanted = person.card_number.clone();
    let query = "SELECT number AS word FROM cards WHERE is_used = 0 AND expires_on >= ?1
                 AND (?2 IS NULL OR number = ?2) ORDER BY seq LIMIT 1";
    let row: Option<Word> = sql_query(query)
        .bind::<Text, _>(today.to_string())
        .bind::<Nullable<Text>, _>(&wanted)
        .get_result(db)
        .optional()?;
    match (row, wanted) {
        (Some(row), _) => {
            sql_query("UPDATE cards SET is_used = 1 WHERE number = ?").bind::<Text, _>(&row.word).execute(db)?;
            person.card_number = Some(row.word);
            Ok(())
        }
        (None, None) => Ok(()),
        (None, Some(number)) => Err(Error::Wrong(format!("the card number {number} is not free on this device"))),
    }
}

fn keep_block(db: &mut SqliteConnection, block: &Value) -> Result<(), Error> {
    let expires_on = text(block, "expires_on").ok_or_else(|| Error::Answer("a block without expires_on".to_owned()))?;
    let numbers = block.get("card_numbers").and_then(Value::as_array);
    for number in numbers.into_iter().flatten().filter_map(Value::as_str) {
        sql_query(
            "INSERT INTO cards (number, expires_on) VALUES (?, ?)
             ON CONFLICT (number) DO UPDATE SET expires_on = excluded.expires_on",
        )
        .bind::<Text, _>(number)
        .bind::<Text, _>(expires_on)
        .execute(db)?;
    }
    Ok(())
}

fn raise_receipts(db: &mut SqliteConnection, year: i64, number: i64) -> Result<(), Error> {
    sql_query(
        "INSERT INTO receipts (year, last_number) VALUES (?, ?)
         ON CONFLICT (year) DO UPDATE SET last_number = max(last_number, excluded.last_number)",
    )
    .bind::<BigInt, _>(year)
    .bind::<BigInt, _>(number)
    .execute(db)?;
    Ok(())
}

/// Keeps one item of a pull; false where it takes a household away.
fn keep_item(db: &mut SqliteConnection, item: &Value) -> Result<bool, Error> {
    let id = text(item, "entity").and_then(|entity| entity.strip_prefix("household/"));
    let id = id.ok_or_else(|| Error::Answer("an item that is no household".to_owned()))?;
    if item.get("deleted").and_then(Value::as_bool).unwrap_or(false) {
        sql_query("DELETE FROM households WHERE id = ?").bind::<Text, _>(id).execute(db)?;
        return Ok(false);
    }
    let document = item.get("household").ok_or_else(|| Error::Answer("an item without its household".to_owned()))?;
    sql_query(
        "INSERT INTO households (id, is_local, document) VALUES (?, 0, ?)
         ON CONFLICT (id) DO UPDATE SET is_local = 0, document = excluded.document",
    )
    .bind::<Text, _>(id)
    .bind::<Text, _>(document.to_string())
    .execute(db)?;
    // What the server did before it made this item is in it.
    sql_query("UPDATE outbox SET is_seen = 1 WHERE household_id = ? AND state = 'DONE'")
        .bind::<Text, _>(id)
        .execute(db)?;
    for number in persons(document).iter().filter_map(|person| text(person, "card_number")) {
        sql_query(
            "INSERT INTO cards (number, expires_on, is_used) VALUES (?, '', 1)
             ON CONFLICT (number) DO UPDATE SET is_used = 1",
        )
        .bind::<Text, _>(number)
        .execute(db)?;
    }
    Ok(true)
}

fn keep_last_page(db: &mut SqliteConnection, answer: &Value) -> Result<(), Error> {
    if let Some(as_of) = text(answer, "as_of_at") {
        set(db, "as_of_at", as_of)?;
    }
    if let Some(account) = answer.get("account").filter(|account| account.is_object()) {
        set(db, "account", &account.to_string())?;
        if let Some(currency) = text(account, "currency") {
            set(db, "currency", currency)?;
        }
    }
    for series in answer.get("receipts").and_then(Value::as_array).into_iter().flatten() {
        let number = |name| series.get(name).and_then(Value::as_i64);
        if let (Some(year), Some(last)) = (number("year"), number("last_number")) {
            // The larger of the two: a file made anew goes on where the lost one stopped.
            raise_receipts(db, year, last)?;
        }
    }
    for block in answer.get("blocks").and_then(Value::as_array).into_iter().flatten() {
        keep_block(db, block)?;
    }
    sql_query("UPDATE outbox SET is_seen = 1 WHERE state = 'DONE'").execute(db)?;
    // Done by the server, and yet not among what it brings: another section's by now.
    sql_query(
        "DELETE FROM households WHERE is_local = 1 AND NOT EXISTS (
             SELECT 1 FROM outbox WHERE household_id = households.id AND state <> 'DONE')",
    )
    .execute(db)?;
    Ok(())
}

fn note_version(db: &mut SqliteConnection, update: &Queued, version: Option<i64>) -> Result<(), Error> {
    let (Some(version), Ok(id)) = (version, update.household_id.parse()) else { return Ok(()) };
    let row = match known(db, id) {
        Err(Error::UnknownHousehold(_)) => return Ok(()),
        row => row?,
    };
    let mut document = row.document()?;
    if let Some(entity) = entity_mut(&mut document, &update.entity) {
        entity.insert("version".to_owned(), json!(version));
    }
    sql_query("UPDATE households SET document = ? WHERE id = ?")
        .bind::<Text, _>(document.to_string())
        .bind::<Text, _>(row.id)
        .execute(db)?;
    Ok(())
}

// --- documents -----------------------------------------------------------------------------------------------------

fn persons(document: &Value) -> &[Value] {
    document.get("members").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn entity_mut<'a>(document: &'a mut Value, entity: &str) -> Option<&'a mut Map<String, Value>> {
    match entity.split_once('/')? {
        ("member", id) => document
            .get_mut("members")?
            .as_array_mut()?
            .iter_mut()
            .find(|person| text(person, "id") == Some(id))?
            .as_object_mut(),
        _ => document.as_object_mut(),
    }
}

fn version_of(document: &Value, entity: &str) -> Option<i64> {
    let found = match entity.split_once('/')? {
        ("member", id) => persons(document).iter().find(|person| text(person, "id") == Some(id))?,
        _ => document,
    };
    found.get("version").and_then(Value::as_i64)
}

fn set_versions(document: &mut Value, version: i64) {
    if let Some(document) = document.as_object_mut() {
        document.insert("version".to_owned(), json!(version));
        for person in document.get_mut("members").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(person) = person.as_object_mut() {
                person.insert("version".to_owned(), json!(version));
            }
        }
    }
}

/// A household with its operations laid over it that no pull has brought yet.
fn shown(db: &mut SqliteConnection, row: &HouseholdRow) -> Result<Household, Error> {
    let mut document = row.document()?;
    let operations: Vec<OutboxRow> =
        sql_query(format!("{OUTBOX} WHERE household_id = ? ORDER BY seq")).bind::<Text, _>(&row.id).load(db)?;
    let is_local = row.is_local != 0;
    let (mut is_estimate, mut queued, mut with_office) = (is_local, 0, 0);
    let mut balance = document.get("balance_minor").and_then(Value::as_i64).unwrap_or_default();
    for operation in &operations {
        match State::of(&operation.state) {
            State::WithOffice => {
                with_office += 1;
                continue;
            }
            State::Done if operation.is_seen != 0 => continue,
            State::Done => {}
            State::Queued => queued += 1,
        }
        is_estimate = true;
        let content: Value = serde_json::from_str(&operation.operation).unwrap_or_default();
        let Some(data) = content.get("data").and_then(Value::as_object) else { continue };
        match (operation.kind.as_str(), operation.entity.split_once('/')) {
            ("payment", _) => {
                let amount = data.get("amount_minor").and_then(Value::as_i64).unwrap_or_default();
                balance = balance.saturating_sub(amount);
            }
            ("update", _) => {
                if let Some(entity) = entity_mut(&mut document, &operation.entity) {
                    entity.extend(data.iter().map(|(name, value)| (name.clone(), value.clone())));
                }
            }
            ("create", Some(("member", id))) => {
                let mut person = data.clone();
                person.insert("id".to_owned(), json!(id));
                let there = persons(&document).iter().any(|person| text(person, "id") == Some(id));
                if let (false, Some(Value::Array(members))) = (there, document.get_mut("members")) {
                    members.push(Value::Object(person));
                }
            }
            _ => {}
        }
    }
    let persons = persons(&document);
    let principal = persons.iter().find(|person| text(person, "relationship") == Some("principal"));
    let principal = principal.or(persons.first()).unwrap_or(&Value::Null);
    Ok(Household {
        id: row.id.clone(),
        number: text(&document, "number").map(str::to_owned),
        name: name(principal),
        standing: standing(principal),
        until_on: until_on(principal),
        balance_minor: balance,
        is_estimate,
        is_local,
        queued,
        with_office,
        members: persons
            .iter()
            .map(|person| Member {
                id: text(person, "id").unwrap_or_default().to_owned(),
                name: name(person),
                card_number: text(person, "card_number").map(str::to_owned),
                standing: standing(person),
            })
            .collect(),
    })
}

fn name(person: &Value) -> String {
    let part = |name| text(person, name).unwrap_or_default();
    format!("{} {}", part("given_name"), part("family_name")).trim().to_owned()
}

/// The standing, be it an object with a `state` or the state itself.
fn standing(person: &Value) -> Option<String> {
    let standing = person.get("standing")?;
    standing.as_str().or_else(|| text(standing, "state")).map(str::to_owned)
}

fn until_on(person: &Value) -> Option<String> {
    let inner = person.get("standing").and_then(|standing| text(standing, "until_on"));
    inner.or_else(|| text(person, "until_on")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::Read as _;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex, MutexGuard};

    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    const MUTUAL: &str = "01900000-0000-7000-8000-000000000001";
    const DEVICE: &str = "01900000-0000-7000-8000-000000000002";
    const PUSH: &str = "/api/v1/mutuals/01900000-0000-7000-8000-000000000001/sync/push";

    /// splitmix64.
    #[derive(Clone)]
    struct Dice(u64);

    impl Dice {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }

        fn below(&mut self, n: usize) -> usize {
            usize::try_from(self.next() % n.max(1) as u64).unwrap()
        }
    }

    /// An operation that the server knows.
    #[derive(Debug, Clone)]
    struct Known {
        at: usize,
        content: Value,
        result: Value,
        is_done: bool,
    }

    /// What a backup of the server holds.
    #[derive(Clone, Default)]
    struct Book {
        ops: BTreeMap<String, Known>,
        households: BTreeMap<String, Value>,
        beyond: BTreeSet<String>,
        changed: BTreeMap<String, i64>,
        fields: BTreeMap<(String, String), i64>,
        sequence: i64,
        receipts: BTreeMap<(i64, i64), i64>,
        consents: BTreeSet<String>,
        events: usize,
    }

    /// A small server by docs/sync.md.
    #[derive(Default)]
    struct Server {
        book: Book,
        copy: u64,
        code: Option<String>,
        key: Option<Vec<u8>>,
        is_lost: bool,
        is_busy: bool,
        tokens: usize,
        access: String,
        refresh: String,
        cards: usize,
        blocks: BTreeMap<String, Vec<String>>,
        pushes: Vec<(usize, usize)>,
    }

    fn answer(status: u16, body: Value) -> Response {
        Response { status, headers: Vec::new(), body: body.to_string().into() }
    }

    impl Server {
        fn new_tokens(&mut self) -> Response {
            self.tokens += 1;
            self.access = format!("access-{}", self.tokens);
            self.refresh = format!("refresh-{}", self.tokens);
            answer(200, json!({"access_token": self.access, "refresh_token": self.refresh}))
        }

        fn handle(&mut self, request: &Request) -> Response {
            let header = |name: &str| request.headers.iter().find(|(key, _)| *key == name).map(|(_, v)| v.as_str());
            let path = request.path.strip_prefix("/api/v1").unwrap();
            if self.is_busy {
                let headers = vec![("retry-after".to_owned(), "30".to_owned())];
                return Response { status: 503, headers, body: Vec::new() };
            }
            let json = || serde_json::from_slice::<Value>(&request.body).unwrap();
            match path {
                "/auth/login" if json()["password"] == "right" => return self.new_tokens(),
                "/auth/refresh" if json()["refresh_token"] == self.refresh.as_str() => return self.new_tokens(),
                "/auth/login" | "/auth/refresh" => return answer(401, json!({"code": "login_refused"})),
                _ => {}
            }
            if header("Authorization") != Some(format!("Bearer {}", self.access).as_str()) {
                return answer(401, json!({"code": "token_refused"}));
            }
            let below = path.strip_prefix(&format!("/mutuals/{MUTUAL}")).unwrap_or(path);
            let (below, query) = below.split_once('?').unwrap_or((below, ""));
            match below {
                "/me/mutuals" => answer(200, json!([{"id": MUTUAL, "code": "KAYANZA"}])),
                "/devices/activate" => {
                    if self.code.take().is_none_or(|code| json()["code"] != code.as_str()) {
                        return answer(401, json!({"code": "code_refused"}));
                    }
                    self.key = Some(BASE64URL_NOPAD.decode(text(&json(), "public_key").unwrap().as_bytes()).unwrap());
                    answer(200, json!({"id": DEVICE, "code": "T1", "status": "ACTIVE"}))
                }
                "/sync/push" => {
                    let mut body = String::new();
                    flate2::read::GzDecoder::new(request.body.as_slice()).read_to_string(&mut body).unwrap();
                    assert_eq!(header("Ayni-Device"), Some(DEVICE));
                    self.push(header("Ayni-Timestamp").unwrap(), header("Ayni-Signature").unwrap(), &body)
                }
                "/sync/pull" => self.pull(query),
                _ if below == format!("/devices/{DEVICE}/number-blocks") => {
                    let id = text(&json(), "id").unwrap().to_owned();
                    if !self.blocks.contains_key(&id) {
                        let numbers = (0..json()["count"].as_u64().unwrap()).map(|_| {
                            self.cards += 1;
                            format!("{:016}", self.cards)
                        });
                        let numbers = numbers.collect();
                        self.blocks.insert(id.clone(), numbers);
                    }
                    answer(201, json!({"id": id, "expires_on": "2027-12-31", "card_numbers": self.blocks[&id]}))
                }
                other => panic!("{other}"),
            }
        }

        fn push(&mut self, signed_at: &str, signature: &str, body: &str) -> Response {
            let hash = HEXLOWER.encode(&Sha256::digest(body.as_bytes()));
            let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
            let key = UnparsedPublicKey::new(&ED25519, self.key.clone().unwrap());
            let message = format!("POST\n{PUSH}\n{signed_at}\n{hash}");
            if key.verify(message.as_bytes(), &signature).is_err() {
                return answer(401, json!({"code": "signature_refused"}));
            }
            let push: Value = serde_json::from_str(body).unwrap();
            assert!(push["batch_id"].is_string() && push["device_time"].is_string() && push["schema"] == 1);
            let ops = push["ops"].as_array().unwrap();
            assert!((1..=100).contains(&ops.len()) && body.len() <= PUSH_BYTES);
            self.pushes.push((ops.len(), body.len()));
            let results: Vec<Value> = ops.iter().map(|op| self.operation(op)).collect();
            answer(200, json!({"received_at": "2026-03-10T14:02:14Z", "wipe": self.is_lost, "results": results}))
        }

        fn operation(&mut self, op: &Value) -> Value {
            let op_id = text(op, "op_id").unwrap();
            if let Some(known) = self.book.ops.get(op_id) {
                assert_eq!(&known.content, op, "other content under an id that came before");
                let mut result = known.result.clone();
                result["status"] = json!("replayed");
                if known.is_done {
                    result.as_object_mut().unwrap().remove("code");
                }
                return result;
            }
            let depends_on = op.get("depends_on").and_then(Value::as_array).into_iter().flatten();
            let is_done = |id: &str| self.book.ops.get(id).is_some_and(|known| known.is_done);
            if !self.is_lost && !depends_on.filter_map(Value::as_str).all(is_done) {
                return json!({"op_id": op_id, "status": "blocked", "code": "DEPENDENCY_FAILED"});
            }
            let done = if self.is_lost { Err(("rejected", "DEVICE_LOST")) } else { self.carry_out(op, false) };
            let result = match done {
                Ok((status, version)) => json!({"op_id": op_id, "status": status, "version": version}),
                Err((status, code)) => json!({"op_id": op_id, "status": status, "code": code}),
            };
            let at = self.book.ops.len();
            let known = Known { at, content: op.clone(), result: result.clone(), is_done: done.is_ok() };
            self.book.ops.insert(op_id.to_owned(), known);
            result
        }

        /// The office does as a person decides: it carries out every proposal.
        fn office(&mut self) {
            let mut open: Vec<_> = self.book.ops.values().filter(|known| !known.is_done).cloned().collect();
            open.sort_by_key(|known| known.at);
            for known in open {
                if let Err(error) = self.carry_out(&known.content, true) {
                    panic!("{error:?}: {known:#?}");
                }
                self.book.ops.get_mut(text(&known.content, "op_id").unwrap()).unwrap().is_done = true;
            }
        }

        fn touch(&mut self, household: &str) {
            self.book.sequence += 1;
            self.book.changed.insert(household.to_owned(), self.book.sequence);
        }

        fn card_is_wrong(&self, person: &Value) -> bool {
            let Some(number) = text(person, "card_number") else { return false };
            let given = self.blocks.values().flatten().any(|given| given == number);
            let mut worn = self.book.households.values().flat_map(persons);
            !given || worn.any(|person| text(person, "card_number") == Some(number))
        }

        fn carry_out(
            &mut self,
            op: &Value,
            by_office: bool,
        ) -> Result<(&'static str, i64), (&'static str, &'static str)> {
            let (kind, id) = text(op, "entity").unwrap().split_once('/').unwrap();
            let (data, entity) = (&op["data"], text(op, "entity").unwrap());
            match (text(op, "type").unwrap(), kind) {
                ("create", "household") => {
                    let mut document = data.clone();
                    assert!(!self.book.households.contains_key(id), "the same household twice");
                    let doubtful = persons(data).iter().any(|person| person["family_name"] == "Doubtful");
                    if doubtful && !by_office {
                        return Err(("conflict", "CLOCK_SKEW"));
                    }
                    assert!(!persons(data).iter().any(|person| self.card_is_wrong(person)));
                    document["id"] = json!(id);
                    document["number"] = json!(format!("H{:06}", self.book.households.len() + 1));
                    document["balance_minor"] = json!(1000);
                    set_versions(&mut document, 1);
                    for person in document["members"].as_array_mut().unwrap() {
                        person["standing"] = json!({"state": "ACTIVE", "until_on": "2026-12-31"});
                    }
                    self.book.households.insert(id.to_owned(), document);
                    self.touch(id);
                    Ok(("applied", 1))
                }
                ("consent", _) => {
                    assert!(self.book.consents.insert(id.to_owned()), "the same consent twice");
                    Ok(("applied", 1))
                }
                (what, _) => {
                    let member = if what == "update" && kind == "member" { Some(id) } else { None };
                    let household = match member {
                        Some(member) => self.book.households.iter().find_map(|(household, document)| {
                            persons(document).iter().any(|p| text(p, "id") == Some(member)).then(|| household.clone())
                        }),
                        None => Some(text(data, "household_id").unwrap_or(id).to_owned()),
                    };
                    let Some(household) = household.filter(|h| self.book.households.contains_key(h)) else {
                        return Err(("rejected", "ENTITY_UNKNOWN"));
                    };
                    if self.book.beyond.contains(&household) && !by_office {
                        return Err(("rejected", "ENTITY_UNKNOWN"));
                    }
                    let wrong_card = what == "create" && self.card_is_wrong(data);
                    let document = self.book.households.get_mut(&household).unwrap();
                    let mut done = ("applied", 1);
                    match what {
                        "create" => {
                            assert!(!wrong_card);
                            let mut person = data.clone();
                            person["id"] = json!(id);
                            person["version"] = json!(1);
                            person["standing"] = Value::Null;
                            document["members"].as_array_mut().unwrap().push(person);
                        }
                        "update" => {
                            let version = version_of(document, entity).unwrap();
                            let base = op["base_version"].as_i64().unwrap();
                            for (name, value) in data.as_object().unwrap() {
                                let field = (entity.to_owned(), name.clone());
                                if !by_office && self.book.fields.get(&field).is_some_and(|since| *since > base) {
                                    return Err(("conflict", "FIELD_CONFLICT"));
                                }
                                self.book.fields.insert(field, version + 1);
                                let target = entity_mut(document, entity).unwrap();
                                target.insert(name.clone(), value.clone());
                                target.insert("version".to_owned(), json!(version + 1));
                            }
                            done = (if base == version { "applied" } else { "merged" }, version + 1);
                        }
                        "payment" => {
                            let year = data["received_on"].as_str().unwrap()[..4].parse().unwrap();
                            let number = data["receipt_number"].as_i64().unwrap();
                            let amount = data["amount_minor"].as_i64().unwrap();
                            assert_eq!(data["currency"], "BIF");
                            assert!(self.book.receipts.insert((year, number), amount).is_none(), "NUMBER_TAKEN");
                            document["balance_minor"] = json!(document["balance_minor"].as_i64().unwrap() - amount);
                        }
                        "event" => self.book.events += 1,
                        other => panic!("{other}"),
                    }
                    self.touch(&household);
                    Ok(done)
                }
            }
        }

        fn pull(&self, query: &str) -> Response {
            let cursor = query.split('&').find_map(|pair| pair.strip_prefix("cursor="));
            let since = match cursor.map(|cursor| cursor.split_once("-").unwrap()) {
                Some((copy, _)) if copy != self.copy.to_string() => {
                    return answer(410, json!({"code": "full_resync_required"}));
                }
                Some((_, since)) => since.parse().unwrap(),
                None => 0,
            };
            let mut changed: Vec<_> = self.book.changed.iter().filter(|(_, at)| **at > since).collect();
            changed.sort_by_key(|(_, at)| **at);
            let has_more = changed.len() > 3;
            changed.truncate(3);
            let next = changed.last().map_or(since, |(_, at)| **at);
            let items = changed.iter().map(|(id, _)| {
                let entity = format!("household/{id}");
                if self.book.beyond.contains(*id) {
                    json!({"entity": entity, "deleted": true, "reason": "OUT_OF_SCOPE"})
                } else {
                    json!({"entity": entity, "deleted": false, "household": self.book.households[*id]})
                }
            });
            let items: Vec<_> = items.collect();
            let mut body = json!({"as_of_at": "2026-03-10T14:02:20Z", "today_on": "2026-03-10", "wipe": self.is_lost,
                                  "items": items, "has_more": has_more,
                                  "next_cursor": format!("{}-{next}", self.copy)});
            if !has_more {
                body["account"] = json!({"currency": "BIF", "float_minor": 0});
                let mut years: BTreeMap<i64, i64> = BTreeMap::new();
                self.book.receipts.keys().for_each(|(year, number)| {
                    years.insert(*year, *number);
                });
                let series = years.iter().map(|(year, last)| json!({"year": year, "last_number": last, "gaps": []}));
                body["receipts"] = series.collect();
                let blocks = self.blocks.iter();
                let blocks = blocks.map(|(id, n)| json!({"id": id, "expires_on": "2027-12-31", "card_numbers": n}));
                body["blocks"] = blocks.collect();
            }
            answer(200, body)
        }
    }

    /// Cuts the n-th request before or after the server acted; or as the dice fall.
    #[derive(Default)]
    struct Cuts {
        seen: usize,
        at: Option<(usize, bool)>,
        dice: Option<(Dice, usize)>,
    }

    #[derive(Clone)]
    struct Wire {
        server: Arc<Mutex<Server>>,
        cuts: Arc<Mutex<Cuts>>,
    }

    impl Transport for Wire {
        fn send(&mut self, request: &Request) -> Result<Response, Broken> {
            let mut cuts = self.cuts.lock().unwrap();
            cuts.seen += 1;
            let planned = cuts.at.filter(|(at, _)| *at == cuts.seen).map(|(_, after)| after);
            let chance = cuts.dice.as_mut().and_then(|(dice, percent)| {
                let is_cut = dice.below(100) < *percent;
                is_cut.then(|| dice.below(2) == 0)
            });
            let cut = planned.or(chance);
            match cut {
                Some(false) => Err(Broken("before".to_owned())),
                Some(true) => {
                    self.server.lock().unwrap().handle(request);
                    Err(Broken("after".to_owned()))
                }
                None => Ok(self.server.lock().unwrap().handle(request)),
            }
        }
    }

    /// A device with its server, its clock, and its database in memory, which a killed client leaves behind.
    struct Field {
        wire: Wire,
        clock: Arc<AtomicI64>,
        dice: Arc<Mutex<Dice>>,
        file: String,
        keeper: SqliteConnection,
        client: Client<Wire>,
    }

    fn open(file: &str, wire: &Wire, clock: &Arc<AtomicI64>, dice: &Arc<Mutex<Dice>>) -> Client<Wire> {
        let (clock, dice) = (Arc::clone(clock), Arc::clone(dice));
        let zone = FixedOffset::east_opt(7200).unwrap();
        let now = move || {
            let utc = DateTime::from_timestamp_millis(clock.fetch_add(1, Ordering::Relaxed)).unwrap();
            utc.with_timezone(&zone)
        };
        let chance = move |bytes: &mut [u8]| {
            let mut dice = dice.lock().unwrap();
            bytes.iter_mut().for_each(|byte| *byte = u8::try_from(dice.below(256)).unwrap());
            true
        };
        Client::open(file, wire.clone(), Box::new(now), Box::new(chance)).unwrap()
    }

    fn new_file() -> String {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        format!("file:field{}?mode=memory&cache=shared", FILES.fetch_add(1, Ordering::Relaxed))
    }

    fn fields(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn person(relationship: &str, family_name: &str) -> Person {
        Person {
            relationship: relationship.to_owned(),
            family_name: family_name.to_owned(),
            given_name: "Régine".to_owned(),
            sex: "female".to_owned(),
            ..Person::default()
        }
    }

    fn family(name: &str, size: usize) -> NewHousehold {
        let members = (0..size).map(|n| person(if n == 0 { "principal" } else { "child" }, name));
        NewHousehold { members: members.collect(), ..NewHousehold::default() }
    }

    impl Field {
        /// Neither logged in nor activated.
        fn bare(seed: u64) -> Self {
            let server = Server { code: Some("ABCD".to_owned()), ..Server::default() };
            let wire = Wire { server: Arc::new(Mutex::new(server)), cuts: Arc::default() };
            let start: DateTime<FixedOffset> = "2026-03-08T09:00:00+02:00".parse().unwrap();
            let clock = Arc::new(AtomicI64::new(start.timestamp_millis()));
            let dice = Arc::new(Mutex::new(Dice(seed)));
            let file = new_file();
            let keeper = SqliteConnection::establish(&file).unwrap();
            let client = open(&file, &wire, &clock, &dice);
            Self { wire, clock, dice, file, keeper, client }
        }

        /// Ready for the first day.
        fn ready(seed: u64) -> Self {
            let mut field = Self::bare(seed);
            field.client.login("agent", "right", None).unwrap();
            field.client.activate("ABCD").unwrap();
            field.client.ask_numbers(200).unwrap();
            field.client.sync().unwrap();
            field
        }

        fn server(&self) -> MutexGuard<'_, Server> {
            self.wire.server.lock().unwrap()
        }

        fn kill(&mut self) {
            self.client = open(&self.file, &self.wire, &self.clock, &self.dice);
        }

        fn days(&self, days: i64) {
            self.clock.fetch_add(days * 86_400_000, Ordering::Relaxed);
        }

        /// Does a step until the connection holds, killing the client at each cut.
        fn insist<R>(&mut self, mut step: impl FnMut(&mut Client<Wire>) -> Result<R, Error>) -> R {
            loop {
                let error = match step(&mut self.client) {
                    Ok(done) => return done,
                    Err(error) => error,
                };
                self.kill();
                match error {
                    Error::Broken(_) => {}
                    Error::LoginAgain => drop(self.client.login("agent", "right", None)),
                    Error::Refused { code, .. } if code == "code_refused" => {
                        self.server().code = Some("ABCD".to_owned());
                    }
                    other => panic!("{other}"),
                }
            }
        }

        /// The office decides, everything is sent and fetched; then device and server must agree.
        fn agree(&mut self, receipts: &[String]) {
            self.insist(Client::sync);
            // What was blocked by a proposal may be another one, and so on.
            for round in 0.. {
                let queued = self.client.outbox().unwrap();
                let queued: Vec<_> = queued.iter().filter(|entry| entry.state == State::Queued).collect();
                if queued.is_empty() {
                    break;
                }
                assert!(round < 20, "{queued:#?}");
                self.server().office();
                self.insist(Client::sync);
            }
            self.server().office();
            self.insist(Client::sync);
            assert_eq!(self.client.queued().unwrap(), 0);
            let book = self.server().book.clone();
            let labels: Vec<_> = book.receipts.keys().map(|(year, n)| format!("D.T1-{year}-{n:06}")).collect();
            assert_eq!(labels, receipts, "receipts");
            for (n, (_, number)) in book.receipts.keys().enumerate() {
                assert_eq!(i64::try_from(n).unwrap() + 1, *number, "a gap");
            }
            let shown = self.client.households().unwrap();
            let mine = book.households.iter().filter(|(id, _)| !book.beyond.contains(*id));
            let mine: BTreeMap<_, _> = mine.collect();
            assert_eq!(shown.len(), mine.len());
            for household in shown {
                let document = self.client.document(household.id.parse().unwrap()).unwrap();
                assert_eq!(&&document, &mine[&household.id]);
                assert_eq!(Some(household.balance_minor), document["balance_minor"].as_i64());
                assert!(!household.is_estimate && !household.is_local && household.queued == 0);
                assert_eq!(household.members.len(), persons(&document).len());
            }
            let cards = book.households.values().flat_map(persons).filter_map(|p| text(p, "card_number"));
            let cards: Vec<_> = cards.collect();
            assert_eq!(cards.len(), cards.iter().collect::<BTreeSet<_>>().len(), "a card number twice");
        }
    }

    /// One agent's day, every step repeated where the connection was cut.
    fn day(field: &mut Field) -> Vec<String> {
        field.insist(|client| client.login("agent", "right", None));
        field.insist(|client| client.activate("ABCD"));
        field.insist(|client| client.ask_numbers(10));
        field.insist(Client::sync);
        let made = field.client.register(family("Ndayishimiye", 2)).unwrap();
        assert!(made.members.iter().all(|member| member.card_number.is_some()));
        let (home, first) = (made.household_id, made.members[0].id);
        let mut labels = vec![field.client.collect(home, 300).unwrap().label];
        field.client.correct_member(home, first, fields(json!({"phone": "+25761000000"}))).unwrap();
        let child = field.client.add_member(home, person("child", "Ndayishimiye")).unwrap();
        field.client.correct_member(home, child.id, fields(json!({"given_name": "Aline"}))).unwrap();
        field.insist(Client::sync);
        field.server().access = "expired".to_owned();
        labels.push(field.client.collect(home, 200).unwrap().label);
        field.client.correct_household(home, fields(json!({"phone": "+25761000001"}))).unwrap();
        field.client.correct_household(home, fields(json!({"phone": "+25761000002"}))).unwrap();
        field.client.event(home, fields(json!({"kind": "DEATH", "member_id": child.id}))).unwrap();
        let consent = Consent {
            member_id: first,
            purpose: "DATA".to_owned(),
            wording: "2026-01".to_owned(),
            given: true,
            guardian_id: None,
        };
        field.client.consent(home, &consent).unwrap();
        assert_eq!(field.client.balance(home).unwrap(), (500, true));
        field.insist(Client::sync);
        assert_eq!(field.client.balance(home).unwrap(), (500, false));
        labels
    }

    #[test]
    fn a_cut_at_any_request_loses_and_doubles_nothing() {
        let mut field = Field::bare(1);
        let labels = day(&mut field);
        field.agree(&labels);
        assert_eq!(labels, ["D.T1-2026-000001", "D.T1-2026-000002"]);
        assert!(field.client.outbox().unwrap().iter().all(|entry| entry.state == State::Done));
        let requests = field.wire.cuts.lock().unwrap().seen;
        assert!(requests > 10, "{requests}");
        for at in 1..=requests {
            for after in [false, true] {
                let mut field = Field::bare(1);
                field.wire.cuts.lock().unwrap().at = Some((at, after));
                let labels = day(&mut field);
                field.agree(&labels);
                let book = field.server().book.clone();
                assert_eq!((book.households.len(), book.events, book.consents.len()), (1, 1, 1));
                assert_eq!(field.server().blocks.len(), 1, "a block asked for twice");
            }
        }
    }

    #[test]
    fn blocked_operations_wait_for_the_office() {
        let mut field = Field::ready(2);
        let home = field.client.register(family("Doubtful", 1)).unwrap().household_id;
        let label = field.client.collect(home, 100).unwrap().label;
        for _ in 0..2 {
            field.client.sync().unwrap();
            let states: Vec<_> = field.client.outbox().unwrap().iter().map(|entry| entry.state).collect();
            assert_eq!(states, [State::WithOffice, State::Queued]);
        }
        // What comes now depends on it too, and must not be turned down before the office has decided.
        let second = field.client.collect(home, 100).unwrap().label;
        assert_eq!(field.client.sync().unwrap().blocked, 2);
        let household = field.client.household(home).unwrap();
        assert!(household.is_local && household.is_estimate);
        assert_eq!((household.queued, household.with_office), (2, 1));
        field.server().office();
        assert_eq!(field.client.sync().unwrap().done, 2);
        field.agree(&[label, second]);
    }

    #[test]
    fn a_restored_server_gets_the_operations_of_30_days_again() {
        let mut field = Field::ready(3);
        let old = field.client.register(family("Old", 1)).unwrap().household_id;
        let mut labels = vec![field.client.collect(old, 1).unwrap().label];
        field.client.sync().unwrap();
        let backup = field.server().book.clone();
        field.days(29);
        let new = field.client.register(family("New", 3)).unwrap().household_id;
        labels.push(field.client.collect(new, 2).unwrap().label);
        labels.push(field.client.collect(old, 3).unwrap().label);
        field.client.sync().unwrap();
        field.days(2);
        {
            let mut server = field.server();
            server.book = backup;
            server.copy += 1;
        }
        let report = field.client.sync().unwrap();
        assert!(report.resynced);
        assert_eq!(report.answered, 3, "those of the last 30 days");
        field.agree(&labels);
        assert_eq!(field.client.outbox().unwrap().len(), 3, "older ones are not kept");
        assert!(!field.client.sync().unwrap().resynced);
    }

    #[test]
    fn a_lost_device_is_wiped_once_its_outbox_is_taken() {
        let mut field = Field::ready(4);
        let home = field.client.register(family("Ndayishimiye", 1)).unwrap().household_id;
        field.client.collect(home, 5).unwrap();
        field.server().is_lost = true;
        field.wire.cuts.lock().unwrap().at = Some((6, false));
        let mut cut = 0;
        let report = loop {
            match field.client.sync() {
                Ok(report) => break report,
                Err(Error::Broken(_)) => {
                    cut += 1;
                    assert_eq!(field.client.queued().unwrap(), 2, "nothing is deleted before it is taken");
                }
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(cut, 1);
        assert!(report.wiped && !report.wipe_waits);
        assert_eq!(field.server().book.ops.len(), 2);
        field.kill();
        assert!(field.client.is_wiped().unwrap());
        assert!(field.client.households().unwrap().is_empty() && field.client.outbox().unwrap().is_empty());
        assert!(matches!(field.client.sync(), Err(Error::Wiped)));
        assert!(matches!(field.client.login("agent", "right", None), Err(Error::Wiped)));
        let left = "SELECT (SELECT count(*) FROM cards) + (SELECT count(*) FROM settings) AS n";
        assert_eq!(count(&mut field.keeper, sql_query(left)).unwrap(), 1);
    }

    #[test]
    fn receipts_are_numbered_by_year_and_go_on_in_a_new_file() {
        let mut field = Field::ready(5);
        let home = field.client.register(family("Ndayishimiye", 1)).unwrap().household_id;
        assert_eq!(field.client.collect(home, 5).unwrap().label, "D.T1-2026-000001");
        field.kill();
        assert_eq!(field.client.collect(home, 5).unwrap().label, "D.T1-2026-000002");
        assert!(field.client.collect(home, 0).is_err() && field.client.collect(Uuid::nil(), 1).is_err());
        assert_eq!(field.client.last_receipt(2026).unwrap(), 2);
        field.client.sync().unwrap();
        // The telephone is replaced: the office gives a new code, and the first pull says where the series stands.
        field.server().code = Some("EFGH".to_owned());
        field.file = new_file();
        field.keeper = SqliteConnection::establish(&field.file).unwrap();
        field.kill();
        field.client.login("agent", "right", Some("KAYANZA")).unwrap();
        field.client.activate("EFGH").unwrap();
        assert!(matches!(field.client.sync(), Ok(Report { stored: 1, .. })));
        assert_eq!(field.client.collect(home, 5).unwrap().label, "D.T1-2026-000003");
        assert_eq!(field.client.cards_left().unwrap(), 199, "a number that a person wears is not free");
        field.days(300);
        assert_eq!(field.client.collect(home, 5).unwrap().label, "D.T1-2027-000001");
        field.client.sync().unwrap();
        assert_eq!(field.server().book.receipts.len(), 4);
    }

    #[test]
    fn a_series_needs_the_first_pull() {
        let mut field = Field::bare(6);
        assert!(matches!(field.client.register(family("N", 1)), Err(Error::First("activate"))));
        field.client.login("agent", "right", None).unwrap();
        assert!(matches!(field.client.activate("WRONG"), Err(Error::Refused { status: 401, .. })));
        field.server().code = Some("ABCD".to_owned());
        field.client.activate("ABCD").unwrap();
        let made = field.client.register(family("N", 1)).unwrap();
        assert_eq!(made.members[0].card_number, None, "the server will give it");
        assert!(matches!(field.client.collect(made.household_id, 1), Err(Error::First("sync"))));
        assert!(field.client.register(family("N", 51)).is_err() && field.client.register(family("N", 0)).is_err());
    }

    #[test]
    fn pushes_keep_to_100_operations_and_900_kib() {
        let mut field = Field::ready(7);
        let home = field.client.register(family("Ndayishimiye", 1)).unwrap().household_id;
        let labels: Vec<_> = (0..250).map(|_| field.client.collect(home, 1).unwrap().label).collect();
        assert_eq!(field.client.sync().unwrap().answered, 251);
        assert_eq!(field.server().pushes.iter().map(|push| push.0).collect::<Vec<_>>(), [100, 100, 51]);
        for _ in 0..10 {
            field.client.register(family(&"x".repeat(100_000), 2)).unwrap();
        }
        assert!(field.client.register(family(&"x".repeat(300_000), 1)).is_err());
        field.client.sync().unwrap();
        assert_eq!(field.server().pushes.iter().skip(3).map(|push| push.0).collect::<Vec<_>>(), [4, 4, 2]);
        field.agree(&labels);
    }

    #[test]
    fn a_busy_server_and_an_ended_login_are_told() {
        let mut field = Field::ready(8);
        field.client.register(family("Ndayishimiye", 1)).unwrap();
        field.server().is_busy = true;
        assert!(matches!(field.client.sync(), Err(Error::Busy { retry_after: Some(30) })));
        field.server().is_busy = false;
        field.server().access = "expired".to_owned();
        field.server().refresh = "expired".to_owned();
        assert!(matches!(field.client.sync(), Err(Error::LoginAgain)));
        assert!(matches!(field.client.login("agent", "wrong", None), Err(Error::Refused { status: 401, .. })));
        assert_eq!(field.client.queued().unwrap(), 1);
        field.client.login("agent", "right", None).unwrap();
        field.agree(&[]);
    }

    #[test]
    fn corrections_in_a_row_are_made_on_each_other() {
        let mut field = Field::ready(9);
        let made = field.client.register(family("Ndayishimiye", 1)).unwrap();
        let (home, first) = (made.household_id, made.members[0].id);
        for name in ["A", "B"] {
            field.client.correct_member(home, first, fields(json!({"given_name": name}))).unwrap();
            field.client.correct_member(home, first, fields(json!({"given_name": format!("{name}{name}")}))).unwrap();
            assert_eq!(field.client.household(home).unwrap().name, format!("{name}{name} Ndayishimiye"));
            field.client.sync().unwrap();
        }
        assert!(field.client.outbox().unwrap().iter().all(|entry| entry.state == State::Done));
        assert!(matches!(
            field.client.correct_member(home, Uuid::nil(), fields(json!({"given_name": "C"}))),
            Err(Error::UnknownMember(_))
        ));
        field.agree(&[]);
    }

    #[test]
    fn an_estimate_counts_no_payment_twice_when_a_pull_is_cut() {
        let mut field = Field::ready(11);
        let homes: Vec<_> = (0..5).map(|_| field.client.register(family("N", 1)).unwrap().household_id).collect();
        field.client.sync().unwrap();
        let labels: Vec<_> = homes.iter().map(|home| field.client.collect(*home, 100).unwrap().label).collect();
        let seen = field.wire.cuts.lock().unwrap().seen;
        // The push, the first page, and then the cut.
        field.wire.cuts.lock().unwrap().at = Some((seen + 3, true));
        assert!(matches!(field.client.sync(), Err(Error::Broken(_))));
        for shown in field.client.households().unwrap() {
            assert_eq!(shown.balance_minor, 900);
        }
        assert_eq!(field.client.households().unwrap().iter().filter(|shown| shown.is_estimate).count(), 2);
        field.agree(&labels);
    }

    #[test]
    fn an_export_is_a_push_that_the_server_takes() {
        let mut field = Field::ready(10);
        let home = field.client.register(family("Ndayishimiye", 1)).unwrap().household_id;
        let labels: Vec<_> = (0..100).map(|_| field.client.collect(home, 1).unwrap().label).collect();
        let folder = std::env::temp_dir().join(format!("field-client-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let exported = field.client.export(&folder.join("push.json")).unwrap();
        assert_eq!((exported.files.len(), exported.operations), (2, 101));
        assert!(exported.files[1].ends_with("push-2.json"));
        for file in &exported.files {
            let push: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            assert_eq!((text(&push, "device_id"), text(&push, "path")), (Some(DEVICE), Some(PUSH)));
            let part = |name| text(&push, name).unwrap();
            assert_eq!(field.server().push(part("signed_at"), part("signature"), part("body")).status, 200);
        }
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(field.client.queued().unwrap(), 101);
        assert_eq!(field.client.sync().unwrap().done, 101, "replayed");
        field.agree(&labels);
    }

    #[test]
    fn two_hundred_agents_with_bad_connections() {
        for seed in 0..200 {
            let mut field = Field::ready(seed);
            let mut dice = Dice(seed ^ 0xa5a5);
            field.wire.cuts.lock().unwrap().dice = Some((Dice(seed + 1000), 10 + dice.below(40)));
            let (mut labels, mut backup) = (Vec::new(), field.server().book.clone());
            let (mut homes, mut registered) = (Vec::<Registered>::new(), 0);
            for _ in 0..60 {
                homes.retain(|home| field.client.document(home.household_id).is_ok());
                let home = if homes.is_empty() { None } else { Some(homes[dice.below(homes.len())].clone()) };
                match (dice.below(16), home) {
                    (0..=2, _) => {
                        let name = ["Niyonzima", "Doubtful", "Hakizimana"][dice.below(3)];
                        homes.push(field.client.register(family(name, 1 + dice.below(3))).unwrap());
                        registered += 1;
                    }
                    (3..=5, Some(home)) => {
                        let amount = 1 + i64::try_from(dice.below(500)).unwrap();
                        let before = field.client.balance(home.household_id).unwrap().0;
                        labels.push(field.client.collect(home.household_id, amount).unwrap().label);
                        assert_eq!(field.client.balance(home.household_id).unwrap().0, before - amount);
                    }
                    (6, Some(home)) => {
                        let phone = fields(json!({"phone": dice.next().to_string()}));
                        let member = home.members[dice.below(home.members.len())].id;
                        field.client.correct_member(home.household_id, member, phone).unwrap();
                    }
                    (7, Some(home)) => {
                        let phone = fields(json!({"phone": dice.next().to_string()}));
                        field.client.correct_household(home.household_id, phone).unwrap();
                    }
                    (8, Some(home)) => {
                        let added = field.client.add_member(home.household_id, person("child", "Young")).unwrap();
                        let at = homes.iter().position(|other| other.household_id == home.household_id).unwrap();
                        homes[at].members.push(added);
                    }
                    (9, _) => {
                        // Another person at the office corrects the same things, or a household moves away.
                        let mut server = field.server();
                        let ids: Vec<_> = server.book.households.keys().cloned().collect();
                        let Some(id) = ids.get(dice.below(ids.len().max(1))) else { continue };
                        if dice.below(4) == 0 {
                            server.book.beyond.insert(id.clone());
                            server.touch(id);
                        } else {
                            let field = if dice.below(2) == 0 { "phone" } else { "area_id" };
                            let base = server.book.households[id]["version"].clone();
                            let op = json!({"type": "update", "entity": format!("household/{id}"),
                                            "base_version": base, "data": {field: dice.next().to_string()}});
                            server.carry_out(&op, true).unwrap();
                        }
                    }
                    (10, _) => field.server().office(),
                    (11, _) => backup = field.server().book.clone(),
                    (12, _) if dice.below(3) == 0 => {
                        let mut server = field.server();
                        server.book = backup.clone();
                        server.copy += 1;
                    }
                    (12, _) => field.server().access = "expired".to_owned(),
                    (13, _) => drop(field.client.ask_numbers(5)),
                    (14, _) => {
                        field.clock.fetch_add(i64::try_from(dice.below(12 * 3_600_000)).unwrap(), Ordering::Relaxed);
                    }
                    _ => match field.client.sync() {
                        Ok(_) => {}
                        Err(Error::Broken(_)) => field.kill(),
                        Err(Error::LoginAgain) => drop(field.client.login("agent", "right", None)),
                        Err(other) => panic!("seed {seed}: {other}"),
                    },
                }
            }
            field.wire.cuts.lock().unwrap().dice = None;
            field.agree(&labels);
            assert_eq!(field.server().book.households.len(), registered, "seed {seed}");
        }
    }
}
