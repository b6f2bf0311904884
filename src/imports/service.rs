//! Carries an import out: check a file whole, try it, write it; then the next.
use super::rows::{File, First, Item, Row, products};
use crate::access::permissions::OrganisationKind;
use crate::access::picture::Picture;
use crate::access::scopes::{MutualScope, SystemScope};
use crate::access::service::terminal_order;
use crate::audit::frame::{Done, Hooks, Order, command, command_in};
use crate::audit::model::{Asker, Purpose};
use crate::claims::opening::{Used, record_used};
use crate::claims::service::{Cites, Deciding, NewClaim, NewLine, submit};
use crate::contributions::desks;
use crate::contributions::receipts;
use crate::contributions::service::{Locked, NewPayment, Taker, pay};
use crate::db::{Db, Wall, Write};
use crate::enrolments::service::{Application, admit_as_agreed, apply};
use crate::error::{Code, Error, Problem, Result};
use crate::households::events::register_with_household;
use crate::households::model::Relationship;
use crate::households::service::{NewHousehold, found_household};
use crate::households::store as households;
use crate::ids::*;
use crate::ledger::rules::Opened;
use crate::ledger::service::open_balance;
use crate::organisations::model::Area;
use crate::organisations::rules::NewOrganisation;
use crate::organisations::store as organisations;
use crate::products::service::{NewProduct, add as add_product, publish};
use crate::products::store as product_store;
use crate::providers::service::{Agreed, Limits, NewConvention, NewProvider, NewService, NewTariff, ProviderDetails};
use crate::providers::{service as care, store as care_store};
use crate::records::{self, Fault};
use crate::series::{self, SeriesKind};
use crate::web::request_hash;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Rows of one transaction: enough to be quick, few enough not to keep others waiting.
const CHUNK: usize = 1_000;

/// What is imported where.
#[derive(Debug, Clone)]
pub struct Request {
    /// The mutual's code.
    pub mutual: String,
    /// What the mutual is made of where it is not there.
    pub new: Option<NewMutual>,
    /// Checks and tries, writes nothing.
    pub dry_run: bool,
}

/// A mutual to be made.
#[derive(Debug, Clone)]
pub struct NewMutual {
    pub name: String,
    pub country: String,
    pub currency: String,
    pub timezone: String,
    /// The code of the one above.
    pub parent: Option<String>,
}

/// What became of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Its name.
    pub file: String,
    /// Rows read.
    pub rows: usize,
    /// Rows written now; with `--dry-run`, rows that would be.
    pub written: usize,
    /// Rows that were there with the same content.
    pub skipped: usize,
    /// Rows that were there with other content, by number: left alone.
    pub differs: Vec<String>,
    /// True for the lines of claims, which are written with their claims.
    pub with_claims: bool,
    /// True where the file was checked only, since one before it was bad.
    pub checked_only: bool,
}

/// What became of an import.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// File by file, in order.
    pub files: Vec<FileReport>,
    /// Every bad row.
    pub faults: Vec<Fault>,
}

/// Imports a folder.
///
/// # Errors
/// The database's, or an unknown mutual. Bad rows are no error, they are in the report.
pub fn import(
    db: &Db,
    hooks: &Hooks,
    folder: &Path,
    request: &Request,
    mut progress: impl FnMut(&str, usize, usize),
) -> Result<Report> {
    let mutual = ensure_mutual(db, hooks, request)?;
    let picture = Picture::load(db)?;
    let scope = SystemScope::of_the_terminal().mutual(&picture, db.clock(), mutual)?;
    let mut import = Import {
        db,
        hooks,
        owners: [vec![mutual], picture.ancestors(mutual, scope.today())].concat(),
        country: picture.organisation(mutual).and_then(|found| found.country.clone()).unwrap_or_default(),
        picture,
        scope,
        known: BTreeMap::new(),
        lines: BTreeMap::new(),
        report: Report::default(),
    };
    if !File::ALL.iter().any(|file| folder.join(file.name()).exists()) {
        return Err(Problem::with(Code::Unreadable, format!("{} holds none of the files", folder.display())).into());
    }
    for file in File::ALL {
        if folder.join(file.name()).exists() {
            import.file(folder, *file, request.dry_run, &mut progress)?;
        }
    }
    Ok(import.report)
}

fn ensure_mutual(db: &Db, hooks: &Hooks, request: &Request) -> Result<OrganisationId> {
    let picture = Picture::load(db)?;
    if let Some(found) = picture.by_code(&request.mutual) {
        if found.kind != OrganisationKind::Mutual {
            return Err(Problem::with(Code::NotFound, format!("{} is no mutual", request.mutual)).into());
        }
        return Ok(found.id);
    }
    let Some(new) = &request.new else {
        return Err(Problem::with(
            Code::NotFound,
            format!("there is no mutual {}; make it with --new", request.mutual),
        )
        .into());
    };
    let parent = match &new.parent {
        None => OrganisationId::NIL,
        Some(code) => {
            let unknown = || Problem::with(Code::NotFound, format!("there is no organisation {code}"));
            picture.by_code(code).ok_or_else(unknown)?.id
        }
    };
    let asked = NewOrganisation {
        code: request.mutual.clone(),
        name: new.name.clone(),
        kind: OrganisationKind::Mutual,
        country: Some(new.country.clone()),
        currency: Some(new.currency.clone()),
        timezone: Some(new.timezone.clone()),
        card_prefix: None,
    };
    let order = terminal_order(db, "ayni import");
    command(db, hooks, &order, |w| crate::organisations::service::add(w, hooks, &order, &asked, parent))?;
    Ok(Key::new(order.id.uuid()))
}

struct Import<'a> {
    db: &'a Db,
    hooks: &'a Hooks,
    picture: Picture,
    scope: MutualScope,
    /// The mutual, then the bodies above it, nearest first: whose products and catalogue it may use.
    owners: Vec<OrganisationId>,
    country: String,
    /// The keys of the files read so far, for references and for numbers there twice.
    known: BTreeMap<&'static str, BTreeSet<String>>,
    /// The lines of claims, by the claim's number, with their content.
    lines: BTreeMap<String, Vec<(NewLine, serde_json::Value)>>,
    report: Report,
}

/// How a row ended.
enum Ended {
    Written,
    Skipped,
    Differs,
}

impl Import<'_> {
    fn file(
        &mut self,
        folder: &Path,
        file: File,
        dry_run: bool,
        progress: &mut impl FnMut(&str, usize, usize),
    ) -> Result<()> {
        let mut report = FileReport { file: file.name().to_owned(), ..FileReport::default() };
        let (rows, mut faults) = self.read(folder, file)?;
        report.rows = rows.len();
        if file == File::ClaimLines {
            for row in &rows {
                if let Item::Line { claim, line } = &row.item {
                    self.lines.entry(claim.clone()).or_default().push((line.clone(), row.content.clone()));
                }
            }
            report.with_claims = true;
            report.checked_only = !faults.is_empty() || !self.report.faults.is_empty();
            self.report.faults.extend(faults);
            self.report.files.push(report);
            return Ok(());
        }
        let after_bad = !self.report.faults.is_empty();
        if faults.is_empty() && !after_bad {
            for chunk in rows.chunks(CHUNK) {
                let (ended, refused) = self.carry_out(file, chunk, true)?;
                faults.extend(refused);
                if dry_run {
                    count(&mut report, chunk, ended);
                }
            }
        }
        report.checked_only = after_bad || !faults.is_empty();
        if faults.is_empty() && !after_bad && !dry_run {
            let mut done = 0;
            for chunk in rows.chunks(CHUNK) {
                let (ended, refused) = self.carry_out(file, chunk, false)?;
                if !refused.is_empty() {
                    // What was tried a moment ago is refused now: somebody else wrote meanwhile. This chunk is not there.
                    faults.extend(refused);
                    break;
                }
                count(&mut report, chunk, ended);
                done += chunk.len();
                progress(file.name(), done, rows.len());
            }
        }
        self.report.faults.extend(faults);
        self.report.files.push(report);
        Ok(())
    }

    /// Reads a file: form, numbers there twice, references.
    fn read(&mut self, folder: &Path, file: File) -> Result<(Vec<Row>, Vec<Fault>)> {
        let mut rows = Vec::new();
        let mut faults = Vec::new();
        match file.columns() {
            None => match std::fs::read_to_string(folder.join(file.name())) {
                Err(error) => faults.push(Fault {
                    file: file.name().to_owned(),
                    line: 0,
                    column: String::new(),
                    reason: error.to_string(),
                }),
                Ok(text) => match products(&text, file.name()) {
                    Ok(read) => rows = read,
                    Err(found) => faults = found,
                },
            },
            Some(columns) => match records::read(folder, file.name(), columns) {
                Err(found) => faults = found,
                Ok(records) => {
                    let mut principals = BTreeSet::new();
                    for mut record in records {
                        if record.is_bad() {
                            faults.extend(record.into_faults());
                            continue;
                        }
                        if let Some(row) = file.row(&mut record, self.scope.currency(), &self.country) {
                            self.check(file, &row, &mut record, &mut principals)?;
                            self.known.entry(file.name()).or_default().insert(row.key.clone());
                            if !record.is_bad() {
                                rows.push(row);
                            }
                        }
                        faults.extend(record.into_faults());
                    }
                }
            },
        }
        for row in &rows {
            self.known.entry(file.name()).or_default().insert(row.key.clone());
        }
        Ok((rows, faults))
    }

    /// What a row says of other rows: a number there twice, a reference to nothing, a second principal.
    fn check(
        &self,
        file: File,
        row: &Row,
        record: &mut records::Record,
        principals: &mut BTreeSet<String>,
    ) -> Result<()> {
        let key_column = match file {
            File::Payments => "receipt_number",
            File::Providers | File::Services => "code",
            File::Conventions | File::Tariffs => "valid_from",
            File::ClaimLines => "line",
            File::Usage => "member_number",
            File::Balances => "account",
            File::Numbers => "series",
            _ => "number",
        };
        if self.known.get(file.name()).is_some_and(|seen| seen.contains(&row.key)) {
            record.fault(key_column, format!("{} is there twice", row.key));
        }
        let (household, product) = match &row.item {
            Item::Member { household, .. } | Item::Payment { household, .. } => (Some(household), None),
            Item::Enrolment { household, product, .. } => (Some(household), Some(product)),
            _ => (None, None),
        };
        let (provider, service) = match &row.item {
            Item::Convention { provider, .. } => (Some(("provider_code", provider)), None),
            Item::Claim { provider, .. } => (Some(("provider_code", provider)), None),
            Item::Tariff { provider, service, .. } => {
                (provider.as_ref().map(|code| ("provider_code", code)), Some(service))
            }
            Item::Line { line, .. } => (None, Some(&line.service)),
            _ => (None, None),
        };
        if let Some((column, code)) = provider
            && !self.is_provider(code)?
        {
            record.fault(column, format!("there is no provider {code}"));
        }
        if let Some(code) = service
            && !self.is_service(code)?
        {
            record.fault("service_code", format!("there is no service {code}"));
        }
        if let Item::Claim { member, .. } | Item::Usage { member, .. } = &row.item
            && !self.is_member(member)?
        {
            record.fault("member_number", format!("there is no member {member}"));
        }
        if let Item::Claim { .. } = &row.item
            && !self.lines.contains_key(&row.key)
        {
            record.fault("number", "the claim has no line in claim_lines.csv");
        }
        if let Some(number) = household
            && !self.is_household(number)?
        {
            record.fault("household_number", format!("there is no household {number}"));
        }
        if let Some(code) = product
            && !self.is_product(code)?
        {
            record.fault("product_code", format!("there is no product {code}"));
        }
        if let Item::Household { section: Some(code), .. } = &row.item
            && self.section(code).is_none()
        {
            record.fault("section_code", format!("the mutual has no section {code}"));
        }
        if let Item::Member { household, person } = &row.item
            && person.relationship == Relationship::Principal
            && !principals.insert(household.clone())
        {
            record.fault("relationship", format!("household {household} has a second principal"));
        }
        Ok(())
    }

    fn is_household(&self, number: &str) -> Result<bool> {
        if self.known.get(File::Households.name()).is_some_and(|known| known.contains(number)) {
            return Ok(true);
        }
        self.db.read(self.wall(), |r| Ok(households::find_by_number(r, &self.scope, number)?.is_some()))
    }

    fn is_provider(&self, code: &str) -> Result<bool> {
        if self.known.get(File::Providers.name()).is_some_and(|known| known.contains(code)) {
            return Ok(true);
        }
        self.db.read(self.wall(), |r| Ok(!care_store::find_by_code(r, &self.owners, code)?.is_empty()))
    }

    fn is_service(&self, code: &str) -> Result<bool> {
        if self.known.get(File::Services.name()).is_some_and(|known| known.contains(code)) {
            return Ok(true);
        }
        let codes = [code.to_owned()];
        self.db.read(self.wall(), |r| Ok(!care_store::find_services(r, &self.owners, &codes)?.is_empty()))
    }

    fn is_member(&self, number: &str) -> Result<bool> {
        if self.known.get(File::Members.name()).is_some_and(|known| known.contains(number)) {
            return Ok(true);
        }
        self.db.read(self.wall(), |r| Ok(households::find_member_by_number(r, &self.scope, number)?.is_some()))
    }

    /// The mutual's own provider of this code goes before one of a body above.
    fn provider(&self, w: &mut Write, code: &str) -> Result<ProviderId> {
        let found = care_store::find_by_code(w, &self.owners, code)?;
        let own = found.iter().find(|row| row.owner_id == self.scope.mutual().into()).or_else(|| found.first());
        own.map(|row| row.id)
            .ok_or_else(|| Problem::with(Code::NotFound, format!("there is no provider {code}")).into())
    }

    fn is_product(&self, code: &str) -> Result<bool> {
        if self.known.get(File::Products.name()).is_some_and(|known| known.contains(code)) {
            return Ok(true);
        }
        self.db.read(self.wall(), |r| Ok(!product_store::find_by_code(r, &self.owners, code)?.is_empty()))
    }

    fn section(&self, code: &str) -> Option<OrganisationId> {
        let mutual: OrganisationId = self.scope.mutual().into();
        self.picture
            .by_code(code)
            .filter(|found| found.kind == OrganisationKind::Section)
            .filter(|found| self.picture.mutual_of(found.id, self.scope.today()) == Some(mutual))
            .map(|found| found.id)
    }

    fn wall(&self) -> Wall {
        Wall::mutual(self.scope.mutual())
    }

    /// Carries a chunk out in one transaction, each row in a savepoint, and gives all refusals. A trial is given up at its
    /// end; so is a chunk with a refusal.
    fn carry_out(&self, file: File, chunk: &[Row], trial: bool) -> Result<(Vec<Ended>, Vec<Fault>)> {
        let of_the_catalogue =
            matches!(file, File::Products | File::Providers | File::Conventions | File::Services | File::Tariffs);
        let wall = if of_the_catalogue { Wall::ROOT } else { self.wall() };
        let mut outcome = (Vec::new(), Vec::new());
        let result = self.db.write(wall, |w| {
            outcome = (Vec::new(), Vec::new());
            for row in chunk {
                match w.savepoint(|w| self.row(w, file, wall, row)) {
                    Ok(ended) => outcome.0.push(ended),
                    Err(Error::Problem(problem)) if matches!(problem.code, Code::IdReused | Code::NumberTaken) => {
                        outcome.0.push(Ended::Differs);
                    }
                    Err(Error::Problem(problem)) if problem.code.status() < 500 => outcome.1.push(Fault {
                        file: file.name().to_owned(),
                        line: row.line,
                        column: String::new(),
                        reason: format!("{}: {problem}", row.key),
                    }),
                    Err(error) => return Err(error),
                }
            }
            if trial || !outcome.1.is_empty() { Err(GIVEN_UP.into()) } else { Ok(()) }
        });
        match result {
            Ok(()) => Ok(outcome),
            Err(Error::Problem(problem)) if problem.code == GIVEN_UP => Ok(outcome),
            Err(error) => Err(error),
        }
    }

    fn row(&self, w: &mut Write, file: File, wall: Wall, row: &Row) -> Result<Ended> {
        let order = Order {
            id: row_id(self.scope.mutual(), file, &row.key),
            wall,
            route: format!("import {}", file.name()),
            hash: request_hash(file.name(), &self.content(row)),
            asker: Asker {
                user: None,
                purpose: match file {
                    File::Payments | File::Balances => Purpose::Collection,
                    File::Claims | File::Usage => Purpose::Claim,
                    _ => Purpose::Enrolment,
                },
                request: row_id::<kind::Command>(self.scope.mutual(), file, &row.key).uuid(),
            },
            today: self.scope.today(),
            by_header: false,
        };
        match command_in(w, self.hooks, &order, &mut |w: &mut Write| self.write(w, &order, row)) {
            Ok(Done::Made(())) => Ok(Ended::Written),
            Ok(Done::Replayed) => Ok(Ended::Skipped),
            Err(error) => Err(error),
        }
    }

    /// A row's content; a claim's is that of its lines too.
    fn content(&self, row: &Row) -> serde_json::Value {
        match (&row.item, self.lines.get(&row.key)) {
            (Item::Claim { .. }, Some(lines)) => {
                let lines: Vec<&serde_json::Value> = lines.iter().map(|(_, content)| content).collect();
                serde_json::json!([row.content, lines])
            }
            _ => row.content.clone(),
        }
    }

    fn write(&self, w: &mut Write, order: &Order, row: &Row) -> Result<()> {
        let scope = &self.scope;
        let find = |w: &mut Write, number: &str| -> Result<crate::households::model::Household> {
            households::find_by_number(w, scope, number)?
                .ok_or_else(|| Problem::with(Code::NotFound, format!("there is no household {number}")).into())
        };
        let mutual: OrganisationId = scope.mutual().into();
        match &row.item {
            Item::Provider { code, name, level, sector, area } => {
                let area = match area {
                    Some(name) => Some(self.area(w, name)?),
                    None => None,
                };
                let new = NewProvider {
                    owner: mutual,
                    code: code.clone(),
                    name: name.clone(),
                    level: level.clone(),
                    sector: *sector,
                    area,
                    details: ProviderDetails::default(),
                };
                care::add(w, order, &new).map(|_| ())
            }
            Item::Convention { provider, valid_from, valid_to } => {
                let provider = self.provider(w, provider)?;
                let new = NewConvention {
                    provider,
                    party: mutual,
                    valid_from: *valid_from,
                    valid_to: *valid_to,
                    terms: Agreed::default(),
                };
                care::convene(w, order, &new).map(|_| ())
            }
            Item::Service { code, name, category, kind } => {
                let new = NewService {
                    owner: mutual,
                    code: code.clone(),
                    name: name.clone(),
                    category: category.clone(),
                    kind: *kind,
                    limits: Limits::default(),
                };
                care::add_service(w, order, &new).map(|_| ())
            }
            Item::Tariff { provider, service, unit_price_minor, valid_from, valid_to } => {
                let provider = match provider {
                    Some(code) => Some(self.provider(w, code)?),
                    None => None,
                };
                let found = care_store::find_services(w, &self.owners, std::slice::from_ref(service))?;
                let own = found.iter().find(|row| row.owner_id == mutual).or_else(|| found.first());
                let unknown = || Problem::with(Code::NotFound, format!("there is no service {service}"));
                let new = NewTariff {
                    owner: mutual,
                    provider,
                    service: own.ok_or_else(unknown)?.id,
                    unit_price_minor: *unit_price_minor,
                    currency: scope.currency(),
                    valid_from: *valid_from,
                    valid_to: *valid_to,
                };
                care::add_tariff(w, order, &new).map(|_| ())
            }
            Item::Claim { provider, member, claim } => {
                let (found, _) = households::find_member_by_number(w, scope, member)?
                    .ok_or_else(|| Problem::with(Code::NotFound, format!("there is no member {member}")))?;
                let lines = self.lines.get(&row.key).into_iter().flatten().map(|(line, _)| line.clone()).collect();
                let new = NewClaim {
                    cites: Cites::default(),
                    number: Some(row.key.clone()),
                    invoice_number: claim.invoice_number.clone(),
                    provider: self.provider(w, provider)?,
                    member: found.id,
                    mode: claim.mode,
                    visit_type: claim.visit_type,
                    service_on: claim.service_on,
                    discharged_on: claim.discharged_on,
                    submitted_on: claim.submitted_on,
                    diagnoses: claim.diagnoses.clone(),
                    other_payer_minor: None,
                    lines,
                };
                submit(w, scope, order, &self.owners, &new, Deciding { on: claim.submitted_on }).map(|_| ())
            }
            // Written with their claims.
            Item::Line { .. } => Ok(()),
            Item::Product { code, parameters } => {
                let new = NewProduct {
                    owner: scope.mutual().into(),
                    code: code.clone(),
                    name: parameters.name.clone().unwrap_or_else(|| code.clone()),
                    parameters: (**parameters).clone(),
                    valid_from: None,
                    valid_to: None,
                };
                let id = add_product(w, order, &new)?;
                publish(w, id, 1, Some(&crate::web::etag(1)))
            }
            Item::Household { number, section, area, class, phone, registered_on } => {
                let area = match area {
                    Some(name) => Some(self.area(w, name)?),
                    None => None,
                };
                let new = NewHousehold {
                    number: Some(number.clone()),
                    section: section.as_deref().and_then(|code| self.section(code)),
                    area,
                    class: class.clone(),
                    phone: phone.clone(),
                    registered_on: *registered_on,
                    members: Vec::new(),
                };
                found_household(w, scope, order, &new).map(|_| ())
            }
            Item::Member { household, person } => {
                let household = find(w, household)?;
                register_with_household(w, self.hooks, scope, order, household.id, person).map(|_| ())
            }
            Item::Enrolment { household, product, starts_on, ends_on, waiting_from } => {
                let household = find(w, household)?;
                let found = product_store::find_by_code(w, &self.owners, product)?;
                // The mutual's own product goes before one of a body above.
                let own = found.iter().find(|row| row.owner_id == scope.mutual().into()).or_else(|| found.first());
                let unknown = || Problem::with(Code::NotFound, format!("there is no product {product}"));
                let application = Application {
                    number: Some(row.key.clone()),
                    household: household.id,
                    product: own.ok_or_else(unknown)?.id,
                    starts_on: *starts_on,
                    ends_on: Some(*ends_on),
                    applied_on: *starts_on,
                    waiting_from: *waiting_from,
                    agreed: true,
                };
                let id = apply(w, scope, order, &self.owners, &application)?;
                admit_as_agreed(w, scope, order, id, *starts_on)
            }
            Item::Payment { household, label, amount_minor, method, received_on, reference } => {
                let household = find(w, household)?;
                let revision = households::lock(w, scope.mutual(), household.id)?.ok_or(Problem::of(Code::NotFound))?;
                let locked = Locked {
                    mutual: scope.mutual(),
                    household: household.id,
                    revision,
                    currency: scope.currency(),
                    today: scope.today(),
                    command: order.id,
                };
                let new = NewPayment {
                    amount_minor: *amount_minor,
                    method: *method,
                    received_on: *received_on,
                    reference: reference.clone(),
                    taker: Taker::Imported,
                    label: Some(label.clone()),
                    source: None,
                    was_unallocated: false,
                };
                let id = pay(w, order, &locked, Key::new(order.id.uuid()), &new)?;
                w.changed("payment", id.uuid(), household.section_id, household.section_id);
                w.touch(household.id);
                Ok(())
            }
            Item::Usage { member, category, year, amount_minor, quantity } => {
                let (found, _) = households::find_member_by_number(w, scope, member)?
                    .ok_or_else(|| Problem::with(Code::NotFound, format!("there is no member {member}")))?;
                let used = Used {
                    member: found.id,
                    category: category.clone(),
                    year: *year,
                    amount_minor: *amount_minor,
                    quantity: *quantity,
                };
                record_used(w, scope, order, &used)
            }
            Item::Balance { account, amount_minor, on } => {
                let session = match account {
                    Opened::Cash => {
                        let desk = desks::first(w, scope.mutual())?.id;
                        Some(desks::hold(w, scope.mutual(), desk, scope.today())?.session.id)
                    }
                    _ => None,
                };
                open_balance(w, scope, order, *account, *amount_minor, *on, session)
            }
            Item::Numbers { of, first } => {
                self.begin(w, *of, *first)?;
                w.names("organisation", mutual.uuid());
                w.field("first", None, Some(serde_json::json!([row.key, first])));
                Ok(())
            }
        }
    }

    /// Lets a series go on from a number.
    fn begin(&self, w: &mut Write, of: First, first: i64) -> Result<()> {
        let (kind, label) = match of {
            First::Receipts(year) => return receipts::begin(w, &self.scope, year, first),
            First::Households => (SeriesKind::Household, "H"),
            First::Enrolments => (SeriesKind::Enrolment, "E"),
        };
        if series::begin_at(w, self.scope.mutual(), kind, Key::NIL, 0, label, first)? {
            return Ok(());
        }
        Err(Problem::with(Code::WrongState, "numbers from there on were given already").at("/first").into())
    }

    /// The area of this name in the mutual's country, made from today where there is none.
    fn area(&self, w: &mut Write, name: &str) -> Result<AreaId> {
        let today = self.scope.today();
        if let Some(area) = organisations::find_area_by_name(w, &self.country, name, today)? {
            return Ok(area.id);
        }
        let row = Area {
            id: w.new_id(),
            country: self.country.clone(),
            parent_id: None,
            name: name.to_owned(),
            valid_from: today,
            valid_to: None,
            version: 1,
            code: None,
        };
        if organisations::insert_area(w, &row)? {
            return Ok(row.id);
        }
        let made = organisations::find_area_by_name(w, &self.country, name, today)?;
        made.map(|area| area.id).ok_or_else(|| Error::Fault(format!("the area {name} was not made")))
    }
}

/// Marks a transaction that is given up on purpose; it never leaves this file.
const GIVEN_UP: Code = Code::WrongState;

fn count(report: &mut FileReport, chunk: &[Row], ended: Vec<Ended>) {
    for (row, ended) in chunk.iter().zip(ended) {
        match ended {
            Ended::Written => report.written += 1,
            Ended::Skipped => report.skipped += 1,
            Ended::Differs => report.differs.push(row.key.clone()),
        }
    }
}

/// The id of a row's command: the same for the same number of the same file of the same mutual.
fn row_id<K: 'static>(mutual: MutualId, file: File, key: &str) -> Key<K> {
    let digest = Sha256::digest(format!("import {mutual} {} {key}", file.name()));
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    Key::new(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
