//! Operations as devices send them: read one by one, so that a wrong one does not hold up the others.
use super::rules::Reason;
use crate::dates::add_days;
use crate::error::{Code, Error, FieldError, Problem, Result};
use crate::households::events_http::RecordEvent;
use crate::households::http::{CorrectHousehold, CorrectMember, Person, is_class, is_number};
use crate::households::model::ConsentPurpose;
use crate::households::phones::may_be_phone;
use crate::households::rules::is_valid_card_number;
use crate::households::service::{LARGEST, NewMember};
use crate::ids::*;
use crate::web::{not_blank, read_value, request_hash};
use crate::words;
use chrono::NaiveDate;
use garde::Validate;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Operations in one push at most.
pub const MOST: usize = 100;

/// Days back to which a business date may be told.
pub const WINDOW_DAYS: i64 = 45;

words! {
    /// What an operation does.
    pub enum Kind {
        /// Adds a household with its persons, or a person to a household.
        Create = "create",
        /// Corrects a household or a person.
        Update = "update",
        /// What happened in a household.
        Event = "event",
        /// Cash that the agent received.
        Payment = "payment",
        /// A person consents, or refuses.
        Consent = "consent",
    }
}

words! {
    /// What it is about.
    pub enum EntityKind {
        Household = "household",
        Member = "member",
        Payment = "payment",
        Consent = "consent",
    }
}

/// `household/0190…`: what an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entity {
    pub kind: EntityKind,
    pub id: Uuid,
}

impl std::fmt::Display for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

impl std::str::FromStr for Entity {
    type Err = ();
    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let (kind, id) = text.split_once('/').ok_or(())?;
        Ok(Entity { kind: EntityKind::parse(kind).ok_or(())?, id: Uuid::parse_str(id).map_err(|_| ())? })
    }
}

/// An operation's frame.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct Frame {
    #[serde(rename = "op_id")]
    _op_id: Uuid,
    #[serde(rename = "type")]
    kind: String,
    entity: String,
    #[serde(default)]
    data: Map<String, Value>,
    base_version: Option<i64>,
    /// The device's clock when it was typed.
    #[garde(inner(length(max = 40)))]
    #[serde(rename = "captured_at")]
    _captured_at: Option<String>,
    #[serde(default)]
    #[garde(length(max = MOST))]
    depends_on: Vec<Uuid>,
    #[garde(inner(length(min = 1, max = 40)))]
    group: Option<String>,
}

/// A household as a device registers it.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct FieldHousehold {
    #[garde(inner(custom(is_number)))]
    pub number: Option<String>,
    #[garde(skip)]
    pub section_id: Option<OrganisationId>,
    #[garde(skip)]
    pub area_id: Option<AreaId>,
    #[garde(inner(custom(is_class)))]
    pub class: Option<String>,
    #[garde(inner(custom(may_be_phone)))]
    pub phone: Option<String>,
    #[garde(skip)]
    pub registered_on: NaiveDate,
    #[garde(length(min = 1, max = LARGEST))]
    members: Vec<Map<String, Value>>,
    #[garde(skip)]
    #[serde(skip)]
    pub persons: Vec<NewMember>,
}

/// Cash that an agent received.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct FieldPayment {
    #[garde(skip)]
    pub household_id: HouseholdId,
    #[garde(skip)]
    pub amount_minor: i64,
    #[garde(length(chars, min = 3, max = 3))]
    pub currency: String,
    #[garde(skip)]
    pub received_on: NaiveDate,
    /// In the device's series of the year of `received_on`.
    #[garde(range(min = 1, max = 999_999))]
    pub receipt_number: i64,
    #[garde(inner(length(chars, min = 1, max = 120)))]
    pub reference: Option<String>,
}

/// A person's consent, or its refusal.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct FieldConsent {
    #[garde(skip)]
    pub member_id: MemberId,
    #[garde(skip)]
    pub purpose: ConsentPurpose,
    #[garde(length(chars, max = 20), custom(not_blank))]
    pub wording: String,
    #[garde(skip)]
    pub given: bool,
    #[garde(skip)]
    pub guardian_id: Option<MemberId>,
    #[garde(skip)]
    pub decided_on: NaiveDate,
}

/// What an operation wants.
#[derive(Debug)]
pub enum Wanted {
    Household(Box<FieldHousehold>),
    /// The household, the first day there, the person.
    Member(HouseholdId, NaiveDate, Box<NewMember>),
    CorrectHousehold(CorrectHousehold),
    CorrectMember(Box<CorrectMember>),
    Event(Box<RecordEvent>),
    Payment(FieldPayment),
    Consent(FieldConsent),
}

/// An operation that can be understood.
#[derive(Debug)]
pub struct Operation {
    pub kind: Kind,
    pub entity: Entity,
    pub wanted: Wanted,
    /// The names of the fields of `data`.
    pub fields: std::collections::BTreeSet<String>,
    pub base_version: Option<i64>,
}

/// An operation as it came, understood or not.
#[derive(Debug)]
pub struct Sent {
    /// None where there is none to be read.
    pub id: Option<OperationId>,
    /// SHA-256 of every field but the id (R47).
    pub hash: [u8; 32],
    /// SHA-256 of all of it: another operation that would create the same entity has another.
    pub whole: [u8; 32],
    pub json: Value,
    pub depends_on: Vec<OperationId>,
    pub group: Option<String>,
    pub read: std::result::Result<Operation, Box<Refusal>>,
}

/// Why an operation is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    pub detail: String,
    /// Names of fields, without `/data`.
    pub fields: Vec<String>,
}

impl Refusal {
    /// A refusal with a sentence.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Refusal { code: code.to_owned(), detail: detail.into(), fields: Vec::new() }
    }

    /// A refusal by a rule of sync.
    pub fn of(reason: Reason, detail: &str) -> Self {
        Refusal::new(reason.code(), detail)
    }

    /// The refusal of a service, its code in capitals as states travel; an unknown field has a code of its own.
    pub fn told(problem: &Problem) -> Self {
        let first = problem.errors.first().filter(|_| problem.code == Code::Invalid);
        let code = first.map_or(problem.code.as_str(), |fault: &FieldError| fault.code.as_str());
        let detail = first.map_or(&problem.detail, |fault| &fault.message).clone();
        let name = |fault: &FieldError| fault.pointer.trim_start_matches('/').to_owned();
        Refusal { code: code.to_ascii_uppercase(), detail, fields: problem.errors.iter().map(name).collect() }
    }
}

/// The days of which business dates may be.
#[derive(Debug, Clone, Copy)]
pub struct Days {
    pub first: NaiveDate,
    pub today: NaiveDate,
}

impl Days {
    /// Of what comes from the field.
    pub fn of_field(today: NaiveDate) -> Self {
        Days { first: add_days(today, -WINDOW_DAYS).unwrap_or(today), today }
    }

    /// Of what was sent on a day and is looked at later.
    pub fn since(sent_on: NaiveDate, today: NaiveDate) -> Self {
        Days { first: add_days(sent_on, -WINDOW_DAYS).unwrap_or(sent_on), today }
    }

    /// Of what the office looked at.
    pub fn of_office(today: NaiveDate) -> Self {
        Days { first: NaiveDate::from_ymd_opt(1880, 1, 1).unwrap_or(NaiveDate::MIN), today }
    }
}

/// Reads an operation.
pub fn read(mut json: Value, days: Days) -> Sent {
    let whole = request_hash("", &json);
    let mut told = None;
    if let Value::Object(map) = &mut json {
        told = map.remove("op_id");
    }
    let hash = request_hash("", &json);
    let id = told.as_ref().and_then(|id| Uuid::parse_str(id.as_str()?).ok());
    if let (Value::Object(map), Some(told)) = (&mut json, told) {
        map.insert("op_id".into(), told);
    }
    let mut sent = Sent {
        id: id.map(OperationId::new),
        hash,
        whole,
        json,
        depends_on: Vec::new(),
        group: None,
        read: Err(Box::new(Refusal::new("UNREADABLE", "an operation is an object"))),
    };
    let refused = |error: Error| match error {
        Error::Problem(problem) => Box::new(Refusal::told(&problem)),
        other => Box::new(Refusal::new("INTERNAL", other.to_string())),
    };
    match read_value::<Frame>(&sent.json) {
        Ok(frame) => {
            sent.depends_on = frame.depends_on.iter().copied().map(OperationId::new).collect();
            sent.group = frame.group.clone();
            sent.read = understand(frame, days);
        }
        Err(error) => sent.read = Err(refused(error)),
    }
    sent
}

fn understand(frame: Frame, days: Days) -> std::result::Result<Operation, Box<Refusal>> {
    let kind = Kind::parse(&frame.kind).ok_or_else(|| Box::new(Refusal::new("UNKNOWN_TYPE", "an unknown type")))?;
    let unknown = || Box::new(Refusal::new("UNKNOWN_ENTITY", "household/, member/, payment/ or consent/ and a UUID"));
    let entity: Entity = frame.entity.parse().map_err(|()| unknown())?;
    let fields = frame.data.keys().cloned().collect();
    let wanted = wanted(kind, entity, frame.data, days).map_err(|error| match error {
        Error::Problem(problem) => Box::new(Refusal::told(&problem)),
        other => Box::new(Refusal::new("INTERNAL", other.to_string())),
    })?;
    if kind == Kind::Update && frame.base_version.is_none() {
        let detail = "an update names the version that it was made on";
        return Err(Box::new(Refusal { fields: vec!["base_version".into()], ..Refusal::new("MISSING", detail) }));
    }
    Ok(Operation { kind, entity, wanted, fields, base_version: frame.base_version })
}

fn wanted(kind: Kind, entity: Entity, mut data: Map<String, Value>, days: Days) -> Result<Wanted> {
    let possible = |on: NaiveDate, name: &str| {
        let Days { first, today } = days;
        if on > today {
            return Err(Error::from(Problem::of(Code::FutureDate).at(format!("/{name}"))));
        }
        if on < first {
            let detail = format!("from {first} on");
            return Err(Problem::field(format!("/{name}"), "date_out_of_window", detail).into());
        }
        Ok(())
    };
    match (kind, entity.kind) {
        (Kind::Create, EntityKind::Household) => {
            let mut household: FieldHousehold = read_value(&Value::Object(data))?;
            possible(household.registered_on, "registered_on")?;
            for (at, person) in std::mem::take(&mut household.members).into_iter().enumerate() {
                let inside = |mut problem: Problem| {
                    for fault in &mut problem.errors {
                        fault.pointer = format!("/members/{at}{}", fault.pointer);
                    }
                    problem
                };
                let person = read_person(person).map_err(|error| match error {
                    Error::Problem(problem) => inside(*problem).into(),
                    other => other,
                })?;
                household.persons.push(person);
            }
            Ok(Wanted::Household(Box::new(household)))
        }
        (Kind::Create, EntityKind::Member) => {
            #[derive(Deserialize, Validate)]
            #[garde(allow_unvalidated)]
            struct Where {
                household_id: HouseholdId,
                registered_on: NaiveDate,
            }
            let into: Where = read_value(&Value::Object(data.clone()))?;
            data.remove("household_id");
            data.remove("registered_on");
            possible(into.registered_on, "registered_on")?;
            let person = NewMember { id: Some(MemberId::new(entity.id)), ..read_person(data)? };
            Ok(Wanted::Member(into.household_id, into.registered_on, Box::new(person)))
        }
        (Kind::Update, EntityKind::Household) => Ok(Wanted::CorrectHousehold(read_value(&Value::Object(data))?)),
        (Kind::Update, EntityKind::Member) => Ok(Wanted::CorrectMember(Box::new(read_value(&Value::Object(data))?))),
        (Kind::Event, EntityKind::Household) => {
            let event: RecordEvent = read_value(&Value::Object(data))?;
            possible(event.on, "on")?;
            Ok(Wanted::Event(Box::new(event)))
        }
        (Kind::Payment, EntityKind::Payment) => {
            let payment: FieldPayment = read_value(&Value::Object(data))?;
            possible(payment.received_on, "received_on")?;
            Ok(Wanted::Payment(payment))
        }
        (Kind::Consent, EntityKind::Consent) => {
            let consent: FieldConsent = read_value(&Value::Object(data))?;
            possible(consent.decided_on, "decided_on")?;
            Ok(Wanted::Consent(consent))
        }
        _ => Err(Problem::field("/entity", "unknown_entity", format!("not of the type {kind}")).into()),
    }
}

/// A person with a card number out of a block, where he has one already.
fn read_person(mut data: Map<String, Value>) -> Result<NewMember> {
    let card = match data.remove("card_number") {
        None | Some(Value::Null) => None,
        Some(Value::String(number)) if is_valid_card_number(&number) => Some(number),
        Some(_) => return Err(Problem::of(Code::NoCardCheck).at("/card_number").into()),
    };
    let person: Person = read_value(&Value::Object(data))?;
    if person.legacy_number.is_some() {
        return Err(Problem::field("/legacy_number", "unknown_field", "not from the field").into());
    }
    Ok(NewMember { card_number: card, ..person.into() })
}

impl Operation {
    /// The date that may open rights, by its name; it needs confirmation where the device's clock is wrong.
    pub fn opens_on(&self) -> Option<&'static str> {
        match &self.wanted {
            Wanted::Household(_) | Wanted::Member(..) => Some("registered_on"),
            Wanted::Payment(_) => Some("received_on"),
            Wanted::Event(_) => Some("on"),
            Wanted::CorrectHousehold(_) | Wanted::CorrectMember(_) | Wanted::Consent(_) => None,
        }
    }

    /// The ids of households and persons that it names, and the numbers that it gives them.
    pub fn names(&self) -> (Vec<Uuid>, Vec<&str>) {
        let mut ids = vec![self.entity.id];
        ids.extend(self.households().into_iter().map(Key::uuid));
        ids.extend(self.members().into_iter().map(Key::uuid));
        let mut numbers = Vec::new();
        let persons: &[NewMember] = match &self.wanted {
            Wanted::Household(asked) => {
                numbers.extend(asked.number.as_deref());
                &asked.persons
            }
            Wanted::Member(_, _, person) => std::slice::from_ref(person.as_ref()),
            Wanted::Event(event) => {
                numbers.extend(event.number.as_deref());
                ids.extend(event.member_id.map(Key::uuid));
                ids.extend(event.person.as_ref().and_then(|person| person.id).map(Key::uuid));
                &[]
            }
            _ => &[],
        };
        ids.extend(persons.iter().filter_map(|person| person.id).map(Key::uuid));
        numbers.extend(persons.iter().filter_map(|person| person.card_number.as_deref()));
        (ids, numbers)
    }

    /// Households that it names.
    pub fn households(&self) -> Vec<HouseholdId> {
        match &self.wanted {
            Wanted::Member(household, ..) => vec![*household],
            Wanted::CorrectHousehold(_) => vec![HouseholdId::new(self.entity.id)],
            Wanted::Event(event) => {
                [Some(HouseholdId::new(self.entity.id)), event.from_household_id].into_iter().flatten().collect()
            }
            Wanted::Payment(payment) => vec![payment.household_id],
            Wanted::Household(_) | Wanted::CorrectMember(_) | Wanted::Consent(_) => Vec::new(),
        }
    }

    /// Persons whose households it touches.
    pub fn members(&self) -> Vec<MemberId> {
        match &self.wanted {
            Wanted::CorrectMember(_) => vec![MemberId::new(self.entity.id)],
            Wanted::Consent(consent) => vec![consent.member_id],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OP: &str = "01900000-0000-7000-8000-000000000001";
    const HOUSEHOLD: &str = "household/01900000-0000-7000-8000-000000000002";

    fn today() -> Days {
        Days::of_field(NaiveDate::from_ymd_opt(2026, 3, 10).unwrap())
    }

    fn household() -> Value {
        json!({"op_id": OP, "type": "create", "entity": HOUSEHOLD, "data": {"registered_on": "2026-03-08", "members": [
            {"relationship": "principal", "family_name": "Ndayishimiye", "given_name": "Regine", "sex": "female"}]}})
    }

    fn code(json: Value) -> (String, Vec<String>) {
        let refusal = read(json, today()).read.expect_err("a refusal");
        (refusal.code, refusal.fields)
    }

    #[test]
    fn the_content_of_an_operation_is_all_but_its_id() {
        let one = read(household(), today());
        assert!(one.read.is_ok(), "{:?}", one.read);
        let mut other_id = household();
        other_id["op_id"] = json!("01900000-0000-7000-8000-000000000009");
        assert_eq!(read(other_id, today()).hash, one.hash);
        for (name, value) in [("group", json!("g")), ("captured_at", json!("2026")), ("depends_on", json!([OP]))] {
            let mut changed = household();
            changed[name] = value;
            assert_ne!(read(changed, today()).hash, one.hash, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_understood_has_its_code_and_its_fields() {
        let with = |change: &dyn Fn(&mut Value)| {
            let mut json = household();
            change(&mut json);
            code(json)
        };
        assert_eq!(with(&|op| op["type"] = json!("upsert")).0, "UNKNOWN_TYPE");
        for entity in ["village/01900000-0000-7000-8000-000000000002", "household/7", "household"] {
            assert_eq!(with(&|op| op["entity"] = json!(entity)).0, "UNKNOWN_ENTITY", "{entity}");
        }
        assert_eq!(with(&|op| op["entity"] = json!(HOUSEHOLD.replace("household", "payment"))).0, "UNKNOWN_ENTITY");
        assert_eq!(with(&|op| op["mood"] = json!(1)), ("UNKNOWN_FIELD".into(), vec!["mood".into()]));
        assert_eq!(with(&|op| op["data"]["mood"] = json!(1)), ("UNKNOWN_FIELD".into(), vec!["mood".into()]));
        assert_eq!(
            with(&|op| op["data"]["members"][0]["mood"] = json!(1)),
            ("UNKNOWN_FIELD".into(), vec!["members/0/mood".into()])
        );
        assert_eq!(
            with(&|op| op["data"]["members"][0]["card_number"] = json!("1000010000000199")).0,
            "CARD_CHECK_FAILED"
        );
        assert_eq!(with(&|op| op["data"]["registered_on"] = json!("2026-03-11")).0, "FUTURE_DATE");
        assert_eq!(with(&|op| op["data"]["registered_on"] = json!("2026-01-23")).0, "DATE_OUT_OF_WINDOW");
        assert!(
            read(
                {
                    let mut op = household();
                    op["data"]["registered_on"] = json!("2026-01-24");
                    op
                },
                today()
            )
            .read
            .is_ok()
        );
        assert_eq!(code(json!("op")).0, "WRONG_TYPE");
        assert!(read(json!({"op_id": "x"}), today()).id.is_none());
        let update = json!({"op_id": OP, "type": "update", "entity": HOUSEHOLD, "data": {"class": "INDIGENT"}});
        assert_eq!(code(update), ("MISSING".into(), vec!["base_version".into()]));
    }
}
