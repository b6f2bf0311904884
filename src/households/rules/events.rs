//! What an event in a household changes: who begins, who ends a stay, who dies (`domain.md`'s life cycle of a household).
//! A plan is made from the persons as they are known and is then written as it stands, so that a counter-event can take
//! back exactly what was done.

use chrono::NaiveDate;

use crate::dates::{add_days, within};
use crate::households::model::Relationship;
use crate::words;

words! {
    /// What happened.
    pub enum EventKind {
        Birth = "BIRTH",
        Adoption = "ADOPTION",
        Marriage = "MARRIAGE",
        /// Any other person who joins.
        Arrival = "ARRIVAL",
        Death = "DEATH",
        Departure = "DEPARTURE",
        /// A child who has reached the age at which he needs a household of his own.
        ChildOverAge = "CHILD_OVER_AGE",
        /// Some persons found a household of their own.
        Separation = "SEPARATION",
        ChangeOfPrincipal = "CHANGE_OF_PRINCIPAL",
        /// The household lives in another area.
        Move = "MOVE",
        /// Takes another event back.
        CounterEvent = "COUNTER_EVENT",
    }
}

/// A person with a stay in the household, as known before the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present<Id> {
    pub member: Id,
    pub stay: Id,
    pub relationship: Relationship,
    pub born_on: Option<NaiveDate>,
    pub died_on: Option<NaiveDate>,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
}

impl<Id> Present<Id> {
    fn is_there(&self, day: NaiveDate) -> bool {
        within(day, self.from, self.to) && self.died_on.is_none_or(|died| died >= day)
    }
}

/// A stay that ends on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends<Id> {
    pub member: Id,
    pub stay: Id,
    /// Its last day before the event.
    pub was: Option<NaiveDate>,
    pub to: NaiveDate,
}

/// A stay that begins on the event's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begins<Id> {
    pub member: Id,
    pub relationship: Relationship,
    /// In the household that the event founds.
    pub in_new_household: bool,
}

/// What an event does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan<Id> {
    pub ends: Vec<Ends<Id>>,
    pub begins: Vec<Begins<Id>>,
    pub dies: Option<Id>,
}

impl<Id> Default for Plan<Id> {
    fn default() -> Self {
        Plan { ends: Vec::new(), begins: Vec::new(), dies: None }
    }
}

/// Why an event cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("the person does not belong to the household on that day")]
    NotThere,
    #[error("the event lies before the person's birth")]
    BeforeBirth,
    #[error("the person had died by then")]
    AfterDeath,
    #[error("the person's death is recorded already")]
    DiedBefore,
    #[error("the household would be left without a principal; change the principal first")]
    NoPrincipal,
    #[error("a household has one principal at a time")]
    SecondPrincipal,
    #[error("the stay begins on that day or after it, or a later event has changed it")]
    TooEarly,
    #[error("only a child leaves for age")]
    NotAChild,
    #[error("somebody must move and somebody must stay")]
    NobodyStays,
}

fn person<Id: Copy + PartialEq>(
    present: &[Present<Id>],
    member: Id,
    on: NaiveDate,
) -> Result<&Present<Id>, EventError> {
    let of_person = || present.iter().filter(move |one| one.member == member);
    let known = of_person().next().ok_or(EventError::NotThere)?;
    must_live(known.born_on, known.died_on, on)?;
    of_person().find(|one| within(on, one.from, one.to)).ok_or(EventError::NotThere)
}

fn must_live(born_on: Option<NaiveDate>, died_on: Option<NaiveDate>, on: NaiveDate) -> Result<(), EventError> {
    if born_on.is_some_and(|born| on < born) {
        return Err(EventError::BeforeBirth);
    }
    if died_on.is_some_and(|died| died < on) {
        return Err(EventError::AfterDeath);
    }
    Ok(())
}

/// Whether others who live there from the day after would have no principal once these have gone.
fn leaves_no_principal<Id: Copy + PartialEq>(present: &[Present<Id>], going: &[Id], after: NaiveDate) -> bool {
    let Ok(next) = add_days(after, 1) else { return false };
    let mut staying = present.iter().filter(|one| one.is_there(next) && !going.contains(&one.member)).peekable();
    staying.peek().is_some() && !staying.any(|one| one.relationship == Relationship::Principal)
}

/// A death: the last day of life is the last day of the stay. A principal's death leaves the others as they are (R20).
pub fn death<Id: Copy + PartialEq>(present: &[Present<Id>], member: Id, on: NaiveDate) -> Result<Plan<Id>, EventError> {
    let of_person = || present.iter().filter(|one| one.member == member);
    let known = of_person().next().ok_or(EventError::NotThere)?;
    if known.died_on.is_some() {
        return Err(EventError::DiedBefore);
    }
    must_live(known.born_on, None, on)?;
    if of_person().any(|one| one.from > on) {
        return Err(EventError::TooEarly);
    }
    let last = of_person().max_by_key(|one| one.from).ok_or(EventError::NotThere)?;
    let open = last.to.is_none_or(|to| to > on);
    let ends = Ends { member, stay: last.stay, was: last.to, to: on };
    Ok(Plan { ends: if open { vec![ends] } else { Vec::new() }, begins: Vec::new(), dies: Some(member) })
}

/// A departure: `last` is the last day in the household. A child over age keeps the stay to the end of the period in
/// which the cover is paid (R20), which the caller knows.
pub fn departure<Id: Copy + PartialEq>(
    present: &[Present<Id>],
    member: Id,
    on: NaiveDate,
    last: NaiveDate,
    as_child: bool,
) -> Result<Plan<Id>, EventError> {
    let there = person(present, member, on)?;
    if as_child && there.relationship != Relationship::Child {
        return Err(EventError::NotAChild);
    }
    if there.to.is_some() {
        // A stay with a last day has been given it by an event before.
        return Err(EventError::NotThere);
    }
    if there.relationship == Relationship::Principal && leaves_no_principal(present, &[member], last) {
        return Err(EventError::NoPrincipal);
    }
    let ends = Ends { member, stay: there.stay, was: there.to, to: last };
    Ok(Plan { ends: vec![ends], ..Plan::default() })
}

/// A person who is new to the mutual, or comes from another of its households, where `before` is everybody's stay.
pub fn joining<Id: Copy + PartialEq>(
    present: &[Present<Id>],
    before: &[Present<Id>],
    member: Id,
    relationship: Relationship,
    on: NaiveDate,
) -> Result<Plan<Id>, EventError> {
    if relationship == Relationship::Principal
        && present.iter().any(|one| {
            one.relationship == Relationship::Principal
                && one.to.is_none_or(|to| to >= on)
                && one.died_on.is_none_or(|died| died >= on)
        })
    {
        return Err(EventError::SecondPrincipal);
    }
    let mut plan = Plan { begins: vec![Begins { member, relationship, in_new_household: false }], ..Plan::default() };
    if !before.is_empty() {
        let last_day = add_days(on, -1).map_err(|_| EventError::TooEarly)?;
        plan.ends.extend(leaves(before, member, on, last_day)?);
        if leaves_no_principal(before, &[member], last_day) {
            return Err(EventError::NoPrincipal);
        }
    }
    Ok(plan)
}

fn leaves<Id: Copy + PartialEq>(
    before: &[Present<Id>],
    member: Id,
    on: NaiveDate,
    last_day: NaiveDate,
) -> Result<Option<Ends<Id>>, EventError> {
    let of_person = || before.iter().filter(|one| one.member == member);
    let known = of_person().next().ok_or(EventError::NotThere)?;
    must_live(known.born_on, known.died_on, on)?;
    let last = of_person().max_by_key(|one| one.from).ok_or(EventError::NotThere)?;
    if last.from > last_day {
        return Err(EventError::TooEarly);
    }
    let open = last.to.is_none_or(|to| to >= on);
    Ok(open.then_some(Ends { member, stay: last.stay, was: last.to, to: last_day }))
}

/// A separation: those named live in a household of their own from `on`.
pub fn separation<Id: Copy + PartialEq>(
    present: &[Present<Id>],
    moving: &[(Id, Relationship)],
    on: NaiveDate,
) -> Result<Plan<Id>, EventError> {
    match moving.iter().filter(|(_, relationship)| *relationship == Relationship::Principal).count() {
        0 => return Err(EventError::NoPrincipal),
        1 => {}
        _ => return Err(EventError::SecondPrincipal),
    }
    let last_day = add_days(on, -1).map_err(|_| EventError::TooEarly)?;
    let mut plan = Plan::default();
    for (member, relationship) in moving {
        let there = person(present, *member, on)?;
        if there.from > last_day || there.to.is_some() {
            return Err(EventError::TooEarly);
        }
        plan.ends.push(Ends { member: *member, stay: there.stay, was: there.to, to: last_day });
        plan.begins.push(Begins { member: *member, relationship: *relationship, in_new_household: true });
    }
    let going: Vec<Id> = moving.iter().map(|(member, _)| *member).collect();
    if !present.iter().any(|one| one.is_there(on) && !going.contains(&one.member)) {
        return Err(EventError::NobodyStays);
    }
    if leaves_no_principal(present, &going, last_day) {
        return Err(EventError::NoPrincipal);
    }
    Ok(plan)
}

/// A change of principal: from `on` the one is the principal; the former, where still there, is `former` to him.
pub fn change_of_principal<Id: Copy + PartialEq>(
    present: &[Present<Id>],
    member: Id,
    former: Relationship,
    on: NaiveDate,
) -> Result<Plan<Id>, EventError> {
    let last_day = add_days(on, -1).map_err(|_| EventError::TooEarly)?;
    let next = person(present, member, on)?;
    if next.relationship == Relationship::Principal || former == Relationship::Principal {
        return Err(EventError::SecondPrincipal);
    }
    if present.iter().any(|one| one.from > on && one.relationship == Relationship::Principal) {
        return Err(EventError::TooEarly);
    }
    let before = present.iter().find(|one| one.is_there(on) && one.relationship == Relationship::Principal);
    let mut plan = Plan::default();
    let changes = before.map(|one| (one, former)).into_iter().chain([(next, Relationship::Principal)]);
    for (one, relationship) in changes {
        // A stay that ends has been ended by an event that is recorded already; what is to be between comes too late.
        let ended_later = one.to.is_some() && one.died_on.is_none();
        if one.from > last_day || ended_later {
            return Err(EventError::TooEarly);
        }
        plan.ends.push(Ends { member: one.member, stay: one.stay, was: one.to, to: last_day });
        plan.begins.push(Begins { member: one.member, relationship, in_new_household: false });
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(offset: i64) -> NaiveDate {
        add_days("2026-01-01".parse().unwrap(), offset).unwrap()
    }

    fn one(member: u8, relationship: Relationship) -> Present<u8> {
        Present { member, stay: member + 100, relationship, born_on: None, died_on: None, from: day(0), to: None }
    }

    fn family() -> Vec<Present<u8>> {
        let child = Present { born_on: Some(day(-3000)), ..one(3, Relationship::Child) };
        vec![one(1, Relationship::Principal), one(2, Relationship::Spouse), child]
    }

    #[test]
    fn a_death_ends_the_stay_on_the_day_and_is_recorded_once() {
        let plan = death(&family(), 1, day(10)).unwrap();
        assert_eq!(plan.ends, vec![Ends { member: 1, stay: 101, was: None, to: day(10) }]);
        assert_eq!(plan.dies, Some(1));
        let mut gone = family();
        gone[0].died_on = Some(day(5));
        assert_eq!(death(&gone, 1, day(10)), Err(EventError::DiedBefore));
        assert_eq!(death(&family(), 3, day(-3001)), Err(EventError::BeforeBirth));
        assert_eq!(death(&family(), 2, day(-1)), Err(EventError::TooEarly));
        assert_eq!(death(&family(), 9, day(1)), Err(EventError::NotThere));
    }

    #[test]
    fn a_principal_leaves_only_after_another_has_taken_over() {
        assert_eq!(departure(&family(), 1, day(5), day(5), false), Err(EventError::NoPrincipal));
        assert!(departure(&family()[..1], 1, day(5), day(5), false).is_ok(), "the last may leave");
        assert!(departure(&family(), 2, day(5), day(5), false).is_ok());
        assert_eq!(departure(&family(), 2, day(5), day(5), true), Err(EventError::NotAChild));
        let plan = departure(&family(), 3, day(5), day(300), true).unwrap();
        assert_eq!(plan.ends[0].to, day(300));
    }

    #[test]
    fn a_second_principal_is_refused_however_it_comes() {
        assert_eq!(joining(&family(), &[], 9, Relationship::Principal, day(3)), Err(EventError::SecondPrincipal));
        let two = [(2, Relationship::Principal), (3, Relationship::Principal)];
        assert_eq!(separation(&family(), &two, day(3)), Err(EventError::SecondPrincipal));
        let same = change_of_principal(&family(), 1, Relationship::Other, day(3));
        assert_eq!(same, Err(EventError::SecondPrincipal));
    }

    #[test]
    fn who_separates_leaves_a_principal_behind() {
        let moving = [(2, Relationship::Principal), (3, Relationship::Child)];
        let plan = separation(&family(), &moving, day(30)).unwrap();
        assert_eq!(plan.ends.iter().map(|ends| ends.to).collect::<Vec<_>>(), vec![day(29), day(29)]);
        assert!(plan.begins.iter().all(|begins| begins.in_new_household));
        let principal = [(1, Relationship::Principal)];
        assert_eq!(separation(&family(), &principal, day(30)), Err(EventError::NoPrincipal));
        let all = [(1, Relationship::Principal), (2, Relationship::Spouse), (3, Relationship::Child)];
        assert_eq!(separation(&family(), &all, day(30)), Err(EventError::NobodyStays));
        assert_eq!(separation(&family(), &moving, day(0)), Err(EventError::TooEarly));
    }

    #[test]
    fn after_the_death_of_the_principal_one_person_takes_over() {
        let mut family = family();
        family[0].died_on = Some(day(10));
        family[0].to = Some(day(10));
        let plan = change_of_principal(&family, 2, Relationship::Other, day(11)).unwrap();
        assert_eq!(
            plan.begins,
            vec![Begins { member: 2, relationship: Relationship::Principal, in_new_household: false }]
        );
        assert_eq!(plan.ends.len(), 1);
    }

    proptest! {
        /// Whatever is done in whatever order, nobody has two stays on one day and those there have at most one principal.
        #[test]
        fn plans_keep_a_household_whole(steps in prop::collection::vec((0_u8..4, 0_u8..6, 1_i64..400), 1..25)) {
            let mut present = family();
            let mut next_stay = 200_u8;
            for (kind, member, at) in steps {
                let on = day(at);
                let plan = match kind {
                    0 => death(&present, member, on),
                    1 => departure(&present, member, on, on, false),
                    2 => change_of_principal(&present, member, Relationship::Other, on),
                    _ => joining(&present, &[], member + 50, Relationship::Child, on),
                };
                let Ok(plan) = plan else { continue };
                if present.iter().any(|one| plan.begins.iter().any(|begins| begins.member == one.member && one.from > on)) {
                    continue;
                }
                for ends in &plan.ends {
                    let stay = present.iter_mut().find(|one| one.stay == ends.stay).unwrap();
                    prop_assert!(ends.to >= stay.from, "a stay ends before it begins");
                    stay.to = Some(ends.to);
                }
                for one in present.iter_mut().filter(|one| Some(one.member) == plan.dies) {
                    one.died_on = Some(on);
                }
                for begins in &plan.begins {
                    if kind > 2 && present.iter().any(|one| one.member == begins.member) {
                        continue;
                    }
                    next_stay += 1;
                    let known = present.iter().find(|one| one.member == begins.member).cloned();
                    present.push(Present {
                        member: begins.member,
                        stay: next_stay,
                        relationship: begins.relationship,
                        from: on,
                        to: None,
                        born_on: known.as_ref().and_then(|one| one.born_on),
                        died_on: known.and_then(|one| one.died_on),
                    });
                }
                for offset in 0..420 {
                    let there: Vec<_> = present.iter().filter(|one| one.is_there(day(offset))).collect();
                    let mut members: Vec<u8> = there.iter().map(|one| one.member).collect();
                    members.sort_unstable();
                    let before = members.len();
                    members.dedup();
                    prop_assert_eq!(before, members.len(), "somebody is there twice on day {}", offset);
                    let principals = there.iter().filter(|one| one.relationship == Relationship::Principal).count();
                    prop_assert!(principals <= 1, "{} principals on day {}", principals, offset);
                }
            }
        }
    }
}
