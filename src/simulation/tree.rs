//! The simulated tree: a network, a platform in Burundi and one in Senegal, their products, mutuals with two sections each,
//! and a user of each role.
use super::PASSWORD;
use crate::access::model::{Grant, User};
use crate::access::permissions::{OrganisationKind, Role};
use crate::access::scopes::MutualScope;
use crate::access::service::terminal_order;
use crate::access::{passwords, store as access};
use crate::audit::frame::{Hooks, Order, command};
use crate::audit::model::{Asker, Purpose};
use crate::db::{Db, Wall, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use crate::organisations::rules::NewOrganisation;
use crate::organisations::service as organisations;
use crate::products::rules::Product;
use crate::products::service::{self as products, NewProduct};
use crate::providers::model::{Sector, ServiceKind};
use crate::providers::service::{
    self as care, Agreed, Limits, NewConvention, NewProvider, NewService, NewTariff, ProviderDetails,
};
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
    /// Who approves.
    pub admin: UserId,
    /// Who decides claims.
    pub officer: UserId,
    /// Where its members are treated.
    pub facilities: Vec<ProviderId>,
}

/// The services of every simulated catalogue: code, name, category, kind, price in BIF and in XOF.
pub const SERVICES: &[(&str, &str, &str, ServiceKind, i64, i64)] = &[
    ("CONS", "Consultation", "OPD", ServiceKind::Service, 3000, 1000),
    ("MALARIA", "Malaria test", "LAB", ServiceKind::Service, 1500, 500),
    ("BLOOD", "Blood count", "LAB", ServiceKind::Service, 4000, 2000),
    ("PARA", "Paracetamol, 10 tablets", "DRUG", ServiceKind::Medicine, 500, 200),
    ("AMOX", "Amoxicillin, 20 capsules", "DRUG", ServiceKind::Medicine, 2500, 900),
    ("ACT", "Artemether-lumefantrine", "DRUG", ServiceKind::Medicine, 2000, 700),
    ("BED", "Day in hospital", "HOSP", ServiceKind::Service, 15000, 6000),
    ("DELIVERY", "Delivery", "MATERNITY", ServiceKind::Service, 40000, 15000),
    ("WOUND", "Wound dressed", "ACCIDENT", ServiceKind::Service, 5000, 1500),
];

/// What was planted.
#[derive(Debug, Clone)]
pub struct Tree {
    pub network: OrganisationId,
    pub mutuals: Vec<Mutual>,
    pub platforms: Vec<OrganisationId>,
    /// One that keeps paper, where there are mutuals enough beside it.
    pub paper: Option<PaperMutual>,
}

/// A mutual that keeps paper: its platform hands its months in.
#[derive(Debug, Clone)]
pub struct PaperMutual {
    pub id: OrganisationId,
    pub currency: &'static str,
    pub platform_admin: UserId,
}

/// From so many mutuals on there is one more that keeps paper.
const WITH_PAPER: u32 = 4;

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

/// Where a user is at work.
#[derive(Debug, Clone, Copy)]
enum Place {
    Organisation(OrganisationId),
    Facility(ProviderId),
}

/// The facilities of a platform with its catalogue, reference prices and a convention for all its mutuals.
fn facilities(
    db: &Db,
    hooks: &Hooks,
    platform: OrganisationId,
    currency: &str,
    start: NaiveDate,
) -> Result<Vec<ProviderId>> {
    let currency = Currency::parse(currency).ok_or_else(|| Error::Fault("an unknown currency".into()))?;
    let mut made = Vec::new();
    for (code, name, level, sector, care_types) in [
        ("CENTRE", "Health centre", "health_centre", Sector::Public, &["outpatient", "maternity"][..]),
        ("CLINIC", "Clinic of the sisters", "health_centre", Sector::Private, &["outpatient"]),
        ("HOSPITAL", "District hospital", "hospital", Sector::Public, &["outpatient", "maternity", "surgery"]),
    ] {
        let order = terminal_order(db, "ayni simulate");
        let new = NewProvider {
            owner: platform,
            code: code.into(),
            name: name.into(),
            level: level.into(),
            sector,
            area: None,
            details: ProviderDetails {
                care_types: care_types.iter().map(|word| (*word).to_owned()).collect(),
                ..ProviderDetails::default()
            },
        };
        command(db, hooks, &order, |w| care::add(w, &order, &new))?;
        let provider: ProviderId = Key::new(order.id.uuid());
        let order = terminal_order(db, "ayni simulate");
        let convention = NewConvention {
            provider,
            party: platform,
            valid_from: start,
            valid_to: None,
            terms: Agreed { invoice_days: Some(15), payment_days: Some(30), ..Agreed::default() },
        };
        command(db, hooks, &order, |w| care::convene(w, &order, &convention))?;
        made.push(provider);
    }
    for (code, name, category, kind, bif, xof) in SERVICES {
        let order = terminal_order(db, "ayni simulate");
        let new = NewService {
            owner: platform,
            code: (*code).into(),
            name: (*name).into(),
            category: (*category).into(),
            kind: *kind,
            limits: Limits::default(),
        };
        command(db, hooks, &order, |w| care::add_service(w, &order, &new))?;
        let service: ServiceId = Key::new(order.id.uuid());
        let order = terminal_order(db, "ayni simulate");
        let price = NewTariff {
            owner: platform,
            provider: None,
            service,
            unit_price_minor: if currency.code() == "BIF" { *bif } else { *xof },
            currency,
            valid_from: start,
            valid_to: None,
        };
        command(db, hooks, &order, |w| care::add_tariff(w, &order, &price))?;
    }
    Ok(made)
}

/// A user with one grant and the demonstration's password.
fn user(
    w: &mut Write,
    order: CommandId,
    email: &str,
    name: &str,
    role: Role,
    place: Place,
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
        organisation_id: match place {
            Place::Organisation(id) => Some(id),
            Place::Facility(_) => None,
        },
        provider_id: match place {
            Place::Organisation(_) => None,
            Place::Facility(id) => Some(id),
        },
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
pub fn plant(db: &Db, hooks: &Hooks, mutuals: u32, start: NaiveDate) -> Result<Tree> {
    use OrganisationKind as K;
    let hash = passwords::hash(PASSWORD)?;
    let invite = |email: &str, name: &str, role: Role, on: OrganisationId| -> Result<UserId> {
        let order = terminal_order(db, "ayni simulate");
        let mut made = UserId::NIL;
        command(db, hooks, &order, |w| {
            made = user(w, order.id, email, name, role, Place::Organisation(on), &hash)?;
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
    let mut platform_admins = Vec::new();
    for (platform, tag) in [(platform_bi, "bi"), (platform_sn, "sn")] {
        let email = format!("admin@platform-{tag}.example");
        platform_admins.push(invite(&email, "Platform administrator", Role::PlatformAdmin, platform)?);
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
    let facilities_bi = facilities(db, hooks, platform_bi, "BIF", start)?;
    let facilities_sn = facilities(db, hooks, platform_sn, "XOF", start)?;
    for (facilities, tag) in [(&facilities_bi, "bi"), (&facilities_sn, "sn")] {
        if let Some(facility) = facilities.first() {
            let order = terminal_order(db, "ayni simulate");
            let place = Place::Facility(*facility);
            let email = format!("clerk@facility-{tag}.example");
            command(db, hooks, &order, |w| {
                user(w, order.id, &email, "Clerk of a health centre", Role::ProviderClerk, place, &hash).map(|_| ())
            })?;
        }
    }
    let mut tree = Tree { network, mutuals: Vec::new(), platforms: vec![platform_bi, platform_sn], paper: None };
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
        let admin = invite(&at_code("admin"), "Mutual administrator", Role::MutualAdmin, id)?;
        let registrar = invite(&at_code("registrar"), "Registrar", Role::Registrar, id)?;
        let treasurer = invite(&at_code("treasurer"), "Treasurer", Role::Treasurer, id)?;
        let officer = invite(&at_code("claims"), "Claims officer", Role::ClaimsOfficer, id)?;
        invite(&at_code("adviser"), "Medical adviser", Role::MedicalAdviser, id)?;
        invite(&at_code("auditor"), "Auditor", Role::Auditor, id)?;
        tree.mutuals.push(Mutual {
            id,
            code,
            currency: money.1,
            sections,
            products,
            registrar,
            treasurer,
            agents,
            admin,
            officer,
            facilities: if at % 2 == 0 { facilities_bi.clone() } else { facilities_sn.clone() },
        });
    }
    if let Some(platform_admin) = platform_admins.first().copied().filter(|_| mutuals >= WITH_PAPER) {
        let id = add(db, hooks, "RUYIGI", "Mutuelle de santé de Ruyigi", K::Mutual, platform_bi, Some(burundi))?;
        tree.paper = Some(PaperMutual { id, currency: burundi.1, platform_admin });
    }
    Ok(tree)
}

/// An order of a simulated user.
pub fn order(db: &Db, scope: &MutualScope, user: UserId, purpose: Purpose) -> Order {
    Order {
        id: db.ids().next(),
        wall: Wall::mutual(scope.mutual()),
        route: "ayni simulate".into(),
        hash: [0; 32],
        asker: Asker { user: Some(user), purpose, request: db.ids().next::<kind::Audit>().uuid() },
        today: scope.today(),
        by_header: false,
    }
}
