//! Users, codes, sessions, grants and links in the database.
use super::model::*;
use super::permissions::{OrganisationKind, Role};
use crate::db::schema::*;
use crate::db::{Read, Write};
use crate::ids::*;
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// The version that moves with every change of users, grants, links, organisations and with every ended session.
pub fn access_version(r: &mut Read) -> QueryResult<i64> {
    access_state::table.find(1).select(access_state::version).get_result(r.conn())
}

/// Moves the version: the last thing a change of access does, so that the row is held shortly.
pub fn move_version(w: &mut Write) -> QueryResult<()> {
    diesel::update(access_state::table.find(1))
        .set(access_state::version.eq(access_state::version + 1))
        .execute(w.conn())?;
    Ok(())
}

/// id, code, name, kind, country, currency, zone, card prefix of an organisation.
pub type OrganisationFacts =
    (OrganisationId, String, String, OrganisationKind, Option<String>, Option<String>, String, Option<String>);

/// Every organisation.
pub fn list_organisations(r: &mut Read) -> QueryResult<Vec<OrganisationFacts>> {
    organisations::table
        .select((
            organisations::id,
            organisations::code,
            organisations::name,
            organisations::kind,
            organisations::country,
            organisations::currency,
            organisations::timezone,
            organisations::card_prefix,
        ))
        .load(r.conn())
}

/// Every link, past ones included: reports ask for past days.
pub fn list_links(r: &mut Read) -> QueryResult<Vec<Link>> {
    organisation_links::table
        .order((organisation_links::valid_from, organisation_links::id))
        .select(Link::as_select())
        .load(r.conn())
}

/// Provider, party, first and last day of a convention.
pub type ConventionFacts = (ProviderId, OrganisationId, chrono::NaiveDate, Option<chrono::NaiveDate>);

/// Every facility with its owner.
pub fn list_provider_owners(r: &mut Read) -> QueryResult<Vec<(ProviderId, OrganisationId)>> {
    providers::table.select((providers::id, providers::owner_id)).load(r.conn())
}

/// Every convention, which a clerk needs to reach a mutual; it ends with its facility at the latest.
pub fn list_conventions(r: &mut Read) -> QueryResult<Vec<ConventionFacts>> {
    let rows: Vec<(ConventionFacts, Option<chrono::NaiveDate>)> = conventions::table
        .inner_join(providers::table.on(providers::id.eq(conventions::provider_id)))
        .order(conventions::id)
        .select((
            (conventions::provider_id, conventions::party_id, conventions::valid_from, conventions::valid_to),
            providers::active_to,
        ))
        .load(r.conn())?;
    let capped = |((provider, party, from, to), last): (ConventionFacts, Option<chrono::NaiveDate>)| {
        (provider, party, from, to.into_iter().chain(last).min())
    };
    Ok(rows.into_iter().map(capped).collect())
}

/// Every grant that was not ended.
pub fn list_standing_grants(r: &mut Read) -> QueryResult<Vec<Grant>> {
    grants::table.filter(grants::ended_at.is_null()).order(grants::id).select(Grant::as_select()).load(r.conn())
}

/// Users who may not come in.
pub fn list_disabled(r: &mut Read) -> QueryResult<Vec<UserId>> {
    users::table.filter(users::disabled_at.is_not_null()).select(users::id).load(r.conn())
}

/// Sessions ended since an instant.
pub fn list_ended_sessions(r: &mut Read, since: NaiveDateTime) -> QueryResult<Vec<SessionId>> {
    sessions::table.filter(sessions::ended_at.ge(since)).select(sessions::id).load(r.conn())
}

/// A user by e-mail (lower case) or phone.
pub fn find_user_by_login(r: &mut Read, login: &str) -> QueryResult<Option<User>> {
    users::table
        .filter(users::email.eq(login).or(users::phone.eq(login)))
        .select(User::as_select())
        .first(r.conn())
        .optional()
}

/// A user's e-mail, role and place.
pub type LoginFacts = (Option<String>, Role, Option<OrganisationId>);

/// Every standing grant with its user's e-mail, for the demonstration's table.
pub fn list_logins(r: &mut Read) -> QueryResult<Vec<LoginFacts>> {
    grants::table
        .inner_join(users::table.on(users::id.eq(grants::user_id)))
        .filter(grants::ended_at.is_null())
        .order(grants::id)
        .limit(200)
        .select((users::email, grants::role, grants::organisation_id))
        .load(r.conn())
}

/// A user.
pub fn find_user(r: &mut Read, id: UserId) -> QueryResult<Option<User>> {
    users::table.find(id).select(User::as_select()).get_result(r.conn()).optional()
}

/// Takes a user's row as a lock and moves its version.
pub fn lock_user(w: &mut Write, id: UserId) -> QueryResult<bool> {
    diesel::update(users::table.find(id)).set(users::version.eq(users::version + 1)).execute(w.conn()).map(|n| n == 1)
}

/// Adds a user; false where the e-mail or phone is taken.
pub fn insert_user(w: &mut Write, user: &User) -> QueryResult<bool> {
    crate::on_each!(w.conn(), |c| diesel::insert_into(users::table).values(user).on_conflict_do_nothing().execute(c))
        .map(|inserted| inserted == 1)
}

/// The users who hold a standing grant on one of these organisations or on a facility of theirs, by id.
pub fn list_users_on(
    r: &mut Read,
    organisations: &[OrganisationId],
    after: Option<UserId>,
    limit: i64,
) -> QueryResult<Vec<User>> {
    let now = r.now();
    let mut query = users::table
        .filter(
            users::id.eq_any(
                grants::table
                    .filter(
                        grants::organisation_id.eq_any(organisations.to_vec()).or(grants::provider_id.eq_any(
                            providers::table
                                .filter(providers::owner_id.eq_any(organisations.to_vec()))
                                .select(providers::id.nullable()),
                        )),
                    )
                    .filter(grants::ended_at.is_null())
                    .filter(grants::expires_at.is_null().or(grants::expires_at.gt(now)))
                    .select(grants::user_id),
            ),
        )
        .order(users::id)
        .limit(limit)
        .select(User::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(users::id.gt(after));
    }
    query.load(r.conn())
}

/// The user's grants that were not ended, by id.
pub fn list_grants(r: &mut Read, user: UserId) -> QueryResult<Vec<Grant>> {
    grants::table
        .filter(grants::user_id.eq(user))
        .filter(grants::ended_at.is_null())
        .order(grants::id)
        .select(Grant::as_select())
        .load(r.conn())
}

/// A grant of a user.
pub fn find_grant(r: &mut Read, user: UserId, id: GrantId) -> QueryResult<Option<Grant>> {
    grants::table
        .filter(grants::user_id.eq(user))
        .filter(grants::id.eq(id))
        .select(Grant::as_select())
        .first(r.conn())
        .optional()
}

/// A grant by its id alone: grants belong to no mutual.
pub fn find_grant_by_id(r: &mut Read, id: GrantId) -> QueryResult<Option<Grant>> {
    grants::table.find(id).select(Grant::as_select()).get_result(r.conn()).optional()
}

/// How many standing grants of a role there are on an organisation.
pub fn count_role(r: &mut Read, role: Role, organisation: OrganisationId) -> QueryResult<i64> {
    grants::table
        .filter(grants::role.eq(role))
        .filter(grants::organisation_id.eq(organisation))
        .filter(grants::ended_at.is_null())
        .count()
        .get_result(r.conn())
}

/// Takes the organisation's row as a lock, so that two first administrators are not granted side by side.
pub fn lock_organisation(w: &mut Write, id: OrganisationId) -> QueryResult<bool> {
    diesel::update(organisations::table.find(id))
        .set(organisations::version.eq(organisations::version))
        .execute(w.conn())
        .map(|n| n == 1)
}

/// Adds a grant.
pub fn insert_grant(w: &mut Write, grant: &Grant) -> QueryResult<()> {
    diesel::insert_into(grants::table).values(grant).execute(w.conn()).map(|_| ())
}

/// Ends a standing grant; false where it was ended already.
pub fn end_grant(w: &mut Write, id: GrantId, by: Option<UserId>) -> QueryResult<bool> {
    let now = w.now();
    diesel::update(grants::table.filter(grants::id.eq(id)).filter(grants::ended_at.is_null()))
        .set((grants::ended_at.eq(Some(now)), grants::ended_by.eq(by)))
        .execute(w.conn())
        .map(|n| n == 1)
}

/// Makes earlier codes of the user useless and adds a new one.
pub fn replace_code(w: &mut Write, code: &OneTimeCode) -> QueryResult<()> {
    let now = w.now();
    diesel::update(
        one_time_codes::table
            .filter(one_time_codes::user_id.eq(code.user_id))
            .filter(one_time_codes::used_at.is_null()),
    )
    .set(one_time_codes::used_at.eq(Some(now)))
    .execute(w.conn())?;
    diesel::insert_into(one_time_codes::table).values(code).execute(w.conn()).map(|_| ())
}

/// Uses a code: the user whose it was, if it was there, unused and in time. One statement decides, so that it is used once.
pub fn use_code(w: &mut Write, hash: &[u8]) -> QueryResult<Option<UserId>> {
    let now = w.now();
    let used = diesel::update(
        one_time_codes::table
            .filter(one_time_codes::code_hash.eq(hash))
            .filter(one_time_codes::used_at.is_null())
            .filter(one_time_codes::expires_at.gt(now)),
    )
    .set(one_time_codes::used_at.eq(Some(now)))
    .execute(w.conn())?;
    if used == 0 {
        return Ok(None);
    }
    one_time_codes::table
        .filter(one_time_codes::code_hash.eq(hash))
        .select(one_time_codes::user_id)
        .first(w.conn())
        .optional()
}

/// Sets a password.
pub fn set_password(w: &mut Write, user: UserId, hash: &str) -> QueryResult<()> {
    diesel::update(users::table.find(user))
        .set((users::password_hash.eq(Some(hash)), users::version.eq(users::version + 1)))
        .execute(w.conn())
        .map(|_| ())
}

/// Takes the password away.
pub fn clear_password(w: &mut Write, user: UserId) -> QueryResult<()> {
    diesel::update(users::table.find(user)).set(users::password_hash.eq(None::<String>)).execute(w.conn()).map(|_| ())
}

/// Lets a user in or keeps him out.
pub fn set_disabled(w: &mut Write, user: UserId, at: Option<NaiveDateTime>) -> QueryResult<()> {
    diesel::update(users::table.find(user)).set(users::disabled_at.eq(at)).execute(w.conn()).map(|_| ())
}

/// Adds a session.
pub fn insert_session(w: &mut Write, session: &Session) -> QueryResult<()> {
    diesel::insert_into(sessions::table).values(session).execute(w.conn()).map(|_| ())
}

/// A session.
pub fn find_session(r: &mut Read, id: SessionId) -> QueryResult<Option<Session>> {
    sessions::table.find(id).select(Session::as_select()).get_result(r.conn()).optional()
}

/// The user's sessions that stand, newest first.
pub fn list_sessions(r: &mut Read, user: UserId) -> QueryResult<Vec<Session>> {
    let now = r.now();
    sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .order((sessions::last_used_at.desc(), sessions::id.desc()))
        .limit(200)
        .select(Session::as_select())
        .load(r.conn())
}

/// Ends one session of the user; false where it is not there or was ended.
pub fn end_session(w: &mut Write, user: UserId, id: SessionId, reason: &str) -> QueryResult<bool> {
    let now = w.now();
    diesel::update(
        sessions::table
            .filter(sessions::id.eq(id))
            .filter(sessions::user_id.eq(user))
            .filter(sessions::ended_at.is_null()),
    )
    .set((sessions::ended_at.eq(Some(now)), sessions::end_reason.eq(Some(reason))))
    .execute(w.conn())
    .map(|n| n == 1)
}

/// Ends all sessions of the user but one.
pub fn end_sessions(w: &mut Write, user: UserId, but: Option<SessionId>, reason: &str) -> QueryResult<usize> {
    let now = w.now();
    diesel::update(
        sessions::table
            .filter(sessions::user_id.eq(user))
            .filter(sessions::id.ne(but.unwrap_or(SessionId::NIL)))
            .filter(sessions::ended_at.is_null()),
    )
    .set((sessions::ended_at.eq(Some(now)), sessions::end_reason.eq(Some(reason))))
    .execute(w.conn())
}

/// Adds a refresh token and moves the session's last use.
pub fn insert_refresh(w: &mut Write, token: &RefreshToken) -> QueryResult<()> {
    diesel::insert_into(refresh_tokens::table).values(token).execute(w.conn())?;
    diesel::update(sessions::table.find(token.session_id))
        .set(sessions::last_used_at.eq(token.created_at))
        .execute(w.conn())
        .map(|_| ())
}

/// Uses a refresh token once: true where this call was the first.
pub fn use_refresh(w: &mut Write, hash: &[u8]) -> QueryResult<bool> {
    let now = w.now();
    diesel::update(
        refresh_tokens::table.filter(refresh_tokens::token_hash.eq(hash)).filter(refresh_tokens::used_at.is_null()),
    )
    .set(refresh_tokens::used_at.eq(Some(now)))
    .execute(w.conn())
    .map(|n| n == 1)
}

/// A refresh token.
pub fn find_refresh(r: &mut Read, hash: &[u8]) -> QueryResult<Option<RefreshToken>> {
    refresh_tokens::table
        .filter(refresh_tokens::token_hash.eq(hash))
        .select(RefreshToken::as_select())
        .first(r.conn())
        .optional()
}

/// Adds a key of a program.
pub fn insert_api_key(w: &mut Write, row: &ApiKey) -> QueryResult<()> {
    diesel::insert_into(api_keys::table).values(row).execute(w.conn()).map(|_| ())
}

/// A key of a body.
pub fn find_api_key(r: &mut Read, organisation: OrganisationId, id: ApiKeyId) -> QueryResult<Option<ApiKey>> {
    api_keys::table
        .filter(api_keys::organisation_id.eq(organisation))
        .filter(api_keys::id.eq(id))
        .select(ApiKey::as_select())
        .first(r.conn())
        .optional()
}

/// The keys of a body, by id.
pub fn list_api_keys(r: &mut Read, organisation: OrganisationId) -> QueryResult<Vec<ApiKey>> {
    api_keys::table
        .filter(api_keys::organisation_id.eq(organisation))
        .order(api_keys::id)
        .select(ApiKey::as_select())
        .load(r.conn())
}

/// All keys that were not revoked.
pub fn list_standing_api_keys(r: &mut Read) -> QueryResult<Vec<ApiKey>> {
    api_keys::table.filter(api_keys::revoked_at.is_null()).select(ApiKey::as_select()).load(r.conn())
}

/// Revokes a key; false where it was.
pub fn revoke_api_key(w: &mut Write, id: ApiKeyId, at: NaiveDateTime) -> QueryResult<bool> {
    diesel::update(api_keys::table.find(id).filter(api_keys::revoked_at.is_null()))
        .set((api_keys::revoked_at.eq(Some(at)), api_keys::version.eq(api_keys::version + 1)))
        .execute(w.conn())
        .map(|changed| changed == 1)
}

/// When a key was last used.
pub fn last_use(r: &mut Read, id: ApiKeyId) -> QueryResult<Option<Option<NaiveDateTime>>> {
    api_keys::table.find(id).select(api_keys::last_used_at).first(r.conn()).optional()
}

/// Writes down when a key was last used.
pub fn set_last_use(w: &mut Write, id: ApiKeyId, at: NaiveDateTime) -> QueryResult<()> {
    diesel::update(api_keys::table.find(id)).set(api_keys::last_used_at.eq(Some(at))).execute(w.conn()).map(|_| ())
}
