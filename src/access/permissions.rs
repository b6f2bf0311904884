//! The one table of who may do what. `ayni roles` and `GET /roles` print it; a test calls every route as every role.
use crate::audit::model::Purpose;
use crate::words;

words! {
    /// A role, granted to a user on an organisation or a provider.
    pub enum Role {
        /// Runs the installation; sees no person.
        SystemAdmin = "system_admin",
        /// Runs a body above mutuals; sees no person.
        PlatformAdmin = "platform_admin",
        /// Reads a body's figures.
        PlatformAnalyst = "platform_analyst",
        /// Controls: a mutual whole but for diagnoses, or a body's books and figures.
        Auditor = "auditor",
        /// Runs a mutual's office.
        MutualAdmin = "mutual_admin",
        /// Keeps the register.
        Registrar = "registrar",
        /// Keeps the money.
        Treasurer = "treasurer",
        /// Decides claims.
        ClaimsOfficer = "claims_officer",
        /// Reviews medically.
        MedicalAdviser = "medical_adviser",
        /// Registers and collects in one section.
        FieldAgent = "field_agent",
        /// Works at a health facility.
        ProviderClerk = "provider_clerk",
    }
}

words! {
    /// The kinds of organisations of the tree.
    pub enum OrganisationKind {
        /// The installation itself; one, with the nil id.
        Root = "root",
        /// An international network.
        Network = "network",
        /// A national platform.
        Platform = "platform",
        /// A federation, union or confederation; they nest.
        Federation = "federation",
        /// A mutual.
        Mutual = "mutual",
        /// A local branch of a mutual.
        Section = "section",
    }
}

impl OrganisationKind {
    /// True for bodies above mutuals, which see figures and no person.
    pub const fn is_body(self) -> bool {
        matches!(self, OrganisationKind::Network | OrganisationKind::Platform | OrganisationKind::Federation)
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal => [$($role:ident),*];)+) => {
        words! {
            /// What a route asks for.
            pub enum Permission { $($(#[$doc])* $name = $text,)+ }
        }

        /// One type per permission, for `Guard<…>`: a handler names its permission in its signature.
        pub mod need {
            use super::Permission;
            $($(#[$doc])* pub enum $name {}
            impl super::Need for $name { const PERMISSION: Permission = Permission::$name; })+
        }

        /// The roles that have a permission.
        pub const fn roles_with(permission: Permission) -> &'static [Role] {
            match permission { $(Permission::$name => &[$(Role::$role),*],)+ }
        }
    };
}

/// A permission as a type.
pub trait Need: 'static {
    /// Which.
    const PERMISSION: Permission;
}

permissions! {
    /// Read the tree of organisations and the areas.
    OrganisationRead = "organisation_read" => [SystemAdmin, PlatformAdmin, PlatformAnalyst, Auditor, MutualAdmin,
        Registrar, Treasurer, ClaimsOfficer, MedicalAdviser, FieldAgent];
    /// Add and change organisations below, their links, the areas.
    OrganisationWrite = "organisation_write" => [SystemAdmin, PlatformAdmin];
    /// Change one's own mutual's name and make its sections.
    SectionWrite = "section_write" => [SystemAdmin, PlatformAdmin, MutualAdmin];
    /// Read the users of an organisation.
    UserRead = "user_read" => [SystemAdmin, PlatformAdmin, MutualAdmin];
    /// Invite, reset, disable users, grant and end roles.
    UserWrite = "user_write" => [SystemAdmin, PlatformAdmin, MutualAdmin];
    /// Read products.
    ProductRead = "product_read" => [SystemAdmin, PlatformAdmin, PlatformAnalyst, Auditor, MutualAdmin, Registrar,
        Treasurer, ClaimsOfficer, MedicalAdviser, FieldAgent];
    /// Draft, change and publish products.
    ProductWrite = "product_write" => [PlatformAdmin, MutualAdmin];
    /// Read households, members and enrolments.
    RegisterRead = "register_read" => [Auditor, MutualAdmin, Registrar, Treasurer, ClaimsOfficer, MedicalAdviser, FieldAgent];
    /// Register and change households and members, enrol them.
    RegisterWrite = "register_write" => [MutualAdmin, Registrar, FieldAgent];
    /// Admit or reject an application.
    EnrolmentDecide = "enrolment_decide" => [MutualAdmin, Registrar];
    /// Read dues, payments and receipts.
    PaymentRead = "payment_read" => [Auditor, MutualAdmin, Treasurer, FieldAgent];
    /// Record payments.
    PaymentWrite = "payment_write" => [MutualAdmin, Treasurer, FieldAgent];
    /// Give back, waive and write off what a household paid or owes, with a second person.
    MoneyRelief = "money_relief" => [MutualAdmin, Treasurer];
    /// Read cash desks, movements, collectors' accounts and what came without a household.
    TreasuryRead = "treasury_read" => [Auditor, MutualAdmin, Treasurer];
    /// Count and close cash desks, record expenses, grants and deposits, count what collectors hand over.
    TreasuryWrite = "treasury_write" => [MutualAdmin, Treasurer];
    /// Set the limits and rates of the mutual's money.
    MoneySettings = "money_settings" => [MutualAdmin];
    /// Read accounts and transfers.
    LedgerRead = "ledger_read" => [Auditor, MutualAdmin, Treasurer];
    /// Ask whether a person is covered.
    EligibilityCheck = "eligibility_check" => [MutualAdmin, Registrar, ClaimsOfficer, MedicalAdviser, ProviderClerk];
    /// Read facilities, conventions, services and prices.
    ProviderRead = "provider_read" => [SystemAdmin, PlatformAdmin, PlatformAnalyst, Auditor, MutualAdmin, Registrar,
        Treasurer, ClaimsOfficer, MedicalAdviser];
    /// Add facilities, conventions, services and prices.
    ProviderWrite = "provider_write" => [PlatformAdmin, MutualAdmin];
    /// Read claims and settlements.
    ClaimRead = "claim_read" => [Auditor, MutualAdmin, Treasurer, ClaimsOfficer, MedicalAdviser];
    /// Read the diagnoses of claims.
    DiagnosisRead = "diagnosis_read" => [ClaimsOfficer, MedicalAdviser];
    /// Submit and price claims at the mutual.
    ClaimSubmit = "claim_submit" => [MutualAdmin, ClaimsOfficer];
    /// Submit and read the claims of one's own facility.
    OwnClaims = "own_claims" => [ProviderClerk];
    /// See how far long work is.
    JobRead = "job_read" => [Auditor, MutualAdmin, Treasurer, ClaimsOfficer, MedicalAdviser];
    /// Stop long work; what it has done stays.
    JobCancel = "job_cancel" => [MutualAdmin, ClaimsOfficer];
    /// Decide claims that wait for a person.
    ClaimDecide = "claim_decide" => [ClaimsOfficer, MedicalAdviser];
    /// Ask for the settlement of a facility's claims.
    SettlementWrite = "settlement_write" => [MutualAdmin, Treasurer];
    /// Approve or refuse, as the second person.
    Approve = "approve" => [MutualAdmin, Treasurer];
    /// See the devices of field agents.
    DeviceRead = "device_read" => [Auditor, MutualAdmin, Registrar];
    /// Register, lose and revoke devices, and decide what lost ones sent.
    DeviceManage = "device_manage" => [MutualAdmin];
    /// Register and collect with a device of one's own.
    FieldSync = "field_sync" => [FieldAgent];
    /// Decide what came to nothing in the field, and who may be registered twice.
    ProposalDecide = "proposal_decide" => [MutualAdmin, Registrar];
    /// Read the figures of a mutual, or of the mutuals below a body.
    FiguresRead = "figures_read" => [PlatformAdmin, PlatformAnalyst, Auditor, MutualAdmin, Treasurer];
    /// Close a mutual's months, release corrections, ask to open one again.
    MonthClose = "month_close" => [MutualAdmin, Treasurer];
    /// Say when the months of mutuals are due; on the root, which age bands the installation has.
    FigureSettings = "figure_settings" => [SystemAdmin, PlatformAdmin];
    /// Hand in the figures of a mutual that keeps them elsewhere; say how many persons it is there for.
    FiguresWrite = "figures_write" => [PlatformAdmin, MutualAdmin];
    /// Make and revoke the keys of programs that pull a body's figures.
    ApiKeys = "api_keys" => [PlatformAdmin];
    /// Read a mutual's audit.
    AuditRead = "audit_read" => [Auditor, MutualAdmin];
}

impl Role {
    /// True where the role has the permission.
    pub fn may(self, permission: Permission) -> bool {
        roles_with(permission).contains(&self)
    }

    /// The kinds of organisations on which the role is granted; a provider clerk's is a provider.
    pub const fn granted_on(self) -> &'static [OrganisationKind] {
        use OrganisationKind as K;
        match self {
            Role::SystemAdmin => &[K::Root],
            Role::PlatformAdmin | Role::PlatformAnalyst => &[K::Network, K::Platform, K::Federation],
            Role::Auditor => &[K::Mutual, K::Network, K::Platform, K::Federation],
            Role::MutualAdmin | Role::Treasurer | Role::ClaimsOfficer | Role::MedicalAdviser => &[K::Mutual],
            Role::Registrar => &[K::Mutual, K::Section],
            Role::FieldAgent => &[K::Section],
            Role::ProviderClerk => &[],
        }
    }

    /// True where the role may see care (what was treated, decided and paid), on a grant that reaches persons.
    pub const fn sees_care(self) -> bool {
        matches!(
            self,
            Role::Auditor | Role::MutualAdmin | Role::ClaimsOfficer | Role::MedicalAdviser | Role::ProviderClerk
        )
    }

    /// The purposes for which the role may read persons and care.
    pub const fn purposes(self) -> &'static [Purpose] {
        use Purpose as P;
        match self {
            Role::SystemAdmin | Role::PlatformAdmin => &[P::Support],
            Role::PlatformAnalyst => &[],
            Role::Auditor => &[P::Audit],
            Role::MutualAdmin => &[P::Enrolment, P::Collection, P::Claim, P::Support, P::Audit],
            Role::Registrar | Role::FieldAgent => &[P::Enrolment, P::Collection],
            Role::Treasurer => &[P::Collection, P::Claim],
            Role::ClaimsOfficer => &[P::Claim],
            Role::MedicalAdviser => &[P::Claim, P::MedicalReview],
            Role::ProviderClerk => &[P::Claim],
        }
    }

    /// What the role is, in a sentence, for `ayni roles`.
    pub const fn meaning(self) -> &'static str {
        match self {
            Role::SystemAdmin => "organisations, users, settings; no person",
            Role::PlatformAdmin => "organisations below, products, users of bodies below, figures; no person",
            Role::PlatformAnalyst => "figures only",
            Role::Auditor => {
                "on a mutual: reads everything but diagnoses, audit included; on a body: its books and figures"
            }
            Role::MutualAdmin => "everything of the mutual but diagnoses; its products and users",
            Role::Registrar => "households, members, enrolments",
            Role::Treasurer => "payments, settlements and books",
            Role::ClaimsOfficer => "claims and diagnoses",
            Role::MedicalAdviser => "diagnoses, medical review",
            Role::FieldAgent => "registers and collects in one section; never care",
            Role::ProviderClerk => "eligibility of a presented card, claims of that facility",
        }
    }
}

/// The table as text, a line per permission and a column per role.
pub fn table() -> String {
    let width = Permission::ALL.iter().map(|p| p.code().len()).max().unwrap_or(0);
    let mut out = String::new();
    for role in Role::ALL {
        out.push_str(&format!("{:<17} {}\n", role.code(), role.meaning()));
    }
    out.push('\n');
    for permission in Permission::ALL {
        let roles: Vec<&str> = roles_with(*permission).iter().map(|role| role.code()).collect();
        out.push_str(&format!("{:<width$}  {}\n", permission.code(), roles.join(", ")));
    }
    out
}
