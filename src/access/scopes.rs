//! How far a caller reaches, as types. A store function that reads persons takes a [`MutualScope`]; a body's scope does
//! not compile there. Only the guard, an import and [`SystemScope`] make one: the constructors are closed to the rest.
use super::permissions::Role;
use super::picture::{Organisation, Picture};
use crate::clock::Clock;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::money::Currency;
use chrono::NaiveDate;

/// Which sections of a mutual are seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sections {
    /// The whole mutual, households without section included.
    All,
    /// These only.
    These(Vec<OrganisationId>),
}

/// Persons, money and care of one mutual.
#[derive(Debug, Clone)]
pub struct MutualScope {
    mutual: MutualId,
    sections: Sections,
    care: bool,
    currency: Currency,
    today: NaiveDate,
}

impl MutualScope {
    pub(super) fn new(mutual: &Organisation, sections: Sections, care: bool, clock: &Clock) -> Result<Self> {
        let currency =
            mutual.currency.ok_or_else(|| Error::Fault(format!("the mutual {} has no usable currency", mutual.id)))?;
        Ok(MutualScope {
            mutual: Key::new(mutual.id.uuid()),
            sections,
            care,
            currency,
            today: clock.today(mutual.timezone),
        })
    }

    /// The mutual.
    pub fn mutual(&self) -> MutualId {
        self.mutual
    }

    /// The sections seen.
    pub fn sections(&self) -> &Sections {
        &self.sections
    }

    /// Whether care may be seen.
    pub fn care(&self) -> bool {
        self.care
    }

    /// The mutual's one currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The business date in the mutual's zone (R3).
    pub fn today(&self) -> NaiveDate {
        self.today
    }

    /// True where the whole mutual is seen.
    pub fn sees_all(&self) -> bool {
        self.sections == Sections::All
    }

    /// True where a household of this section is seen. One without section is seen by mutual-wide grants only.
    pub fn sees(&self, section: Option<OrganisationId>) -> bool {
        match (&self.sections, section) {
            (Sections::All, _) => true,
            (Sections::These(ids), Some(section)) => ids.contains(&section),
            (Sections::These(_), None) => false,
        }
    }

    /// Refuses a household outside as absent.
    ///
    /// # Errors
    /// `not_found`.
    pub fn must_see(&self, section: Option<OrganisationId>) -> Result<()> {
        if self.sees(section) { Ok(()) } else { Err(Code::NotFound.into()) }
    }
}

/// A clerk's reach: one provider and the mutual to which a presented card leads.
#[derive(Debug, Clone)]
pub struct ProviderScope {
    provider: ProviderId,
    mutual: MutualScope,
}

impl ProviderScope {
    pub(super) fn new(provider: ProviderId, mutual: MutualScope) -> Self {
        ProviderScope { provider, mutual }
    }

    /// The provider.
    pub fn provider(&self) -> ProviderId {
        self.provider
    }

    /// What of the mutual the clerk's question may touch.
    pub fn mutual(&self) -> &MutualScope {
        &self.mutual
    }
}

/// Tree, catalogue and figures of one organisation.
#[derive(Debug, Clone)]
pub struct BodyScope {
    organisation: OrganisationId,
    kind: super::permissions::OrganisationKind,
    today: NaiveDate,
}

impl BodyScope {
    pub(super) fn new(organisation: &Organisation, clock: &Clock) -> Self {
        BodyScope { organisation: organisation.id, kind: organisation.kind, today: clock.today(organisation.timezone) }
    }

    /// The organisation.
    pub fn organisation(&self) -> OrganisationId {
        self.organisation
    }

    /// Its kind.
    pub fn kind(&self) -> super::permissions::OrganisationKind {
        self.kind
    }

    /// The business date in its zone.
    pub fn today(&self) -> NaiveDate {
        self.today
    }
}

/// Counts and sums of one mutual at a time; no function that takes it gives a person.
#[derive(Debug, Clone)]
pub struct FigureScope {
    mutual: MutualId,
    currency: Currency,
}

impl FigureScope {
    /// The figures of a mutual that the caller sees whole.
    pub fn of(scope: &MutualScope) -> Self {
        FigureScope { mutual: scope.mutual, currency: scope.currency }
    }

    /// The figures of a mutual within an organisation's scope: itself, or linked below it on a day.
    ///
    /// # Errors
    /// `not_found` where the mutual is not within.
    pub fn within(scope: &BodyScope, picture: &Picture, mutual: OrganisationId, on: NaiveDate) -> Result<Self> {
        let inside = scope.organisation == mutual
            || scope.organisation == OrganisationId::NIL
            || picture.mutuals_under(scope.organisation, on).contains(&mutual);
        let organisation = picture
            .organisation(mutual)
            .filter(|found| found.kind == super::permissions::OrganisationKind::Mutual)
            .filter(|_| inside)
            .ok_or(Problem::of(Code::NotFound))?;
        let currency =
            organisation.currency.ok_or_else(|| Error::Fault(format!("the mutual {mutual} has no usable currency")))?;
        Ok(FigureScope { mutual: Key::new(mutual.uuid()), currency })
    }

    /// The mutual.
    pub fn mutual(&self) -> MutualId {
        self.mutual
    }

    /// Its currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }
}

/// The installation: what runs at the terminal, and jobs.
#[derive(Debug, Clone, Copy)]
pub struct SystemScope {
    _closed: (),
}

impl SystemScope {
    /// The scope of whoever runs the program on the machine itself.
    pub fn of_the_terminal() -> Self {
        SystemScope { _closed: () }
    }

    /// A whole mutual.
    ///
    /// # Errors
    /// `not_found`.
    pub fn mutual(&self, picture: &Picture, clock: &Clock, mutual: OrganisationId) -> Result<MutualScope> {
        let organisation = picture
            .organisation(mutual)
            .filter(|found| found.kind == super::permissions::OrganisationKind::Mutual)
            .ok_or(Problem::of(Code::NotFound))?;
        MutualScope::new(organisation, Sections::All, true, clock)
    }

    /// What a field agent reaches of a mutual now: the sections on which he holds a standing grant.
    ///
    /// # Errors
    /// `not_found` where he holds none.
    pub fn agent(
        &self,
        picture: &Picture,
        clock: &Clock,
        mutual: OrganisationId,
        agent: UserId,
    ) -> Result<MutualScope> {
        let organisation = picture.organisation(mutual).ok_or(Problem::of(Code::NotFound))?;
        let (now, on) = (clock.now(), clock.today(organisation.timezone));
        let sections: Vec<OrganisationId> = picture
            .grants(agent)
            .iter()
            .filter(|grant| grant.stands(now) && grant.role == Role::FieldAgent)
            .filter_map(|grant| grant.organisation_id)
            .filter(|section| picture.mutual_of(*section, on) == Some(mutual))
            .collect();
        if sections.is_empty() {
            return Err(Code::NotFound.into());
        }
        MutualScope::new(organisation, Sections::These(sections), false, clock)
    }

    /// Every mutual, one after another: what works on many is a loop of one transaction each.
    ///
    /// # Errors
    /// The first that `each` gives.
    pub fn each_mutual(
        &self,
        picture: &Picture,
        clock: &Clock,
        mut each: impl FnMut(&MutualScope) -> Result<()>,
    ) -> Result<()> {
        for mutual in picture.mutuals() {
            each(&self.mutual(picture, clock, mutual)?)?;
        }
        Ok(())
    }

    /// An organisation for its tree and catalogue.
    ///
    /// # Errors
    /// `not_found`.
    pub fn body(&self, picture: &Picture, clock: &Clock, organisation: OrganisationId) -> Result<BodyScope> {
        picture
            .organisation(organisation)
            .map(|found| BodyScope::new(found, clock))
            .ok_or_else(|| Code::NotFound.into())
    }
}
