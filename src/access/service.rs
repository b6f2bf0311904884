//! Commands of access: invite, grant, reset, disable, log in, refresh, log out. Each owns its transaction or runs in the
//! command frame's; what is decided is in `rules`, `passwords` and `keys`.
use super::guard::Signed;
use super::keys::{self, Bearer, Keys};
use super::model::*;
use super::permissions::{OrganisationKind, Role};
use super::picture::Picture;
use super::rules::{self, Asked, Granted, Position, Standing};
use super::store;
use crate::audit::frame::{Done, Hooks, Order, command, write_audit};
use crate::audit::model::{Asker, AuditKind, Purpose};
use crate::db::effects::Effects;
use crate::db::{Db, Read, Wall, Write};
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use chrono::{Duration, NaiveDateTime};
use serde_json::json;

/// How long a one-time code is good.
pub const CODE_HOURS: i64 = 24;
/// A session ends for good after so many days,
const SESSION_DAYS: i64 = 90;
/// or when it was not used for so many: field agents are without a network for days.
const IDLE_DAYS: i64 = 30;

/// An e-mail in lower case, or a phone without its separators.
pub fn fold_login(login: &str) -> String {
    let login = login.trim();
    if login.contains('@') {
        login.to_lowercase()
    } else {
        login.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect()
    }
}

/// A code made for somebody, to be told once.
#[derive(Debug, Clone)]
pub struct NewCode {
    /// The code.
    pub code: String,
    /// Until when it is good.
    pub expires_at: NaiveDateTime,
}

fn new_code(w: &mut Write, user: UserId) -> Result<NewCode> {
    let (code, code_hash) = keys::one_time_code();
    let now = w.now();
    let expires_at = now + Duration::hours(CODE_HOURS);
    let row = OneTimeCode { id: w.new_id(), user_id: user, code_hash, created_at: now, expires_at, used_at: None };
    store::replace_code(w, &row)?;
    Ok(NewCode { code, expires_at })
}

/// Where the caller's grants stand towards an organisation.
pub fn standings(picture: &Picture, signed: &Signed, organisation: OrganisationId) -> Vec<Standing> {
    let on = signed.on(organisation);
    let above = picture.ancestors(organisation, on);
    let own_mutual = picture.mutual_of(organisation, on);
    signed
        .grants()
        .filter_map(|(role, granted)| {
            let position = if granted == organisation {
                Position::Here
            } else if own_mutual == Some(granted) {
                Position::OwnMutual
            } else if above.contains(&granted) {
                Position::Above
            } else {
                return None;
            };
            Some(Standing { role, position })
        })
        .collect()
}

/// True where these standings administer the users of an organisation of this kind.
pub fn manages(standings: &[Standing], kind: OrganisationKind) -> bool {
    standings.iter().any(|standing| match (standing.role, standing.position) {
        (Role::SystemAdmin, _) => true,
        (Role::PlatformAdmin, Position::Here | Position::Above) => kind.is_body(),
        (Role::MutualAdmin, Position::Here | Position::OwnMutual) => {
            matches!(kind, OrganisationKind::Mutual | OrganisationKind::Section)
        }
        _ => false,
    })
}

/// The organisation on which a grant stands; the owner, where it is on a facility.
pub fn place_of(picture: &Picture, grant: &Grant) -> Option<OrganisationId> {
    grant.organisation_id.or_else(|| picture.owner_of(grant.provider_id?))
}

/// The organisation and the facility that are asked: exactly one of them; a facility stands for its owner.
///
/// # Errors
/// `invalid`, `not_found`.
pub fn place_asked(
    picture: &Picture,
    organisation: Option<OrganisationId>,
    provider: Option<ProviderId>,
) -> Result<(OrganisationId, Option<ProviderId>)> {
    match (organisation, provider) {
        (Some(organisation), None) => Ok((organisation, None)),
        (None, Some(provider)) => {
            let owner = picture.owner_of(provider).ok_or(Problem::of(Code::NotFound).at("/provider_id"))?;
            Ok((owner, Some(provider)))
        }
        _ => {
            Err(Problem::field("/organisation_id", "missing", "give organisation_id or provider_id, one of them")
                .into())
        }
    }
}

/// Sees that the caller administers every organisation on which the user holds a role: a reset or a disabling reaches all
/// of them.
///
/// # Errors
/// `not_found` where the user is wholly outside, `forbidden` where he also works elsewhere.
pub fn must_manage(signed: &Signed, grants: &[Grant]) -> Result<()> {
    let administered = |grant: &Grant| {
        place_of(&signed.picture, grant).and_then(|id| signed.picture.organisation(id)).is_some_and(|organisation| {
            manages(&standings(&signed.picture, signed, organisation.id), organisation.kind)
        })
    };
    let all_seeing = signed.grants().any(|(role, _)| role == Role::SystemAdmin);
    match (grants.iter().any(administered), grants.iter().all(administered)) {
        _ if all_seeing => Ok(()),
        (true, true) => Ok(()),
        (true, false) => Err(Problem::with(
            Code::Forbidden,
            "this user also works for an organisation that you do not administer; its administrator or a system \
             administrator can do this",
        )
        .into()),
        (false, _) => Err(Code::NotFound.into()),
    }
}

/// What an invitation or a grant asks.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// The role.
    pub role: Role,
    /// On which organisation; the owner, where it is on a facility.
    pub organisation: OrganisationId,
    /// On which facility.
    pub provider: Option<ProviderId>,
    /// Why, where the glass is broken.
    pub reason: Option<String>,
}

/// Grants a role to a user, by the caller's standings. The organisation is locked first, so that two first administrators
/// are not made side by side.
///
/// # Errors
/// The rule's refusal.
pub fn grant(
    w: &mut Write,
    order: &Order,
    standings: &[Standing],
    kind: OrganisationKind,
    user: UserId,
    asked: &NewGrant,
) -> Result<()> {
    store::lock_organisation(w, asked.organisation)?;
    let has_admin = store::count_role(w, Role::MutualAdmin, asked.organisation)? > 0;
    let granted = rules::may_grant(
        standings,
        Asked {
            role: asked.role,
            on: kind,
            oneself: order.asker.user == Some(user),
            has_admin,
            on_provider: asked.provider.is_some(),
            with_reason: asked.reason.as_deref().is_some_and(|reason| !reason.trim().is_empty()),
        },
    )?;
    let now = w.now();
    let row = Grant {
        id: Key::new(order.id.uuid()),
        user_id: user,
        role: asked.role,
        organisation_id: asked.provider.is_none().then_some(asked.organisation),
        provider_id: asked.provider,
        reason: asked.reason.clone(),
        granted_by: order.asker.user,
        granted_at: now,
        expires_at: (granted == Granted::BrokenGlass).then(|| now + rules::GLASS),
        ended_at: None,
        ended_by: None,
    };
    store::insert_grant(w, &row)?;
    w.names("user", user.uuid());
    w.names("grant", row.id.uuid());
    w.names("organisation", asked.organisation.uuid());
    w.field("role", None, Some(json!(asked.role)));
    w.field("reason", None, Some(json!(asked.reason)));
    if granted == Granted::BrokenGlass {
        show_to_mutual(w, order, Key::new(asked.organisation.uuid()))?;
    }
    Ok(store::move_version(w)?)
}

/// A broken glass stands in the mutual's own audit at once, not only in the installation's.
fn show_to_mutual(w: &mut Write, order: &Order, mutual: MutualId) -> Result<()> {
    let effects =
        Effects { entities: w.effects.entities.clone(), fields: w.effects.fields.clone(), ..Effects::default() };
    write_audit(w, order.asker, AuditKind::Write, mutual, &order.route, Some(order.id), &effects)
}

/// Who is invited.
#[derive(Debug, Clone)]
pub struct Invited {
    /// Shown name.
    pub name: String,
    /// E-mail, folded.
    pub email: Option<String>,
    /// Phone, folded.
    pub phone: Option<String>,
}

/// Invites a user: makes him with a one-time code, or finds him by e-mail or phone, since one person may work for several
/// mutuals; then grants the role.
///
/// # Errors
/// `email_taken` where e-mail and phone belong to two others; the rule's refusal.
pub fn invite(
    w: &mut Write,
    order: &Order,
    standings: &[Standing],
    kind: OrganisationKind,
    invited: &Invited,
    asked: &NewGrant,
) -> Result<Option<NewCode>> {
    let new = User {
        id: w.new_id(),
        email: invited.email.clone(),
        phone: invited.phone.clone(),
        name: invited.name.clone(),
        password_hash: None,
        disabled_at: None,
        created_at: w.now(),
        version: 1,
    };
    let (user, code) = if store::insert_user(w, &new)? {
        let code = new_code(w, new.id)?;
        (new.id, Some(code))
    } else {
        let mut found = Vec::new();
        for login in [&invited.email, &invited.phone].into_iter().flatten() {
            found.extend(store::find_user_by_login(w, login)?.map(|user| user.id));
        }
        let wanted = [&invited.email, &invited.phone].into_iter().flatten().count();
        match found.as_slice() {
            [one, others @ ..] if found.len() == wanted && others.iter().all(|other| other == one) => (*one, None),
            _ => return Err(Code::EmailTaken.into()),
        }
    };
    grant(w, order, standings, kind, user, asked)?;
    Ok(code)
}

/// Makes the installation's administrator, or one more, from the terminal; gives the code.
///
/// # Errors
/// `email_taken`.
pub fn create_admin(db: &Db, hooks: &Hooks, email: &str, name: &str) -> Result<NewCode> {
    let email = fold_login(email);
    let order = terminal_order(db, "ayni admin create");
    let made = command(db, hooks, &order, |w| {
        let user = User {
            id: w.new_id(),
            email: Some(email.clone()),
            phone: None,
            name: name.to_owned(),
            password_hash: None,
            disabled_at: None,
            created_at: w.now(),
            version: 1,
        };
        if !store::insert_user(w, &user)? {
            return Err(Code::EmailTaken.into());
        }
        let grant = Grant {
            id: Key::new(order.id.uuid()),
            user_id: user.id,
            role: Role::SystemAdmin,
            organisation_id: Some(OrganisationId::NIL),
            provider_id: None,
            reason: None,
            granted_by: None,
            granted_at: w.now(),
            expires_at: None,
            ended_at: None,
            ended_by: None,
        };
        store::insert_grant(w, &grant)?;
        w.names("user", user.id.uuid());
        w.names("grant", grant.id.uuid());
        store::move_version(w)?;
        new_code(w, user.id)
    })?;
    once(made)
}

/// A new code for a lost password, from the terminal.
///
/// # Errors
/// `not_found`.
pub fn reset_admin(db: &Db, hooks: &Hooks, email: &str) -> Result<NewCode> {
    let email = fold_login(email);
    let order = terminal_order(db, "ayni admin reset");
    once(command(db, hooks, &order, |w| {
        let user = store::find_user_by_login(w, &email)?.ok_or(Problem::of(Code::NotFound))?;
        reset(w, user.id)
    })?)
}

fn once<T>(done: Done<T>) -> Result<T> {
    match done {
        Done::Made(value) => Ok(value),
        Done::Replayed => Err(Error::Fault("a fresh id was taken".into())),
    }
}

/// An order by whoever sits at the machine.
pub fn terminal_order(db: &Db, route: &str) -> Order {
    Order {
        id: db.ids().next(),
        wall: Wall::ROOT,
        route: route.to_owned(),
        hash: [0; 32],
        asker: Asker { user: None, purpose: Purpose::Support, request: db.ids().next::<kind::Audit>().uuid() },
        today: db.clock().today(chrono_tz::Tz::UTC),
        by_header: false,
    }
}

/// Makes a new code, ends the sessions and the password: whoever had it is out.
///
/// # Errors
/// The database's.
pub fn reset(w: &mut Write, user: UserId) -> Result<NewCode> {
    store::lock_user(w, user)?;
    store::end_sessions(w, user, None, "reset")?;
    store::clear_password(w, user)?;
    w.names("user", user.uuid());
    let code = new_code(w, user)?;
    store::move_version(w)?;
    Ok(code)
}

/// Keeps a user out, or lets him in again.
///
/// # Errors
/// The database's.
pub fn set_disabled(w: &mut Write, user: UserId, disabled: bool) -> Result<()> {
    store::lock_user(w, user)?;
    let at = disabled.then(|| w.now());
    store::set_disabled(w, user, at)?;
    if disabled {
        store::end_sessions(w, user, None, "disabled")?;
    }
    w.names("user", user.uuid());
    w.field("disabled", Some(json!(!disabled)), Some(json!(disabled)));
    Ok(store::move_version(w)?)
}

/// Ends a grant.
///
/// # Errors
/// `not_found` where it does not stand.
pub fn end_grant(w: &mut Write, order: &Order, user: UserId, grant: GrantId) -> Result<()> {
    if !store::end_grant(w, grant, order.asker.user)? {
        return Err(Code::NotFound.into());
    }
    w.names("user", user.uuid());
    w.names("grant", grant.uuid());
    Ok(store::move_version(w)?)
}

/// Sets the password of whoever holds a good code; gives the user.
///
/// # Errors
/// `code_refused`.
pub fn accept(w: &mut Write, asker: Asker, route: &str, code: &str, password_hash: &str) -> Result<UserId> {
    let hash = keys::hash(code.trim().to_uppercase().as_str());
    let user = store::use_code(w, &hash)?.ok_or(Problem::of(Code::CodeRefused))?;
    store::set_password(w, user, password_hash)?;
    store::end_sessions(w, user, None, "new password")?;
    w.names("user", user.uuid());
    let effects = std::mem::take(&mut w.effects);
    let asker = Asker { user: Some(user), ..asker };
    write_audit(w, asker, AuditKind::Write, MutualId::NIL, route, None, &effects)?;
    store::move_version(w)?;
    Ok(user)
}

/// Changes one's own password; every other session ends.
///
/// # Errors
/// The database's.
pub fn change_password(w: &mut Write, user: UserId, session: SessionId, password_hash: &str) -> Result<()> {
    store::lock_user(w, user)?;
    store::set_password(w, user, password_hash)?;
    store::end_sessions(w, user, Some(session), "new password")?;
    w.names("user", user.uuid());
    Ok(store::move_version(w)?)
}

/// What a client gets at login and at each refresh.
#[derive(Debug)]
pub struct Tokens {
    /// For the `Authorization` header, ten minutes.
    pub access: String,
    /// For the next refresh, once.
    pub refresh: String,
    /// Whose.
    pub bearer: Bearer,
}

/// Opens a session for a user whose password was right.
///
/// # Errors
/// The database's.
pub fn open_session(
    w: &mut Write,
    keys: &Keys,
    asker: Asker,
    route: &str,
    user: UserId,
    client: Option<String>,
) -> Result<Tokens> {
    let now = w.now();
    let session = Session {
        id: w.new_id(),
        user_id: user,
        client,
        created_at: now,
        last_used_at: now,
        expires_at: now + Duration::days(SESSION_DAYS),
        ended_at: None,
        end_reason: None,
    };
    store::insert_session(w, &session)?;
    let effects =
        Effects { entities: vec![("user", user.uuid()), ("session", session.id.uuid())], ..Effects::default() };
    let asker = Asker { user: Some(user), ..asker };
    write_audit(w, asker, AuditKind::Write, MutualId::NIL, route, None, &effects)?;
    tokens(w, keys, user, session.id)
}

fn tokens(w: &mut Write, keys: &Keys, user: UserId, session: SessionId) -> Result<Tokens> {
    let (refresh, token_hash) = keys::refresh_token();
    let now = w.now();
    store::insert_refresh(w, &RefreshToken { token_hash, session_id: session, created_at: now, used_at: None })?;
    let bearer = Bearer { user, session };
    let access = keys.sign(bearer, now).map_err(Error::Fault)?;
    Ok(Tokens { access, refresh, bearer })
}

/// Exchanges a refresh token. None where it is not good; one that was used before ends its session, since somebody has a
/// copy.
///
/// # Errors
/// The database's.
pub fn refresh(w: &mut Write, keys: &Keys, token: &str) -> Result<Option<Tokens>> {
    let hash = keys::hash(token);
    let first = store::use_refresh(w, &hash)?;
    let Some(known) = store::find_refresh(w, &hash)? else { return Ok(None) };
    let Some(session) = store::find_session(w, known.session_id)? else { return Ok(None) };
    if !first {
        if store::end_session(w, session.user_id, session.id, "refresh token used twice")? {
            store::move_version(w)?;
        }
        return Ok(None);
    }
    let now = w.now();
    let stands = session.ended_at.is_none()
        && now < session.expires_at
        && now < session.last_used_at + Duration::days(IDLE_DAYS);
    let user = store::find_user(w, session.user_id)?;
    if !stands || user.is_none_or(|user| user.disabled_at.is_some()) {
        return Ok(None);
    }
    Ok(Some(tokens(w, keys, session.user_id, session.id)?))
}

/// Ends a session of the user.
///
/// # Errors
/// `not_found`.
pub fn end_session(w: &mut Write, user: UserId, session: SessionId, reason: &str) -> Result<()> {
    if !store::end_session(w, user, session, reason)? {
        return Err(Code::NotFound.into());
    }
    w.names("session", session.uuid());
    Ok(store::move_version(w)?)
}

/// A user with his standing grants.
///
/// # Errors
/// `not_found`.
pub fn user_with_grants(r: &mut Read, id: UserId) -> Result<(User, Vec<Grant>)> {
    let user = store::find_user(r, id)?.ok_or(Problem::of(Code::NotFound))?;
    let now = r.now();
    let mut grants = store::list_grants(r, id)?;
    grants.retain(|grant| grant.stands(now));
    Ok((user, grants))
}
