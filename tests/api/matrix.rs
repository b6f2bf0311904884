//! Every route, as every user, in every place: the answer is the permission table's, and who is kept out changes nothing.
//!
//! What is expected is computed here from the world's grants and its tree, without the guard's code.
use crate::samples::*;
use crate::support::world::USERS;
use crate::support::{Answer, World, database};
use ayni::access::keys::Bearer;
use ayni::access::permissions::{OrganisationKind, Role, roles_with};
use ayni::access::store;
use ayni::db::Wall;
use ayni::error::Error;
use ayni::ids::*;
use ayni::routes::{Caller, Place, ROUTES, Route};
use chrono::Duration;
use diesel::prelude::*;

/// Somebody who calls.
struct Person {
    name: String,
    user: Option<UserId>,
    grants: Vec<(Role, &'static str)>,
    /// Whether he comes with a token that counts.
    known: bool,
    token: Token,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    None,
    Good,
    Expired,
    Altered,
    EndedSession,
}

/// True where a grant on `granted` reaches the organisation `place`: on it, above it, or, for a section's people, on a
/// section of that mutual.
pub fn reaches(granted: &str, place: &str) -> bool {
    granted == place || above(place).contains(&granted) || is_section_of(granted, place)
}

fn is_section_of(section: &str, mutual: &str) -> bool {
    kind_of(section) == OrganisationKind::Section && above(section).first() == Some(&mutual)
}

/// True where these grants administer the users of a place: a mutual's are its own administrator's, a body's those of
/// the bodies' administrators on it and above, everything the system administrator's.
fn administers(grants: &[(Role, &'static str)], place: &str) -> bool {
    let kind = kind_of(place);
    let of_mutual = matches!(kind, OrganisationKind::Mutual | OrganisationKind::Section);
    grants.iter().any(|(role, granted)| {
        let here = *granted == place;
        let higher = above(place).contains(granted);
        match role {
            Role::SystemAdmin => true,
            Role::PlatformAdmin => kind.is_body() && (here || higher),
            Role::MutualAdmin => of_mutual && (here || higher),
            _ => false,
        }
    })
}

/// What the route table and the permission table say.
fn expected(route: &Route, person: &Person, place: &str) -> Seen {
    let (permission, at) = match route.caller {
        Caller::Public => return Seen::In,
        _ if !person.known => return Seen::Unknown,
        Caller::Signed => return Seen::In,
        Caller::Holds(permission, at) => (permission, at),
    };
    let may = |role: &Role| roles_with(permission).contains(role);
    let in_place = |reach: &dyn Fn(&str) -> bool| {
        let here: Vec<Role> = person.grants.iter().filter(|(_, at)| reach(at)).map(|(role, _)| *role).collect();
        match (here.is_empty(), here.iter().any(may)) {
            (true, _) => Seen::Nothing,
            (false, false) => Seen::Refused,
            (false, true) => Seen::In,
        }
    };
    let named = match at {
        // Grants above a mutual are outside it; those on a facility with a convention are inside.
        Place::Mutual => {
            return in_place(&|granted| {
                granted == place || is_section_of(granted, place) || is_contracted(granted, place)
            });
        }
        // The sample asks about the mutual with which the facility has its convention.
        Place::Provider => return in_place(&|granted| granted == facility_of(place)),
        Place::Organisation => return in_place(&|granted| reaches(granted, place)),
        Place::Named => sample(route).named,
    };
    // A card leads into a mutual: for who works in none and at no facility there is nothing.
    let works_with_persons = |at: &str| {
        (facility_of("KAY") == at || facility_of("GIT") == at || facility_of("SEN") == at)
            || matches!(kind_of(at), OrganisationKind::Mutual | OrganisationKind::Section)
    };
    if route.persons && !person.grants.iter().any(|(_, at)| works_with_persons(at)) {
        return Seen::Nothing;
    }
    if !person.grants.iter().any(|(role, _)| may(role)) {
        return Seen::Refused;
    }
    match named {
        Named::Anywhere => Seen::In,
        Named::There => in_place(&|granted| reaches(granted, place)),
        Named::Administers => match in_place(&|granted| reaches(granted, place)) {
            Seen::In if !may_administer(route, person, place) => Seen::Refused,
            seen => seen,
        },
        Named::UserThere if administers(&person.grants, place) => Seen::In,
        Named::UserThere => Seen::Nothing,
        Named::By(decide) => decide(&person.grants, place),
    }
}

/// Who reads and ends what administers reaches; whom one may grant a role is narrower: a system administrator grants
/// nothing in a mutual but its first administrator and the broken glass, which no sample asks.
fn may_administer(route: &Route, person: &Person, place: &str) -> bool {
    let grants_a_role = route.method == ayni::routes::Method::Post;
    let in_a_mutual = matches!(kind_of(place), OrganisationKind::Mutual | OrganisationKind::Section);
    if grants_a_role && in_a_mutual {
        person.grants.iter().any(|(role, at)| *role == Role::MutualAdmin && (*at == place || above(place).contains(at)))
    } else {
        administers(&person.grants, place)
    }
}

fn says(answer: &Answer, route: &Route) -> Result<Seen, String> {
    let seen = match (answer.status, answer.code()) {
        (401, "unauthenticated") => Seen::Unknown,
        // Login and the like refuse with a code of their own.
        (401, _) if route.caller == Caller::Public => Seen::In,
        (403, "own_grant" | "same_person") => Seen::In,
        (403, _) => Seen::Refused,
        (404, _) => Seen::Nothing,
        (200..=299 | 409 | 412 | 422 | 428, _) => Seen::In,
        (status, code) => return Err(format!("{status} {code}: {}", answer.text)),
    };
    Ok(seen)
}

/// Whether the database stays as it is: the number of rows of each table, and what tells of changed rows. On SQLite that is
/// the number that moves with every commit of another connection; on PostgreSQL, rows that a later transaction wrote.
struct Digest {
    conn: ayni::db::Conn,
    counts: String,
    written_since: String,
}

impl Digest {
    fn new(world: &World) -> Digest {
        let mut conn = world.test.owner();
        let list = if database::on_postgres() {
            "tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        } else {
            "name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1"
        };
        let tables: Vec<String> =
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>(list)).load(&mut conn).unwrap();
        assert!(tables.len() > 25, "{tables:?}");
        let each =
            |what: &dyn Fn(&String) -> String, between: &str| tables.iter().map(what).collect::<Vec<_>>().join(between);
        let counts = each(&|table| format!("(SELECT count(*) FROM {table})"), " || ' ' || ");
        if !database::on_postgres() {
            let counts = format!("SELECT {counts} AS text, (SELECT data_version FROM pragma_data_version()) AS at");
            return Digest { conn, counts, written_since: String::new() };
        }
        // Planned once: planning them costs more than running them.
        let now = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
        let written = each(&|table| format!("(SELECT count(*) FROM {table} WHERE xmin::text::bigint >= $1)"), " + ");
        for statement in [
            format!("PREPARE counts AS SELECT {counts} AS text, {now} AS at"),
            format!("PREPARE written(bigint) AS SELECT ({written})::text AS text, {now} AS at"),
        ] {
            ayni::db::execute(&mut conn, &statement).unwrap();
        }
        Digest { conn, counts: "EXECUTE counts".into(), written_since: "EXECUTE written".into() }
    }

    fn line(&mut self, query: &str) -> (String, i64) {
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = diesel::sql_types::Text)]
            text: String,
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            at: i64,
        }
        let conn = &mut self.conn;
        let line = ayni::on_each!(conn, |c| diesel::sql_query(query).get_result::<Line>(c)).unwrap();
        (line.text, line.at)
    }

    fn take(&mut self) -> (String, i64) {
        let query = self.counts.clone();
        self.line(&query)
    }

    /// True where nothing was written since `before`.
    fn is_still(&mut self, before: &(String, i64)) -> bool {
        let now = self.take();
        if now == *before {
            return true;
        }
        // Transactions are numbered for the whole cluster, on which other tests run too: the rows decide.
        let query = format!("{}({})", self.written_since, before.1);
        database::on_postgres() && now.0 == before.0 && self.line(&query).0 == "0"
    }
}

fn people(world: &World) -> Vec<Person> {
    let person = |name: &str, user: Option<UserId>, grants: &[(Role, &'static str)], token: Token| Person {
        name: name.into(),
        user,
        grants: grants.to_vec(),
        known: token == Token::Good,
        token,
    };
    let mut people = vec![person("(anonymous)", None, &[], Token::None)];
    for (name, role, place) in USERS {
        people.push(person(name, Some(world.users[*name]), &[(*role, place)], Token::Good));
    }
    let strongest = world.users["system_admin"];
    for (name, token) in [
        ("(expired token)", Token::Expired),
        ("(altered token)", Token::Altered),
        ("(ended session)", Token::EndedSession),
    ] {
        people.push(person(name, Some(strongest), &[(Role::SystemAdmin, "ROOT")], token));
    }
    let (nobody, _) = new_user(world, None);
    people.push(person("(without grants)", Some(nobody), &[], Token::Good));
    // Two roles in two places: what is held in one counts nothing in the other.
    let (two, _) = new_user(world, Some((Role::Treasurer, "GIT")));
    let second = new_grant(world, two, Role::MutualAdmin, "SEN");
    assert_ne!(second, GrantId::NIL);
    people.push(person("(two roles)", Some(two), &[(Role::Treasurer, "GIT"), (Role::MutualAdmin, "SEN")], Token::Good));
    let (ended, grant) = new_user(world, Some((Role::MutualAdmin, "KAY")));
    let (disabled, _) = new_user(world, Some((Role::SystemAdmin, "ROOT")));
    world
        .test
        .db
        .write(Wall::ROOT, |w| {
            let now = w.now();
            store::end_grant(w, grant.unwrap(), None)?;
            store::set_disabled(w, disabled, Some(now))?;
            Ok::<_, Error>(())
        })
        .unwrap();
    people.push(person("(ended grant)", Some(ended), &[], Token::Good));
    let mut out = person("(disabled)", Some(disabled), &[(Role::SystemAdmin, "ROOT")], Token::Good);
    out.known = false;
    people.push(out);
    world.parts.access.pictures.reload().unwrap();
    people
}

fn new_grant(world: &World, user: UserId, role: Role, place: &str) -> GrantId {
    world
        .test
        .db
        .write(Wall::ROOT, |w| {
            let grant = ayni::access::model::Grant {
                id: w.new_id(),
                user_id: user,
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
            Ok::<_, Error>(grant.id)
        })
        .unwrap()
}

/// The token of a call: of a session of its own, since a call may end it.
fn token(world: &World, person: &Person, ended: SessionId) -> Option<String> {
    let user = person.user?;
    let now = world.test.db.clock().now();
    let sign = |session, at| world.parts.access.keys.sign(Bearer { user, session }, at).unwrap();
    match person.token {
        Token::None => None,
        Token::Good => Some(session_token(world, user)),
        Token::Expired => Some(sign(world.test.db.ids().next(), now - Duration::minutes(11))),
        Token::Altered => {
            let mut token = sign(world.test.db.ids().next(), now);
            let last = token.pop();
            token.insert(token.len() - 10, if last == Some('A') { 'B' } else { 'A' });
            Some(token)
        }
        Token::EndedSession => Some(sign(ended, now)),
    }
}

/// The table is tried in so many parts, side by side, each in a world of its own: every so-manieth route.
const SLICES: usize = 8;

/// Calls every route of a slice as everybody in every place.
async fn try_slice(slice: usize) {
    let world = World::new().await;
    let people = people(&world);
    let strongest = world.users["system_admin"];
    let (ended, _) = new_session(&world, strongest);
    world.test.db.write(Wall::ROOT, |w| store::end_session(w, strongest, ended, "test").map_err(Error::from)).unwrap();
    world.parts.access.pictures.reload().unwrap();
    let mut digest = Digest::new(&world);
    let (mut calls, mut let_in, mut succeeded) = (0, 0, 0);
    let mut wrong = Vec::new();
    let routes: Vec<&Route> = ROUTES.iter().skip(slice).step_by(SLICES).collect();
    for route in &routes {
        let sample = sample(route);
        for place in places_of(route) {
            // Who is kept out changes nothing: all of them send the same request. Who is let in gets rows of his own.
            let kept_out = (sample.make)(&world, None, place);
            for person in &people {
                let expected = expected(route, person, place);
                let request = match expected {
                    Seen::In => (sample.make)(&world, person.user, place),
                    _ => kept_out.clone(),
                };
                let token = token(&world, person, ended);
                let before = digest.take();
                let mut ask = world.call(route.method.as_str(), &request.path);
                if let Some(token) = &token {
                    ask = ask.token(token);
                }
                for (name, value) in &request.headers {
                    ask = ask.header(name, value);
                }
                if let Some(body) = request.body {
                    ask = ask.json(body);
                }
                let answer = ask.send().await;
                calls += 1;
                let seen = says(&answer, route);
                if seen.as_ref() != Ok(&expected) {
                    wrong.push(format!(
                        "{} as {} in {place}: expected {expected:?}, {seen:?} ({} {})",
                        sample.key,
                        person.name,
                        answer.status,
                        answer.code()
                    ));
                }
                if expected == Seen::In {
                    let_in += 1;
                    succeeded += usize::from(answer.status < 300);
                } else if !digest.is_still(&before) {
                    wrong.push(format!("{} as {} in {place}: was kept out and changed rows", sample.key, person.name));
                }
                if route.persons {
                    let above =
                        ["platform_admin", "platform_analyst", "body_auditor", "network_analyst", "system_admin"];
                    let there = answer.status == 404;
                    if above.contains(&person.name.as_str()) && (expected == Seen::In || !there) {
                        wrong.push(format!("{} as {} in {place}: persons seen from above", sample.key, person.name));
                    }
                }
            }
        }
    }
    println!("{calls} calls, {let_in} let in, of these {succeeded} succeeded");
    assert!(wrong.is_empty(), "{} of {calls}:\n{}", wrong.len(), wrong.join("\n"));
    let asked: usize = routes.iter().map(|route| places_of(route).len()).sum();
    assert_eq!(calls, asked * people.len());
    assert!(routes.len() >= ROUTES.len() / SLICES && calls > 600, "{calls} calls of {} routes", routes.len());
    // Rules may refuse what the guard lets in, but not everything: then the samples would prove nothing.
    assert!(succeeded * 2 > let_in, "{succeeded} of {let_in}");
}

/// One test per slice, so that they run side by side.
macro_rules! slices {
    ($($name:ident = $slice:literal),+ $(,)?) => {
        $(#[actix_web::test]
        async fn $name() {
            try_slice($slice).await;
        })+

        #[test]
        fn every_slice_of_the_table_is_tried() {
            assert_eq!([$($slice),+].to_vec(), (0..SLICES).collect::<Vec<_>>());
        }
    };
}

/// Every route, as every user, in every place, answers as the permission table says.
mod every_route_answers_as_the_table_says {
    use super::{SLICES, try_slice};

    slices! {
        in_slice_0 = 0, in_slice_1 = 1, in_slice_2 = 2, in_slice_3 = 3, in_slice_4 = 4, in_slice_5 = 5, in_slice_6 = 6,
        in_slice_7 = 7,
    }
}

#[actix_web::test]
async fn the_expectation_itself_keeps_the_walls() {
    // A few cells by hand, so that the table above cannot drift together with its own helper.
    assert!(reaches("ROOT", "SEN-S1") && reaches("NET", "KAY") && reaches("KAY-S1", "KAY") && reaches("KAY", "KAY-S1"));
    assert!(!reaches("KAY", "P1") && !reaches("P1", "P2") && !reaches("KAY", "GIT") && !reaches("KAY-S1", "KAY-S2"));
    assert!(!reaches("P1", "SEN") && !reaches("KAY-S1", "GIT") && !reaches("KAY-S1", "P1"));
    assert!(administers(&[(Role::MutualAdmin, "KAY")], "KAY-S1") && !administers(&[(Role::MutualAdmin, "KAY")], "GIT"));
    assert!(!administers(&[(Role::PlatformAdmin, "P1")], "KAY") && administers(&[(Role::PlatformAdmin, "NET")], "P2"));
    for role in [Role::SystemAdmin, Role::PlatformAdmin, Role::PlatformAnalyst] {
        use ayni::access::permissions::Permission as P;
        for permission in [
            P::RegisterRead,
            P::RegisterWrite,
            P::EnrolmentDecide,
            P::PaymentRead,
            P::PaymentWrite,
            P::LedgerRead,
            P::EligibilityCheck,
            P::AuditRead,
        ] {
            assert!(!roles_with(permission).contains(&role), "{role} has {permission}");
        }
    }
}
