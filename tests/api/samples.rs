//! One sample request per route: the material of the tests of access (`matrix.rs`), of written rows (`writes.rs`) and of
//! the frame. A new route needs one entry in [`SAMPLES`]; without it those tests fail and say so.
//!
//! An entry makes its own rows, anew for each call, so that a call leaves nothing on which the next depends.
mod cards;
mod care;
mod catalogue;
mod claims;
mod field;
mod household;
mod invoices;
mod money;
mod register;
mod reports;

use crate::support::World;
use crate::support::world::FACILITIES;
use ayni::access::keys::{self, Bearer};
use ayni::access::model::{Grant, Link, LinkKind, OneTimeCode, RefreshToken, Session, User};
use ayni::access::passwords;
use ayni::access::permissions::{OrganisationKind, Role};
use ayni::access::store;
use ayni::db::Wall;
use ayni::error::Error;
use ayni::ids::*;
use ayni::routes::{Caller, Place, ROUTES, Route};
use chrono::{Duration, NaiveDate};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// A password that is good enough.
pub const PASSWORD: &str = "correct horse battery";

/// The places in which every route is tried: own, sister and foreign mutuals, their platforms, the network above, a
/// section of each, the root.
pub const PLACES: &[&str] = &["KAY", "GIT", "SEN", "P1", "P2", "NET", "KAY-S1", "GIT-S1", "ROOT"];

/// The tree of the world, as the tests know it without asking the program: code, kind, the one above.
const TREE: &[(&str, OrganisationKind, &str)] = &[
    ("NET", OrganisationKind::Network, "ROOT"),
    ("P1", OrganisationKind::Platform, "NET"),
    ("P2", OrganisationKind::Platform, "NET"),
    ("KAY", OrganisationKind::Mutual, "P1"),
    ("GIT", OrganisationKind::Mutual, "P1"),
    ("SEN", OrganisationKind::Mutual, "P2"),
    ("KAY-S1", OrganisationKind::Section, "KAY"),
    ("KAY-S2", OrganisationKind::Section, "KAY"),
    ("GIT-S1", OrganisationKind::Section, "GIT"),
    ("SEN-S1", OrganisationKind::Section, "SEN"),
];

/// The kind of an organisation of the world.
pub fn kind_of(place: &str) -> OrganisationKind {
    TREE.iter().find(|(code, ..)| *code == place).map_or(OrganisationKind::Root, |(_, kind, _)| *kind)
}

/// What stands above an organisation of the world, the root last.
pub fn above(place: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut at = place;
    while let Some((_, _, parent)) = TREE.iter().find(|(code, ..)| *code == at) {
        found.push(*parent);
        at = parent;
    }
    found
}

/// True where a facility has a convention with a mutual: the mutual is then a place of its clerks.
pub fn is_contracted(facility: &str, mutual: &str) -> bool {
    FACILITIES.iter().any(|(code, _, with)| *code == facility && *with == mutual)
}

/// The facility of which a mutual's place is tried.
pub fn facility_of(mutual: &str) -> &'static str {
    FACILITIES.iter().find(|(_, _, with)| *with == mutual).map_or("HC-KAY", |(code, ..)| *code)
}

/// What a call is made with.
#[derive(Clone)]
pub struct Made {
    /// The path below `/api/v1`, ids and query filled in.
    pub path: String,
    pub body: Option<Value>,
    pub headers: Vec<(&'static str, String)>,
}

fn made(path: impl Into<String>) -> Made {
    Made { path: path.into(), body: None, headers: Vec::new() }
}

impl Made {
    fn json(mut self, body: Value) -> Made {
        self.body = Some(body);
        self
    }
    fn header(mut self, name: &'static str, value: impl Into<String>) -> Made {
        self.headers.push((name, value.into()));
        self
    }
}

/// What the guard is expected to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// 401.
    Unknown,
    /// 404: the place, or the row, does not exist for the caller.
    Nothing,
    /// 403.
    Refused,
    /// Neither; a rule may still refuse.
    In,
}

/// Where the place of a `Place::Named` route comes from.
#[derive(Clone, Copy)]
pub enum Named {
    /// Nowhere: the permission held anywhere is enough, and the answer shows only what the caller reaches.
    Anywhere,
    /// The sample names the place in its body or query, and the permission is asked there.
    There,
    /// The sample names the place, and the caller must administer its users: 403 inside without that.
    Administers,
    /// The row is a user who holds a role in the place alone: 404 for whoever does not administer it.
    UserThere,
    /// Something else: the grants of the caller and the place decide. Called only where a role of the caller has the
    /// route's permission somewhere.
    By(fn(&[(Role, &'static str)], &str) -> Seen),
}

/// A sample request.
pub struct Sample {
    /// `METHOD /path`, as the route table has it.
    pub key: &'static str,
    /// A user who succeeds, and the place where.
    pub by: (&'static str, &'static str),
    /// How the place is found, for `Place::Named`.
    pub named: Named,
    /// Makes rows and request for a caller and a place.
    pub make: fn(&World, Option<UserId>, &str) -> Made,
}

/// The method and path of a route, as samples name it.
pub fn name_of(route: &Route) -> String {
    format!("{} {}", route.method.as_str(), route.path)
}

/// The sample of a route; an instruction where there is none.
pub fn sample(route: &Route) -> &'static Sample {
    let name = name_of(route);
    all().find(|sample| sample.key == name).unwrap_or_else(|| {
        panic!(
            "{name} has no sample request: add an entry to SAMPLES in tests/api/samples.rs or below it (who succeeds where, and a \
             function that makes the rows and the request), so that it is called as every role in every place"
        )
    })
}

/// The places in which a route is tried.
pub fn places_of(route: &Route) -> &'static [&'static str] {
    match route.caller {
        Caller::Public | Caller::Signed => &PLACES[..1],
        Caller::Holds(_, Place::Mutual | Place::Provider) => &PLACES[..3],
        Caller::Holds(_, Place::Organisation) => PLACES,
        Caller::Holds(_, Place::Named) if matches!(sample(route).named, Named::Anywhere) => &PLACES[..1],
        Caller::Holds(_, Place::Named) => PLACES,
    }
}

// What samples make their rows with.

/// A short text that was not used before.
pub fn fresh() -> String {
    let mut bytes = [0u8; 6];
    fill_from_machine(&mut bytes);
    data_encoding::HEXUPPER.encode(&bytes)
}

/// An id that was not used before.
pub fn fresh_id(world: &World) -> String {
    world.test.db.ids().next::<kind::Command>().to_string()
}

fn hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| passwords::hash(PASSWORD).unwrap())
}

/// A user with a role in a place, or with none. The picture in memory does not know the grant until it is reloaded.
pub fn new_user(world: &World, role: Option<(Role, &str)>) -> (UserId, Option<GrantId>) {
    world
        .test
        .db
        .write(Wall::ROOT, |w| {
            let user = User {
                id: w.new_id(),
                email: Some(format!("{}@example.org", fresh().to_lowercase())),
                phone: None,
                name: "Somebody".into(),
                password_hash: None,
                disabled_at: None,
                created_at: w.now(),
                version: 1,
            };
            store::insert_user(w, &user)?;
            let Some((role, place)) = role else { return Ok((user.id, None)) };
            let grant = Grant {
                id: w.new_id(),
                user_id: user.id,
                role,
                organisation_id: Some(world.org(place)),
                provider_id: None,
                reason: None,
                granted_by: None,
                granted_at: w.now(),
                expires_at: None,
                ended_at: None,
                ended_by: None,
            };
            store::insert_grant(w, &grant)?;
            Ok::<_, Error>((user.id, Some(grant.id)))
        })
        .unwrap()
}

/// Gives a user [`PASSWORD`].
pub fn set_password(world: &World, user: UserId) {
    world.test.db.write(Wall::ROOT, |w| store::set_password(w, user, hash()).map_err(Error::from)).unwrap();
}

/// Opens a session of a user: its id and a refresh token.
pub fn new_session(world: &World, user: UserId) -> (SessionId, String) {
    let (token, token_hash) = keys::refresh_token();
    let id = world
        .test
        .db
        .write(Wall::ROOT, |w| {
            let now = w.now();
            let session = Session {
                id: w.new_id(),
                user_id: user,
                client: None,
                created_at: now,
                last_used_at: now,
                expires_at: now + Duration::days(90),
                ended_at: None,
                end_reason: None,
            };
            store::insert_session(w, &session)?;
            let refresh =
                RefreshToken { token_hash: token_hash.clone(), session_id: session.id, created_at: now, used_at: None };
            store::insert_refresh(w, &refresh)?;
            Ok::<_, Error>(session.id)
        })
        .unwrap();
    (id, token)
}

/// An access token of a user in a session of his own.
pub fn session_token(world: &World, user: UserId) -> String {
    let (session, _) = new_session(world, user);
    world.parts.access.keys.sign(Bearer { user, session }, world.test.db.clock().now()).unwrap()
}

/// A one-time code of a user.
pub fn new_code(world: &World, user: UserId) -> String {
    let (code, code_hash) = keys::one_time_code();
    world
        .test
        .db
        .write(Wall::ROOT, |w| {
            let now = w.now();
            let row = OneTimeCode {
                id: w.new_id(),
                user_id: user,
                code_hash: code_hash.clone(),
                created_at: now,
                expires_at: now + Duration::hours(24),
                used_at: None,
            };
            store::replace_code(w, &row).map_err(Error::from)
        })
        .unwrap();
    code
}

fn email_of(world: &World, user: UserId) -> String {
    let found = world.test.db.read(Wall::ROOT, |r| store::find_user(r, user).map_err(Error::from)).unwrap();
    found.unwrap().email.unwrap()
}

/// A role that can be granted in a place.
pub fn role_for(place: &str) -> Role {
    match kind_of(place) {
        OrganisationKind::Root => Role::SystemAdmin,
        OrganisationKind::Mutual => Role::Registrar,
        OrganisationKind::Section => Role::FieldAgent,
        _ => Role::PlatformAnalyst,
    }
}

fn user_there(world: &World, place: &str) -> (UserId, GrantId) {
    let (user, grant) = new_user(world, Some((role_for(place), place)));
    (user, grant.unwrap())
}

/// What may be a member of what: a body of which the organisation of a place can be a member.
fn body_for(place: &str) -> &'static str {
    above(place).first().copied().unwrap_or("ROOT")
}

/// A member_of link that stands since January, at the organisation of a place.
fn new_link(world: &World, place: &str) -> LinkId {
    world
        .test
        .db
        .write(Wall::ROOT, |w| {
            let link = Link {
                id: w.new_id(),
                child_id: world.org(place),
                // The root is no member of anything; the row is not looked at there.
                parent_id: world.org(if place == "ROOT" { "NET" } else { body_for(place) }),
                kind: LinkKind::MemberOf,
                valid_from: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
                valid_to: None,
                created_at: w.now(),
            };
            ayni::organisations::store::insert_link(w, &link)?;
            Ok::<_, Error>(link.id)
        })
        .unwrap()
}

fn version_tag(world: &World, place: &str) -> String {
    let id = world.org(place);
    let found = world.test.db.read(Wall::ROOT, |r| ayni::organisations::store::find(r, id).map_err(Error::from));
    ayni::web::etag(found.unwrap().unwrap().version)
}

/// Every route's sample.
fn all() -> impl Iterator<Item = &'static Sample> {
    SAMPLES
        .iter()
        .chain(register::SAMPLES)
        .chain(household::SAMPLES)
        .chain(care::SAMPLES)
        .chain(claims::SAMPLES)
        .chain(catalogue::SAMPLES)
        .chain(invoices::SAMPLES)
        .chain(cards::SAMPLES)
        .chain(money::SAMPLES)
        .chain(field::SAMPLES)
        .chain(reports::SAMPLES)
}

static SAMPLES: &[Sample] = &[
    Sample {
        key: "POST /auth/login",
        by: ("registrar", "KAY"),
        named: Named::Anywhere,
        make: |world, _, _| {
            let (user, _) = new_user(world, None);
            set_password(world, user);
            made("/auth/login").json(json!({"login": email_of(world, user), "password": PASSWORD}))
        },
    },
    Sample {
        key: "POST /auth/refresh",
        by: ("registrar", "KAY"),
        named: Named::Anywhere,
        make: |world, _, _| {
            let (user, _) = new_user(world, None);
            made("/auth/refresh").json(json!({"refresh_token": new_session(world, user).1}))
        },
    },
    Sample {
        key: "POST /auth/accept",
        by: ("registrar", "KAY"),
        named: Named::Anywhere,
        make: |world, _, _| {
            let (user, _) = new_user(world, None);
            made("/auth/accept").json(json!({"code": new_code(world, user), "password": PASSWORD}))
        },
    },
    Sample {
        key: "POST /auth/logout",
        by: ("registrar", "KAY"),
        named: Named::Anywhere,
        make: |_, _, _| made("/auth/logout"),
    },
    Sample { key: "GET /me", by: ("registrar", "KAY"), named: Named::Anywhere, make: |_, _, _| made("/me") },
    Sample {
        key: "GET /me/mutuals",
        by: ("registrar", "KAY"),
        named: Named::Anywhere,
        make: |_, _, _| made("/me/mutuals"),
    },
    Sample {
        key: "PUT /me/password",
        by: ("registrar", "KAY"),
        named: Named::Anywhere,
        make: |world, user, _| {
            if let Some(user) = user {
                set_password(world, user);
            }
            made("/me/password").json(json!({"current_password": PASSWORD, "new_password": "another horse battery"}))
        },
    },
    Sample {
        key: "GET /me/sessions",
        by: ("registrar", "KAY"),
        named: Named::Anywhere,
        make: |_, _, _| made("/me/sessions"),
    },
    Sample {
        key: "DELETE /me/sessions/{id}",
        by: ("registrar", "KAY"),
        named: Named::Anywhere,
        make: |world, user, _| {
            let user = user.unwrap_or(world.users["registrar"]);
            made(format!("/me/sessions/{}", new_session(world, user).0))
        },
    },
    Sample { key: "GET /roles", by: ("registrar", "KAY"), named: Named::Anywhere, make: |_, _, _| made("/roles") },
    Sample {
        key: "GET /users",
        by: ("mutual_admin", "KAY"),
        named: Named::Administers,
        make: |world, _, place| made(format!("/users?organisation_id={}", world.org(place))),
    },
    Sample {
        key: "POST /users",
        by: ("mutual_admin", "KAY"),
        named: Named::Administers,
        make: |world, _, place| {
            made("/users").json(json!({
                "id": fresh_id(world),
                "name": "Somebody new",
                "email": format!("{}@example.org", fresh()),
                "role": role_for(place),
                "organisation_id": world.org(place),
            }))
        },
    },
    Sample {
        key: "GET /users/{id}",
        by: ("mutual_admin", "KAY"),
        named: Named::UserThere,
        make: |world, _, place| made(format!("/users/{}", user_there(world, place).0)),
    },
    Sample {
        key: "POST /users/{id}/reset",
        by: ("mutual_admin", "KAY"),
        named: Named::UserThere,
        make: |world, _, place| made(format!("/users/{}/reset", user_there(world, place).0)),
    },
    Sample {
        key: "POST /users/{id}/disable",
        by: ("mutual_admin", "KAY"),
        named: Named::UserThere,
        make: |world, _, place| made(format!("/users/{}/disable", user_there(world, place).0)),
    },
    Sample {
        key: "POST /users/{id}/enable",
        by: ("mutual_admin", "KAY"),
        named: Named::UserThere,
        make: |world, _, place| made(format!("/users/{}/enable", user_there(world, place).0)),
    },
    Sample {
        key: "POST /users/{id}/grants",
        by: ("mutual_admin", "KAY"),
        named: Named::Administers,
        make: |world, _, place| {
            made(format!("/users/{}/grants", user_there(world, place).0)).json(json!({
                "id": fresh_id(world),
                "role": role_for(place),
                "organisation_id": world.org(place),
            }))
        },
    },
    Sample {
        key: "DELETE /users/{id}/grants/{grant}",
        by: ("mutual_admin", "KAY"),
        named: Named::Administers,
        make: |world, _, place| {
            let (user, grant) = user_there(world, place);
            made(format!("/users/{user}/grants/{grant}"))
        },
    },
    Sample {
        key: "GET /organisations",
        by: ("registrar", "KAY"),
        named: Named::Anywhere,
        make: |_, _, _| made("/organisations?kind=mutual"),
    },
    Sample {
        key: "POST /organisations",
        by: ("mutual_admin", "KAY"),
        named: Named::By(may_add_below),
        make: |world, _, place| {
            let kind = if matches!(kind_of(place), OrganisationKind::Mutual | OrganisationKind::Section) {
                OrganisationKind::Section
            } else {
                OrganisationKind::Federation
            };
            made("/organisations").json(json!({
                "id": fresh_id(world),
                "code": format!("X{}", fresh()),
                "name": "Something new",
                "kind": kind,
                "parent_id": world.org(place),
            }))
        },
    },
    Sample {
        key: "GET /organisations/{id}",
        by: ("registrar", "KAY"),
        named: Named::There,
        make: |world, _, place| made(format!("/organisations/{}", world.org(place))),
    },
    Sample {
        key: "PATCH /organisations/{id}",
        by: ("mutual_admin", "KAY"),
        named: Named::There,
        make: |world, _, place| {
            made(format!("/organisations/{}", world.org(place)))
                .json(json!({"name": format!("Renamed {}", fresh())}))
                .header("If-Match", version_tag(world, place))
        },
    },
    Sample {
        key: "GET /organisations/{id}/links",
        by: ("registrar", "KAY"),
        named: Named::There,
        make: |world, _, place| made(format!("/organisations/{}/links", world.org(place))),
    },
    Sample {
        key: "POST /organisations/{id}/links",
        by: ("platform_admin", "KAY"),
        named: Named::There,
        make: |world, _, place| {
            // Where the caller does not reach the body above, that is out of scope too: the child itself stands in for
            // it, which no rule allows but which is in scope wherever the child is.
            let parent = if kind_of(place) == OrganisationKind::Mutual { body_for(place) } else { place };
            made(format!("/organisations/{}/links", world.org(place))).json(json!({
                "id": fresh_id(world),
                "kind": "member_of",
                "parent_id": world.org(parent),
                "valid_from": "2026-04-01",
            }))
        },
    },
    Sample {
        key: "POST /organisations/{id}/links/{link}/end",
        by: ("platform_admin", "KAY"),
        named: Named::There,
        make: |world, _, place| {
            let link = new_link(world, place);
            made(format!("/organisations/{}/links/{link}/end", world.org(place))).json(json!({"on": "2026-03-31"}))
        },
    },
    Sample {
        key: "GET /areas",
        by: ("registrar", "KAY"),
        named: Named::Anywhere,
        make: |_, _, _| made("/areas?country=BI"),
    },
    Sample {
        key: "POST /areas",
        by: ("platform_admin", "KAY"),
        named: Named::Anywhere,
        make: |world, _, _| {
            made("/areas").json(json!({
                "id": fresh_id(world),
                "country": "BI",
                "name": format!("Hill {}", fresh()),
                "valid_from": "2026-01-01",
            }))
        },
    },
];

/// Sections are made by the mutual and from above, everything else from above alone.
fn may_add_below(grants: &[(Role, &'static str)], place: &str) -> Seen {
    use super::matrix::reaches;
    let here: Vec<Role> = grants.iter().filter(|(_, at)| reaches(at, place)).map(|(role, _)| *role).collect();
    let from_above = here.iter().any(|role| matches!(role, Role::SystemAdmin | Role::PlatformAdmin));
    let section = matches!(kind_of(place), OrganisationKind::Mutual | OrganisationKind::Section);
    if here.is_empty() {
        Seen::Nothing
    } else if from_above || (section && here.contains(&Role::MutualAdmin)) {
        Seen::In
    } else {
        Seen::Refused
    }
}

/// Every sample is of a route, and every route has one.
#[test]
fn every_route_has_one_sample() {
    for route in ROUTES {
        sample(route);
    }
    for entry in all() {
        let uses = all().filter(|other| other.key == entry.key).count();
        assert_eq!(uses, 1, "{} stands twice in SAMPLES", entry.key);
        assert!(ROUTES.iter().any(|route| name_of(route) == entry.key), "{} is no route any more", entry.key);
    }
}
