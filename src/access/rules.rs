//! Who may grant what to whom (`design`: access). Pure: the caller's grants and what is known of the target go in, a
//! refusal or what is to be written comes out.
use super::permissions::{OrganisationKind, Role};
use crate::error::{Code, Problem};
use chrono::Duration;

/// How long a broken glass stays open.
pub const GLASS: Duration = Duration::hours(3);

/// One grant of whoever grants, as seen from the target: the role, and where it stands towards it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The role held.
    pub role: Role,
    /// Where it is held.
    pub position: Position,
}

/// Where a grant stands towards an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// On it.
    Here,
    /// On its mutual, the target being a section.
    OwnMutual,
    /// On a body above it, or on the root.
    Above,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The role to be granted.
    pub role: Role,
    /// The kind of organisation on which.
    pub on: OrganisationKind,
    /// Whether it is for the caller himself.
    pub oneself: bool,
    /// Whether the mutual has an administrator already.
    pub has_admin: bool,
    /// Whether a reason is given.
    pub with_reason: bool,
    /// Whether it is asked on a facility of that organisation.
    pub on_provider: bool,
}

/// How a grant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// Until it is ended.
    Standing,
    /// For [`GLASS`], shown to the mutual at once.
    BrokenGlass,
}

/// Decides whether the grant may be made.
///
/// # Errors
/// `own_grant`, `grant_refused`, `admin_exists` or `forbidden`.
pub fn may_grant(standings: &[Standing], asked: Asked) -> Result<Granted, Problem> {
    if asked.oneself {
        return Err(Problem::of(Code::OwnGrant));
    }
    if asked.on_provider || asked.role == Role::ProviderClerk {
        return may_grant_clerk(standings, asked);
    }
    if !asked.role.granted_on().contains(&asked.on) {
        let kinds: Vec<&str> = asked.role.granted_on().iter().map(|kind| kind.code()).collect();
        let detail = format!("{} is granted on: {}", asked.role, kinds.join(", "));
        return Err(Problem::with(Code::GrantRefused, detail).at("/role"));
    }
    let holds = |role: Role, positions: &[Position]| {
        standings.iter().any(|standing| standing.role == role && positions.contains(&standing.position))
    };
    let of_the_mutual = holds(Role::MutualAdmin, &[Position::Here, Position::OwnMutual]);
    let above = holds(Role::SystemAdmin, &[Position::Here, Position::Above])
        || holds(Role::PlatformAdmin, &[Position::Here, Position::Above]);
    match asked.on {
        OrganisationKind::Mutual | OrganisationKind::Section if of_the_mutual => Ok(Granted::Standing),
        OrganisationKind::Mutual if above && asked.role == Role::MutualAdmin => {
            if asked.has_admin {
                Err(Problem::of(Code::AdminExists))
            } else {
                Ok(Granted::Standing)
            }
        }
        OrganisationKind::Mutual if above && asked.role == Role::Auditor => {
            if asked.with_reason {
                Ok(Granted::BrokenGlass)
            } else {
                let detail = "seeing a mutual's rows from above needs a reason, which the mutual reads";
                Err(Problem::with(Code::GrantRefused, detail).at("/reason"))
            }
        }
        OrganisationKind::Root if holds(Role::SystemAdmin, &[Position::Here]) => Ok(Granted::Standing),
        OrganisationKind::Network | OrganisationKind::Platform | OrganisationKind::Federation if above => {
            Ok(Granted::Standing)
        }
        _ => Err(Problem::of(Code::Forbidden)),
    }
}

/// On a facility its owner's administrator invites clerks, and nobody else anything.
fn may_grant_clerk(standings: &[Standing], asked: Asked) -> Result<Granted, Problem> {
    if !asked.on_provider {
        return Err(Problem::with(Code::GrantRefused, "provider_clerk is granted on a provider").at("/provider_id"));
    }
    if asked.role != Role::ProviderClerk {
        let detail = format!("{} is not granted on a provider", asked.role);
        return Err(Problem::with(Code::GrantRefused, detail).at("/role"));
    }
    let owner = standings.iter().any(|standing| match standing.role {
        Role::PlatformAdmin => asked.on.is_body(),
        Role::MutualAdmin => asked.on == OrganisationKind::Mutual && standing.position == Position::Here,
        _ => false,
    });
    if owner { Ok(Granted::Standing) } else { Err(Problem::of(Code::Forbidden)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(role: Role, on: OrganisationKind) -> Asked {
        Asked { role, on, oneself: false, has_admin: true, with_reason: false, on_provider: false }
    }
    fn standing(role: Role, position: Position) -> Standing {
        Standing { role, position }
    }

    #[test]
    fn nobody_grants_to_himself() {
        let mine = [standing(Role::SystemAdmin, Position::Here)];
        let ask = Asked { oneself: true, ..asked(Role::SystemAdmin, OrganisationKind::Root) };
        assert_eq!(may_grant(&mine, ask).unwrap_err().code, Code::OwnGrant);
    }

    #[test]
    fn a_body_above_invites_only_the_first_administrator() {
        for role in [Role::SystemAdmin, Role::PlatformAdmin] {
            let mine = [standing(role, Position::Above)];
            let first = Asked { has_admin: false, ..asked(Role::MutualAdmin, OrganisationKind::Mutual) };
            assert_eq!(may_grant(&mine, first), Ok(Granted::Standing));
            let second = asked(Role::MutualAdmin, OrganisationKind::Mutual);
            assert_eq!(may_grant(&mine, second).unwrap_err().code, Code::AdminExists);
            for other in [Role::Registrar, Role::Treasurer, Role::ClaimsOfficer, Role::MedicalAdviser] {
                let ask = asked(other, OrganisationKind::Mutual);
                assert_eq!(may_grant(&mine, ask).unwrap_err().code, Code::Forbidden, "{other}");
            }
            assert_eq!(
                may_grant(&mine, asked(Role::FieldAgent, OrganisationKind::Section)).unwrap_err().code,
                Code::Forbidden
            );
        }
    }

    #[test]
    fn breaking_the_glass_needs_a_reason_and_runs_out() {
        let mine = [standing(Role::PlatformAdmin, Position::Above)];
        let ask = asked(Role::Auditor, OrganisationKind::Mutual);
        assert_eq!(may_grant(&mine, ask).unwrap_err().code, Code::GrantRefused);
        assert_eq!(may_grant(&mine, Asked { with_reason: true, ..ask }), Ok(Granted::BrokenGlass));
        let own = [standing(Role::MutualAdmin, Position::Here)];
        assert_eq!(may_grant(&own, ask), Ok(Granted::Standing));
    }

    #[test]
    fn every_role_is_refused_where_it_is_not_granted() {
        let everything: Vec<Standing> = Role::ALL.iter().map(|role| standing(*role, Position::Here)).collect();
        let mut refused = 0;
        for role in Role::ALL {
            for kind in OrganisationKind::ALL {
                let result = may_grant(&everything, asked(*role, *kind));
                if !role.granted_on().contains(kind) {
                    assert_eq!(result.unwrap_err().code, Code::GrantRefused, "{role} on {kind}");
                    refused += 1;
                }
            }
        }
        assert_eq!(refused, 11 * 6 - Role::ALL.iter().map(|role| role.granted_on().len()).sum::<usize>());
    }

    #[test]
    fn clerks_are_invited_by_the_owner_of_their_facility() {
        let ask = |on| Asked { on_provider: true, ..asked(Role::ProviderClerk, on) };
        let mutual = [standing(Role::MutualAdmin, Position::Here)];
        assert_eq!(may_grant(&mutual, ask(OrganisationKind::Mutual)), Ok(Granted::Standing));
        assert_eq!(may_grant(&mutual, ask(OrganisationKind::Platform)).unwrap_err().code, Code::Forbidden);
        let platform = [standing(Role::PlatformAdmin, Position::Here)];
        assert_eq!(may_grant(&platform, ask(OrganisationKind::Platform)), Ok(Granted::Standing));
        assert_eq!(may_grant(&platform, ask(OrganisationKind::Mutual)).unwrap_err().code, Code::Forbidden);
        let other = Asked { on_provider: true, ..asked(Role::Registrar, OrganisationKind::Mutual) };
        assert_eq!(may_grant(&mutual, other).unwrap_err().code, Code::GrantRefused);
        let system = [standing(Role::SystemAdmin, Position::Above)];
        assert_eq!(may_grant(&system, ask(OrganisationKind::Mutual)).unwrap_err().code, Code::Forbidden);
    }

    #[test]
    fn without_an_administrators_grant_nothing_is_granted() {
        for mine in Role::ALL {
            if matches!(mine, Role::SystemAdmin | Role::PlatformAdmin | Role::MutualAdmin) {
                continue;
            }
            for role in Role::ALL {
                for on in role.granted_on() {
                    let ask = Asked { has_admin: false, with_reason: true, ..asked(*role, *on) };
                    let held = [standing(*mine, Position::Here), standing(*mine, Position::Above)];
                    assert_eq!(may_grant(&held, ask).unwrap_err().code, Code::Forbidden, "{mine} grants {role}");
                }
            }
        }
    }
}
