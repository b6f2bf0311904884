//! The route table: every path and method once, with who may call it, what it takes and gives, and which rows it writes.
//! The server, the API description and the tests of access and of written rows are all made from it.
use crate::access::approvals;
use crate::access::audit_http as audit;
use crate::access::http as access;
use crate::access::machines_http as machines;
use crate::access::permissions::Permission;
use crate::cards::http as cards;
use crate::claims::appeals_http as appeals;
use crate::claims::http as claims;
use crate::claims::invoices::http as invoices;
use crate::claims::invoices::notice;
use crate::claims::invoices::own_http as own_invoices;
use crate::claims::invoices::views as invoice;
use crate::claims::letters_http as letters;
use crate::claims::overtaken;
use crate::claims::review_http as review;
use crate::claims::settings as care_settings;
use crate::claims::settlement_http as settlements;
use crate::contributions::desks_http as desks;
use crate::contributions::http as contributions;
use crate::contributions::lists_http as money_lists;
use crate::contributions::papers;
use crate::contributions::receipts_http as receipts;
use crate::contributions::relief_http as relief;
use crate::eligibility::http as eligibility;
use crate::enrolments::http as enrolments;
use crate::enrolments::membership_http as membership;
use crate::enrolments::price_http as enrolment_price;
use crate::enrolments::search_http as search;
use crate::enrolments::work_http as work;
use crate::error::{Code, Problem, ProblemView};
use crate::field::devices_http as devices;
use crate::field::proposals_http as proposals;
use crate::field::pull_http as pull;
use crate::field::push as pushed;
use crate::field::push_http as push;
use crate::field::push_http::LARGEST_PUSH;
use crate::field::reference_http as reference;
use crate::households::duplicates_http as duplicates;
use crate::households::events_http as events;
use crate::households::file_http as file;
use crate::households::http as households;
use crate::imports::areas_http as area_import;
use crate::jobs::http as jobs;
use crate::ledger::books_http as books;
use crate::ledger::http as ledger;
use crate::organisations::http as organisations;
use crate::products::http as products;
use crate::products::price_http as product_price;
use crate::providers::conventions_http as conventions;
use crate::providers::diagnoses_http as diagnoses;
use crate::providers::http as providers;
use crate::providers::services_http as services;
use crate::providers::tariffs_http as price_lists;
use crate::reports::care_http as care;
use crate::reports::periods::http as periods;
use crate::reports::rates::http as rates;
use crate::reports::releases::http as releases;
use crate::reports::report::http as report;
use crate::treasury::collections_http as collections;
use crate::treasury::collectors_http as collectors;
use crate::treasury::mobile_http as mobile;
use crate::treasury::movements_http as movements;
use crate::treasury::subsidies_http as subsidies;
use crate::treasury::unallocated_http as unallocated;
use crate::web::{LARGEST_BODY, LARGEST_FILE, LanguageFilter, Largest};
use actix_web::web;
use utoipa::openapi::path::{HttpMethod, Parameter, ParameterIn};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, ToSchema};

/// The prefix of every route of the table.
pub const PREFIX: &str = "/api/v1";

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the words of HTTP")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    fn openapi(self) -> HttpMethod {
        match self {
            Method::Get => HttpMethod::Get,
            Method::Post => HttpMethod::Post,
            Method::Put => HttpMethod::Put,
            Method::Patch => HttpMethod::Patch,
            Method::Delete => HttpMethod::Delete,
        }
    }
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Anybody.
    Public,
    /// Whoever is logged in.
    Signed,
    /// Whoever holds the permission in the place.
    Holds(Permission, Place),
}

/// Where a permission must be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the mutual `{m}` of the path, or on sections of it.
    Mutual,
    /// On the organisation `{id}` of the path, or above it.
    Organisation,
    /// On the facility `{id}` of the path; which mutual, the card or the query says.
    Provider,
    /// Somewhere; the handler asks again for the place that the body, the query or the row names.
    Named,
}

/// Which rows of the command frame a successful call writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// None.
    Nothing,
    /// One audit row: a read of persons or care, a login.
    Audit,
    /// A command and its audit row: users, organisations, products.
    Command,
    /// A command, its audit row, marks and pending changes: register, money and care.
    Facts,
    /// Several such commands at once: what is done, and that it was decided.
    Many,
}

type SchemaOf = fn(&mut Vec<(String, RefOr<Schema>)>) -> RefOr<Schema>;

/// What a call gives.
#[derive(Clone, Copy)]
pub enum Answer {
    /// No body.
    Empty,
    /// One thing.
    One(u16, SchemaOf),
    /// A page of things.
    Page(SchemaOf),
    /// A file of a kind, as `text/csv`.
    File(&'static str),
}

/// A line of the table.
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path below [`PREFIX`].
    pub path: &'static str,
    /// Name of the operation.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Who may call.
    pub caller: Caller,
    /// Which rows it writes.
    pub writes: Writes,
    /// True where it reads or writes persons, money of persons or care.
    pub persons: bool,
    /// The body that it takes.
    pub body: Option<SchemaOf>,
    /// The query that it takes.
    pub query: Option<fn() -> Vec<Parameter>>,
    /// What it gives.
    pub answer: Answer,
    /// True where `If-Match` is needed.
    pub if_match: bool,
    /// The largest body that it takes, in bytes.
    pub largest: usize,
    handler: fn() -> actix_web::Route,
}

fn schema_of<T: ToSchema>(found: &mut Vec<(String, RefOr<Schema>)>) -> RefOr<Schema> {
    let name = T::name().into_owned();
    T::schemas(found);
    found.push((name.clone(), T::schema()));
    RefOr::Ref(Ref::from_schema_name(name))
}

fn query_of<Q: IntoParams>() -> Vec<Parameter> {
    Q::into_params(|| Some(ParameterIn::Query))
}

impl Route {
    const fn new(
        method: Method,
        path: &'static str,
        name: &'static str,
        handler: fn() -> actix_web::Route,
        summary: &'static str,
    ) -> Route {
        Route {
            method,
            path,
            name,
            summary,
            caller: Caller::Signed,
            writes: Writes::Nothing,
            persons: false,
            body: None,
            query: None,
            answer: Answer::Empty,
            if_match: false,
            largest: LARGEST_BODY,
            handler,
        }
    }
    const fn public(mut self) -> Route {
        self.caller = Caller::Public;
        self
    }
    const fn needs(mut self, permission: Permission, place: Place) -> Route {
        self.caller = Caller::Holds(permission, place);
        self
    }
    const fn writes(mut self, writes: Writes) -> Route {
        self.writes = writes;
        self
    }
    const fn body<T: ToSchema>(mut self) -> Route {
        self.body = Some(schema_of::<T>);
        self
    }
    const fn query<Q: IntoParams>(mut self) -> Route {
        self.query = Some(query_of::<Q>);
        self
    }
    const fn gives<T: ToSchema>(mut self, status: u16) -> Route {
        self.answer = Answer::One(status, schema_of::<T>);
        self
    }
    const fn pages<T: ToSchema>(mut self) -> Route {
        self.answer = Answer::Page(schema_of::<T>);
        self
    }
    const fn gives_file(mut self, kind: &'static str) -> Route {
        self.answer = Answer::File(kind);
        self
    }
    /// Takes a file within its body.
    const fn takes_file(mut self) -> Route {
        self.largest = LARGEST_FILE;
        self
    }
    /// Takes a signed body, as it was compressed.
    const fn takes_raw(mut self) -> Route {
        self.largest = LARGEST_PUSH;
        self
    }
    const fn persons(mut self) -> Route {
        self.persons = true;
        self
    }
    const fn if_match(mut self) -> Route {
        self.if_match = true;
        self
    }

    /// `METHOD /api/v1/path`, as commands and audit rows name it.
    pub fn key(&self) -> String {
        format!("{} {PREFIX}{}", self.method.as_str(), self.path)
    }
}

macro_rules! route {
    ($method:ident $path:literal $($module:ident)::+, $summary:literal) => {
        Route::new(Method::$method, $path, route!(@name $($module)::+), || route!(@method $method).to($($module)::+), $summary)
    };
    (@name $subject:ident :: $handler:ident) => { concat!(stringify!($subject), "_", stringify!($handler)) };
    (@method Get) => { web::get() };
    (@method Post) => { web::post() };
    (@method Put) => { web::put() };
    (@method Patch) => { web::patch() };
    (@method Delete) => { web::delete() };
}

use Permission as P;
use Place::{Mutual, Named, Organisation, Provider};

/// Every route.
pub static ROUTES: &[Route] = &[
    route!(Post "/auth/login" access::log_in, "Opens a session with e-mail or phone and password")
        .public()
        .body::<access::LogIn>()
        .gives::<access::TokensView>(200)
        .writes(Writes::Audit),
    route!(Post "/auth/refresh" access::refresh, "Exchanges a refresh token, once")
        .public()
        .body::<access::Refresh>()
        .gives::<access::TokensView>(200),
    route!(Post "/auth/accept" access::accept, "Sets a first or a reset password with a one-time code")
        .public()
        .body::<access::Accept>()
        .writes(Writes::Audit),
    route!(Post "/auth/logout" access::log_out, "Ends the session").writes(Writes::Audit),
    route!(Get "/me" access::me, "The user who asks, with his grants").gives::<access::UserView>(200),
    route!(Get "/me/mutuals" access::my_mutuals, "The mutuals in which the user works").pages::<access::MyMutual>(),
    route!(Put "/me/password" access::change_password, "Changes one's own password; other sessions end")
        .body::<access::ChangePassword>()
        .writes(Writes::Command),
    route!(Get "/me/sessions" access::my_sessions, "One's own sessions").pages::<access::SessionView>(),
    route!(Delete "/me/sessions/{id}" access::end_my_session, "Ends one of one's own sessions").writes(Writes::Command),
    route!(Get "/roles" access::roles, "The permission table").gives::<access::RolesView>(200),
    route!(Get "/users" access::list_users, "The users of an organisation")
        .needs(P::UserRead, Named)
        .query::<access::UserFilter>()
        .pages::<access::UserView>(),
    route!(Post "/users" access::invite, "Invites a user with a first role; the answer holds a one-time code")
        .needs(P::UserWrite, Named)
        .body::<access::InviteUser>()
        .gives::<access::InvitationView>(201)
        .writes(Writes::Command),
    route!(Get "/users/{id}" access::get_user, "A user with his grants")
        .needs(P::UserRead, Named)
        .gives::<access::UserView>(200),
    route!(Post "/users/{id}/reset" access::reset_user, "Gives a new one-time code; sessions end")
        .needs(P::UserWrite, Named)
        .gives::<access::CodeView>(200)
        .writes(Writes::Command),
    route!(Post "/users/{id}/disable" access::disable_user, "Keeps a user out; sessions end")
        .needs(P::UserWrite, Named)
        .gives::<access::UserView>(200)
        .writes(Writes::Command),
    route!(Post "/users/{id}/enable" access::enable_user, "Lets a user in again")
        .needs(P::UserWrite, Named)
        .gives::<access::UserView>(200)
        .writes(Writes::Command),
    route!(Post "/users/{id}/grants" access::grant_role, "Grants one more role")
        .needs(P::UserWrite, Named)
        .body::<access::GrantRole>()
        .gives::<access::GrantView>(201)
        .writes(Writes::Command),
    route!(Delete "/users/{id}/grants/{grant}" access::end_grant, "Ends a grant")
        .needs(P::UserWrite, Named)
        .writes(Writes::Command),
    route!(Get "/organisations" organisations::list, "The organisations within one's grants, by code")
        .needs(P::OrganisationRead, Named)
        .query::<organisations::OrganisationFilter>()
        .pages::<organisations::OrganisationItem>(),
    route!(Post "/organisations" organisations::add, "Makes an organisation below another")
        .needs(P::SectionWrite, Named)
        .body::<organisations::AddOrganisation>()
        .gives::<organisations::OrganisationView>(201)
        .writes(Writes::Command),
    route!(Get "/organisations/{id}" organisations::get, "An organisation")
        .needs(P::OrganisationRead, Organisation)
        .gives::<organisations::OrganisationView>(200),
    route!(Patch "/organisations/{id}" organisations::change, "Changes an organisation's name or zone")
        .needs(P::SectionWrite, Organisation)
        .body::<organisations::ChangeOrganisation>()
        .gives::<organisations::OrganisationView>(200)
        .if_match()
        .writes(Writes::Command),
    route!(Get "/organisations/{id}/links" organisations::links, "An organisation's links upwards, past ones included")
        .needs(P::OrganisationRead, Organisation)
        .pages::<organisations::LinkView>(),
    route!(Post "/organisations/{id}/links" organisations::add_link, "Links an organisation upwards from a day")
        .needs(P::OrganisationWrite, Organisation)
        .body::<organisations::AddLink>()
        .gives::<organisations::LinkView>(201)
        .writes(Writes::Command),
    route!(Post "/organisations/{id}/links/{link}/end" organisations::end_link, "Ends a link on a day")
        .needs(P::OrganisationWrite, Organisation)
        .body::<organisations::EndLink>()
        .gives::<organisations::LinkView>(200)
        .writes(Writes::Command),
    route!(Get "/mutuals/{m}/periods" periods::list, "The months of a year and where each stands")
        .needs(P::FiguresRead, Mutual)
        .query::<periods::YearFilter>()
        .gives::<periods::PeriodList>(200),
    route!(Get "/mutuals/{m}/periods/{period}" periods::show, "A month: what is open of it, its steps, what bodies see of it")
        .needs(P::FiguresRead, Mutual)
        .gives::<periods::PeriodView>(200),
    route!(Get "/mutuals/{m}/periods/{period}/releases" periods::list_releases, "What bodies have seen of a month, the last first")
        .needs(P::FiguresRead, Mutual)
        .gives::<periods::ReleaseList>(200),
    route!(Post "/mutuals/{m}/periods/{period}/close" periods::close, "Closes a month: its figures are released as they stand")
        .needs(P::MonthClose, Mutual)
        .body::<periods::CloseMonth>()
        .gives::<periods::PeriodView>(200)
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/periods/{period}/corrections" periods::correct, "Releases what was recorded late of a closed month")
        .needs(P::MonthClose, Mutual)
        .body::<periods::MonthReason>()
        .gives::<periods::PeriodView>(200)
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/periods/{period}/reopen" periods::reopen, "Asks a second person to open a closed month again")
        .needs(P::MonthClose, Mutual)
        .body::<periods::MonthReason>()
        .gives::<approvals::RequestedView>(201)
        .writes(Writes::Facts),
    route!(Get "/organisations/{id}/api-keys" machines::list, "The keys of programs that pull a body's figures")
        .needs(P::ApiKeys, Organisation)
        .gives::<machines::ApiKeyList>(200),
    route!(Post "/organisations/{id}/api-keys" machines::add, "Makes a key; it is shown once")
        .needs(P::ApiKeys, Organisation)
        .body::<machines::AddApiKey>()
        .gives::<machines::ApiKeyView>(201)
        .writes(Writes::Command),
    route!(Post "/organisations/{id}/api-keys/{key}/revoke" machines::revoke, "Revokes a key")
        .needs(P::ApiKeys, Organisation)
        .gives::<machines::ApiKeyView>(200)
        .if_match()
        .writes(Writes::Command),
    route!(Get "/indicators" report::catalogue, "The catalogue of indicators with their formulas and limits")
        .needs(P::FiguresRead, Named)
        .gives::<report::CatalogueView>(200),
    route!(Get "/organisations/{id}/figure-settings" releases::settings, "What an organisation has set for figures")
        .needs(P::FiguresRead, Organisation)
        .gives::<releases::FigureSettingsView>(200),
    route!(Put "/organisations/{id}/figure-settings" releases::set_settings, "Sets when months are due; on the root, the age bands")
        .needs(P::FigureSettings, Organisation)
        .body::<releases::SetFigureSettings>()
        .gives::<releases::FigureSettingsView>(200)
        .if_match()
        .writes(Writes::Command),
    route!(Get "/organisations/{id}/target-populations" releases::targets, "How many an organisation is there for, the last first")
        .needs(P::FiguresRead, Organisation)
        .gives::<releases::TargetList>(200),
    route!(Post "/organisations/{id}/target-populations" releases::add_target, "Says how many an organisation is there for, from a day on")
        .needs(P::FiguresWrite, Organisation)
        .body::<releases::AddTarget>()
        .gives::<releases::TargetView>(201)
        .writes(Writes::Command),
    route!(Get "/organisations/{id}/exchange-rates" rates::list, "What currencies are worth in others, the rates of a year")
        .needs(P::FiguresRead, Organisation)
        .query::<rates::ExchangeRateFilter>()
        .gives::<rates::ExchangeRateList>(200),
    route!(Post "/organisations/{id}/exchange-rates" rates::add, "Says what a currency is worth in another, from a day on")
        .needs(P::FigureSettings, Organisation)
        .body::<rates::AddExchangeRate>()
        .gives::<rates::ExchangeRateView>(201)
        .writes(Writes::Command),
    route!(Get "/organisations/{id}/returns/{period}" releases::list_returns, "What a mutual handed in for a month, the last first")
        .needs(P::FiguresRead, Organisation)
        .gives::<periods::ReleaseList>(200),
    route!(Put "/organisations/{id}/returns/{period}" releases::hand_in, "Hands in the month of a mutual that keeps paper or its own Ayni")
        .needs(P::FiguresWrite, Organisation)
        .body::<releases::MonthReturn>()
        .gives::<periods::ReleaseView>(200)
        .writes(Writes::Command),
    route!(Get "/organisations/{id}/reports/{name}" report::report, "A report of a mutual, or of the mutuals below a body, by name; JSON, CSV or XLSX")
        .needs(P::FiguresRead, Organisation)
        .query::<report::ReportFilter>()
        .gives::<report::ReportView>(200),
    route!(Get "/areas" organisations::areas, "The areas of a country, by name")
        .needs(P::OrganisationRead, Named)
        .query::<organisations::AreaFilter>()
        .pages::<organisations::AreaView>(),
    route!(Post "/areas" organisations::add_area, "Adds an area with its first day")
        .needs(P::OrganisationWrite, Named)
        .body::<organisations::AddArea>()
        .gives::<organisations::AreaView>(201)
        .writes(Writes::Command),
    route!(Patch "/areas/{id}" organisations::end_area, "Gives an area its last day, as a reform does")
        .needs(P::OrganisationWrite, Named)
        .body::<organisations::EndArea>()
        .gives::<organisations::AreaView>(200)
        .if_match()
        .writes(Writes::Command),
    route!(Post "/areas/import" area_import::import, "Adds a country's areas from a CSV file")
        .needs(P::OrganisationWrite, Named)
        .body::<area_import::ImportAreas>()
        .gives::<area_import::ImportedAreas>(200)
        .writes(Writes::Command),
    route!(Get "/products" products::list, "The products that one may see or use, by code")
        .needs(P::ProductRead, Named)
        .query::<products::ProductFilter>()
        .pages::<products::ProductView>(),
    route!(Post "/products" products::add, "Makes a product with its first version as a draft")
        .needs(P::ProductWrite, Named)
        .body::<products::AddProduct>()
        .gives::<products::ProductView>(201)
        .writes(Writes::Command),
    route!(Get "/products/{id}" products::get, "A product")
        .needs(P::ProductRead, Named)
        .gives::<products::ProductView>(200),
    route!(Get "/products/{id}/versions" products::versions, "The versions of a product")
        .needs(P::ProductRead, Named)
        .pages::<products::VersionView>(),
    route!(Post "/products/{id}/versions" products::add_version, "Makes the next version as a draft")
        .needs(P::ProductWrite, Named)
        .body::<products::AddVersion>()
        .gives::<products::VersionView>(201)
        .writes(Writes::Command),
    route!(Get "/products/{id}/versions/{number}" products::get_version, "A version with its parameters")
        .needs(P::ProductRead, Named)
        .gives::<products::VersionView>(200),
    route!(Patch "/products/{id}/versions/{number}" products::change_version, "Changes a draft")
        .needs(P::ProductWrite, Named)
        .body::<products::ChangeVersion>()
        .gives::<products::VersionView>(200)
        .if_match()
        .writes(Writes::Command),
    route!(Post "/products/{id}/versions/{number}/publish" products::publish_version,
        "Publishes a draft; contradictory parameters are refused with all reasons at once")
        .needs(P::ProductWrite, Named)
        .gives::<products::VersionView>(200)
        .if_match()
        .writes(Writes::Command),
    route!(Post "/products/{id}/price" product_price::price,
        "Prices a household that is thought of, and explains the amount line by line")
        .needs(P::ProductRead, Named)
        .body::<product_price::PriceProduct>()
        .gives::<product_price::PriceView>(200),
    route!(Get "/mutuals/{m}/households" households::list, "Households, by id")
        .needs(P::RegisterRead, Mutual)
        .query::<households::HouseholdListFilter>()
        .pages::<households::HouseholdItem>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/households" households::register, "Registers a household with its members")
        .needs(P::RegisterWrite, Mutual)
        .body::<households::RegisterHousehold>()
        .gives::<households::HouseholdView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/households/{id}" households::get, "A household with its members")
        .needs(P::RegisterRead, Mutual)
        .gives::<households::HouseholdView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Patch "/mutuals/{m}/households/{id}" households::correct, "Corrects typing errors of a household")
        .needs(P::RegisterWrite, Mutual)
        .body::<households::CorrectHousehold>()
        .gives::<households::HouseholdView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/households/{id}/events" events::timeline, "A household's events, by day")
        .needs(P::RegisterRead, Mutual)
        .pages::<events::EventView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/households/{id}/events" events::record,
        "Records what happened in a household: birth, adoption, marriage, arrival, death, departure, child over age, \
         separation, change of principal, move")
        .needs(P::RegisterWrite, Mutual)
        .body::<events::RecordEvent>()
        .gives::<events::EventView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/events/{id}/reverse" events::reverse,
        "Takes an event back by a counter-event, as long as nothing later stands on it")
        .needs(P::RegisterWrite, Mutual)
        .body::<events::ReverseEvent>()
        .gives::<events::EventView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/members" households::members, "Members who are in a household, by name")
        .needs(P::RegisterRead, Mutual)
        .query::<households::MemberListFilter>()
        .pages::<households::MemberView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/members" households::add_member, "Adds a person to a household")
        .needs(P::RegisterWrite, Mutual)
        .body::<households::AddMember>()
        .gives::<households::MemberView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/members/search" search::search,
        "Finds members by words of the name, number, phone, birth year, area, group or state of cover")
        .needs(P::RegisterRead, Mutual)
        .body::<search::SearchMembers>()
        .pages::<households::MemberView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/members/{id}" households::get_member, "A member")
        .needs(P::RegisterRead, Mutual)
        .gives::<households::MemberView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Patch "/mutuals/{m}/members/{id}" households::correct_member, "Corrects typing errors of a member")
        .needs(P::RegisterWrite, Mutual)
        .body::<households::CorrectMember>()
        .gives::<households::MemberView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/members/{id}/file" file::get, "What a member's file holds: documents, phones, consents, other schemes, groups")
        .needs(P::RegisterRead, Mutual)
        .gives::<file::FileView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/members/{id}/documents" file::add_document, "Adds an identity document")
        .needs(P::RegisterWrite, Mutual)
        .body::<file::AddDocument>()
        .gives::<file::FileView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/members/{id}/phones" file::add_phone, "Adds a phone")
        .needs(P::RegisterWrite, Mutual)
        .body::<file::AddPhone>()
        .gives::<file::FileView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/members/{id}/consents" file::add_consent, "Records a consent or its refusal")
        .needs(P::RegisterWrite, Mutual)
        .body::<file::AddConsent>()
        .gives::<file::FileView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/members/{id}/external-covers" file::add_external_cover, "Records cover by another scheme")
        .needs(P::RegisterWrite, Mutual)
        .body::<file::AddExternalCover>()
        .gives::<file::FileView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/members/{id}/documents/{part}/end" file::end_document, "Ends the use of an identity document")
        .needs(P::RegisterWrite, Mutual)
        .body::<file::EndIt>()
        .gives::<file::FileView>(200)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/members/{id}/phones/{part}/end" file::end_phone, "Ends a phone")
        .needs(P::RegisterWrite, Mutual)
        .body::<file::EndIt>()
        .gives::<file::FileView>(200)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/members/{id}/external-covers/{part}/end" file::end_external_cover, "Ends cover by another scheme")
        .needs(P::RegisterWrite, Mutual)
        .body::<file::EndIt>()
        .gives::<file::FileView>(200)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/groups" file::groups, "Groups, by code")
        .needs(P::RegisterRead, Mutual)
        .query::<file::PageFilter>()
        .pages::<file::GroupView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/groups" file::add_group, "Adds a group")
        .needs(P::RegisterWrite, Mutual)
        .body::<file::AddGroup>()
        .gives::<file::GroupView>(201)
        .persons()
        .writes(Writes::Command),
    route!(Get "/mutuals/{m}/groups/{id}/members" file::group_members, "The members of a group")
        .needs(P::RegisterRead, Mutual)
        .query::<file::PageFilter>()
        .pages::<file::GroupMemberView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/groups/{id}/members" file::join_group, "Makes a person a member of a group")
        .needs(P::RegisterWrite, Mutual)
        .body::<file::JoinGroup>()
        .gives::<file::GroupMemberView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/groups/{id}/members/{part}/end" file::leave_group, "Ends a person's membership of a group")
        .needs(P::RegisterWrite, Mutual)
        .body::<file::EndIt>()
        .gives::<file::GroupMemberView>(200)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/members/{id}/status" eligibility::status,
        "A member's status per benefit category on any day, why, and when it changes")
        .needs(P::RegisterRead, Mutual)
        .query::<eligibility::StatusFilter>()
        .gives::<eligibility::StatusView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/members/{id}/cover" enrolments::cover, "A member's cover, past and future, in spans")
        .needs(P::RegisterRead, Mutual)
        .pages::<enrolments::SpanView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/enrolments" enrolments::list, "Enrolments, by id")
        .needs(P::RegisterRead, Mutual)
        .query::<enrolments::EnrolmentFilter>()
        .pages::<enrolments::EnrolmentView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/enrolments" enrolments::apply, "Applies for a household's enrolment in a product")
        .needs(P::RegisterWrite, Mutual)
        .body::<enrolments::Apply>()
        .gives::<enrolments::EnrolmentView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/work" work::counts, "What waits for the office, counted list by list")
        .needs(P::RegisterRead, Mutual)
        .query::<work::WorkCountFilter>()
        .gives::<work::WorkCounts>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/work/{list}" work::list,
        "A work list: to_admit, unpaid, expiring, suspended, over_age or duplicates; JSON or CSV")
        .needs(P::RegisterRead, Mutual)
        .query::<work::WorkFilter>()
        .pages::<work::WorkItem>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/enrolments/price" enrolment_price::price,
        "Prices an enrolment of a household as admission would, line by line")
        .needs(P::RegisterRead, Mutual)
        .body::<enrolment_price::PriceEnrolment>()
        .gives::<product_price::PriceView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/enrolments/{id}" enrolments::get, "An enrolment")
        .needs(P::RegisterRead, Mutual)
        .gives::<enrolments::EnrolmentView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/enrolments/{id}/admit" enrolments::admit, "Admits an application; its dues are issued")
        .needs(P::EnrolmentDecide, Mutual)
        .body::<enrolments::Admit>()
        .gives::<enrolments::EnrolmentView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/enrolments/{id}/reject" enrolments::reject, "Rejects an application with a reason")
        .needs(P::EnrolmentDecide, Mutual)
        .body::<enrolments::Reject>()
        .gives::<enrolments::EnrolmentView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/enrolments/{id}/steps" membership::steps, "What was decided about an enrolment, step by step")
        .needs(P::RegisterRead, Mutual)
        .pages::<membership::StepView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/enrolments/{id}/renew" membership::renew, "Renews an enrolment for another period, with its dues")
        .needs(P::EnrolmentDecide, Mutual)
        .body::<membership::Renew>()
        .gives::<enrolments::EnrolmentView>(201)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/enrolments/{id}/resign" membership::resign, "The member resigns; cover runs to the period's end")
        .needs(P::EnrolmentDecide, Mutual)
        .body::<membership::TakeStep>()
        .gives::<enrolments::EnrolmentView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/enrolments/{id}/hearing" membership::hear, "Records that the member was heard")
        .needs(P::EnrolmentDecide, Mutual)
        .body::<membership::TakeStep>()
        .gives::<enrolments::EnrolmentView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/enrolments/{id}/exclude" membership::exclude, "Excludes a household that was heard")
        .needs(P::EnrolmentDecide, Mutual)
        .body::<membership::TakeStep>()
        .gives::<enrolments::EnrolmentView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/enrolments/{id}/appeal" membership::appeal, "The member appeals against the exclusion")
        .needs(P::EnrolmentDecide, Mutual)
        .body::<membership::TakeStep>()
        .gives::<enrolments::EnrolmentView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/enrolments/{id}/cancel" membership::cancel, "Cancels an enrolment that was admitted and never paid")
        .needs(P::EnrolmentDecide, Mutual)
        .body::<membership::TakeStep>()
        .gives::<enrolments::EnrolmentView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/enrolments/{id}/end" membership::end, "Ends an enrolment for another cause")
        .needs(P::EnrolmentDecide, Mutual)
        .body::<membership::TakeStep>()
        .gives::<enrolments::EnrolmentView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/enrolments/{id}/entered-in-error" membership::entered_in_error, "Takes an enrolment back on the day on which it was recorded")
        .needs(P::EnrolmentDecide, Mutual)
        .body::<membership::TakeStep>()
        .gives::<enrolments::EnrolmentView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/enrolments/{id}/appeal/decision" membership::decide_appeal, "Another person decides the appeal")
        .needs(P::EnrolmentDecide, Mutual)
        .body::<membership::DecideAppeal>()
        .gives::<enrolments::EnrolmentView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/dues" contributions::dues, "Dues with what is paid of them, by id")
        .needs(P::PaymentRead, Mutual)
        .query::<contributions::HouseholdFilter>()
        .pages::<contributions::DueView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/payments" contributions::payments, "Payments with their receipts, by id")
        .needs(P::PaymentRead, Mutual)
        .query::<contributions::HouseholdFilter>()
        .pages::<contributions::PaymentView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/payments" contributions::record_payment,
        "Records a payment: the oldest dues first, a receipt, the books; needs an id")
        .needs(P::PaymentWrite, Mutual)
        .body::<contributions::RecordPayment>()
        .gives::<contributions::PaymentView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/payments/{id}" contributions::get_payment, "A payment with its receipt")
        .needs(P::PaymentRead, Mutual)
        .gives::<contributions::PaymentView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/payments/{id}/reversal" relief::reverse_payment,
        "Asks for the reversal of a payment; a second person approves; needs an id")
        .needs(P::PaymentWrite, Mutual)
        .body::<relief::ReversePayment>()
        .gives::<approvals::RequestedView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/refunds" relief::request_refund,
        "Asks to give a household's credit back; a second person approves; needs an id")
        .needs(P::MoneyRelief, Mutual)
        .body::<relief::RequestRefund>()
        .gives::<approvals::RequestedView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/dues/{id}/waiver" relief::waive_due,
        "Asks to waive what is open of a due, for another payer or nobody; a second person approves; needs an id")
        .needs(P::MoneyRelief, Mutual)
        .body::<relief::WaiveDue>()
        .gives::<approvals::RequestedView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/dues/{id}/write-off" relief::write_off_due,
        "Asks to write off what is open of a due; a second person approves; needs an id")
        .needs(P::MoneyRelief, Mutual)
        .body::<relief::WriteOffDue>()
        .gives::<approvals::RequestedView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/cash-desks" desks::list, "The mutual's cash desks")
        .needs(P::PaymentRead, Mutual)
        .pages::<desks::CashDeskView>(),
    route!(Post "/mutuals/{m}/cash-desks" desks::add, "One more cash desk, with its own account and receipts")
        .needs(P::TreasuryWrite, Mutual)
        .body::<desks::AddCashDesk>()
        .gives::<desks::CashDeskView>(201)
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/cash-desks/{id}/open" desks::open, "Opens a desk with what is counted there; needs an id")
        .needs(P::TreasuryWrite, Mutual)
        .body::<desks::CountCash>()
        .gives::<desks::CashSessionView>(200)
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/cash-desks/{id}/close" desks::close,
        "Counts and closes a desk; a difference is posted; needs an id")
        .needs(P::TreasuryWrite, Mutual)
        .body::<desks::CountCash>()
        .gives::<desks::CashSessionView>(200)
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/cash-desks/{id}/sessions" desks::sessions, "A desk's sessions, the last first")
        .needs(P::TreasuryRead, Mutual)
        .query::<desks::SessionFilter>()
        .pages::<desks::CashSessionView>(),
    route!(Get "/mutuals/{m}/cash-sessions/{id}" desks::session, "A desk's cash from one count to the next")
        .needs(P::TreasuryRead, Mutual)
        .gives::<desks::CashSessionView>(200),
    route!(Get "/mutuals/{m}/money-settings" movements::settings, "The mutual's limits and rates of money")
        .needs(P::TreasuryRead, Mutual)
        .gives::<movements::MoneySettingsView>(200),
    route!(Patch "/mutuals/{m}/money-settings" movements::change_settings, "Changes the mutual's limits and rates of money")
        .needs(P::MoneySettings, Mutual)
        .body::<movements::ChangeMoneySettings>()
        .gives::<movements::MoneySettingsView>(200)
        .if_match()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/movements" movements::list, "Expenses, grants, deposits and the like, by id")
        .needs(P::TreasuryRead, Mutual)
        .query::<movements::MovementFilter>()
        .pages::<movements::MovementView>(),
    route!(Post "/mutuals/{m}/movements" movements::record, "Records an expense, a grant, a deposit…; an expense above the limit waits for a second person; needs an id")
        .needs(P::TreasuryWrite, Mutual)
        .body::<movements::RecordMovement>()
        .gives::<movements::RecordedView>(201)
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/movements/{id}" movements::get, "A movement of money")
        .needs(P::TreasuryRead, Mutual)
        .gives::<movements::MovementView>(200),
    route!(Post "/mutuals/{m}/movements/{id}/reversal" movements::reverse, "Asks for the reversal of a movement; a second person approves; needs an id")
        .needs(P::TreasuryWrite, Mutual)
        .body::<movements::ReverseMovement>()
        .gives::<approvals::RequestedView>(201)
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/collectors" collectors::list, "What each collector collected, handed over and holds; his own for a collector")
        .needs(P::PaymentRead, Mutual)
        .query::<collectors::CollectorFilter>()
        .pages::<collectors::CollectorView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/remittances" collectors::remittances, "What collectors hand over, by id; his own for a collector")
        .needs(P::PaymentRead, Mutual)
        .query::<collectors::RemittanceFilter>()
        .pages::<collectors::RemittanceView>(),
    route!(Post "/mutuals/{m}/remittances" collectors::submit, "A collector says what he hands over; needs an id")
        .needs(P::PaymentWrite, Mutual)
        .body::<collectors::SubmitRemittance>()
        .gives::<collectors::RemittanceView>(201)
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/remittances/{id}" collectors::remittance, "What a collector hands over")
        .needs(P::PaymentRead, Mutual)
        .gives::<collectors::RemittanceView>(200),
    route!(Post "/mutuals/{m}/remittances/{id}/count" collectors::count, "Counts what a collector hands over, never himself; needs an id")
        .needs(P::TreasuryWrite, Mutual)
        .body::<collectors::CountRemittance>()
        .gives::<collectors::RemittanceView>(200)
        .if_match()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/remittances/{id}/close" collectors::close, "Closes a remittance that was counted")
        .needs(P::TreasuryWrite, Mutual)
        .gives::<collectors::RemittanceView>(200)
        .if_match()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/group-collections" collections::list, "Transfers with lists, by id")
        .needs(P::TreasuryRead, Mutual)
        .query::<collections::CollectionFilter>()
        .pages::<collections::CollectionView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/group-collections" collections::record, "Records a transfer with its list: allocated whole or not at all; needs an id")
        .needs(P::TreasuryWrite, Mutual)
        .body::<collections::RecordCollection>()
        .gives::<collections::CollectionView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/group-collections/{id}" collections::get, "A transfer with its list")
        .needs(P::TreasuryRead, Mutual)
        .gives::<collections::CollectionView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Put "/mutuals/{m}/group-collections/{id}/list" collections::correct, "Gives a list that did not agree another one")
        .needs(P::TreasuryWrite, Mutual)
        .body::<collections::CorrectList>()
        .gives::<collections::CollectionView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/subsidies" subsidies::list, "Invoices to other payers, by id")
        .needs(P::TreasuryRead, Mutual)
        .query::<subsidies::SubsidyFilter>()
        .pages::<subsidies::SubsidyView>(),
    route!(Post "/mutuals/{m}/subsidies" subsidies::invoice, "Invoices another payer for his dues; needs an id")
        .needs(P::TreasuryWrite, Mutual)
        .body::<subsidies::InvoiceSubsidy>()
        .gives::<subsidies::SubsidyView>(201)
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/subsidies/{id}" subsidies::get, "An invoice to another payer")
        .needs(P::TreasuryRead, Mutual)
        .gives::<subsidies::SubsidyView>(200),
    route!(Get "/mutuals/{m}/subsidies/{id}/beneficiaries" subsidies::list_beneficiaries, "The list of beneficiaries of an invoice; JSON or CSV")
        .needs(P::TreasuryRead, Mutual)
        .query::<subsidies::BeneficiaryFilter>()
        .pages::<subsidies::BeneficiaryView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/subsidies/{id}/payments" subsidies::pay, "Records what another payer paid of an invoice; needs an id")
        .needs(P::TreasuryWrite, Mutual)
        .body::<subsidies::RecordSubsidyPayment>()
        .gives::<subsidies::SubsidyView>(201)
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/mobile-money/statements" mobile::read_statement, "Reads an operator's statement, line by line; needs an id")
        .needs(P::TreasuryWrite, Mutual)
        .body::<mobile::ReadStatement>()
        .gives::<mobile::StatementView>(200)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/mobile-money/quarantine" mobile::quarantine, "What operators told and a person has to look into, by id")
        .needs(P::TreasuryRead, Mutual)
        .query::<mobile::QuarantineFilter>()
        .pages::<mobile::QuarantineView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/mobile-money/events/{id}/assign" mobile::assign, "Says to which household money belongs; needs an id")
        .needs(P::TreasuryWrite, Mutual)
        .body::<mobile::AssignMoney>()
        .gives::<mobile::DecidedView>(200)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/mobile-money/events/{id}/return" mobile::send_back, "Sends money back that belongs to nobody here; needs an id")
        .needs(P::TreasuryWrite, Mutual)
        .body::<mobile::GiveReason>()
        .gives::<mobile::DecidedView>(200)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/mobile-money/events/{id}/dismiss" mobile::dismiss, "Closes a contradiction that was looked into; needs an id")
        .needs(P::TreasuryWrite, Mutual)
        .body::<mobile::GiveReason>()
        .gives::<mobile::DecidedView>(200)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/mobile-money/refused" mobile::refused, "Bodies of webhooks that were well signed and are no payment, by id")
        .needs(P::TreasuryRead, Mutual)
        .query::<mobile::QuarantineFilter>()
        .pages::<mobile::RefusedTellingView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/mobile-money/webhooks" mobile::webhooks, "The ways in which operators tell of payments")
        .needs(P::MoneySettings, Mutual)
        .pages::<mobile::WebhookView>(),
    route!(Post "/mutuals/{m}/mobile-money/webhooks" mobile::add_webhook, "One more way in which an operator tells of payments; its secret is shown once")
        .needs(P::MoneySettings, Mutual)
        .body::<mobile::AddWebhook>()
        .gives::<mobile::WebhookView>(201)
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/mobile-money/webhooks/{id}/end" mobile::end_webhook, "Ends a webhook")
        .needs(P::MoneySettings, Mutual)
        .gives::<mobile::WebhookView>(200)
        .if_match()
        .writes(Writes::Facts),
    route!(Post "/webhooks/mobile-money/{m}/{id}" mobile::tell, "An operator tells of a payment, signed; asks for no login")
        .public()
        .body::<mobile::TellPayment>()
        .gives::<mobile::ToldView>(200)
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/arrears" money_lists::arrears, "Households that are behind, by age, with phones; JSON or CSV")
        .needs(P::PaymentRead, Mutual)
        .query::<money_lists::ArrearsFilter>()
        .pages::<money_lists::ArrearsView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/unallocated" unallocated::list, "Money that is here and pays nothing yet")
        .needs(P::TreasuryRead, Mutual)
        .query::<unallocated::UnallocatedFilter>()
        .pages::<unallocated::UnallocatedView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/contributions" money_lists::contributions, "Contributions written, earned and unearned, and what each payer owes, at the end of any day")
        .needs(P::LedgerRead, Mutual)
        .query::<money_lists::AsOfFilter>()
        .gives::<money_lists::ContributionsView>(200),
    route!(Get "/mutuals/{m}/households/{id}/statement" money_lists::household_statement, "A household's statement between two days; JSON, or PDF where `Accept` asks")
        .needs(P::PaymentRead, Mutual)
        .query::<money_lists::StatementFilter>()
        .gives::<papers::StatementView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/receipt-series" receipts::series, "Series of receipts with their gaps, by label")
        .needs(P::TreasuryRead, Mutual)
        .query::<receipts::SeriesFilter>()
        .pages::<receipts::SeriesView>(),
    route!(Get "/mutuals/{m}/receipts/{id}" receipts::get, "A receipt or counter-receipt; JSON, or PDF where `Accept` asks, on a roll of 80 mm or A4")
        .needs(P::PaymentRead, Mutual)
        .query::<receipts::ReceiptFilter>()
        .gives::<papers::ReceiptView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/claims/overtaken" overtaken::list, "Claims refused for want of cover that, as known now, stood")
        .needs(P::ClaimRead, Mutual)
        .query::<overtaken::OvertakenFilter>()
        .pages::<overtaken::OvertakenView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/books" books::books, "The books with their charts of accounts")
        .needs(P::LedgerRead, Mutual)
        .pages::<books::BookView>(),
    route!(Get "/mutuals/{m}/books/{book}/trial-balance" books::trial_balance, "A book's trial balance at the end of any day")
        .needs(P::LedgerRead, Mutual)
        .query::<books::BalanceFilter>()
        .gives::<books::TrialBalanceView>(200),
    route!(Get "/mutuals/{m}/accounts/{id}/history" books::history, "An account between two days, with its balance after each transfer")
        .needs(P::LedgerRead, Mutual)
        .query::<books::HistoryFilter>()
        .gives::<books::HistoryView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/journal" books::journal, "The transfers of a time for another program; CSV, or XLSX where `Accept` asks")
        .needs(P::LedgerRead, Mutual)
        .query::<books::JournalFilter>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/accounts" ledger::accounts, "The accounts with what stands on each")
        .needs(P::LedgerRead, Mutual)
        .pages::<ledger::AccountView>(),
    route!(Get "/mutuals/{m}/transfers" ledger::transfers, "The movements of the books, by id")
        .needs(P::LedgerRead, Mutual)
        .query::<ledger::TransferFilter>()
        .pages::<ledger::TransferView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/providers" providers::list, "Health facilities, by code")
        .needs(P::ProviderRead, Named)
        .query::<providers::FacilityFilter>()
        .pages::<providers::ProviderView>(),
    route!(Post "/providers" providers::add, "Adds a health facility")
        .needs(P::ProviderWrite, Named)
        .body::<providers::AddProvider>()
        .gives::<providers::ProviderView>(201)
        .writes(Writes::Command),
    route!(Get "/providers/{id}" providers::get, "A health facility")
        .needs(P::ProviderRead, Named)
        .gives::<providers::ProviderView>(200),
    route!(Patch "/providers/{id}" providers::change, "Changes a health facility, or says when it ends")
        .needs(P::ProviderWrite, Named)
        .body::<providers::ChangeProvider>()
        .gives::<providers::ProviderView>(200)
        .if_match()
        .writes(Writes::Command),
    route!(Get "/providers/{id}/conventions" conventions::list, "A facility's conventions")
        .needs(P::ProviderRead, Named)
        .pages::<conventions::ConventionView>(),
    route!(Post "/providers/{id}/conventions" conventions::add,
        "Makes a convention with a mutual, or with a body for its mutuals")
        .needs(P::ProviderWrite, Named)
        .body::<conventions::AddConvention>()
        .gives::<conventions::ConventionView>(201)
        .writes(Writes::Command),
    route!(Get "/providers/{id}/conventions/{convention}" conventions::get, "A convention")
        .needs(P::ProviderRead, Named)
        .gives::<conventions::ConventionView>(200),
    route!(Patch "/providers/{id}/conventions/{convention}" conventions::change,
        "Ends a convention, or changes what does not concern cover")
        .needs(P::ProviderWrite, Named)
        .body::<conventions::ChangeConvention>()
        .gives::<conventions::ConventionView>(200)
        .if_match()
        .writes(Writes::Command),
    route!(Get "/services" services::services, "The catalogue of services, by code")
        .needs(P::ProviderRead, Named)
        .query::<services::CatalogueFilter>()
        .pages::<services::ServiceView>(),
    route!(Post "/services" services::add_service, "Adds a service")
        .needs(P::ProviderWrite, Named)
        .body::<services::AddService>()
        .gives::<services::ServiceView>(201)
        .writes(Writes::Command),
    route!(Get "/services/{id}" services::get_service, "A service")
        .needs(P::ProviderRead, Named)
        .gives::<services::ServiceView>(200),
    route!(Patch "/services/{id}" services::change_service, "Changes a service, or for whom it is")
        .needs(P::ProviderWrite, Named)
        .body::<services::ChangeService>()
        .gives::<services::ServiceView>(200)
        .if_match()
        .writes(Writes::Command),
    route!(Get "/tariffs" services::tariffs, "Prices in dated versions, by id")
        .needs(P::ProviderRead, Named)
        .query::<services::TariffFilter>()
        .pages::<services::TariffView>(),
    route!(Post "/tariffs" services::add_tariff, "Adds a price from a day on: of a facility, or the reference")
        .needs(P::ProviderWrite, Named)
        .body::<services::AddTariff>()
        .gives::<services::TariffView>(201)
        .writes(Writes::Command),
    route!(Post "/tariffs/import" price_lists::import,
        "Changes prices from a day on by a CSV file, or shows what it would change; all lines or none")
        .needs(P::ProviderWrite, Named)
        .body::<price_lists::ImportTariffs>()
        .takes_file()
        .gives::<price_lists::ImportedTariffs>(200)
        .writes(Writes::Command),
    route!(Get "/diagnosis-lists" diagnoses::lists, "The lists of diagnoses that one may see or use")
        .needs(P::ProviderRead, Named)
        .pages::<diagnoses::DiagnosisListView>(),
    route!(Post "/diagnosis-lists" diagnoses::load,
        "Loads a list of diagnoses from a CSV file: a claim's codes must then be on it")
        .needs(P::ProviderWrite, Named)
        .body::<diagnoses::LoadDiagnoses>()
        .takes_file()
        .gives::<diagnoses::DiagnosisListView>(201)
        .writes(Writes::Command),
    route!(Get "/diagnoses" diagnoses::list, "The diagnoses that count for a mutual or body, by code")
        .needs(P::ProviderRead, Named)
        .query::<diagnoses::DiagnosisFilter>()
        .pages::<diagnoses::DiagnosisView>(),
    route!(Get "/mutuals/{m}/claims" claims::list, "Claims with their decisions, by id")
        .needs(P::ClaimRead, Mutual)
        .query::<claims::ClaimFilter>()
        .pages::<claims::ClaimView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/claims" claims::submit, "Submits a claim, decided at once where the rules do; needs an id")
        .needs(P::ClaimSubmit, Mutual)
        .body::<claims::SubmitClaim>()
        .gives::<claims::ClaimView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/claims/quote" claims::quote, "Prices a basket exactly as a claim would be decided")
        .needs(P::ClaimSubmit, Mutual)
        .body::<claims::SubmitClaim>()
        .gives::<claims::QuoteView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/claims/{id}" claims::get, "A claim with its decision")
        .needs(P::ClaimRead, Mutual)
        .gives::<claims::ClaimView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/claims/queue" review::queue, "Claims that wait for a person, the riskiest first, with why and how risky")
        .needs(P::ClaimRead, Mutual)
        .query::<review::QueueFilter>()
        .pages::<review::WaitingView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/claims/outstanding" care::outstanding, "What is owed for care on a day, decided and not decided, by facility")
        .needs(P::ClaimRead, Mutual)
        .query::<care::OutstandingFilter>()
        .gives::<care::OutstandingView>(200),
    route!(Get "/mutuals/{m}/claims/promptness" care::promptness_of, "How many days payment took, from the care and from the submission")
        .needs(P::ClaimRead, Mutual)
        .query::<care::PromptnessFilter>()
        .gives::<care::PromptnessView>(200),
    route!(Get "/mutuals/{m}/claims/{id}/history" review::history, "A claim with all that was decided on it, and from what")
        .needs(P::ClaimRead, Mutual)
        .gives::<review::ClaimHistoryView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/claims/{id}/decision" review::decide,
        "Decides a claim that waits for a person, or asks a second one above the limit; needs an id")
        .needs(P::ClaimDecide, Mutual)
        .body::<review::DecideClaim>()
        .gives::<review::ReviewedClaimView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/claims/{id}/pend" review::pend, "Lets a claim wait for documents or the medical adviser; needs an id")
        .needs(P::ClaimDecide, Mutual)
        .body::<review::PendClaim>()
        .gives::<claims::ClaimView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Put "/mutuals/{m}/claims/{id}/assignment" review::assign, "Gives a claim that waits to somebody to work on")
        .needs(P::ClaimDecide, Mutual)
        .body::<review::AssignClaim>()
        .gives::<review::ReviewView>(200)
        .if_match()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/claims/{id}/void" review::void, "Takes a claim back: what it used is given back; needs an id")
        .needs(P::ClaimDecide, Mutual)
        .body::<review::VoidClaim>()
        .gives::<claims::ClaimView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/care-settings" care_settings::get, "How the mutual decides on care")
        .needs(P::ClaimRead, Mutual)
        .gives::<care_settings::CareSettingsView>(200),
    route!(Patch "/mutuals/{m}/care-settings" care_settings::change, "Changes how the mutual decides on care")
        .needs(P::MoneySettings, Mutual)
        .body::<care_settings::ChangeCareSettings>()
        .gives::<care_settings::CareSettingsView>(200)
        .if_match()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/letters" letters::list, "Guarantee letters, by id")
        .needs(P::ClaimRead, Mutual)
        .query::<letters::LetterFilter>()
        .pages::<letters::LetterView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/letters" letters::request, "Asks for a guarantee letter; needs an id")
        .needs(P::ClaimSubmit, Mutual)
        .body::<letters::RequestLetter>()
        .gives::<letters::LetterView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/letters/{id}" letters::get, "A guarantee letter")
        .needs(P::ClaimRead, Mutual)
        .gives::<letters::LetterView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/letters/{id}/review" letters::take_up, "Takes a request for a letter up")
        .needs(P::ClaimDecide, Mutual)
        .gives::<letters::LetterView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/letters/{id}/issue" letters::issue,
        "Issues a letter with its amount and days, or asks a second person above the limit; needs an id")
        .needs(P::ClaimDecide, Mutual)
        .body::<letters::IssueLetter>()
        .gives::<letters::IssuedView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/letters/{id}/refuse" letters::refuse, "Refuses a letter that was asked for")
        .needs(P::ClaimDecide, Mutual)
        .body::<letters::WithdrawLetter>()
        .gives::<letters::LetterView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/letters/{id}/revoke" letters::revoke, "Revokes a letter that no claim has used")
        .needs(P::ClaimDecide, Mutual)
        .body::<letters::WithdrawLetter>()
        .gives::<letters::LetterView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/appeals" appeals::list, "Appeals against decisions, by id")
        .needs(P::ClaimRead, Mutual)
        .query::<appeals::AppealFilter>()
        .pages::<appeals::AppealView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/appeals" appeals::file, "Files an appeal of a member or a facility; needs an id")
        .needs(P::ClaimSubmit, Mutual)
        .body::<appeals::FileAppeal>()
        .gives::<appeals::AppealView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/appeals/{id}" appeals::get, "An appeal")
        .needs(P::ClaimRead, Mutual)
        .gives::<appeals::AppealView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/appeals/{id}/decision" appeals::decide,
        "Decides an appeal, by another person than who decided the claim; needs an id")
        .needs(P::ClaimDecide, Mutual)
        .body::<appeals::DecideClaimAppeal>()
        .gives::<appeals::DecidedAppealView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/settlements" settlements::list, "Settlements of claims, by id")
        .needs(P::ClaimRead, Mutual)
        .query::<settlements::SettlementFilter>()
        .pages::<settlements::SettlementView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/settlements" settlements::request,
        "Asks for the settlement of claims of a facility or a household; a second person approves; needs an id")
        .needs(P::SettlementWrite, Mutual)
        .body::<settlements::RequestSettlement>()
        .gives::<approvals::RequestedView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/settlements/payment-file" settlements::payment_file, "What is to be paid, a line per settlement, as CSV for the bank")
        .needs(P::SettlementWrite, Mutual)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/settlements/{id}" settlements::get, "A settlement with its payments")
        .needs(P::ClaimRead, Mutual)
        .gives::<settlements::FullSettlementView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/settlements/{id}/claims" settlements::items, "What a settlement pays, by claim")
        .needs(P::ClaimRead, Mutual)
        .query::<settlements::ItemFilter>()
        .pages::<settlements::SettlementItemView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/settlements/{id}/payments" settlements::pay, "Records that a settlement was paid, in full or in part; needs an id")
        .needs(P::SettlementWrite, Mutual)
        .body::<settlements::PaySettlement>()
        .gives::<settlements::FullSettlementView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/settlements/{id}/dispute" settlements::dispute, "A facility contests a settlement: nothing more is paid; needs an id")
        .needs(P::SettlementWrite, Mutual)
        .body::<settlements::SettlementReason>()
        .gives::<settlements::FullSettlementView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/settlements/{id}/resume" settlements::resume, "Takes a contested settlement up again; needs an id")
        .needs(P::SettlementWrite, Mutual)
        .body::<settlements::SettlementReason>()
        .gives::<settlements::FullSettlementView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/settlements/{id}/cancel" settlements::cancel, "Gives a settlement up of which nothing was paid; needs an id")
        .needs(P::SettlementWrite, Mutual)
        .body::<settlements::SettlementReason>()
        .gives::<settlements::FullSettlementView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/advances" settlements::advances, "Money given to facilities in advance, by id")
        .needs(P::ClaimRead, Mutual)
        .query::<settlements::AdvanceFilter>()
        .pages::<settlements::AdvanceView>(),
    route!(Post "/mutuals/{m}/advances" settlements::request_advance, "Asks for an advance to a facility; a second person approves; needs an id")
        .needs(P::SettlementWrite, Mutual)
        .body::<settlements::RequestAdvance>()
        .gives::<approvals::RequestedView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/approvals" approvals::list, "What waits, or waited, for a second person, by id")
        .needs(P::Approve, Mutual)
        .query::<approvals::ApprovalFilter>()
        .pages::<approvals::ApprovalView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/approvals/{id}" approvals::get, "What waits, or waited, for a second person")
        .needs(P::Approve, Mutual)
        .gives::<approvals::ApprovalView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/approvals/{id}/approve" approvals::approve, "Approves, as the second person; it is done now")
        .needs(P::Approve, Mutual)
        .gives::<approvals::ApprovalView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/approvals/{id}/refuse" approvals::refuse, "Refuses, as the second person, with a reason")
        .needs(P::Approve, Mutual)
        .body::<approvals::Refuse>()
        .gives::<approvals::ApprovalView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/providers/{id}/claims" claims::list_own, "A facility's own claims in a mutual, by id")
        .needs(P::OwnClaims, Provider)
        .query::<claims::OwnClaimFilter>()
        .pages::<claims::ClaimView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/providers/{id}/claims/quote" claims::quote_own, "Prices a basket for a presented card exactly as a claim would be decided")
        .needs(P::OwnClaims, Provider)
        .body::<claims::SubmitOwnClaim>()
        .gives::<claims::QuoteView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/providers/{id}/letters" letters::list_own, "A facility's own letters in a mutual, by id")
        .needs(P::OwnClaims, Provider)
        .query::<letters::OwnLetterFilter>()
        .pages::<letters::LetterView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/providers/{id}/letters" letters::request_own, "Asks for a letter for a presented card; needs an id")
        .needs(P::OwnClaims, Provider)
        .body::<letters::RequestOwnLetter>()
        .gives::<letters::LetterView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/providers/{id}/settlements" settlements::list_own, "What a mutual pays a facility, by id")
        .needs(P::OwnClaims, Provider)
        .query::<settlements::OwnSettlementFilter>()
        .pages::<settlements::SettlementView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/providers/{id}/appeals" appeals::list_own, "A facility's own appeals in a mutual, by id")
        .needs(P::OwnClaims, Provider)
        .query::<appeals::OwnAppealFilter>()
        .pages::<appeals::AppealView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/providers/{id}/appeals" appeals::file_own, "A facility's appeal against a decision on its own claim; needs an id")
        .needs(P::OwnClaims, Provider)
        .body::<appeals::FileOwnAppeal>()
        .gives::<appeals::AppealView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Post "/providers/{id}/claims" claims::submit_own, "Submits a facility's claim for a presented card; needs an id")
        .needs(P::OwnClaims, Provider)
        .body::<claims::SubmitOwnClaim>()
        .gives::<claims::ClaimView>(201)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/devices" devices::list, "Devices of field agents, by id")
        .needs(P::DeviceRead, Mutual)
        .query::<devices::DeviceFilter>()
        .pages::<devices::DeviceView>(),
    route!(Post "/mutuals/{m}/devices" devices::register, "Registers a device and gives its one-time code")
        .needs(P::DeviceManage, Mutual)
        .body::<devices::RegisterDevice>()
        .gives::<devices::DeviceCodeView>(201)
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/devices/activate" devices::activate, "An agent activates his device with its code and its key")
        .needs(P::FieldSync, Mutual)
        .body::<devices::ActivateDevice>()
        .gives::<devices::DeviceView>(200)
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/devices/{id}" devices::get, "A device with its receipts and its card numbers")
        .needs(P::DeviceRead, Mutual)
        .gives::<devices::DeviceDetailView>(200),
    route!(Post "/mutuals/{m}/devices/{id}/code" devices::renew, "Gives a device a new one-time code; its key is forgotten")
        .needs(P::DeviceManage, Mutual)
        .gives::<devices::DeviceCodeView>(200)
        .if_match()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/devices/{id}/lost" devices::lost, "Says that a device is lost: what it sends is held, and it empties itself")
        .needs(P::DeviceManage, Mutual)
        .gives::<devices::DeviceView>(200)
        .if_match()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/devices/{id}/revoke" devices::revoke, "Takes nothing of a device any more")
        .needs(P::DeviceManage, Mutual)
        .gives::<devices::DeviceView>(200)
        .if_match()
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/devices/{id}/number-blocks" devices::numbers, "Gives a device card numbers ahead")
        .needs(P::FieldSync, Mutual)
        .body::<devices::AskNumbers>()
        .gives::<devices::NumberBlockView>(201)
        .writes(Writes::Facts),
    route!(Post "/mutuals/{m}/sync/push" push::push, "Takes what a device signed: up to 100 operations, all answered")
        .needs(P::FieldSync, Mutual)
        .body::<pushed::Envelope>()
        .gives::<pushed::PushAnswer>(200)
        .persons()
        .takes_raw()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/sync/pull" pull::pull, "Gives a device what changed in its sections, or all")
        .needs(P::FieldSync, Mutual)
        .query::<pull::PullFilter>()
        .gives::<pull::PullView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/sync/areas" reference::areas, "The areas of the country, as a snapshot with an ETag")
        .needs(P::FieldSync, Mutual)
        .gives::<reference::AreasSnapshot>(200),
    route!(Get "/mutuals/{m}/sync/products" reference::products_of, "The products in use, as a snapshot with an ETag")
        .needs(P::FieldSync, Mutual)
        .gives::<reference::ProductsSnapshot>(200),
    route!(Get "/mutuals/{m}/sync/texts" reference::texts, "What receipts say, as a snapshot with an ETag")
        .needs(P::FieldSync, Mutual)
        .query::<LanguageFilter>()
        .gives::<reference::TextsSnapshot>(200),
    route!(Get "/mutuals/{m}/proposals" proposals::list, "What came to nothing in the field, by id")
        .needs(P::ProposalDecide, Mutual)
        .query::<proposals::ProposalFilter>()
        .pages::<proposals::ProposalView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/proposals/{id}" proposals::get, "An operation that came to nothing")
        .needs(P::ProposalDecide, Mutual)
        .gives::<proposals::ProposalView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/proposals/{id}/accept" proposals::accept, "Carries a proposal out, corrected or as it was; needs an id")
        .needs(P::ProposalDecide, Mutual)
        .body::<proposals::AcceptProposal>()
        .gives::<proposals::ProposalView>(200)
        .if_match()
        .persons()
        .writes(Writes::Many),
    route!(Post "/mutuals/{m}/proposals/{id}/discard" proposals::discard, "Discards a proposal")
        .needs(P::ProposalDecide, Mutual)
        .body::<proposals::DiscardProposal>()
        .gives::<proposals::ProposalView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/held-pushes" proposals::held, "What lost devices sent, by id")
        .needs(P::DeviceManage, Mutual)
        .query::<proposals::HeldFilter>()
        .pages::<proposals::HeldPushView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/held-pushes/{id}/apply" proposals::apply_held, "Carries out what a lost device sent, with its agent's reach")
        .needs(P::DeviceManage, Mutual)
        .body::<proposals::DiscardProposal>()
        .gives::<proposals::HeldPushView>(200)
        .if_match()
        .persons()
        .writes(Writes::Many),
    route!(Post "/mutuals/{m}/held-pushes/{id}/discard" proposals::discard_held, "Discards what a lost device sent")
        .needs(P::DeviceManage, Mutual)
        .body::<proposals::DiscardProposal>()
        .gives::<proposals::HeldPushView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/duplicates" duplicates::list, "Pairs of persons who may be one, by id")
        .needs(P::ProposalDecide, Mutual)
        .query::<duplicates::DuplicateFilter>()
        .pages::<duplicates::DuplicateView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/duplicates/{id}/decision" duplicates::decide, "Says whether two persons are one")
        .needs(P::ProposalDecide, Mutual)
        .body::<duplicates::DecideDuplicate>()
        .gives::<duplicates::DuplicateView>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/jobs/{id}" jobs::get, "Long work: how far it is and what came of it")
        .needs(P::JobRead, Mutual)
        .gives::<jobs::JobView>(200),
    route!(Post "/mutuals/{m}/jobs/{id}/cancel" jobs::cancel, "Stops long work; what it has done stays")
        .needs(P::JobCancel, Mutual)
        .gives::<jobs::JobView>(200)
        .writes(Writes::Command),
    route!(Get "/mutuals/{m}/invoices" invoices::list, "Invoices of facilities with what came of them, by id")
        .needs(P::ClaimRead, Mutual)
        .query::<invoices::InvoiceFilter>()
        .pages::<invoice::InvoiceView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/invoices" invoices::send,
        "Takes a facility's invoice of a month, a file or a list; a job submits its claims; sent again, what was bad is tried again; needs an id")
        .needs(P::ClaimSubmit, Mutual)
        .body::<invoices::SendInvoice>()
        .takes_file()
        .gives::<invoice::InvoiceDetail>(202)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/invoices/{id}" invoices::get, "An invoice with its progress, counts, totals and steps")
        .needs(P::ClaimRead, Mutual)
        .gives::<invoice::InvoiceDetail>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/invoices/{id}/lines" invoices::lines, "What came of each certificate of an invoice")
        .needs(P::ClaimRead, Mutual)
        .query::<invoices::LineFilter>()
        .pages::<invoice::InvoiceLineView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/invoices/{id}/bad.csv" invoices::bad_file,
        "The rows of the bad certificates as they were sent, to be corrected and sent again")
        .needs(P::DiagnosisRead, Mutual)
        .gives_file("text/csv")
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/invoices/{id}/disallowances" invoices::disallowances,
        "What was cut or refused, line by line, and who bears it; `format=csv` gives a file")
        .needs(P::ClaimRead, Mutual)
        .query::<invoices::DisallowanceFilter>()
        .pages::<notice::DisallowanceView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/invoices/{id}/accept" invoices::accept,
        "Accepts what came of an invoice, once nothing of it waits; also after a dispute")
        .needs(P::ClaimDecide, Mutual)
        .body::<invoices::AcceptInvoice>()
        .gives::<invoice::InvoiceDetail>(200)
        .if_match()
        .persons()
        .writes(Writes::Facts),
    route!(Get "/providers/{id}/invoices" own_invoices::list, "A facility's own invoices in a mutual, by id")
        .needs(P::OwnClaims, Provider)
        .query::<own_invoices::OwnInvoiceFilter>()
        .pages::<invoice::InvoiceView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/providers/{id}/invoices" own_invoices::send, "Sends a facility's own invoice of a month, or more of one; needs an id")
        .needs(P::OwnClaims, Provider)
        .body::<own_invoices::SendOwnInvoice>()
        .takes_file()
        .gives::<invoice::InvoiceDetail>(202)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/providers/{id}/invoices/{invoice}" own_invoices::get, "A facility's own invoice with its progress")
        .needs(P::OwnClaims, Provider)
        .query::<own_invoices::OwnFilter>()
        .gives::<invoice::InvoiceDetail>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/providers/{id}/invoices/{invoice}/lines" own_invoices::lines, "What came of each certificate of one's own invoice")
        .needs(P::OwnClaims, Provider)
        .query::<own_invoices::OwnLineFilter>()
        .pages::<invoice::InvoiceLineView>()
        .persons()
        .writes(Writes::Audit),
    route!(Get "/providers/{id}/invoices/{invoice}/bad.csv" own_invoices::bad_file,
        "The rows of one's own bad certificates as they were sent, to be corrected and sent again")
        .needs(P::OwnClaims, Provider)
        .query::<own_invoices::OwnFilter>()
        .gives_file("text/csv")
        .persons()
        .writes(Writes::Audit),
    route!(Get "/providers/{id}/invoices/{invoice}/disallowances" own_invoices::disallowances,
        "What was cut or refused of one's own invoice, and who bears it; `format=csv` gives a file")
        .needs(P::OwnClaims, Provider)
        .query::<own_invoices::OwnDisallowanceFilter>()
        .pages::<notice::DisallowanceView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/providers/{id}/invoices/{invoice}/dispute" own_invoices::dispute,
        "Disputes what came of one's own invoice, with a reason; needs an id")
        .needs(P::OwnClaims, Provider)
        .body::<own_invoices::DisputeInvoice>()
        .gives::<invoice::InvoiceDetail>(200)
        .persons()
        .writes(Writes::Facts),
    route!(Get "/mutuals/{m}/audit" audit::audit, "Who did and who read what")
        .needs(P::AuditRead, Mutual)
        .query::<audit::AuditFilter>()
        .pages::<audit::AuditView>()
        .persons()
        .writes(Writes::Audit),
    route!(Post "/eligibility" eligibility::check, "Is the person with this card covered on this day, for what, how long")
        .needs(P::EligibilityCheck, Named)
        .body::<eligibility::CheckEligibility>()
        .gives::<eligibility::EligibilityView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Get "/mutuals/{m}/members/{id}/card" cards::card, "A member's last card; JSON, or PDF where `Accept` asks")
        .needs(P::RegisterRead, Mutual)
        .query::<LanguageFilter>()
        .gives::<cards::ProofView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/members/{id}/card" cards::issue_card,
        "Issues a card to a member who is covered; the card before is replaced")
        .needs(P::RegisterWrite, Mutual)
        .body::<cards::IssueProof>()
        .gives::<cards::ProofView>(201)
        .persons()
        .writes(Writes::Command),
    route!(Post "/mutuals/{m}/members/{id}/card/revoke" cards::revoke_card, "Revokes a member's card")
        .needs(P::RegisterWrite, Mutual)
        .body::<cards::RevokeProof>()
        .gives::<cards::ProofView>(200)
        .persons()
        .writes(Writes::Command),
    route!(Post "/mutuals/{m}/households/{id}/certificate" cards::issue_certificate,
        "Issues a certificate of affiliation that names who of a household is covered")
        .needs(P::RegisterWrite, Mutual)
        .body::<cards::IssueProof>()
        .gives::<cards::ProofView>(201)
        .persons()
        .writes(Writes::Command),
    route!(Get "/mutuals/{m}/certificates/{id}" cards::certificate,
        "A certificate of affiliation; JSON, or PDF where `Accept` asks")
        .needs(P::RegisterRead, Mutual)
        .query::<LanguageFilter>()
        .gives::<cards::ProofView>(200)
        .persons()
        .writes(Writes::Audit),
    route!(Post "/mutuals/{m}/certificates/{id}/revoke" cards::revoke_certificate, "Revokes a certificate of affiliation")
        .needs(P::RegisterWrite, Mutual)
        .body::<cards::RevokeProof>()
        .gives::<cards::ProofView>(200)
        .persons()
        .writes(Writes::Command),
    route!(Get "/verify/keys" cards::keys, "The public keys of cards and certificates, as a JWK set")
        .public()
        .gives::<cards::KeysView>(200),
    route!(Get "/verify/revoked" cards::revoked, "The hashes of the tokens of revoked cards and certificates")
        .public()
        .query::<cards::RevokedFilter>()
        .gives::<cards::RevokedListView>(200),
    route!(Get "/verify/{token}" cards::verify,
        "What the card or certificate of a token is worth today: validity, initials, expiry, and nothing else")
        .public()
        .query::<LanguageFilter>()
        .gives::<cards::VerifiedView>(200),
];

/// Puts every route of the table into the server; a known path with another method is 405.
pub fn configure(config: &mut web::ServiceConfig) {
    let mut paths: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
    paths.sort_unstable();
    paths.dedup();
    // Fixed names before ids: `/claims/quote` is no claim.
    paths.sort_by_key(|path| path.contains('{'));
    config.service(paths.into_iter().fold(web::scope(PREFIX), |scope, path| {
        let resource = ROUTES
            .iter()
            .filter(|route| route.path == path)
            .fold(web::resource(path), |resource, route| resource.route((route.handler)()));
        let largest = ROUTES.iter().filter(|route| route.path == path).map(|route| route.largest).max();
        let resource = match largest {
            Some(bytes) if bytes != LARGEST_BODY => resource.app_data(Largest(bytes)),
            _ => resource,
        };
        let methods = ROUTES.iter().filter(|route| route.path == path).map(|route| route.method.as_str());
        let allowed = methods.collect::<Vec<_>>().join(", ");
        scope.service(resource.default_service(web::to(move || method_not_allowed(allowed.clone()))))
    }));
}

/// A known path with another method; `allowed` are those that it has.
async fn method_not_allowed(allowed: String) -> actix_web::HttpResponse {
    let mut response = Problem::of(Code::MethodNotAllowed).response();
    if let Ok(value) = actix_web::http::header::HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(actix_web::http::header::ALLOW, value);
    }
    response
}

/// `docs/api.md`: made from the table, compared by a test.
pub fn api_page() -> String {
    let mut page = String::from(
        "# Routes\n\nMade from the table in `src/routes.rs`; the shapes are in Swagger UI at `/docs/`. `writes` says which \
         rows of the command frame a successful call leaves: a command is repeatable by its id, facts also mark the months \
         whose figures may differ.\n\n| route | needs | writes | |\n|---|---|---|---|\n",
    );
    for route in ROUTES {
        let needs = match route.caller {
            Caller::Public => "nothing".to_owned(),
            Caller::Signed => "a login".to_owned(),
            Caller::Holds(permission, _) => format!("`{permission}`"),
        };
        let writes = match route.writes {
            Writes::Nothing => "",
            Writes::Audit => "audit",
            Writes::Command => "command",
            Writes::Facts => "facts",
            Writes::Many => "several",
        };
        page.push_str(&format!(
            "| `{} {}` | {needs} | {writes} | {} |\n",
            route.method.as_str(),
            route.path,
            route.summary
        ));
    }
    page
}

/// The API description (OpenAPI 3.1).
pub fn openapi() -> utoipa::openapi::OpenApi {
    use utoipa::openapi::*;
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    let problem = schema_of::<ProblemView>(&mut schemas);
    let mut paths = PathsBuilder::new();
    for route in ROUTES {
        let mut operation = path::OperationBuilder::new()
            .operation_id(Some(route.name))
            .summary(Some(route.summary))
            .tag(route.path.split('/').nth(if route.path.starts_with("/mutuals/") { 3 } else { 1 }).unwrap_or(""));
        let who = match route.caller {
            Caller::Public => "No login is needed.".to_owned(),
            Caller::Signed => "For every user who is logged in.".to_owned(),
            Caller::Holds(permission, _) => {
                let roles: Vec<&str> =
                    crate::access::permissions::roles_with(permission).iter().map(|role| role.code()).collect();
                format!("Needs `{permission}`: {}.", roles.join(", "))
            }
        };
        operation = operation.description(Some(who));
        operation = match route.caller {
            Caller::Public => operation.securities(Some([])),
            _ => operation.security(security::SecurityRequirement::new("bearer", Vec::<String>::new())),
        };
        for name in route.path.split(['{', '}']).skip(1).step_by(2) {
            let id = ObjectBuilder::new()
                .schema_type(schema::Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
            operation = operation.parameter(
                path::ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Path)
                    .required(Required::True)
                    .schema(Some(match name {
                        "number" => ObjectBuilder::new().schema_type(schema::Type::Integer),
                        "token" => ObjectBuilder::new().schema_type(schema::Type::String),
                        _ => id,
                    })),
            );
        }
        if let Some(query) = route.query {
            for parameter in query() {
                operation = operation.parameter(parameter);
            }
        }
        if route.if_match {
            operation = operation.parameter(header("If-Match", "The `ETag` that was read.", Required::True));
        }
        if route.method != Method::Get && route.caller != Caller::Public {
            operation = operation.parameter(header(
                "Idempotency-Key",
                "A UUID: the same request sent again with it changes nothing.",
                Required::False,
            ));
        }
        if let Some(body) = route.body {
            let content = ContentBuilder::new().schema(Some(body(&mut schemas))).build();
            let kind = if route.method == Method::Patch { "application/merge-patch+json" } else { "application/json" };
            operation = operation.request_body(Some(
                request_body::RequestBodyBuilder::new().content(kind, content).required(Some(Required::True)).build(),
            ));
        }
        let (status, response) = match route.answer {
            Answer::Empty => (204, ResponseBuilder::new().description("Done").build()),
            Answer::One(status, schema) => (status, json("The row, or the answer", schema(&mut schemas))),
            Answer::Page(schema) => (200, json("A page", page(schema(&mut schemas)))),
            Answer::File(kind) => {
                let text = ObjectBuilder::new().schema_type(schema::Type::String);
                let content = ContentBuilder::new().schema(Some(text)).build();
                (200, ResponseBuilder::new().description("A file").content(kind, content).build())
            }
        };
        if matches!(status, 201 | 202) {
            operation = operation.response("200", response.clone());
        }
        operation = operation.response(status.to_string(), response);
        let content = ContentBuilder::new().schema(Some(problem.clone())).build();
        let refusal = ResponseBuilder::new()
            .description("A problem; see `code`")
            .content("application/problem+json", content)
            .build();
        operation = operation.response("default", refusal);
        paths = paths.path(format!("{PREFIX}{}", route.path), PathItem::new(route.method.openapi(), operation.build()));
    }
    let mut components = ComponentsBuilder::new().security_scheme(
        "bearer",
        security::SecurityScheme::Http(
            security::HttpBuilder::new().scheme(security::HttpAuthScheme::Bearer).bearer_format("JWT").build(),
        ),
    );
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    let info = InfoBuilder::new()
        .title("Ayni")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Membership backend of health mutuals and of the platforms above them."))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").build()))
        .build();
    OpenApiBuilder::new().info(info).paths(paths.build()).components(Some(components.build())).build()
}

fn header(name: &str, description: &str, required: utoipa::openapi::Required) -> Parameter {
    use utoipa::openapi::{ObjectBuilder, path::ParameterBuilder, schema::Type};
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

fn json(description: &str, schema: RefOr<Schema>) -> utoipa::openapi::Response {
    use utoipa::openapi::{ContentBuilder, ResponseBuilder};
    ResponseBuilder::new()
        .description(description)
        .content("application/json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

fn page(item: RefOr<Schema>) -> RefOr<Schema> {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
    ObjectBuilder::new()
        .property("items", ArrayBuilder::new().items(item))
        .required("items")
        .property("next_cursor", ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null])))
        .required("next_cursor")
        .into()
}
