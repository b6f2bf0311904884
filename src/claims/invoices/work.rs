//! The job of an invoice: submits its certificates, some in a transaction, each a command of its own with an id made of
//! invoice, certificate and sending, so that a repetition makes no second claim. What cannot be a claim is kept with what is
//! wrong; the others are not held up.
use super::file::{BadField, Form, form};
use super::model::*;
use super::service::{rows_of, take_step, text_of};
use super::store;
use crate::access::scopes::MutualScope;
use crate::audit::frame::{Order, command_in};
use crate::audit::model::{Asker, Purpose};
use crate::claims::model::{Mode, VisitType};
use crate::claims::review_store;
use crate::claims::service::{Cites, Deciding, NewClaim, submit};
use crate::dates::within;
use crate::db::{Outcome, Wall, Write, is_passing};
use crate::error::{Code, Error, Problem, Result};
use crate::households::rules::is_valid_card_number;
use crate::households::store as households;
use crate::ids::*;
use crate::jobs::worker::{Progress, Task};
use crate::providers::model::Convention;
use crate::providers::store as providers;
use crate::web::request_hash;
use chrono::NaiveDate;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Certificates of one transaction at most.
const CHUNK: i64 = 50;
/// The route that the commands of this job are recorded under.
const ROUTE: &str = "job invoice";

/// What a chunk is worked on with.
struct Bench<'a> {
    task: &'a Task<'a>,
    invoice: Invoice,
    owners: Vec<OrganisationId>,
    conventions: Vec<Convention>,
    sent_on: BTreeMap<i32, NaiveDate>,
    card_prefix: Option<String>,
}

/// A certificate that can be tried: who and what.
struct Ready {
    form: Form,
    claim: NewClaim,
    household: HouseholdId,
}

/// Submits the next certificates of a job, or ends it.
///
/// # Errors
/// The database's, where it did not get to it; the job goes on later.
pub fn step(w: &mut Write, task: &Task) -> Result<Progress> {
    let mutual = task.scope.mutual();
    let items = store::list_waiting(w, mutual, task.job.id, CHUNK)?;
    let invoice = store::find(w, mutual, Key::new(task.job.subject_id.uuid()))?
        .ok_or_else(|| Error::Fault("a job's invoice is not there".into()))?;
    if items.is_empty() {
        return finish(w, task, &invoice);
    }
    let own: OrganisationId = mutual.into();
    let mut owners = vec![own];
    owners.extend(task.picture.ancestors(own, task.scope.today()));
    let bench = Bench {
        task,
        owners,
        conventions: providers::list_conventions(w, invoice.provider_id)?,
        sent_on: store::list_sendings(w, mutual, invoice.id)?
            .into_iter()
            .map(|row| (row.ordinal, row.sent_on))
            .collect(),
        card_prefix: task.picture.organisation(own).and_then(|found| found.card_prefix.clone()),
        invoice,
    };
    // What is looked up and not submitted within the time was looked up in vain: a quarter of the time is for that.
    let looks_until = task.began + task.until.saturating_duration_since(task.began) / 4;
    let mut tried = Vec::with_capacity(items.len());
    for item in items {
        if !tried.is_empty() && Instant::now() >= looks_until {
            break;
        }
        let ready = bench.prepare(w, &item)?;
        tried.push((item, ready));
    }
    // The locks of the whole chunk first, in the order that all commands keep: households, then the invoice.
    let homes: BTreeSet<HouseholdId> =
        tried.iter().filter_map(|(_, ready)| ready.as_ref().ok().map(|ready| ready.household)).collect();
    for home in homes {
        households::lock(w, mutual, home)?;
    }
    store::lock(w, mutual, bench.invoice.id)?;
    let ids: Vec<InvoiceClaimId> = tried.iter().map(|(item, _)| item.id).collect();
    let waiting: BTreeSet<InvoiceClaimId> = store::still_waiting(w, mutual, task.job.id, &ids)?.into_iter().collect();
    for (at, (item, ready)) in tried.into_iter().enumerate() {
        if at > 0 && Instant::now() >= task.until {
            break;
        }
        if waiting.contains(&item.id) {
            let done = bench.submit(w, item, ready)?;
            store::set_result(w, &done)?;
        }
    }
    let left = store::count_waiting_of(w, mutual, task.job.id)?;
    Ok(Progress::Done(task.job.total - left.min(task.job.total)))
}

impl Bench<'_> {
    fn scope(&self) -> &MutualScope {
        self.task.scope
    }

    /// Finds the person and the household of a certificate, and what the rules do not decide.
    fn prepare(&self, w: &mut Write, item: &Item) -> Result<std::result::Result<Ready, Vec<BadField>>> {
        let rows = rows_of(item)?;
        let form = match form(&rows, self.scope().currency(), self.scope().today()) {
            Ok(form) => form,
            Err(faults) => return Ok(Err(faults)),
        };
        let bad = |field: &str, code: &str, message: &str| {
            let row = rows.first().map(|row| row.row);
            Ok(Err(vec![BadField { row, field: field.into(), code: code.into(), message: message.into() }]))
        };
        let contracted = self
            .conventions
            .iter()
            .any(|row| self.owners.contains(&row.party_id) && within(form.service_on, row.valid_from, row.valid_to));
        // An emergency needs no convention (R21).
        if !contracted && form.visit_type != VisitType::Emergency {
            return bad("service_on", "not_contracted", "the facility had no convention with the mutual on that day");
        }
        let is_own = self.card_prefix.as_deref().is_some_and(|prefix| form.card.starts_with(prefix));
        let found = households::find_member_by_number(w, self.scope(), &form.card)?;
        let Some((member, last)) = found else {
            return if is_own && !is_valid_card_number(&form.card) {
                bad("card", Code::NoCardCheck.as_str(), "the card number is mistyped: its check digits do not agree")
            } else {
                bad("card", "not_found", "no member of the mutual has this card")
            };
        };
        let stays = households::list_stays(w, self.scope(), member.id)?;
        let stay = stays.iter().find(|stay| within(form.service_on, stay.from_on, stay.to_on));
        let household = stay.unwrap_or(&last).household_id;
        let letter = match &form.letter {
            None => None,
            Some(text) => match self.letter(w, text)? {
                Some(id) => Some(id),
                None => return bad("letter", "not_found", "the mutual has issued no such letter"),
            },
        };
        let claim = self.claim(item, &form, member.id, letter);
        Ok(Ok(Ready { form, claim, household }))
    }

    /// The letter of an id or a number.
    fn letter(&self, w: &mut Write, text: &str) -> Result<Option<LetterId>> {
        let mutual = self.scope().mutual();
        if let Ok(id) = text.parse() {
            return Ok(review_store::find_letter(w, mutual, id)?.map(|row| row.id));
        }
        Ok(review_store::find_letter_by_number(w, mutual, text)?.map(|row| row.id))
    }

    /// The claim that a certificate asks for: the one place where it is built.
    fn claim(&self, item: &Item, form: &Form, member: MemberId, letter: Option<LetterId>) -> NewClaim {
        NewClaim {
            number: None,
            invoice_number: item.certificate.clone(),
            provider: self.invoice.provider_id,
            member,
            mode: Mode::ThirdParty,
            visit_type: form.visit_type,
            service_on: form.service_on,
            discharged_on: form.discharged_on,
            submitted_on: self.sent_on.get(&item.sending).copied().unwrap_or(self.invoice.received_on),
            diagnoses: form.diagnoses.clone(),
            other_payer_minor: form.other_payer_minor,
            lines: form.lines.iter().map(|line| line.line.clone()).collect(),
            cites: Cites { resubmits: None, check: form.check, letter },
        }
    }

    /// Submits a certificate, or keeps what is wrong with it; what its refusal left behind is taken back.
    fn submit(&self, w: &mut Write, item: Item, ready: std::result::Result<Ready, Vec<BadField>>) -> Result<Item> {
        let ready = match ready {
            Ok(ready) => ready,
            Err(faults) => return bad(item, &faults),
        };
        let order = self.order(part_of(&self.invoice, &item), &item.content);
        let (scope, hooks) = (self.scope(), self.task.hooks);
        let deciding = Deciding { on: scope.today() };
        let done = w.savepoint(|w| {
            command_in(w, hooks, &order, &mut |w| {
                submit(w, scope, &order, &self.owners, &ready.claim, deciding)?;
                w.names("invoice", self.invoice.id.uuid());
                Ok(())
            })
        });
        match done {
            // Replayed: it is a claim since a transaction whose result is told now.
            Ok(_) => {
                let claim_id = Some(Key::new(order.id.uuid()));
                Ok(Item { result: ItemResult::Claimed, claim_id, faults: None, ..item })
            }
            Err(Error::Problem(problem)) => bad(item, &told(&problem, &ready.form)),
            Err(error) if comes_again(&error) => Err(error),
            Err(error) => {
                tracing::error!(%error, certificate = %item.id, "a certificate could not be submitted");
                let message = "a fault on our side, which is logged; send it again later";
                let code = Code::Internal.as_str().to_owned();
                bad(item, &[BadField { row: None, field: String::new(), code, message: message.into() }])
            }
        }
    }

    fn order(&self, id: CommandId, content: &str) -> Order {
        order_of(self.task, id, content)
    }
}

fn order_of(task: &Task, id: CommandId, content: &str) -> Order {
    Order {
        id,
        wall: Wall::mutual(task.scope.mutual()),
        route: ROUTE.into(),
        hash: request_hash(ROUTE, &json!(content)),
        asker: Asker { user: task.job.asked_by, purpose: Purpose::Claim, request: task.job.id.uuid() },
        today: task.scope.today(),
        by_header: false,
    }
}

/// The database's part in it, or a race: the transaction is tried again as a whole.
fn comes_again(error: &Error) -> bool {
    match error {
        Error::Again | Error::Db(crate::db::DbError::Busy) => true,
        error => error.database().is_some_and(|failure| is_passing(failure) || crate::db::asks_again(failure)),
    }
}

fn bad(item: Item, faults: &[BadField]) -> Result<Item> {
    Ok(Item { result: ItemResult::Bad, claim_id: None, faults: Some(text_of(faults)?), ..item })
}

/// A refusal of a claim as faults of the file's rows and columns.
fn told(problem: &Problem, form: &Form) -> Vec<BadField> {
    let first = form.lines.first().map(|line| line.row);
    let column = |name: &str| {
        match name {
            "service" => "service_code",
            "unit_price_minor" => "unit_price",
            "other_payer_minor" => "other_payer",
            "member_id" => "card",
            "provider_id" | "invoice_number" | "number" => "certificate",
            other => other,
        }
        .to_owned()
    };
    let faults: Vec<BadField> = problem
        .errors
        .iter()
        .map(|error| {
            let mut parts = error.pointer.trim_start_matches('/').split('/');
            let (row, field) = match (parts.next(), parts.next().and_then(|at| at.parse::<usize>().ok()), parts.next())
            {
                (Some("lines"), Some(at), field) => (form.lines.get(at).map(|line| line.row), field.unwrap_or("lines")),
                (field, ..) => (first, field.unwrap_or("")),
            };
            BadField { row, field: column(field), code: error.code.clone(), message: error.message.clone() }
        })
        .collect();
    if !faults.is_empty() {
        return faults;
    }
    let code = problem.code.as_str().to_owned();
    vec![BadField { row: first, field: String::new(), code, message: problem.detail.clone() }]
}

/// The id of the command that submits a certificate, which is the claim's: the same whenever it is tried.
fn part_of(invoice: &Invoice, item: &Item) -> CommandId {
    id_of(&[invoice.id.uuid().as_bytes(), item.certificate.as_bytes(), &item.sending.to_be_bytes()])
}

fn id_of(parts: &[&[u8]]) -> CommandId {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(0).to_be_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    Key::new(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// Nothing of this job is left: the invoice is in control, unless another job is at it.
fn finish(w: &mut Write, task: &Task, invoice: &Invoice) -> Result<Progress> {
    let (scope, mutual) = (task.scope, task.scope.mutual());
    let known = store::lock(w, mutual, invoice.id)?.ok_or_else(|| Error::Fault("an invoice went away".into()))?;
    let counts = store::count_results(w, mutual, &[known.id])?;
    let of = |result: ItemResult| -> i64 { counts.iter().filter(|row| row.1 == result).map(|row| row.2).sum() };
    if of(ItemResult::Waiting) == 0 && known.state == InvoiceState::Received {
        let order = order_of(task, id_of(&[task.job.id.uuid().as_bytes(), b"control"]), "");
        let row = Invoice { state: InvoiceState::InControl, version: known.version + 1, ..known };
        command_in(w, task.hooks, &order, &mut |w| {
            store::set(w, &row)?;
            take_step(w, scope, &order, &row, None)?;
            w.changed("invoice", row.id.uuid(), None, None);
            w.mark(scope.today());
            Ok(())
        })?;
    }
    let told = json!({
        "claimed": of(ItemResult::Claimed), "known": of(ItemResult::Known), "differs": of(ItemResult::Differs),
        "bad": of(ItemResult::Bad),
    });
    Ok(Progress::Finished(told.to_string()))
}
