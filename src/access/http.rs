//! `/auth`, `/me`, `/users`, `/roles`: shapes and handlers.
use super::guard::{Guard, Open, Signed, Somewhere};
use super::model::{Grant, Session, User};
use super::permissions::{Permission, Role, need, roles_with};
use super::service::{self, Invited, NewGrant, fold_login};
use super::{keys, passwords, store};
use crate::audit::frame::write_audit;
use crate::audit::model::AuditKind;
use crate::db::Wall;
use crate::error::{Code, Error, Problem, Result};
use crate::ids::*;
use crate::page::{Ask, Page};
use crate::web::{Body, Ids, Query, blocking, changed, found, made, not_blank, shown};
use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::time::Instant;
use utoipa::{IntoParams, ToSchema};

/// Who wants in.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// E-mail or phone.
    #[garde(length(chars, min = 3, max = 200))]
    #[schema(min_length = 3, max_length = 200, examples("amina@kayanza.example"))]
    pub login: String,
    /// Password.
    #[garde(length(chars, min = 1, max = 256))]
    #[schema(min_length = 1, max_length = 256)]
    pub password: String,
}

/// Tokens.
#[derive(Serialize, ToSchema)]
pub struct TokensView {
    /// For `Authorization: Bearer …`.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: &'static str,
    /// Seconds that the access token lives.
    pub expires_in: i64,
    /// For `/auth/refresh`, once.
    pub refresh_token: String,
}

impl From<service::Tokens> for TokensView {
    fn from(tokens: service::Tokens) -> Self {
        TokensView {
            access_token: tokens.access,
            token_type: "Bearer",
            expires_in: keys::ACCESS_SECONDS,
            refresh_token: tokens.refresh,
        }
    }
}

/// `POST /auth/login`
pub async fn log_in(open: Open, body: Body<LogIn>) -> Result<HttpResponse> {
    let login = fold_login(&body.value.login);
    let address = open.facts.address.clone();
    let keys = [login.as_str(), address.as_str()];
    if let Some(seconds) = open.access.throttle.must_wait(&keys, Instant::now()) {
        return Err(Problem::of(Code::TooManyRequests).after(seconds).into());
    }
    let db = open.desk.db.clone();
    let asked = login.clone();
    let user: Option<User> =
        blocking(move || db.read(Wall::ROOT, |r| store::find_user_by_login(r, &asked).map_err(Error::from))).await?;
    let known = user.as_ref().and_then(|user| user.password_hash.clone());
    let right = open.access.hashing.verify(body.value.password, known).await?;
    let user = match user {
        Some(user) if right && user.disabled_at.is_none() => user,
        _ => {
            open.access.throttle.failed(&keys, Instant::now());
            tracing::info!(address, "a login was refused");
            return Err(Code::LoginRefused.into());
        }
    };
    open.access.throttle.succeeded(&login);
    let (access, desk, facts) = (open.access.clone(), open.desk.clone(), open.facts.clone());
    let asker = open.asker(Some(user.id));
    let tokens = blocking(move || {
        desk.db.write(Wall::ROOT, |w| {
            service::open_session(w, &access.keys, asker, &facts.route, user.id, facts.client.clone())
        })
    })
    .await?;
    Ok(shown(&TokensView::from(tokens)))
}

/// A refresh token to be exchanged.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The token of the last answer.
    #[garde(length(chars, min = 20, max = 100))]
    #[schema(min_length = 20, max_length = 100)]
    pub refresh_token: String,
}

/// `POST /auth/refresh`
pub async fn refresh(open: Open, body: Body<Refresh>) -> Result<HttpResponse> {
    let (access, db) = (open.access.clone(), open.desk.db.clone());
    let tokens = blocking(move || {
        let tokens = db.write(Wall::ROOT, |w| service::refresh(w, &access.keys, &body.value.refresh_token))?;
        if tokens.is_none() {
            access.pictures.look()?;
        }
        Ok(tokens)
    })
    .await?;
    match tokens {
        Some(tokens) => Ok(shown(&TokensView::from(tokens))),
        None => Err(Code::RefreshRefused.into()),
    }
}

/// A password set with a one-time code.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// The code, as it was told.
    #[garde(length(chars, min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40)]
    pub code: String,
    /// The password, 12 characters or more.
    #[garde(length(chars, min = 1, max = 256))]
    #[schema(min_length = 12, max_length = 256)]
    pub password: String,
}

/// `POST /auth/accept`
pub async fn accept(open: Open, body: Body<Accept>) -> Result<HttpResponse> {
    let address = format!("code {}", open.facts.address);
    if let Some(seconds) = open.access.throttle.must_wait(&[&address], Instant::now()) {
        return Err(Problem::of(Code::TooManyRequests).after(seconds).into());
    }
    passwords::check(&body.value.password, "/password")?;
    let hash = open.access.hashing.hash(body.value.password).await?;
    let (access, db, facts) = (open.access.clone(), open.desk.db.clone(), open.facts.clone());
    let asker = open.asker(None);
    let code = body.value.code;
    let accepted = blocking(move || {
        db.write(Wall::ROOT, |w| service::accept(w, asker, &facts.route, &code, &hash))?;
        access.pictures.reload()
    })
    .await;
    if let Err(Error::Problem(_)) = &accepted {
        open.access.throttle.failed(&[&address], Instant::now());
    }
    accepted?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /auth/logout`
pub async fn log_out(signed: Signed) -> Result<HttpResponse> {
    let (desk, facts, user, session) = (signed.desk.clone(), signed.facts.clone(), signed.user, signed.session);
    let asker = signed.asker(Some(user));
    blocking(move || {
        desk.db.write(Wall::ROOT, |w| {
            service::end_session(w, user, session, "logout")?;
            let effects = std::mem::take(&mut w.effects);
            write_audit(w, asker, AuditKind::Write, MutualId::NIL, &facts.route, None, &effects)
        })
    })
    .await?;
    signed.reload().await?;
    Ok(HttpResponse::NoContent().finish())
}

fn utc(at: chrono::NaiveDateTime) -> DateTime<Utc> {
    at.and_utc()
}

/// A grant.
#[derive(Serialize, ToSchema)]
pub struct GrantView {
    pub id: GrantId,
    pub role: Role,
    /// The organisation on which it is held.
    pub organisation_id: Option<OrganisationId>,
    /// The provider on which it is held.
    pub provider_id: Option<ProviderId>,
    /// Why, where the glass was broken.
    pub reason: Option<String>,
    pub granted_at: DateTime<Utc>,
    /// When it runs out by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

impl From<Grant> for GrantView {
    fn from(grant: Grant) -> Self {
        GrantView {
            id: grant.id,
            role: grant.role,
            organisation_id: grant.organisation_id,
            provider_id: grant.provider_id,
            reason: grant.reason,
            granted_at: utc(grant.granted_at),
            expires_at: grant.expires_at.map(utc),
        }
    }
}

/// A user.
#[derive(Serialize, ToSchema)]
pub struct UserView {
    pub id: UserId,
    pub name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// Kept out.
    pub disabled: bool,
    /// Has set a password.
    pub has_password: bool,
    /// Standing grants.
    pub grants: Vec<GrantView>,
    pub version: i64,
}

fn user_view((user, grants): (User, Vec<Grant>)) -> UserView {
    UserView {
        id: user.id,
        name: user.name,
        email: user.email,
        phone: user.phone,
        disabled: user.disabled_at.is_some(),
        has_password: user.password_hash.is_some(),
        grants: grants.into_iter().map(GrantView::from).collect(),
        version: user.version,
    }
}

/// `GET /me`
pub async fn me(signed: Signed) -> Result<HttpResponse> {
    let user = signed.user;
    let view = signed.read_root(move |r| service::user_with_grants(r, user).map(user_view)).await?;
    Ok(shown(&view))
}

/// A mutual in which the caller works.
#[derive(Serialize, ToSchema)]
pub struct MyMutual {
    pub id: OrganisationId,
    pub code: String,
    pub name: String,
    pub currency: Option<String>,
    /// The caller's roles there, on it or on its sections.
    pub roles: Vec<Role>,
}

/// `GET /me/mutuals`
pub async fn my_mutuals(signed: Signed) -> Result<HttpResponse> {
    let on = signed.now.date();
    let mut found: std::collections::BTreeMap<OrganisationId, Vec<Role>> = std::collections::BTreeMap::new();
    for (role, organisation) in signed.grants() {
        if let Some(kind) = signed.picture.organisation(organisation).map(|organisation| organisation.kind) {
            let mutual = match kind {
                super::permissions::OrganisationKind::Mutual => Some(organisation),
                super::permissions::OrganisationKind::Section => signed.picture.mutual_of(organisation, on),
                _ => None,
            };
            if let Some(mutual) = mutual {
                found.entry(mutual).or_default().push(role);
            }
        }
    }
    let items: Vec<MyMutual> = found
        .into_iter()
        .filter_map(|(id, mut roles)| {
            let mutual = signed.picture.organisation(id)?;
            roles.sort();
            roles.dedup();
            Some(MyMutual {
                id,
                code: mutual.code.clone(),
                name: mutual.name.clone(),
                currency: mutual.currency.map(|currency| currency.code().to_owned()),
                roles,
            })
        })
        .collect();
    Ok(shown(&Page { items, next_cursor: None }))
}

/// A new password for oneself.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password in force.
    #[garde(length(chars, min = 1, max = 256))]
    #[schema(min_length = 1, max_length = 256)]
    pub current_password: String,
    /// The new one, 12 characters or more.
    #[garde(length(chars, min = 1, max = 256))]
    #[schema(min_length = 12, max_length = 256)]
    pub new_password: String,
}

/// `PUT /me/password`
pub async fn change_password(signed: Signed, body: Body<ChangePassword>) -> Result<HttpResponse> {
    let user = signed.user;
    let key = user.to_string();
    if let Some(seconds) = signed.access.throttle.must_wait(&[&key], Instant::now()) {
        return Err(Problem::of(Code::TooManyRequests).after(seconds).into());
    }
    passwords::check(&body.value.new_password, "/new_password")?;
    let mut order = signed.own_order(Some(&body))?;
    // The hash of an order is kept; a password's must not be.
    order.hash = crate::web::request_hash(&signed.facts.path, &serde_json::Value::Null);
    let known = signed.read_root(move |r| Ok(store::find_user(r, user)?.and_then(|user| user.password_hash))).await?;
    if !signed.access.hashing.verify(body.value.current_password, known).await? {
        signed.access.throttle.failed(&[&key], Instant::now());
        return Err(Problem::field("/current_password", "wrong", "this is not the password in force").into());
    }
    let hash = signed.access.hashing.hash(body.value.new_password).await?;
    let session = signed.session;
    signed.carry_out(order, move |w, _| service::change_password(w, user, session, &hash), |_, _| Ok(())).await?;
    signed.reload().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A session.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    pub id: SessionId,
    /// What the client said it is.
    pub client: Option<String>,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// The one that asks.
    pub current: bool,
}

/// `GET /me/sessions`
pub async fn my_sessions(signed: Signed) -> Result<HttpResponse> {
    let (user, current) = (signed.user, signed.session);
    let sessions: Vec<Session> = signed.read_root(move |r| Ok(store::list_sessions(r, user)?)).await?;
    let items = sessions
        .into_iter()
        .map(|session| SessionView {
            id: session.id,
            client: session.client,
            created_at: utc(session.created_at),
            last_used_at: utc(session.last_used_at),
            expires_at: utc(session.expires_at),
            current: session.id == current,
        })
        .collect();
    Ok(shown(&Page { items, next_cursor: None }))
}

/// `DELETE /me/sessions/{id}`
pub async fn end_my_session(signed: Signed, path: Ids<SessionId>) -> Result<HttpResponse> {
    let (user, session) = (signed.user, path.0);
    let order = signed.own_order::<()>(None)?;
    signed.carry_out(order, move |w, _| service::end_session(w, user, session, "ended"), |_, _| Ok(())).await?;
    signed.reload().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A permission and who has it.
#[derive(Serialize, ToSchema)]
pub struct PermissionView {
    pub permission: Permission,
    pub roles: Vec<Role>,
}

/// The permission table.
#[derive(Serialize, ToSchema)]
pub struct RolesView {
    pub permissions: Vec<PermissionView>,
}

/// `GET /roles`
pub async fn roles(_signed: Signed) -> Result<HttpResponse> {
    let permissions = Permission::ALL
        .iter()
        .map(|permission| PermissionView { permission: *permission, roles: roles_with(*permission).to_vec() })
        .collect();
    Ok(shown(&RolesView { permissions }))
}

/// Somebody invited, with his first role.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteUser {
    /// The id of the first grant, made by the client, so that a repetition changes nothing.
    #[garde(skip)]
    pub id: Option<GrantId>,
    #[garde(length(chars, max = 120), custom(not_blank))]
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// E-mail; it or a phone is needed.
    #[garde(inner(email, length(chars, max = 200)))]
    #[schema(max_length = 200)]
    pub email: Option<String>,
    /// Phone in international form, `+25779000001`.
    #[garde(inner(custom(is_phone)))]
    #[schema(pattern = "^\\+[1-9][0-9]{6,14}$")]
    pub phone: Option<String>,
    #[garde(skip)]
    pub role: Role,
    /// On which organisation; it or `provider_id`.
    #[garde(skip)]
    pub organisation_id: Option<OrganisationId>,
    /// On which facility, for `provider_clerk`.
    #[garde(skip)]
    pub provider_id: Option<ProviderId>,
    /// Why, where a mutual's rows are to be seen from above (three hours, shown to the mutual).
    #[garde(inner(length(chars, min = 1, max = 500)))]
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
}

/// E.164.
pub fn is_phone(phone: &str, _: &()) -> garde::Result {
    let folded = fold_login(phone);
    let digits = folded.strip_prefix('+').unwrap_or("");
    let good =
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if good { Ok(()) } else { Err(garde::Error::new("a phone in international form: + and 7 to 15 digits")) }
}

/// An invitation.
#[derive(Serialize, ToSchema)]
pub struct InvitationView {
    pub user: UserView,
    pub grant: GrantView,
    /// The one-time code for `/auth/accept`, told here only; null for a user who was known already, and in a repetition.
    pub code: Option<String>,
    /// Until when the code is good.
    pub code_expires_at: Option<DateTime<Utc>>,
}

/// `POST /users`
pub async fn invite(guard: Guard<need::UserWrite, Somewhere>, body: Body<InviteUser>) -> Result<HttpResponse> {
    let order = guard.order(&body)?;
    let asked = body.value;
    if asked.email.is_none() && asked.phone.is_none() {
        return Err(Problem::field("/email", "missing", "an e-mail or a phone is needed").into());
    }
    let (organisation, provider) = service::place_asked(&guard.picture, asked.organisation_id, asked.provider_id)?;
    let kind = guard.body_scope(organisation, Permission::UserWrite)?.0.kind();
    let standings = service::standings(&guard.picture, &guard, organisation);
    let invited = Invited {
        name: asked.name.trim().to_owned(),
        email: asked.email.as_deref().map(fold_login),
        phone: asked.phone.as_deref().map(fold_login),
    };
    let new = NewGrant { role: asked.role, organisation, provider, reason: asked.reason };
    let id: GrantId = Key::new(order.id.uuid());
    let code = guard
        .carry_out_once(order, move |w, order| service::invite(w, order, &standings, kind, &invited, &new))
        .await?;
    guard.reload().await?;
    let replayed = code.is_none();
    let code = code.flatten();
    let (view, grant) = guard
        .read_root(move |r| {
            let grant = store::find_grant_by_id(r, id)?.ok_or(Problem::of(Code::NotFound))?;
            let (user, mut grants) = service::user_with_grants(r, grant.user_id)?;
            // What a known person does for others is not this organisation's to know.
            grants.retain(|other| {
                other.organisation_id == grant.organisation_id && other.provider_id == grant.provider_id
            });
            Ok((user_view((user, grants)), grant))
        })
        .await?;
    let location = format!("/api/v1/users/{}", view.id);
    let view = InvitationView {
        user: view,
        grant: grant.into(),
        code_expires_at: code.as_ref().map(|code| utc(code.expires_at)),
        code: code.map(|code| code.code),
    };
    Ok(made(replayed, &location, None, &view))
}

/// Which users.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct UserFilter {
    /// The organisation on which they hold a role, on it or on a facility that it owns.
    pub organisation_id: OrganisationId,
    /// Rows, 1 to 200.
    pub limit: Option<u16>,
    /// From the page before.
    pub cursor: Option<String>,
}

/// `GET /users`
pub async fn list_users(guard: Guard<need::UserRead, Somewhere>, query: Query<UserFilter>) -> Result<HttpResponse> {
    let filter = query.0;
    let organisation = filter.organisation_id;
    let (scope, _) = guard.body_scope(organisation, Permission::UserRead)?;
    if !service::manages(&service::standings(&guard.picture, &guard, organisation), scope.kind()) {
        return Err(Code::Forbidden.into());
    }
    let ask = Ask::new(filter.limit, filter.cursor.as_deref(), &format!("users {organisation}"))?;
    let picture = guard.picture.clone();
    let page = guard
        .read_root(move |r| {
            let users = store::list_users_on(r, &[organisation], ask.after_one()?, ask.fetch())?;
            let mut with_grants = Vec::with_capacity(users.len());
            for user in users {
                let grants = store::list_grants(r, user.id)?;
                // What a user does for others is not this organisation's to know.
                let here =
                    |grant: &Grant| service::place_of(&picture, grant) == Some(organisation) && grant.stands(r.now());
                let here = grants.into_iter().filter(here).collect();
                with_grants.push((user, here));
            }
            Ok(ask.page(with_grants, |(user, _)| vec![user.id.to_string()], user_view))
        })
        .await?;
    Ok(shown(&page))
}

/// `GET /users/{id}`
pub async fn get_user(guard: Guard<need::UserRead, Somewhere>, path: Ids<UserId>) -> Result<HttpResponse> {
    let id = path.0;
    let (user, grants) = guard.read_root(move |r| service::user_with_grants(r, id)).await?;
    service::must_manage(&guard, &grants)?;
    let version = user.version;
    Ok(found(version, &user_view((user, grants))))
}

/// A code.
#[derive(Serialize, ToSchema)]
pub struct CodeView {
    /// The one-time code for `/auth/accept`; null in a repetition, since it is told once.
    pub code: Option<String>,
    pub expires_at: Option<DateTime<Utc>>,
}

async fn managed(guard: &Guard<need::UserWrite, Somewhere>, id: UserId) -> Result<()> {
    let (_, grants) = guard.read_root(move |r| service::user_with_grants(r, id)).await?;
    service::must_manage(guard, &grants)
}

/// `POST /users/{id}/reset`
pub async fn reset_user(guard: Guard<need::UserWrite, Somewhere>, path: Ids<UserId>) -> Result<HttpResponse> {
    let id = path.0;
    managed(&guard, id).await?;
    if id == guard.user {
        return Err(Problem::with(Code::OwnGrant, "change your own password with PUT /me/password").into());
    }
    let order = guard.plain_order()?;
    let code = guard.carry_out_once(order, move |w, _| service::reset(w, id)).await?;
    guard.reload().await?;
    let view = CodeView {
        expires_at: code.as_ref().map(|code| utc(code.expires_at)),
        code: code.as_ref().map(|code| code.code.clone()),
    };
    Ok(changed(code.is_none(), None, &view))
}

async fn set_disabled(guard: Guard<need::UserWrite, Somewhere>, id: UserId, disabled: bool) -> Result<HttpResponse> {
    managed(&guard, id).await?;
    if id == guard.user {
        return Err(Problem::with(Code::OwnGrant, "nobody keeps himself out or in").into());
    }
    let order = guard.plain_order()?;
    let (view, replayed) = guard
        .carry_out(
            order,
            move |w, _| service::set_disabled(w, id, disabled),
            move |r, _| service::user_with_grants(r, id).map(user_view),
        )
        .await?;
    guard.reload().await?;
    Ok(changed(replayed, Some(view.version), &view))
}

/// `POST /users/{id}/disable`
pub async fn disable_user(guard: Guard<need::UserWrite, Somewhere>, path: Ids<UserId>) -> Result<HttpResponse> {
    set_disabled(guard, path.0, true).await
}

/// `POST /users/{id}/enable`
pub async fn enable_user(guard: Guard<need::UserWrite, Somewhere>, path: Ids<UserId>) -> Result<HttpResponse> {
    set_disabled(guard, path.0, false).await
}

/// One more role for a user.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantRole {
    /// The grant's id, made by the client.
    #[garde(skip)]
    pub id: Option<GrantId>,
    #[garde(skip)]
    pub role: Role,
    /// It or `provider_id`.
    #[garde(skip)]
    pub organisation_id: Option<OrganisationId>,
    /// On which facility, for `provider_clerk`.
    #[garde(skip)]
    pub provider_id: Option<ProviderId>,
    /// Why, where a mutual's rows are to be seen from above.
    #[garde(inner(length(chars, min = 1, max = 500)))]
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
}

/// `POST /users/{id}/grants`
pub async fn grant_role(
    guard: Guard<need::UserWrite, Somewhere>,
    path: Ids<UserId>,
    body: Body<GrantRole>,
) -> Result<HttpResponse> {
    let user = path.0;
    let order = guard.order(&body)?;
    let asked = body.value;
    let (organisation, provider) = service::place_asked(&guard.picture, asked.organisation_id, asked.provider_id)?;
    let kind = guard.body_scope(organisation, Permission::UserWrite)?.0.kind();
    let standings = service::standings(&guard.picture, &guard, organisation);
    let new = NewGrant { role: asked.role, organisation, provider, reason: asked.reason };
    let id: GrantId = Key::new(order.id.uuid());
    let (grant, replayed) = guard
        .carry_out(
            order,
            move |w, order| {
                if store::find_user(w, user)?.is_none() {
                    return Err(Code::NotFound.into());
                }
                service::grant(w, order, &standings, kind, user, &new)
            },
            move |r, _| store::find_grant(r, user, id)?.ok_or_else(|| Code::NotFound.into()),
        )
        .await?;
    guard.reload().await?;
    Ok(made(replayed, "", None, &GrantView::from(grant)))
}

/// `DELETE /users/{id}/grants/{grant}`
pub async fn end_grant(guard: Guard<need::UserWrite, Somewhere>, path: Ids<(UserId, GrantId)>) -> Result<HttpResponse> {
    let (user, id) = path.0;
    let grant = guard.read_root(move |r| store::find_grant(r, user, id)?.ok_or_else(|| Code::NotFound.into())).await?;
    let organisation = service::place_of(&guard.picture, &grant).ok_or(Problem::of(Code::NotFound))?;
    let (scope, _) = guard.body_scope(organisation, Permission::UserWrite)?;
    if !service::manages(&service::standings(&guard.picture, &guard, organisation), scope.kind()) {
        return Err(Code::Forbidden.into());
    }
    if user == guard.user {
        return Err(Code::OwnGrant.into());
    }
    let order = guard.plain_order()?;
    guard.carry_out(order, move |w, order| service::end_grant(w, order, user, id), |_, _| Ok(())).await?;
    guard.reload().await?;
    Ok(HttpResponse::NoContent().finish())
}
