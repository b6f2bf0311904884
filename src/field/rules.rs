//! The rules of field sync: what an operation comes to (R47–R49) and what a page of the feed brings (R51). Pure, so that the
//! server and the worked cases ask the same functions.
use crate::words;
use std::collections::{BTreeMap, BTreeSet};

words! {
    /// What an operation came to.
    pub enum Status {
        Applied = "applied",
        /// An update on an old version, none of whose fields had changed since.
        Merged = "merged",
        /// The same operation had been sent before.
        Replayed = "replayed",
        /// What it depends on is not there; it is executed when it is sent again.
        Blocked = "blocked",
        Rejected = "rejected",
        /// A person in the office decides.
        Conflict = "conflict",
    }
}

impl Status {
    /// True where what the operation wanted is there.
    pub const fn is_done(self) -> bool {
        matches!(self, Status::Applied | Status::Merged)
    }
}

words! {
    /// Why an operation came to nothing; refusals of the register and of money have their own codes.
    pub enum Reason {
        OpIdReused = "OP_ID_REUSED",
        DependencyFailed = "DEPENDENCY_FAILED",
        FieldConflict = "FIELD_CONFLICT",
        EntityDeleted = "ENTITY_DELETED",
        EntityExists = "ENTITY_EXISTS",
        EntityUnknown = "ENTITY_UNKNOWN",
    }
}

/// Whether an operation of this id was seen, and what with (R47).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Never.
    New,
    /// The same: its stored result stands.
    Same,
    /// Another one.
    Reused,
}

/// Compares the content of an operation with that of the first one of its id.
pub fn seen<T: PartialEq + ?Sized>(first: Option<&T>, content: &T) -> Seen {
    match first {
        None => Seen::New,
        Some(first) if first == content => Seen::Same,
        Some(_) => Seen::Reused,
    }
}

/// Whether everything is done that an operation depends on (R48); `came_to` says what an operation first came to, none where
/// it is unknown or was blocked.
pub fn may_go_on<Id>(depends_on: &[Id], mut came_to: impl FnMut(&Id) -> Option<Status>) -> bool {
    depends_on.iter().all(|id| came_to(id).is_some_and(Status::is_done))
}

/// An entity as the server has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub version: i64,
    pub is_deleted: bool,
    /// In which version a field was last changed; a field that is not named was never changed.
    pub changed: BTreeMap<String, i64>,
}

/// Why an update is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clash {
    Unknown,
    Deleted,
    /// These fields were changed since the base, in name's order; the entity's version now.
    Fields(Vec<String>, i64),
}

impl Clash {
    /// Its code.
    pub const fn reason(&self) -> Reason {
        match self {
            Clash::Unknown => Reason::EntityUnknown,
            Clash::Deleted => Reason::EntityDeleted,
            Clash::Fields(..) => Reason::FieldConflict,
        }
    }

    /// Whether a person decides or the operation is simply wrong.
    pub const fn status(&self) -> Status {
        match self {
            Clash::Unknown => Status::Rejected,
            Clash::Deleted | Clash::Fields(..) => Status::Conflict,
        }
    }
}

/// What an update comes to (R49): applied on the current version, merged on an older one, or a clash.
///
/// # Errors
/// The clash.
pub fn update(known: Option<&Known>, base: Option<i64>, fields: &BTreeSet<String>) -> Result<Status, Clash> {
    let known = known.ok_or(Clash::Unknown)?;
    if known.is_deleted {
        return Err(Clash::Deleted);
    }
    // A base beyond the current version was read before a backup was restored: there is nothing newer to protect.
    let base = base.unwrap_or(known.version);
    if base >= known.version {
        return Ok(Status::Applied);
    }
    let clashing: Vec<String> =
        fields.iter().filter(|name| known.changed.get(*name).is_some_and(|version| *version > base)).cloned().collect();
    if clashing.is_empty() { Ok(Status::Merged) } else { Err(Clash::Fields(clashing, known.version)) }
}

/// A row of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<E> {
    pub number: i64,
    pub entity: E,
    pub is_deleted: bool,
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<E> {
    /// The latest row of each entity within the page, at its place.
    pub items: Vec<Row<E>>,
    pub next: i64,
    pub has_more: bool,
}

/// R51: the first `limit` rows after the cursor, of each entity the latest among them. `rows` follow the cursor in order, one
/// more than the limit where there are more.
pub fn page<E: Ord + Clone>(after: i64, limit: usize, rows: Vec<Row<E>>) -> Page<E> {
    let has_more = rows.len() > limit;
    let read: Vec<Row<E>> = rows.into_iter().take(limit).collect();
    let next = read.last().map_or(after, |row| row.number);
    let mut latest: BTreeMap<E, i64> = BTreeMap::new();
    for row in &read {
        latest.insert(row.entity.clone(), row.number);
    }
    let items = read.into_iter().filter(|row| latest.get(&row.entity) == Some(&row.number)).collect();
    Page { items, next, has_more }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known(version: i64, changed: &[(&str, i64)]) -> Known {
        let changed = changed.iter().map(|(name, version)| ((*name).to_owned(), *version)).collect();
        Known { version, is_deleted: false, changed }
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_old_base_merges_what_nobody_touched_and_clashes_else() {
        let server = known(5, &[("phone", 5), ("class", 3), ("area_id", 4)]);
        assert_eq!(update(Some(&server), Some(5), &names(&["phone"])), Ok(Status::Applied));
        assert_eq!(update(Some(&server), None, &names(&["phone"])), Ok(Status::Applied));
        assert_eq!(update(Some(&server), Some(9), &names(&["phone"])), Ok(Status::Applied));
        assert_eq!(update(Some(&server), Some(3), &names(&["class", "name"])), Ok(Status::Merged));
        let clash = update(Some(&server), Some(3), &names(&["phone", "class", "area_id"]));
        assert_eq!(clash, Err(Clash::Fields(vec!["area_id".into(), "phone".into()], 5)));
        assert_eq!(update(None, Some(1), &names(&["phone"])), Err(Clash::Unknown));
        let gone = Known { is_deleted: true, ..server };
        assert_eq!(update(Some(&gone), Some(5), &names(&["phone"])), Err(Clash::Deleted));
        assert_eq!(Clash::Unknown.status(), Status::Rejected);
        assert_eq!(Clash::Deleted.status(), Status::Conflict);
    }

    #[test]
    fn what_depends_on_nothing_done_waits() {
        let came_to = |id: &u8| match id {
            1 => Some(Status::Applied),
            2 => Some(Status::Merged),
            3 => Some(Status::Rejected),
            4 => Some(Status::Conflict),
            _ => None,
        };
        assert!(may_go_on(&[], came_to) && may_go_on(&[1, 2], came_to));
        for wrong in [3, 4, 5] {
            assert!(!may_go_on(&[1, wrong], came_to), "{wrong}");
        }
    }

    proptest! {
        /// Pages of any size, one after another, end with what the whole log says of every entity, and skip no row.
        #[test]
        fn pages_of_any_size_bring_the_same_end(
            log in prop::collection::vec((0_u8..6, any::<bool>()), 0..60), limit in 1_usize..12,
        ) {
            let log: Vec<Row<u8>> =
                (1..).zip(&log).map(|(number, (entity, gone))| Row { number, entity: *entity, is_deleted: *gone }).collect();
            let mut last = BTreeMap::new();
            for row in &log {
                last.insert(row.entity, row.clone());
            }
            let (mut cursor, mut seen, mut pages) = (0, BTreeMap::new(), 0);
            loop {
                let rest: Vec<Row<u8>> =
                    log.iter().filter(|row| row.number > cursor).take(limit + 1).cloned().collect();
                let page = page(cursor, limit, rest);
                let entities: BTreeSet<u8> = page.items.iter().map(|row| row.entity).collect();
                prop_assert_eq!(entities.len(), page.items.len());
                for row in page.items {
                    seen.insert(row.entity, row);
                }
                pages += 1;
                if !page.has_more {
                    prop_assert_eq!(page.next, i64::try_from(log.len()).unwrap());
                    break;
                }
                prop_assert!(page.next > cursor && pages <= log.len());
                cursor = page.next;
            }
            prop_assert_eq!(seen, last);
        }
    }
}
