//! Programs that pull figures: a key for reading alone, with scopes, an end and the time of its last use. It is no user.
use super::model::ApiKey;
use super::permissions::Permission;
use super::store;
use crate::error::{Error, Result, kept};
use crate::ids::*;
use crate::words;
use chrono::{Duration, NaiveDateTime};
use sha2::{Digest, Sha256};

/// How a key begins, so that it is known where it is found.
pub const PREFIX: &str = "ayni_";
/// A use is written down when the last one that was is so many minutes old.
const USED_MINUTES: i64 = 5;

words! {
    /// What a program may read.
    pub enum MachineScope {
        /// Reports and the catalogue of indicators.
        Reports = "reports",
        /// The tree of organisations and areas.
        Tree = "tree",
        /// Products, facilities, services and prices.
        Catalogue = "catalogue",
    }
}

impl MachineScope {
    /// The permissions that it gives.
    const fn permissions(self) -> &'static [Permission] {
        match self {
            MachineScope::Reports => &[Permission::FiguresRead],
            MachineScope::Tree => &[Permission::OrganisationRead],
            MachineScope::Catalogue => &[Permission::ProductRead, Permission::ProviderRead],
        }
    }
}

/// A program that is let in.
#[derive(Debug, Clone)]
pub struct Machine {
    pub key: ApiKeyId,
    pub organisation: OrganisationId,
    scopes: Vec<MachineScope>,
    hash: Vec<u8>,
    expires_at: NaiveDateTime,
}

impl Machine {
    /// A key that stands.
    ///
    /// # Errors
    /// A fault where what was kept cannot be read.
    pub fn of(row: ApiKey) -> Result<Machine> {
        Ok(Machine {
            key: row.id,
            organisation: row.organisation_id,
            scopes: kept(&row.scopes, "scopes of a key")?,
            hash: row.secret_hash,
            expires_at: row.expires_at,
        })
    }

    /// Whether it may do this.
    pub fn may(&self, permission: Permission) -> bool {
        self.scopes.iter().any(|scope| scope.permissions().contains(&permission))
    }

    /// Whether a secret is its own, now.
    pub fn is_told(&self, secret: &str, now: NaiveDateTime) -> bool {
        let told = Sha256::digest(secret.as_bytes());
        now < self.expires_at && aws_lc_rs::constant_time::verify_slices_are_equal(&told, &self.hash).is_ok()
    }
}

/// The id and the secret of what looks like a key.
pub fn read(token: &str) -> Option<(ApiKeyId, &str)> {
    let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
    Some((Key::new(uuid::Uuid::try_parse(id).ok()?), secret))
}

/// Writes down that a key was used, about every five minutes.
///
/// # Errors
/// The database's.
pub fn used(db: &crate::db::Db, key: ApiKeyId) -> Result<()> {
    let wall = crate::db::Wall::ROOT;
    let long_ago = db.clock().now() - Duration::minutes(USED_MINUTES);
    let known = db.read(wall, |r| store::last_use(r, key).map_err(Error::from))?;
    if known.flatten().is_some_and(|at| at > long_ago) {
        return Ok(());
    }
    db.write(wall, |w| {
        let now = w.now();
        store::set_last_use(w, key, now).map_err(Error::from)
    })
}
