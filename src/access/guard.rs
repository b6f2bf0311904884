//! The guard: the only way for a handler to get at data. It is the handler's first argument and answers at once (401, then
//! 404 outside the caller's grants, then 403 where the role lacks the permission) before a body is read.
use super::keys::{Bearer, Keys};
use super::machines::{self, Machine};
use super::passwords::Hashing;
use super::permissions::{Need, Permission, Role};
use super::picture::{Picture, Pictures};
use super::scopes::{BodyScope, MutualScope, ProviderScope, Sections};
use super::throttle::Throttle;
use crate::audit::Desk;
use crate::audit::frame::{Done, Order, command};
use crate::audit::model::{Asker, Purpose};
use crate::db::effects::Effects;
use crate::db::{Read, Wall, Write};
use crate::error::{Code, Error, Problem, Result, request_id};
use crate::ids::*;
use crate::web::{Body, blocking, request_hash};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::{NaiveDate, NaiveDateTime};
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use uuid::Uuid;

/// What access works with, one for the process.
#[derive(Clone)]
pub struct Access {
    /// Organisations, grants and ended sessions.
    pub pictures: Pictures,
    /// Signing keys.
    pub keys: Arc<Keys>,
    /// Password hashing.
    pub hashing: Hashing,
    /// Failed logins.
    pub throttle: Arc<Throttle>,
}

/// What of the request an order needs besides its body.
#[derive(Debug, Clone)]
pub struct Facts {
    /// `METHOD /path/{with}/names`.
    pub route: String,
    /// The path as sent.
    pub path: String,
    /// `Idempotency-Key`.
    pub key: Option<Uuid>,
    /// There is one that holds no UUID; told only to whom the guard let in.
    pub key_is_unreadable: bool,
    /// `If-Match`.
    pub if_match: Option<String>,
    /// `Ayni-Purpose`.
    pub purpose: Option<String>,
    /// The caller's address, for throttling alone.
    pub address: String,
    /// `User-Agent`, cut short.
    pub client: Option<String>,
}

impl Facts {
    fn of(req: &HttpRequest) -> Facts {
        let text = |name: &str| req.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let sent = text("Idempotency-Key");
        let key = sent.as_deref().and_then(|sent| Uuid::parse_str(sent.trim_matches('"')).ok());
        let key_is_unreadable = sent.is_some() && key.is_none();
        Facts {
            route: format!("{} {}", req.method(), req.match_pattern().unwrap_or_default()),
            path: req.path().to_owned(),
            key,
            key_is_unreadable,
            if_match: text(header::IF_MATCH.as_str()),
            purpose: text("Ayni-Purpose"),
            address: req.peer_addr().map_or_else(String::new, |peer| peer.ip().to_string()),
            client: text(header::USER_AGENT.as_str()).map(|agent| agent.chars().take(120).collect()),
        }
    }
}

/// A request that needs no login: login itself, and the like.
pub struct Open {
    /// The database and what goes with it.
    pub desk: Desk,
    /// Keys, pictures, throttle.
    pub access: Access,
    /// The request.
    pub facts: Facts,
}

impl FromRequest for Open {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Open::of(req))
    }
}

impl Open {
    fn of(req: &HttpRequest) -> Result<Open> {
        let missing = || Error::Fault("the server was put together without its parts".into());
        Ok(Open {
            desk: req.app_data::<web::Data<Desk>>().ok_or_else(missing)?.as_ref().clone(),
            access: req.app_data::<web::Data<Access>>().ok_or_else(missing)?.as_ref().clone(),
            facts: Facts::of(req),
        })
    }

    /// An order for what belongs to no mutual, by the program or by a user who is not logged in yet.
    pub fn asker(&self, user: Option<UserId>) -> Asker {
        Asker { user, purpose: Purpose::Support, request: request_id() }
    }
}

/// A request of a user who is logged in, or of a program with a key.
pub struct Signed {
    open: Open,
    /// The user; of a program, nobody's id.
    pub user: UserId,
    /// The session; of a program, none's.
    pub session: SessionId,
    /// The program, where it is none of a user.
    pub machine: Option<Machine>,
    /// The picture against which this request is checked.
    pub picture: Arc<Picture>,
    /// The instant against which this request is checked.
    pub now: NaiveDateTime,
}

impl Deref for Signed {
    type Target = Open;
    fn deref(&self) -> &Open {
        &self.open
    }
}

impl FromRequest for Signed {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    /// What asks for a login alone is about the user himself: no program is one.
    fn from_request(req: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Signed::of(req).and_then(|signed| match signed.machine {
            None => Ok(signed),
            Some(_) => Err(Code::Unauthenticated.into()),
        }))
    }
}

impl Signed {
    fn of(req: &HttpRequest) -> Result<Signed> {
        let open = Open::of(req)?;
        let now = open.desk.db.clock().now();
        let token = req
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or(Problem::of(Code::Unauthenticated))?;
        let picture = open.access.pictures.current()?;
        if let Some((key, secret)) = machines::read(token) {
            let machine = picture.machine(key).filter(|machine| machine.is_told(secret, now)).cloned();
            let machine = machine.ok_or(Problem::of(Code::Unauthenticated))?;
            let (user, session) = (UserId::NIL, SessionId::NIL);
            return Ok(Signed { open, user, session, machine: Some(machine), picture, now });
        }
        let Bearer { user, session } = open.access.keys.verify(token, now).ok_or(Problem::of(Code::Unauthenticated))?;
        if picture.is_disabled(user) || picture.is_ended(session) {
            return Err(Code::Unauthenticated.into());
        }
        Ok(Signed { open, user, session, machine: None, picture, now })
    }

    /// The caller's standing grants: role and organisation. A provider's are looked at apart.
    pub fn grants(&self) -> impl Iterator<Item = (Role, OrganisationId)> + '_ {
        // A program reads as an analyst of its body, and no more than its scopes.
        let machine = self.machine.iter().map(|machine| (Role::PlatformAnalyst, machine.organisation));
        self.picture
            .grants(self.user)
            .iter()
            .filter(|grant| grant.stands(self.now))
            .filter_map(|grant| Some((grant.role, grant.organisation_id?)))
            .chain(machine)
    }

    /// The caller's standing grants on facilities.
    pub fn provider_grants(&self) -> impl Iterator<Item = (Role, ProviderId)> + '_ {
        self.picture
            .grants(self.user)
            .iter()
            .filter(|grant| grant.stands(self.now))
            .filter_map(|grant| Some((grant.role, grant.provider_id?)))
    }

    /// A facility's reach into a mutual: while a convention stands.
    ///
    /// # Errors
    /// `not_found` without a grant on the facility or a standing convention, `forbidden` where the role lacks the
    /// permission.
    pub fn provider_scope(
        &self,
        provider: ProviderId,
        mutual: OrganisationId,
        permission: Permission,
    ) -> Result<ProviderScope> {
        let found = self
            .picture
            .organisation(mutual)
            .filter(|found| found.kind == super::permissions::OrganisationKind::Mutual)
            .ok_or(Problem::of(Code::NotFound))?;
        let roles: Vec<Role> =
            self.provider_grants().filter(|(_, granted)| *granted == provider).map(|(role, _)| role).collect();
        if roles.is_empty() || !self.picture.is_contracted(provider, mutual, self.on(mutual)) {
            return Err(Code::NotFound.into());
        }
        if !roles.iter().any(|role| role.may(permission)) {
            return Err(Code::Forbidden.into());
        }
        let scope = MutualScope::new(found, Sections::All, true, self.desk.db.clock())?;
        Ok(ProviderScope::new(provider, scope))
    }

    /// The business date in an organisation's zone.
    pub fn on(&self, organisation: OrganisationId) -> NaiveDate {
        let zone = self.picture.organisation(organisation).map_or(chrono_tz::Tz::UTC, |found| found.timezone);
        self.desk.db.clock().today(zone)
    }

    /// Who may collect in a mutual's sections now.
    pub fn collectors_of(&self, mutual: MutualId) -> Vec<UserId> {
        let mutual = OrganisationId::from(mutual);
        let sections = self.picture.below(mutual, self.on(mutual));
        self.picture.holders(Role::FieldAgent, &sections, self.now)
    }

    /// The roles by which the caller holds `permission` within a mutual, and how far.
    ///
    /// # Errors
    /// `not_found` outside the caller's grants, `forbidden` where no role there has the permission.
    pub fn mutual_scope(&self, mutual: OrganisationId, permission: Permission) -> Result<(MutualScope, Vec<Role>)> {
        let found = self
            .picture
            .organisation(mutual)
            .filter(|found| found.kind == super::permissions::OrganisationKind::Mutual)
            .ok_or(Problem::of(Code::NotFound))?;
        let on = self.on(mutual);
        let here: Vec<(Role, OrganisationId)> = self
            .grants()
            .filter(|(_, organisation)| {
                *organisation == mutual || self.picture.mutual_of(*organisation, on) == Some(mutual)
            })
            .collect();
        let clerks: Vec<Role> = self
            .provider_grants()
            .filter(|(_, provider)| self.picture.is_contracted(*provider, mutual, on))
            .map(|(role, _)| role)
            .collect();
        if here.is_empty() && clerks.is_empty() {
            return Err(Code::NotFound.into());
        }
        if clerks.iter().any(|role| role.may(permission)) {
            let scope = MutualScope::new(found, Sections::All, true, self.desk.db.clock())?;
            return Ok((scope, clerks));
        }
        let able: Vec<&(Role, OrganisationId)> = here.iter().filter(|(role, _)| role.may(permission)).collect();
        if able.is_empty() {
            return Err(Code::Forbidden.into());
        }
        let sections = if able.iter().any(|(_, organisation)| *organisation == mutual) {
            Sections::All
        } else {
            Sections::These(able.iter().map(|(_, organisation)| *organisation).collect())
        };
        let care = able.iter().any(|(role, _)| role.sees_care());
        let scope = MutualScope::new(found, sections, care, self.desk.db.clock())?;
        Ok((scope, able.iter().map(|(role, _)| *role).collect()))
    }

    /// The scope of an organisation for its tree and catalogue: granted on it, on a body above it, or, for a section's
    /// people, on the section of that mutual.
    ///
    /// # Errors
    /// As [`Signed::mutual_scope`].
    pub fn body_scope(&self, organisation: OrganisationId, permission: Permission) -> Result<(BodyScope, Vec<Role>)> {
        let found = self.picture.organisation(organisation).ok_or(Problem::of(Code::NotFound))?;
        let on = self.on(organisation);
        let above = self.picture.ancestors(organisation, on);
        let here: Vec<Role> = self
            .grants()
            .filter(|(_, granted)| {
                *granted == organisation
                    || above.contains(granted)
                    || self.picture.mutual_of(*granted, on) == Some(organisation)
            })
            .map(|(role, _)| role)
            .collect();
        if here.is_empty() {
            return Err(Code::NotFound.into());
        }
        let able: Vec<Role> = here.into_iter().filter(|role| role.may(permission)).collect();
        if able.is_empty() {
            return Err(Code::Forbidden.into());
        }
        Ok((BodyScope::new(found, self.desk.db.clock()), able))
    }

    /// The organisations that the caller may see with `permission`: granted, below a grant, and the mutual of a section.
    pub fn reach(&self, permission: Permission) -> std::collections::BTreeSet<OrganisationId> {
        let mut all = std::collections::BTreeSet::new();
        for (_, organisation) in self.grants().filter(|(role, _)| role.may(permission)) {
            let on = self.on(organisation);
            all.insert(organisation);
            all.extend(self.picture.below(organisation, on));
            all.extend(self.picture.mutual_of(organisation, on));
        }
        all
    }

    fn purpose(&self, permission: Option<Permission>, roles: &[Role]) -> Result<Purpose> {
        let allowed = |purpose: Purpose| roles.iter().any(|role| role.purposes().contains(&purpose));
        if let Some(sent) = &self.facts.purpose {
            let purpose: Purpose = sent.parse().map_err(|_| Problem::of(Code::PurposeRefused).at("Ayni-Purpose"))?;
            if permission.is_some() && !allowed(purpose) {
                return Err(Problem::of(Code::PurposeRefused).at("Ayni-Purpose").into());
            }
            return Ok(purpose);
        }
        let default = permission.map_or(Purpose::Support, default_purpose);
        let first = roles.iter().flat_map(|role| role.purposes()).next().copied();
        Ok(if allowed(default) { default } else { first.unwrap_or(default) })
    }

    /// An order by the caller, about himself.
    ///
    /// # Errors
    /// `unreadable` where header and body give two ids.
    pub fn own_order<T>(&self, body: Option<&Body<T>>) -> Result<Order> {
        self.order_for(Wall::ROOT, self.on(OrganisationId::NIL), Purpose::Support, body.map(|b| (b.id, b.hash)))
    }

    fn order_for(
        &self,
        wall: Wall,
        today: NaiveDate,
        purpose: Purpose,
        body: Option<(Option<Uuid>, [u8; 32])>,
    ) -> Result<Order> {
        if self.facts.key_is_unreadable {
            let detail = "the Idempotency-Key header must hold a UUID";
            return Err(Problem::with(Code::Unreadable, detail).at("Idempotency-Key").into());
        }
        let (in_body, hash) = body.unwrap_or_else(|| (None, request_hash(&self.facts.path, &serde_json::Value::Null)));
        let id = match (in_body, self.facts.key) {
            (Some(body), Some(header)) if body != header => {
                let detail = "the Idempotency-Key header and the body's id differ";
                return Err(Problem::with(Code::Unreadable, detail).at("Idempotency-Key").into());
            }
            (Some(id), _) | (None, Some(id)) => Key::new(id),
            (None, None) => self.desk.db.ids().next(),
        };
        Ok(Order {
            id,
            wall,
            route: self.facts.route.clone(),
            hash,
            asker: Asker { user: Some(self.user), purpose, request: request_id() },
            today,
            by_header: in_body.is_none() && self.facts.key.is_some(),
        })
    }

    /// Carries a command out and shows the row as it is then; `true` where it had been carried out before. Both run in one
    /// transaction.
    ///
    /// # Errors
    /// The body's, or the frame's.
    pub async fn carry_out<V: Send + 'static>(
        &self,
        order: Order,
        mut act: impl FnMut(&mut Write, &Order) -> Result<()> + Send + 'static,
        mut show: impl FnMut(&mut Read, &Order) -> Result<V> + Send + 'static,
    ) -> Result<(V, bool)> {
        let desk = self.desk.clone();
        blocking(move || {
            desk.db.write(order.wall, |w| {
                let done = crate::audit::frame::command_in(w, &desk.hooks, &order, &mut |w| act(w, &order))?;
                Ok((show(w, &order)?, done == Done::Replayed))
            })
        })
        .await
    }

    /// Carries a command out that gives something once, as a code: a repetition has nothing to give.
    ///
    /// # Errors
    /// As [`Signed::carry_out`].
    pub async fn carry_out_once<V: Send + 'static>(
        &self,
        order: Order,
        mut act: impl FnMut(&mut Write, &Order) -> Result<V> + Send + 'static,
    ) -> Result<Option<V>> {
        let desk = self.desk.clone();
        blocking(move || match command(&desk.db, &desk.hooks, &order, |w| act(w, &order))? {
            Done::Made(value) => Ok(Some(value)),
            Done::Replayed => Ok(None),
        })
        .await
    }

    /// Reads rows of no mutual.
    ///
    /// # Errors
    /// What `body` gives.
    pub async fn read_root<T: Send + 'static>(
        &self,
        body: impl FnMut(&mut Read) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let db = self.desk.db.clone();
        blocking(move || db.read(Wall::ROOT, body)).await
    }

    /// Makes a change of access count at once in this process.
    ///
    /// # Errors
    /// The database's.
    pub async fn reload(&self) -> Result<()> {
        let pictures = self.access.pictures.clone();
        blocking(move || pictures.reload()).await
    }
}

/// Why a permission is used where the caller says nothing else.
fn default_purpose(permission: Permission) -> Purpose {
    match permission {
        Permission::RegisterRead
        | Permission::RegisterWrite
        | Permission::EnrolmentDecide
        | Permission::FieldSync
        | Permission::ProposalDecide => Purpose::Enrolment,
        Permission::PaymentRead | Permission::PaymentWrite | Permission::LedgerRead => Purpose::Collection,
        Permission::EligibilityCheck => Purpose::Claim,
        Permission::AuditRead => Purpose::Audit,
        _ => Purpose::Support,
    }
}

/// A scope that the guard can find from the request.
pub trait Reach: Clone + Send + 'static {
    /// Finds it, with the roles that allow it.
    ///
    /// # Errors
    /// `not_found` or `forbidden`.
    fn find(signed: &Signed, req: &HttpRequest, permission: Permission) -> Result<(Self, Vec<Role>)>;
    /// Whose rows are worked on.
    fn wall(&self) -> Wall;
    /// The business date there.
    fn today(&self, signed: &Signed) -> NaiveDate;
}

fn path_id(req: &HttpRequest, name: &str) -> Result<OrganisationId> {
    req.match_info().get(name).and_then(|text| text.parse().ok()).ok_or_else(|| Code::NotFound.into())
}

impl Reach for MutualScope {
    fn find(signed: &Signed, req: &HttpRequest, permission: Permission) -> Result<(Self, Vec<Role>)> {
        signed.mutual_scope(path_id(req, "m")?, permission)
    }
    fn wall(&self) -> Wall {
        Wall::mutual(self.mutual())
    }
    fn today(&self, _signed: &Signed) -> NaiveDate {
        MutualScope::today(self)
    }
}

impl Reach for BodyScope {
    fn find(signed: &Signed, req: &HttpRequest, permission: Permission) -> Result<(Self, Vec<Role>)> {
        signed.body_scope(path_id(req, "id")?, permission)
    }
    fn wall(&self) -> Wall {
        Wall::ROOT
    }
    fn today(&self, _signed: &Signed) -> NaiveDate {
        BodyScope::today(self)
    }
}

/// The permission is held somewhere; where, the body or the row will say, and the handler asks again for that place.
#[derive(Debug, Clone, Copy)]
pub struct Somewhere;

impl Reach for Somewhere {
    fn find(signed: &Signed, _req: &HttpRequest, permission: Permission) -> Result<(Self, Vec<Role>)> {
        let held = signed.grants().map(|(role, _)| role).chain(signed.provider_grants().map(|(role, _)| role));
        let able: Vec<Role> = held.filter(|role| role.may(permission)).collect();
        if able.is_empty() { Err(Code::Forbidden.into()) } else { Ok((Somewhere, able)) }
    }
    fn wall(&self) -> Wall {
        Wall::ROOT
    }
    fn today(&self, signed: &Signed) -> NaiveDate {
        signed.on(OrganisationId::NIL)
    }
}

/// A person is asked for by a card: the permission is held in some mutual, and the handler asks again for the one to which
/// the card leads. Whoever works in no mutual and at no facility has no card within his grants: for him there is nothing.
#[derive(Debug, Clone, Copy)]
pub struct ByCard;

impl Reach for ByCard {
    fn find(signed: &Signed, req: &HttpRequest, permission: Permission) -> Result<(Self, Vec<Role>)> {
        use super::permissions::OrganisationKind as Kind;
        let inside = signed.provider_grants().next().is_some()
            || signed.grants().any(|(_, organisation)| {
                let kind = signed.picture.organisation(organisation).map(|found| found.kind);
                matches!(kind, Some(Kind::Mutual | Kind::Section))
            });
        if !inside {
            return Err(Code::NotFound.into());
        }
        Somewhere::find(signed, req, permission).map(|(_, roles)| (ByCard, roles))
    }
    fn wall(&self) -> Wall {
        Wall::ROOT
    }
    fn today(&self, signed: &Signed) -> NaiveDate {
        signed.on(OrganisationId::NIL)
    }
}

/// A facility on which the caller holds a grant; which mutual he works for, the card will say.
#[derive(Debug, Clone, Copy)]
pub struct AtProvider(ProviderId);

impl AtProvider {
    /// The facility.
    pub fn provider(&self) -> ProviderId {
        self.0
    }
}

impl Reach for AtProvider {
    fn find(signed: &Signed, req: &HttpRequest, permission: Permission) -> Result<(Self, Vec<Role>)> {
        let provider: ProviderId = Key::new(path_id(req, "id")?.uuid());
        let here: Vec<Role> =
            signed.provider_grants().filter(|(_, granted)| *granted == provider).map(|(role, _)| role).collect();
        if here.is_empty() {
            return Err(Code::NotFound.into());
        }
        let able: Vec<Role> = here.into_iter().filter(|role| role.may(permission)).collect();
        if able.is_empty() { Err(Code::Forbidden.into()) } else { Ok((AtProvider(provider), able)) }
    }
    fn wall(&self) -> Wall {
        Wall::ROOT
    }
    fn today(&self, signed: &Signed) -> NaiveDate {
        signed.on(OrganisationId::NIL)
    }
}

/// A request of a user who holds the permission `N` in the scope `S`.
pub struct Guard<N: Need, S: Reach> {
    signed: Signed,
    /// How far the caller reaches.
    pub scope: S,
    /// Why he looks or acts.
    pub purpose: Purpose,
    need: PhantomData<N>,
}

impl<N: Need, S: Reach> Deref for Guard<N, S> {
    type Target = Signed;
    fn deref(&self) -> &Signed {
        &self.signed
    }
}

impl<N: Need, S: Reach> FromRequest for Guard<N, S> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Guard::of(req))
    }
}

impl<N: Need, S: Reach> Guard<N, S> {
    fn of(req: &HttpRequest) -> Result<Self> {
        let signed = Signed::of(req)?;
        let (scope, roles) = S::find(&signed, req, N::PERMISSION)?;
        if signed.machine.as_ref().is_some_and(|machine| !machine.may(N::PERMISSION)) {
            return Err(Code::Forbidden.into());
        }
        let purpose = signed.purpose(Some(N::PERMISSION), &roles)?;
        Ok(Guard { signed, scope, purpose, need: PhantomData })
    }

    /// The mutual's name, for what is printed.
    pub fn name_of_mutual(&self) -> String {
        let mutual = OrganisationId::from(self.scope.wall().id());
        self.signed.picture.organisation(mutual).map(|found| found.name.clone()).unwrap_or_default()
    }

    /// Who may collect in the mutual's sections now.
    pub fn collectors(&self) -> Vec<UserId> {
        self.signed.collectors_of(self.scope.wall().id())
    }

    /// An order within the scope.
    ///
    /// # Errors
    /// `unreadable` where header and body give two ids.
    pub fn order<T>(&self, body: &Body<T>) -> Result<Order> {
        let today = self.scope.today(&self.signed);
        self.order_for(self.scope.wall(), today, self.purpose, Some((body.id, body.hash)))
    }

    /// An order of a facility in the mutual to which a card led; it must carry an id.
    ///
    /// # Errors
    /// `id_required`.
    pub fn order_in(&self, scope: &ProviderScope, body: (Option<Uuid>, [u8; 32])) -> Result<Order> {
        if body.0.is_none() && self.facts.key.is_none() {
            return Err(Problem::of(Code::IdRequired).at("/id").into());
        }
        let mutual = scope.mutual();
        self.order_for(Wall::mutual(mutual.mutual()), mutual.today(), self.purpose, Some(body))
    }

    /// An order without a body.
    ///
    /// # Errors
    /// As [`Guard::order`].
    pub fn plain_order(&self) -> Result<Order> {
        self.order_for(self.scope.wall(), self.scope.today(&self.signed), self.purpose, None)
    }

    /// An order that moves money: it must carry an id.
    ///
    /// # Errors
    /// `id_required`.
    pub fn money_order<T>(&self, body: &Body<T>) -> Result<Order> {
        if body.id.is_none() && self.facts.key.is_none() {
            return Err(Problem::of(Code::IdRequired).at("/id").into());
        }
        self.order(body)
    }

    /// Reads within the scope.
    ///
    /// # Errors
    /// What `body` gives.
    pub async fn read<T: Send + 'static>(
        &self,
        mut body: impl FnMut(&mut Read, &S) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let db = self.desk.db.clone();
        let scope = self.scope.clone();
        blocking(move || db.read(scope.wall(), |r| body(r, &scope))).await
    }

    /// Carries a command out within the scope; see [`Signed::carry_out`].
    ///
    /// # Errors
    /// The body's, or the frame's.
    pub async fn act<V: Send + 'static>(
        &self,
        order: Order,
        mut act: impl FnMut(&mut Write, &S, &Order) -> Result<()> + Send + 'static,
        mut show: impl FnMut(&mut Read, &S, &Order) -> Result<V> + Send + 'static,
    ) -> Result<(V, bool)> {
        let (scope, other) = (self.scope.clone(), self.scope.clone());
        self.carry_out(order, move |w, order| act(w, &scope, order), move |r, order| show(r, &other, order)).await
    }

    /// Keeps that the caller read these persons or this care; the answer waits for it. Gives the row's id.
    ///
    /// # Errors
    /// `busy` where it could not be kept: the answer is withheld.
    pub async fn note(
        &self,
        kind: &'static str,
        ids: impl IntoIterator<Item = Uuid>,
        filter: Option<serde_json::Value>,
    ) -> Result<AuditId> {
        self.note_in(self.scope.wall().id(), kind, ids, filter).await
    }

    /// As [`Guard::note`], in the audit of a mutual that the body named.
    ///
    /// # Errors
    /// As [`Guard::note`].
    pub async fn note_in(
        &self,
        mutual: MutualId,
        kind: &'static str,
        ids: impl IntoIterator<Item = Uuid>,
        filter: Option<serde_json::Value>,
    ) -> Result<AuditId> {
        let mut effects = Effects::default();
        effects.entities.extend(ids.into_iter().map(|id| (kind, id)));
        if let Some(filter) = filter {
            effects.fields.insert("filter".into(), (None, Some(filter)));
        }
        let asker = Asker { user: Some(self.user), purpose: self.purpose, request: request_id() };
        self.desk.recorder.read(asker, mutual, &self.facts.route, &effects).await
    }
}
