//! A world: a network with two platforms, sister mutuals KAY and GIT (BIF) below the first, the foreign mutual SEN (XOF)
//! below the second, two sections of KAY and one each of the others, a facility with a convention with each mutual, and a
//! user of each role in each place.
use super::database::TestDb;
use actix_http::Request;
use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test;
use ayni::access::keys::{Bearer, Keys};
use ayni::access::model::{Grant, User};
use ayni::access::permissions::{OrganisationKind, Role};
use ayni::access::scopes::{MutualScope, SystemScope};
use ayni::access::service::terminal_order;
use ayni::access::store;
use ayni::app::{HOOKS, Parts};
use ayni::audit::frame::command;
use ayni::db::Wall;
use ayni::error::Error;
use ayni::ids::*;
use ayni::organisations::rules::NewOrganisation;
use ayni::organisations::service;
use ayni::providers::store as care;
use serde_json::Value;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

type Call = Rc<dyn Fn(Request) -> Pin<Box<dyn Future<Output = ServiceResponse<BoxBody>>>>>;

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub text: String,
    pub headers: HashMap<String, String>,
}

impl Answer {
    /// The problem's code.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }
    /// The pointers of the problem's fields.
    pub fn pointers(&self) -> Vec<&str> {
        self.body["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect()
    }
    /// Asserts a status and gives the answer on.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
    /// A text of the body.
    #[track_caller]
    pub fn text(&self, pointer: &str) -> String {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{pointer} in {}", self.text))
            .into()
    }
}

/// A request being made.
pub struct Ask<'w> {
    world: &'w World,
    method: &'static str,
    path: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<Value>,
}

impl Ask<'_> {
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }
    /// As the user of a name of the world.
    pub fn as_(self, user: &str) -> Self {
        let token = self.world.token(user);
        self.token(&token)
    }
    pub async fn send(self) -> Answer {
        let mut request = test::TestRequest::default()
            .method(self.method.parse().unwrap())
            .uri(&if self.path.starts_with("/api") || !self.path.starts_with('/') {
                self.path.clone()
            } else {
                format!("/api/v1{}", self.path)
            })
            .peer_addr("127.0.0.1:50000".parse().unwrap());
        if let Some(token) = &self.token {
            request = request.insert_header(("Authorization", format!("Bearer {token}")));
        }
        for (name, value) in &self.headers {
            request = request.insert_header((name.as_str(), value.as_str()));
        }
        if let Some(body) = &self.body {
            if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                request = request.insert_header(("Content-Type", "application/json"));
            }
            request = request.set_payload(body.to_string());
        }
        self.world.raw(request.to_request()).await
    }
}

/// The world.
pub struct World {
    pub test: TestDb,
    pub parts: Parts,
    pub orgs: HashMap<String, OrganisationId>,
    pub users: HashMap<String, UserId>,
    /// The facilities, by code: see [`FACILITIES`].
    pub providers: HashMap<String, ProviderId>,
    call: Call,
}

/// The facilities of the world: code, the platform that owns it, the one mutual with which it has a convention. Each
/// platform has the service CONS of the category OPD, at 5,000 in the mutuals' currency.
pub const FACILITIES: &[(&str, &str, &str)] =
    &[("HC-KAY", "P1", "KAY"), ("HC-GIT", "P1", "GIT"), ("HC-SEN", "P2", "SEN")];

/// The users of the world: name, role, organisation or facility. A name is the role's, with the place where it is not
/// KAY or P1.
pub const USERS: &[(&str, Role, &str)] = &[
    ("system_admin", Role::SystemAdmin, "ROOT"),
    ("platform_admin", Role::PlatformAdmin, "P1"),
    ("platform_analyst", Role::PlatformAnalyst, "P1"),
    ("body_auditor", Role::Auditor, "P1"),
    ("auditor", Role::Auditor, "KAY"),
    ("mutual_admin", Role::MutualAdmin, "KAY"),
    ("registrar", Role::Registrar, "KAY"),
    ("treasurer", Role::Treasurer, "KAY"),
    ("claims_officer", Role::ClaimsOfficer, "KAY"),
    ("medical_adviser", Role::MedicalAdviser, "KAY"),
    ("field_agent", Role::FieldAgent, "KAY-S1"),
    ("section_registrar", Role::Registrar, "KAY-S2"),
    ("mutual_admin@GIT", Role::MutualAdmin, "GIT"),
    ("registrar@GIT", Role::Registrar, "GIT"),
    ("treasurer@GIT", Role::Treasurer, "GIT"),
    ("mutual_admin@SEN", Role::MutualAdmin, "SEN"),
    ("platform_admin@P2", Role::PlatformAdmin, "P2"),
    ("network_analyst", Role::PlatformAnalyst, "NET"),
    ("provider_clerk", Role::ProviderClerk, "HC-KAY"),
    ("provider_clerk@SEN", Role::ProviderClerk, "HC-SEN"),
];

async fn serve(parts: &Parts) -> Call {
    let service = Rc::new(test::init_service(parts.app()).await);
    Rc::new(move |request| {
        let service = service.clone();
        Box::pin(async move {
            match service.call(request).await {
                Ok(response) => response.map_into_boxed_body(),
                Err(error) => {
                    let request = test::TestRequest::default().to_http_request();
                    ServiceResponse::new(request, error.error_response())
                }
            }
        })
    })
}

impl World {
    pub async fn new() -> World {
        World::on(TestDb::new()).await
    }

    pub async fn on(test: TestDb) -> World {
        let mut orgs: HashMap<String, OrganisationId> = [("ROOT".to_owned(), OrganisationId::NIL)].into();
        use OrganisationKind as K;
        for (code, kind, parent, country, currency, zone) in [
            ("NET", K::Network, "ROOT", None, None, None),
            ("P1", K::Platform, "NET", Some("BI"), None, None),
            ("P2", K::Platform, "NET", Some("SN"), None, None),
            ("KAY", K::Mutual, "P1", Some("BI"), Some("BIF"), Some("Africa/Bujumbura")),
            ("GIT", K::Mutual, "P1", Some("BI"), Some("BIF"), Some("Africa/Bujumbura")),
            ("SEN", K::Mutual, "P2", Some("SN"), Some("XOF"), Some("Africa/Dakar")),
            ("KAY-S1", K::Section, "KAY", None, None, None),
            ("KAY-S2", K::Section, "KAY", None, None, None),
            ("GIT-S1", K::Section, "GIT", None, None, None),
            ("SEN-S1", K::Section, "SEN", None, None, None),
        ] {
            let order = terminal_order(&test.db, "test");
            let new = NewOrganisation {
                code: code.into(),
                name: format!("Organisation {code}"),
                kind,
                country: country.map(Into::into),
                currency: currency.map(Into::into),
                timezone: zone.map(Into::into),
                card_prefix: None,
            };
            let parent = orgs[parent];
            command(&test.db, &HOOKS, &order, |w| service::add(w, &HOOKS, &order, &new, parent)).unwrap();
            orgs.insert(code.into(), Key::new(order.id.uuid()));
        }
        let providers = open_facilities(&test, &orgs);
        let mut users = HashMap::new();
        test.db
            .write(Wall::ROOT, |w| {
                for (name, role, code) in USERS {
                    let user = User {
                        id: w.new_id(),
                        email: Some(format!("{}@example.org", name.replace('@', "."))),
                        phone: None,
                        name: (*name).into(),
                        password_hash: None,
                        disabled_at: None,
                        created_at: w.now(),
                        version: 1,
                    };
                    store::insert_user(w, &user)?;
                    let grant = Grant {
                        id: w.new_id(),
                        user_id: user.id,
                        role: *role,
                        organisation_id: orgs.get(*code).copied(),
                        provider_id: providers.get(*code).copied(),
                        reason: None,
                        granted_by: None,
                        granted_at: w.now(),
                        expires_at: None,
                        ended_at: None,
                        ended_by: None,
                    };
                    store::insert_grant(w, &grant)?;
                    users.insert((*name).to_owned(), user.id);
                }
                Ok::<_, Error>(())
            })
            .unwrap();
        let parts = Parts::new(test.db.clone(), Keys::passing().unwrap()).unwrap();
        let call = serve(&parts).await;
        World { test, parts, orgs, users, providers, call }
    }

    /// Another server on the same database, which has read nothing yet.
    pub async fn restart(&mut self) {
        self.parts = Parts::new(self.test.db.clone(), Keys::passing().unwrap()).unwrap();
        self.call = serve(&self.parts).await;
    }

    /// Makes one more user with a role, known by a name from now on.
    pub fn add_user(&mut self, name: &str, role: Role, organisation: OrganisationId) {
        let id = self
            .test
            .db
            .write(Wall::ROOT, |w| {
                let user = User {
                    id: w.new_id(),
                    email: Some(format!("{}@example.org", name.replace('@', "."))),
                    phone: None,
                    name: name.into(),
                    password_hash: None,
                    disabled_at: None,
                    created_at: w.now(),
                    version: 1,
                };
                store::insert_user(w, &user)?;
                let grant = Grant {
                    id: w.new_id(),
                    user_id: user.id,
                    role,
                    organisation_id: Some(organisation),
                    provider_id: None,
                    reason: None,
                    granted_by: None,
                    granted_at: w.now(),
                    expires_at: None,
                    ended_at: None,
                    ended_by: None,
                };
                store::insert_grant(w, &grant)?;
                Ok::<_, Error>(user.id)
            })
            .unwrap();
        self.users.insert(name.to_owned(), id);
        self.parts.access.pictures.reload().unwrap();
    }

    /// Grants a user a role in one more place, and lets it count at once.
    pub fn grant(&self, user: &str, role: Role, place: &str) {
        let granted = self.test.db.write(Wall::ROOT, |w| {
            let grant = Grant {
                id: w.new_id(),
                user_id: self.users[user],
                role,
                organisation_id: Some(self.org(place)),
                provider_id: None,
                reason: None,
                granted_by: None,
                granted_at: w.now(),
                expires_at: None,
                ended_at: None,
                ended_by: None,
            };
            Ok::<_, Error>(store::insert_grant(w, &grant)?)
        });
        granted.unwrap();
        self.parts.access.pictures.reload().unwrap();
    }

    /// A facility's id.
    pub fn provider(&self, code: &str) -> ProviderId {
        *self.providers.get(code).unwrap_or_else(|| panic!("no facility {code}"))
    }

    /// An organisation's id.
    pub fn org(&self, code: &str) -> OrganisationId {
        *self.orgs.get(code).unwrap_or_else(|| panic!("no organisation {code}"))
    }

    /// An area of Burundi that stands since 2026.
    pub fn area(&self, name: &str) -> AreaId {
        let order = ayni::access::service::terminal_order(&self.test.db, "a test's area");
        let area = ayni::organisations::model::Area {
            id: AreaId::NIL,
            country: "BI".into(),
            parent_id: None,
            name: name.into(),
            valid_from: "2026-01-01".parse().unwrap(),
            valid_to: None,
            version: 1,
            code: None,
        };
        ayni::audit::frame::command(&self.test.db, &ayni::app::HOOKS, &order, |w| {
            ayni::organisations::service::add_area(w, &order, area.clone(), &[])
        })
        .unwrap();
        Key::new(order.id.uuid())
    }

    /// The path of a mutual.
    pub fn mutual(&self, code: &str) -> String {
        format!("/mutuals/{}", self.org(code))
    }

    /// The whole of a mutual, as the program itself sees it.
    pub fn scope(&self, code: &str) -> MutualScope {
        let picture = self.parts.access.pictures.current().unwrap();
        SystemScope::of_the_terminal().mutual(&picture, self.test.db.clock(), self.org(code)).unwrap()
    }

    /// An access token of a user of the world.
    pub fn token(&self, user: &str) -> String {
        let user = *self.users.get(user).unwrap_or_else(|| panic!("no user {user}"));
        let bearer = Bearer { user, session: self.test.db.ids().next() };
        self.parts.access.keys.sign(bearer, self.test.db.clock().now()).unwrap()
    }

    fn ask(&self, method: &'static str, path: &str) -> Ask<'_> {
        Ask { world: self, method, path: path.into(), token: None, headers: Vec::new(), body: None }
    }
    pub fn get(&self, path: &str) -> Ask<'_> {
        self.ask("GET", path)
    }
    pub fn post(&self, path: &str) -> Ask<'_> {
        self.ask("POST", path)
    }
    pub fn put(&self, path: &str) -> Ask<'_> {
        self.ask("PUT", path)
    }
    pub fn patch(&self, path: &str) -> Ask<'_> {
        self.ask("PATCH", path)
    }
    pub fn delete(&self, path: &str) -> Ask<'_> {
        self.ask("DELETE", path)
    }
    /// Any method.
    pub fn call(&self, method: &'static str, path: &str) -> Ask<'_> {
        self.ask(method, path)
    }

    /// An answer's body as it travelled.
    pub async fn bytes(&self, request: Request) -> Vec<u8> {
        let response = (self.call)(request).await;
        assert_eq!(response.status().as_u16(), 200);
        test::read_body(response).await.to_vec()
    }

    pub async fn raw(&self, request: Request) -> Answer {
        let response = (self.call)(request).await;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or("").to_owned()))
            .collect();
        let bytes = test::read_body(response).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, body, text, headers }
    }
}

/// The facilities with their conventions, the service and its price, straight into their tables.
fn open_facilities(test: &TestDb, orgs: &HashMap<String, OrganisationId>) -> HashMap<String, ProviderId> {
    use ayni::providers::model::{Convention, Provider, Sector, ServiceKind, Tariff, Words};
    let valid_from = chrono::NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
    let mut providers = HashMap::new();
    test.db
        .write(Wall::ROOT, |w| {
            providers.clear();
            for (code, owner, mutual) in FACILITIES {
                let id = w.new_id();
                let provider = Provider {
                    id,
                    owner_id: orgs[*owner],
                    code: (*code).into(),
                    name: format!("Health centre {code}"),
                    level: "health_centre".into(),
                    sector: Sector::Public,
                    area_id: None,
                    created_at: w.now(),
                    version: 1,
                    care_types: Words::default(),
                    contact_name: None,
                    phone: None,
                    email: None,
                    address: None,
                    active_to: None,
                };
                care::insert(w, &provider)?;
                let convention = Convention {
                    id: w.new_id(),
                    provider_id: id,
                    party_id: orgs[*mutual],
                    valid_from,
                    valid_to: None,
                    created_at: w.now(),
                    categories: None,
                    excluded_services: Words::default(),
                    invoice_days: None,
                    payment_days: None,
                    advance_minor: None,
                    currency: None,
                    version: 1,
                };
                care::insert_convention(w, &convention)?;
                providers.insert((*code).to_owned(), id);
            }
            for (owner, currency) in [("P1", "BIF"), ("P2", "XOF")] {
                let service = ayni::providers::model::Service {
                    id: w.new_id(),
                    owner_id: orgs[owner],
                    code: "CONS".into(),
                    name: "Consultation".into(),
                    category: "OPD".into(),
                    kind: ServiceKind::Service,
                    created_at: w.now(),
                    version: 1,
                    sex: None,
                    min_age_years: None,
                    max_age_years: None,
                };
                care::insert_service(w, &service)?;
                let tariff = Tariff {
                    id: w.new_id(),
                    owner_id: orgs[owner],
                    provider_id: None,
                    service_id: service.id,
                    unit_price_minor: 5_000,
                    currency: currency.into(),
                    valid_from,
                    valid_to: None,
                    created_at: w.now(),
                };
                care::insert_tariff(w, &tariff)?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    providers
}
