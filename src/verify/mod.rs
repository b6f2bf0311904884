//! Recomputes every invariant from the raw rows: `ayni verify`. Nothing here is used to answer anybody; it reads what the
//! services wrote and says where it does not add up.
pub mod care;
pub mod checks;
mod facts;
pub mod invoices;
pub mod store;
pub mod treasury;

use crate::access::picture::Picture;
use crate::access::scopes::{MutualScope, SystemScope};
use crate::db::{Db, Wall};
use crate::error::Result;
use crate::ids::*;
use std::fmt;

/// Households looked at in one snapshot.
const PAGE: i64 = 200;

/// Something that does not add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check found it: `spans`, `allocations`…
    pub check: &'static str,
    /// The code of the mutual; `ROOT` for what belongs to none.
    pub mutual: String,
    /// Where and what, by ids and numbers alone.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.check, self.mutual, self.what)
    }
}

/// What was looked at and what was found.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Mutuals.
    pub mutuals: u64,
    /// Households.
    pub households: u64,
    /// Payments.
    pub payments: u64,
    /// Claims.
    pub claims: u64,
    /// Commands.
    pub commands: u64,
    /// What does not add up.
    pub findings: Vec<Finding>,
}

/// Verifies the whole installation, a mutual and a page of households at a time.
///
/// # Errors
/// The database's.
pub fn verify(db: &Db) -> Result<Verdict> {
    let picture = Picture::load(db)?;
    let mut verdict = Verdict::default();
    let root = "ROOT".to_owned();
    let (commands, findings) = db.read(Wall::ROOT, |r| checks::commands(r, MutualId::NIL, &root))?;
    verdict.commands += commands;
    verdict.findings.extend(findings);
    SystemScope::of_the_terminal().each_mutual(&picture, db.clock(), |scope| {
        let code = picture
            .organisation(scope.mutual().into())
            .map_or_else(|| scope.mutual().to_string(), |organisation| organisation.code.clone());
        let prefix = picture.organisation(scope.mutual().into()).and_then(|found| found.card_prefix.clone());
        mutual(db, scope, &code, prefix.as_deref().unwrap_or(""), &mut verdict)
    })?;
    Ok(verdict)
}

fn mutual(db: &Db, scope: &MutualScope, code: &str, prefix: &str, verdict: &mut Verdict) -> Result<()> {
    let wall = Wall::mutual(scope.mutual());
    verdict.mutuals += 1;
    let (commands, findings) = db.read(wall, |r| {
        let (count, mut found) = checks::commands(r, scope.mutual(), code)?;
        found.extend(checks::series(r, scope.mutual(), code)?);
        found.extend(checks::cards(r, scope.mutual(), code, prefix)?);
        found.extend(checks::books(r, scope.mutual(), code)?);
        found.extend(checks::settlements(r, scope.mutual(), code)?);
        found.extend(checks::desks(r, scope.mutual(), code)?);
        found.extend(care::care(r, scope.mutual(), code)?);
        found.extend(treasury::treasury(r, scope.mutual(), code)?);
        found.extend(checks::ceilings(r, scope.mutual(), code)?);
        found.extend(invoices::invoices(r, scope.mutual(), code)?);
        Ok::<_, crate::error::Error>((count, found))
    })?;
    verdict.commands += commands;
    verdict.findings.extend(findings);
    verdict.findings.extend(db.read(wall, |r| facts::facts(r, scope, code))?);
    let mut after = None;
    loop {
        let (last, households, payments, findings) =
            db.read(wall, |r| checks::households(r, scope, code, after, PAGE))?;
        verdict.households += households;
        verdict.payments += payments;
        verdict.findings.extend(findings);
        match last {
            Some(last) => after = Some(last),
            None => break,
        }
    }
    let mut after = None;
    loop {
        let (last, claims, findings) = db.read(wall, |r| checks::claims(r, scope.mutual(), code, after, PAGE))?;
        verdict.claims += claims;
        verdict.findings.extend(findings);
        match last {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}
