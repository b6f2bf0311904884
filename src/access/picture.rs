//! The picture in memory of organisations, links, grants and ended sessions, against which every request is checked. It is
//! loaded anew when the one version row has moved: looked at every two seconds, and at once in the process that wrote. A
//! picture that could not be checked for thirty seconds lets nobody in.
use super::machines::Machine;
use super::model::*;
use super::permissions::OrganisationKind;
use super::store;
use crate::db::{Db, Wall};
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use chrono::NaiveDate;
use chrono_tz::Tz;
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the version row is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How old a picture may be that still lets somebody in.
const TOO_OLD: Duration = Duration::from_secs(30);

/// An organisation as the guard needs it.
#[derive(Debug, Clone)]
pub struct Organisation {
    pub id: OrganisationId,
    pub code: String,
    pub name: String,
    pub kind: OrganisationKind,
    pub country: Option<String>,
    pub currency: Option<Currency>,
    pub timezone: Tz,
    pub card_prefix: Option<String>,
}

/// What was true when it was loaded.
#[derive(Debug, Default)]
pub struct Picture {
    version: i64,
    organisations: HashMap<OrganisationId, Organisation>,
    up: HashMap<OrganisationId, Vec<Link>>,
    down: HashMap<OrganisationId, Vec<Link>>,
    grants: HashMap<UserId, Vec<Grant>>,
    owners: HashMap<ProviderId, OrganisationId>,
    conventions: HashMap<ProviderId, Vec<store::ConventionFacts>>,
    disabled: HashSet<UserId>,
    ended: HashSet<SessionId>,
    machines: HashMap<ApiKeyId, Machine>,
}

impl Picture {
    /// An organisation.
    pub fn organisation(&self, id: OrganisationId) -> Option<&Organisation> {
        self.organisations.get(&id)
    }

    /// An organisation by its code.
    pub fn by_code(&self, code: &str) -> Option<&Organisation> {
        self.organisations.values().find(|organisation| organisation.code == code)
    }

    /// The mutual to which a card number leads by its six digits in front.
    pub fn by_card(&self, number: &str) -> Option<&Organisation> {
        let prefix = number.get(..6)?;
        self.organisations.values().find(|organisation| organisation.card_prefix.as_deref() == Some(prefix))
    }

    /// All organisations, by code.
    pub fn organisations(&self) -> Vec<&Organisation> {
        let mut all: Vec<&Organisation> = self.organisations.values().collect();
        all.sort_by(|a, b| a.code.cmp(&b.code));
        all
    }

    /// All mutuals, by id.
    pub fn mutuals(&self) -> Vec<OrganisationId> {
        let mut all: Vec<OrganisationId> = self
            .organisations
            .values()
            .filter(|organisation| organisation.kind == OrganisationKind::Mutual)
            .map(|organisation| organisation.id)
            .collect();
        all.sort();
        all
    }

    /// The organisation's parents on a day, nearest first, itself not included; ROOT is above everything and last.
    pub fn ancestors(&self, id: OrganisationId, on: NaiveDate) -> Vec<OrganisationId> {
        let mut found = Vec::new();
        let mut at = id;
        while let Some(link) = self
            .up
            .get(&at)
            .into_iter()
            .flatten()
            .find(|link| link.kind == LinkKind::Parent && link.stands(on) && !found.contains(&link.parent_id))
        {
            at = link.parent_id;
            found.push(at);
        }
        if id != OrganisationId::NIL && !found.contains(&OrganisationId::NIL) {
            found.push(OrganisationId::NIL);
        }
        found
    }

    /// The mutual of a section on a day.
    pub fn mutual_of(&self, section: OrganisationId, on: NaiveDate) -> Option<OrganisationId> {
        self.ancestors(section, on).into_iter().find(|id| {
            self.organisations.get(id).is_some_and(|organisation| organisation.kind == OrganisationKind::Mutual)
        })
    }

    /// What lies below an organisation by parent links on a day, itself not included.
    pub fn below(&self, id: OrganisationId, on: NaiveDate) -> BTreeSet<OrganisationId> {
        if id == OrganisationId::NIL {
            return self.organisations.keys().copied().filter(|other| *other != id).collect();
        }
        self.walk_down(id, on, &[LinkKind::Parent])
    }

    /// The mutuals whose figures an organisation sees on a day: those below it, and those that are members of it or of a
    /// body below it.
    pub fn mutuals_under(&self, id: OrganisationId, on: NaiveDate) -> BTreeSet<OrganisationId> {
        let mut all = self.walk_down(id, on, &[LinkKind::Parent, LinkKind::MemberOf]);
        all.retain(|other| {
            self.organisations.get(other).is_some_and(|organisation| organisation.kind == OrganisationKind::Mutual)
        });
        all
    }

    fn walk_down(&self, id: OrganisationId, on: NaiveDate, kinds: &[LinkKind]) -> BTreeSet<OrganisationId> {
        let mut found = BTreeSet::new();
        let mut open = vec![id];
        while let Some(at) = open.pop() {
            for link in self.down.get(&at).into_iter().flatten() {
                if kinds.contains(&link.kind) && link.stands(on) && found.insert(link.child_id) {
                    open.push(link.child_id);
                }
            }
        }
        found.remove(&id);
        found
    }

    /// The user's grants that have not been ended; whether they have run out is for the caller to see at its instant.
    pub fn grants(&self, user: UserId) -> &[Grant] {
        self.grants.get(&user).map_or(&[], Vec::as_slice)
    }

    /// The organisation that owns a facility.
    pub fn owner_of(&self, provider: ProviderId) -> Option<OrganisationId> {
        self.owners.get(&provider).copied()
    }

    /// True where a convention between the facility and the mutual, or a body above it, stands on a day.
    pub fn is_contracted(&self, provider: ProviderId, mutual: OrganisationId, on: NaiveDate) -> bool {
        let above = self.ancestors(mutual, on);
        self.conventions.get(&provider).into_iter().flatten().any(|(_, party, from, to)| {
            (*party == mutual || above.contains(party)) && crate::dates::within(on, *from, *to)
        })
    }

    /// The program whose key this is.
    pub fn machine(&self, key: ApiKeyId) -> Option<&Machine> {
        self.machines.get(&key)
    }

    /// True where the user may not come in.
    pub fn is_disabled(&self, user: UserId) -> bool {
        self.disabled.contains(&user)
    }

    /// True where the session was ended.
    pub fn is_ended(&self, session: SessionId) -> bool {
        self.ended.contains(&session)
    }

    /// True where anybody holds this role on the organisation at an instant.
    pub fn has_role(
        &self,
        role: super::permissions::Role,
        organisation: OrganisationId,
        at: chrono::NaiveDateTime,
    ) -> bool {
        self.grants
            .values()
            .flatten()
            .any(|grant| grant.role == role && grant.organisation_id == Some(organisation) && grant.stands(at))
    }

    /// Who holds a role on one of these organisations at an instant.
    pub fn holders(
        &self,
        role: super::permissions::Role,
        on: &BTreeSet<OrganisationId>,
        at: chrono::NaiveDateTime,
    ) -> Vec<UserId> {
        let here = |grant: &Grant| {
            grant.role == role && grant.organisation_id.is_some_and(|id| on.contains(&id)) && grant.stands(at)
        };
        let holds = |(user, grants): (&UserId, &Vec<Grant>)| grants.iter().any(here).then_some(*user);
        self.grants.iter().filter_map(holds).collect()
    }

    /// Loads what the database says now.
    ///
    /// # Errors
    /// The database's.
    pub fn load(db: &Db) -> Result<Picture> {
        // Access tokens live ten minutes: a session ended longer ago than that has none left.
        let since = db.clock().now() - chrono::Duration::minutes(20);
        db.read(Wall::ROOT, |r| {
            let mut picture = Picture { version: store::access_version(r)?, ..Picture::default() };
            for row in store::list_organisations(r)? {
                let organisation = Organisation {
                    id: row.0,
                    code: row.1,
                    name: row.2,
                    kind: row.3,
                    country: row.4,
                    currency: row.5.as_deref().and_then(Currency::parse),
                    timezone: zone(&row.6),
                    card_prefix: row.7,
                };
                picture.organisations.insert(organisation.id, organisation);
            }
            for link in store::list_links(r)? {
                picture.up.entry(link.child_id).or_default().push(link.clone());
                picture.down.entry(link.parent_id).or_default().push(link);
            }
            for grant in store::list_standing_grants(r)? {
                picture.grants.entry(grant.user_id).or_default().push(grant);
            }
            picture.owners = store::list_provider_owners(r)?.into_iter().collect();
            for convention in store::list_conventions(r)? {
                picture.conventions.entry(convention.0).or_default().push(convention);
            }
            picture.disabled = store::list_disabled(r)?.into_iter().collect();
            picture.ended = store::list_ended_sessions(r, since)?.into_iter().collect();
            for row in store::list_standing_api_keys(r)? {
                picture.machines.insert(row.id, Machine::of(row)?);
            }
            Ok(picture)
        })
    }
}

/// Reads a zone's name; UTC stands for the unknown, which creation refuses.
fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

/// The picture in force, kept fresh.
#[derive(Clone)]
pub struct Pictures {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    current: RwLock<(Arc<Picture>, Instant)>,
    loading: Mutex<()>,
    stopped: AtomicBool,
}

impl Pictures {
    /// Loads the first picture.
    ///
    /// # Errors
    /// The database's.
    pub fn load(db: &Db) -> Result<Self> {
        let picture = Arc::new(Picture::load(db)?);
        Ok(Pictures {
            inner: Arc::new(Inner {
                db: db.clone(),
                current: RwLock::new((picture, Instant::now())),
                loading: Mutex::new(()),
                stopped: AtomicBool::new(false),
            }),
        })
    }

    /// Keeps the picture fresh in a thread of its own until [`Pictures::stop`].
    ///
    /// # Errors
    /// The operating system's, where it gives no thread.
    pub fn watch(&self) -> std::io::Result<()> {
        let me = self.clone();
        std::thread::Builder::new().name("picture".into()).spawn(move || {
            while !me.inner.stopped.load(Ordering::Relaxed) {
                std::thread::sleep(LOOK);
                if let Err(error) = me.look() {
                    tracing::warn!(%error, "grants could not be checked");
                }
            }
        })?;
        Ok(())
    }

    /// Ends the watching.
    pub fn stop(&self) {
        self.inner.stopped.store(true, Ordering::Relaxed);
    }

    /// Loads anew if the version row has moved.
    ///
    /// # Errors
    /// The database's.
    pub fn look(&self) -> Result<()> {
        let version = self.inner.db.read(Wall::ROOT, |r| store::access_version(r).map_err(Error::from))?;
        if version == self.inner.current.read().0.version {
            self.inner.current.write().1 = Instant::now();
            return Ok(());
        }
        self.reload()
    }

    /// Loads anew: called in the process that changed something, before it answers.
    ///
    /// # Errors
    /// The database's.
    pub fn reload(&self) -> Result<()> {
        let _one = self.inner.loading.lock();
        let picture = Arc::new(Picture::load(&self.inner.db)?);
        *self.inner.current.write() = (picture, Instant::now());
        Ok(())
    }

    /// The picture in force.
    ///
    /// # Errors
    /// `access_unknown` where it is too old to be trusted.
    pub fn current(&self) -> Result<Arc<Picture>> {
        let current = self.inner.current.read();
        if current.1.elapsed() > TOO_OLD {
            return Err(Problem::of(Code::StalePicture).after(2).into());
        }
        Ok(current.0.clone())
    }
}
