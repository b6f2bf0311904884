//! The simulated tree: a network, a platform in Burundi and one in Senegal, their products, mutuals with two sections each,
//! and a user of each role.
use super::PASSWORD;
use crate::access::model::{Grant, User};
use crate::access::permissions::{OrganisationKind, Role};
use crate::access::service::terminal_order;
use crate::access::{passwords, store as access};
use crate::audit::frame::{Hooks, command};
use crate::db::{Db, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::organisations::rules::NewOrganisation;
use crate::organisations::service as organisations;
use crate::products::rules::Product;
use crate::products::service::{self as products, NewProduct};
use chrono::NaiveDate;
use serde_json::json;

/// A simulated mutual.
#[derive(Debug, Clone)]
pub struct Mutual {
    pub id: OrganisationId,
    pub code: String,
    pub currency: &'static str,
    pub sections: Vec<OrganisationId>,
    pub products: Vec<ProductId>,
    pub registrar: UserId,
    pub treasurer: UserId,
    /// The field agent of each section.
    pub agents: Vec<UserId>,
}

/// What was planted.
#[derive(Debug, Clone)]
pub struct Tree {
    pub mutuals: Vec<Mutual>,
}

const NAMES: &[(&str, &str)] = &[
    ("KAYANZA", "Mutuelle de santé de Kayanza"),
    ("THIES", "Mutuelle de santé de Thiès"),
    ("NGOZI", "Mutuelle de santé de Ngozi"),
    ("KAOLACK", "Mutuelle de santé de Kaolack"),
    ("GITEGA", "Mutuelle de santé de Gitega"),
    ("LOUGA", "Mutuelle de santé de Louga"),
    ("MUYINGA", "Mutuelle de santé de Muyinga"),
    ("FATICK", "Mutuelle de santé de Fatick"),
];

fn add(
    db: &Db,
    hooks: &Hooks,
    code: &str,
    name: &str,
    kind: OrganisationKind,
    parent: OrganisationId,
    money: Option<(&str, &str, &str)>,
) -> Result<OrganisationId> {
    let new = NewOrganisation {
        code: code.to_owned(),
        name: name.to_owned(),
        kind,
        country: money.map(|(country, _, _)| country.to_owned()),
        currency: money.filter(|_| kind == OrganisationKind::Mutual).map(|(_, currency, _)| currency.to_owned()),
        timezone: money.map(|(_, _, zone)| zone.to_owned()),
        card_prefix: None,
    };
    let order = terminal_order(db, "ayni simulate");
    command(db, hooks, &order, |w| organisations::add(w, hooks, &order, &new, parent))?;
    Ok(Key::new(order.id.uuid()))
}

/// A user with one grant and the demonstration's password.
fn user(
    w: &mut Write,
    order: CommandId,
    email: &str,
    name: &str,
    role: Role,
    on: OrganisationId,
    hash: &str,
) -> Result<UserId> {
    let row = User {
        id: w.new_id(),
        email: Some(email.to_lowercase()),
        phone: None,
        name: name.to_owned(),
        password_hash: Some(hash.to_owned()),
        disabled_at: None,
        created_at: w.now(),
        version: 1,
    };
    if !access::insert_user(w, &row)? {
        return Err(Problem::with(Code::EmailTaken, "the database is not empty").into());
    }
    let grant = Grant {
        id: Key::new(order.uuid()),
        user_id: row.id,
        role,
        organisation_id: Some(on),
        provider_id: None,
        reason: None,
        granted_by: None,
        granted_at: w.now(),
        expires_at: None,
        ended_at: None,
        ended_by: None,
    };
    access::insert_grant(w, &grant)?;
    w.names("user", row.id.uuid());
    w.names("grant", grant.id.uuid());
    access::move_version(w)?;
    Ok(row.id)
}

fn product(
    db: &Db,
    hooks: &Hooks,
    owner: OrganisationId,
    code: &str,
    name: &str,
    parameters: serde_json::Value,
) -> Result<ProductId> {
    let parameters: Product = serde_json::from_value(parameters)
        .map_err(|error| Error::Fault(format!("the simulated product {code} cannot be read: {error}")))?;
    let order = terminal_order(db, "ayni simulate");
    let new = NewProduct {
        owner,
        code: code.to_owned(),
        name: name.to_owned(),
        parameters,
        valid_from: None,
        valid_to: None,
    };
    command(db, hooks, &order, |w| {
        let id = products::add(w, &order, &new)?;
        products::publish(w, id, 1, Some("\"v1\""))
    })?;
    Ok(Key::new(order.id.uuid()))
}

fn benefits(waiting: i64) -> serde_json::Value {
    let rate = |months: i64| json!({"waiting_months": months, "rate_bp": {"public": 8000, "private": 5000}});
    json!({"OPD": rate(waiting), "LAB": rate(waiting), "DRUG": rate(waiting), "HOSP": rate(waiting + 2),
        "MATERNITY": rate(waiting + 8), "ACCIDENT": rate(0)})
}

/// Plants the tree.
///
/// # Errors
/// A refusal where the database is not empty.
pub fn plant(db: &Db, hooks: &Hooks, mutuals: u32, _start: NaiveDate) -> Result<Tree> {
    use OrganisationKind as K;
    let hash = passwords::hash(PASSWORD)?;
    let invite = |email: &str, name: &str, role: Role, on: OrganisationId| -> Result<UserId> {
        let order = terminal_order(db, "ayni simulate");
        let mut made = UserId::NIL;
        command(db, hooks, &order, |w| {
            made = user(w, order.id, email, name, role, on, &hash)?;
            Ok(())
        })?;
        Ok(made)
    };
    let network = add(db, hooks, "SOLIDARITY", "Solidarity network", K::Network, OrganisationId::NIL, None)?;
    let burundi = ("BI", "BIF", "Africa/Bujumbura");
    let senegal = ("SN", "XOF", "Africa/Dakar");
    let platform_bi =
        add(db, hooks, "PLATFORM-BI", "Platform of mutuals of Burundi", K::Platform, network, Some(burundi))?;
    let platform_sn =
        add(db, hooks, "PLATFORM-SN", "Platform of mutuals of Senegal", K::Platform, network, Some(senegal))?;
    invite("system@ayni.example", "System administrator", Role::SystemAdmin, OrganisationId::NIL)?;
    for (platform, tag) in [(platform_bi, "bi"), (platform_sn, "sn")] {
        invite(&format!("admin@platform-{tag}.example"), "Platform administrator", Role::PlatformAdmin, platform)?;
        invite(&format!("analyst@platform-{tag}.example"), "Platform analyst", Role::PlatformAnalyst, platform)?;
    }
    invite("analyst@solidarity.example", "Network analyst", Role::PlatformAnalyst, network)?;
    let family = product(
        db,
        hooks,
        platform_bi,
        "BI-FAM",
        "Family, a year at once",
        json!({"currency": "BIF", "registration_fee": 1000, "renewal_grace_days": 30, "filing_days": 90,
            "contribution": {"kind": "household_bands",
                "bands": [{"from": 1, "to": 6, "amount": 30000}, {"from": 7, "to": 10, "amount": 35000}],
                "extra_per_person_above": {"above": 10, "amount": 2500}},
            "referral_levels": ["hospital"], "benefits": benefits(1), "ceilings": {"household_year": 200000}}),
    )?;
    let subsidised = product(
        db,
        hooks,
        platform_sn,
        "SN-CMU",
        "A year per person, half paid by the State",
        json!({"currency": "XOF", "registration_fee": 1000, "renewal_grace_days": 30, "filing_days": 90,
            "contribution": {"kind": "per_person_year", "amount": 7000},
            "subsidies": {"STANDARD": {"rate_bp": 5000, "payer": "STATE", "registration_waived": false},
                "INDIGENT": {"rate_bp": 10000, "payer": "STATE", "registration_waived": true}},
            "benefits": benefits(1)}),
    )?;
    let monthly = product(
        db,
        hooks,
        platform_sn,
        "SN-MON",
        "A contribution a month",
        json!({"currency": "XOF", "registration_fee": 1000, "filing_days": 90, "renewal_grace_days": 30,
            "contribution": {"kind": "per_person_month", "amount": 500},
            "arrears": {"grace_days": 30, "reinstatement_delay_days": 15, "lapse_days": 180},
            "benefits": {"OPD": {"waiting_months": 1, "copay": 200},
                "DRUG": {"waiting_months": 1, "rate_bp": {"public": 7500, "private": 7500}},
                "HOSP": {"waiting_months": 3, "rate_bp": {"public": 7500, "private": 7500}}},
            "frequency": {"OPD": {"limit": 2, "window": "calendar_month", "per": "person"}},
            "ceilings": {"person_year": 150000, "household_year": 400000}}),
    )?;
    let mut tree = Tree { mutuals: Vec::new() };
    for at in 0..mutuals {
        let (code, name) = match NAMES.get(usize::try_from(at).unwrap_or(usize::MAX)) {
            Some((code, name)) => ((*code).to_owned(), (*name).to_owned()),
            None => (format!("M{:04}", at + 1), format!("Mutual {}", at + 1)),
        };
        let (money, platform, products) = if at % 2 == 0 {
            (burundi, platform_bi, vec![family])
        } else {
            (senegal, platform_sn, vec![monthly, subsidised])
        };
        let id = add(db, hooks, &code, &name, K::Mutual, platform, Some(money))?;
        let mut sections = Vec::new();
        let mut agents = Vec::new();
        let at_code = |who: &str| format!("{who}@{code}.example");
        for section in ["NORTH", "SOUTH"] {
            let section_id =
                add(db, hooks, &format!("{code}-{section}"), &format!("{name}, {section}"), K::Section, id, None)?;
            agents.push(invite(&at_code(&format!("agent.{section}")), "Field agent", Role::FieldAgent, section_id)?);
            sections.push(section_id);
        }
        invite(&at_code("admin"), "Mutual administrator", Role::MutualAdmin, id)?;
        let registrar = invite(&at_code("registrar"), "Registrar", Role::Registrar, id)?;
        let treasurer = invite(&at_code("treasurer"), "Treasurer", Role::Treasurer, id)?;
        invite(&at_code("claims"), "Claims officer", Role::ClaimsOfficer, id)?;
        invite(&at_code("adviser"), "Medical adviser", Role::MedicalAdviser, id)?;
        invite(&at_code("auditor"), "Auditor", Role::Auditor, id)?;
        tree.mutuals.push(Mutual { id, code, currency: money.1, sections, products, registrar, treasurer, agents });
    }
    Ok(tree)
}
