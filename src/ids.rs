//! Ids: UUIDv7, made by the client or by [`Ids`], one Rust type per kind of row so that a household's id cannot be given
//! where a member's is asked. All kinds share one generic type and thus one set of database conversions (`db/types.rs`).
use crate::clock::Clock;
use parking_lot::Mutex;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;
use uuid::Uuid;

/// An id of a row of kind `K`.
#[derive(diesel::deserialize::FromSqlRow, diesel::expression::AsExpression)]
#[diesel(sql_type = crate::db::types::Id)]
pub struct Key<K: 'static>(Uuid, PhantomData<fn() -> K>);

impl<K: 'static> Key<K> {
    /// The nil id, of the ROOT organisation.
    pub const NIL: Self = Key(Uuid::nil(), PhantomData);

    /// Takes an id that came from outside or from another kind; the caller says what it stands for.
    pub const fn new(uuid: Uuid) -> Self {
        Key(uuid, PhantomData)
    }

    /// The plain id.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl<K: 'static> Clone for Key<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K: 'static> Copy for Key<K> {}
impl<K: 'static> PartialEq for Key<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K: 'static> Eq for Key<K> {}
impl<K: 'static> PartialOrd for Key<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K: 'static> Ord for Key<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K: 'static> Hash for Key<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K: 'static> fmt::Debug for Key<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<K: 'static> fmt::Display for Key<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<K: 'static> std::str::FromStr for Key<K> {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Key::new)
    }
}
impl<K: 'static> serde::Serialize for Key<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, K: 'static> serde::Deserialize<'de> for Key<K> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Key::new)
    }
}
impl<K: 'static> utoipa::PartialSchema for Key<K> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Uuid)))
            .into()
    }
}
impl<K: 'static> utoipa::ToSchema for Key<K> {
    fn name() -> std::borrow::Cow<'static, str> {
        std::borrow::Cow::Borrowed("Id")
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident => $alias:ident;)+) => {
        /// The kinds of rows that have ids; never built, they only tell ids apart.
        pub mod kind {
            $($(#[$doc])* pub enum $kind {})+
        }
        $($(#[$doc])* pub type $alias = Key<kind::$kind>;)+
    };
}

kinds! {
    /// A device of a field agent.
    Device => DeviceId;
    /// Card numbers given to a device.
    NumberBlock => NumberBlockId;
    /// An operation that a device sent.
    Operation => OperationId;
    /// What a lost device sent.
    HeldPush => HeldPushId;
    /// Two persons who may be one.
    PossibleDuplicate => PossibleDuplicateId;
    /// A feed of changes, from one copy of the database to the next.
    Epoch => EpochId;
    /// Whatever an operation or a change is about.
    Entity => EntityId;
    /// An organisation of the tree.
    Organisation => OrganisationId;
    /// A mutual, which is an organisation.
    Mutual => MutualId;
    /// A dated link between two organisations.
    Link => LinkId;
    /// An area of residence.
    Area => AreaId;
    /// A user.
    User => UserId;
    /// A one-time code.
    Code => CodeId;
    /// A session of a user.
    Session => SessionId;
    /// A grant of a role.
    Grant => GrantId;
    /// A health facility.
    Provider => ProviderId;
    /// A command; the row that it creates has the same id.
    Command => CommandId;
    /// A row of the audit.
    Audit => AuditId;
    /// A mark that a month's facts are stale.
    Mark => MarkId;
    /// A key of a program that pulls.
    ApiKey => ApiKeyId;
    /// A frozen copy of a mutual's month.
    Release => ReleaseId;
    /// A step of a mutual's month.
    MonthStep => MonthStepId;
    /// A target population.
    Target => TargetId;
    /// What an amount is worth in another currency.
    ExchangeRate => ExchangeRateId;
    /// What is kept of a mutual's month.
    Fact => FactId;
    /// A change not yet numbered for devices.
    Change => ChangeId;
    /// A series of numbers.
    OpeningUsage => OpeningUsageId;
    Series => SeriesId;
    /// A benefit package.
    Product => ProductId;
    /// A version of a benefit package.
    ProductVersion => ProductVersionId;
    /// A household.
    Household => HouseholdId;
    /// A person.
    Member => MemberId;
    /// A person's stay in a household.
    Membership => MembershipId;
    /// An event in a household.
    Event => EventId;
    /// Where a household lived from a day on.
    Residence => ResidenceId;
    /// A person's identity document.
    Document => DocumentId;
    /// A phone of a person or a household.
    Phone => PhoneId;
    /// A person's consent, or its refusal.
    Consent => ConsentId;
    /// A person's cover by another scheme.
    ExternalCover => ExternalCoverId;
    /// A cooperative, union, self-help group, employer or school.
    Group => GroupId;
    /// A person's membership of a group.
    GroupMember => GroupMemberId;
    /// A household in a product for a period.
    Enrolment => EnrolmentId;
    /// A step of an enrolment: what was decided.
    EnrolmentStep => EnrolmentStepId;
    /// That a due is owed no more.
    DueCancellation => DueCancellationId;
    /// A span of cover.
    Span => SpanId;
    /// A card or a certificate.
    Proof => ProofId;
    /// A person named on a certificate.
    ProofMember => ProofMemberId;
    /// The revocation of a card or a certificate.
    Revocation => RevocationId;
    /// A due.
    Due => DueId;
    /// A cash desk.
    CashDesk => CashDeskId;
    /// A receipt.
    Receipt => ReceiptId;
    /// A payment.
    Payment => PaymentId;
    /// A reversal of a payment.
    Reversal => ReversalId;
    /// An allocation of a payment to a due.
    Allocation => AllocationId;
    /// An account of the ledger.
    Account => AccountId;
    /// A transfer of the ledger.
    Transfer => TransferId;
    /// A convention with a provider.
    Convention => ConventionId;
    /// A service of the catalogue.
    Service => ServiceId;
    /// A price.
    Tariff => TariffId;
    /// A list of diagnoses.
    DiagnosisList => DiagnosisListId;
    /// A claim.
    Claim => ClaimId;
    /// A line of a claim.
    ClaimLine => ClaimLineId;
    /// A provider's own number of a claim.
    ClaimNumber => ClaimNumberId;
    /// A settlement.
    Settlement => SettlementId;
    /// A guarantee letter.
    Letter => LetterId;
    /// A decision that another one replaced.
    ClaimDecision => ClaimDecisionId;
    /// A claim taken back.
    ClaimVoid => ClaimVoidId;
    /// An appeal against a decision.
    Appeal => AppealId;
    /// What a settlement pays of a claim.
    SettlementItem => SettlementItemId;
    /// A payment of a settlement.
    SettlementPayment => SettlementPaymentId;
    /// Money given to a facility in advance.
    Advance => AdvanceId;
    /// How a mutual decides on care.
    CareSettings => CareSettingsId;
    /// Something that waits for a second person.
    Approval => ApprovalId;
    /// A mutual's settings of money.
    MoneySettings => MoneySettingsId;
    /// A credit given back.
    Refund => RefundId;
    /// What a refund takes from one payment.
    RefundPart => RefundPartId;
    /// A desk's cash from one count to the next.
    CashSession => CashSessionId;
    /// A movement of money that concerns no household.
    Movement => MovementId;
    /// The reversal of a movement.
    MovementReversal => MovementReversalId;
    /// What a collector hands over.
    Remittance => RemittanceId;
    /// An operator's way to tell of payments.
    Webhook => WebhookId;
    /// A telling that was refused.
    RefusedTelling => RefusedTellingId;
    /// A payment as an operator told it.
    MobileEvent => MobileEventId;
    /// An operator's transaction, once.
    MobileIdentity => MobileIdentityId;
    /// What a person decided on an operator's payment.
    MobileDecision => MobileDecisionId;
    /// One transfer for many households, with its list.
    GroupCollection => GroupCollectionId;
    /// A line of such a list.
    GroupCollectionItem => GroupCollectionItemId;
    /// What another payer is invoiced.
    SubsidyBatch => SubsidyBatchId;
    /// A due of such an invoice.
    SubsidyItem => SubsidyItemId;
    /// What a transfer or a payment comes from: a reversal, a refund, a movement, a remittance, a collection…
    Source => SourceId;
    /// What another payer has paid.
    SubsidyPayment => SubsidyPaymentId;
    /// Long work.
    Job => JobId;
    /// A server's worker, which holds leases of jobs.
    Worker => WorkerId;
    /// What a job works on: an invoice, a file.
    Subject => SubjectId;
    /// A facility's monthly invoice.
    Invoice => InvoiceId;
    /// A file or list that was sent for an invoice.
    InvoiceSending => InvoiceSendingId;
    /// A certificate of an invoice: a claim to be.
    InvoiceClaim => InvoiceClaimId;
    /// A step of an invoice: who accepted or disputed it.
    InvoiceStep => InvoiceStepId;
}

impl From<MutualId> for OrganisationId {
    fn from(mutual: MutualId) -> Self {
        Key::new(mutual.uuid())
    }
}

/// Makes ids: the time from the clock, the rest from the machine's randomness, or from a seed so that a simulation run
/// twice makes the same rows. Those of one millisecond rise, so that the rows of a command lie together in every index in the
/// order in which they were made.
#[derive(Clone)]
pub struct Ids {
    clock: Clock,
    seeded: Option<Arc<Mutex<u64>>>,
    last: Arc<Mutex<Last>>,
}

/// The millisecond of the last id, and what came after it: 74 bits.
#[derive(Default)]
struct Last {
    millis: u64,
    tail: u128,
    /// Random bytes that no id has had yet: the machine is asked for those of many ids at once.
    ahead: Vec<[u8; 16]>,
}

/// For so many ids the machine is asked at once.
const AHEAD: usize = 64;

/// As many bits of an id are not its time.
const TAIL_BITS: u32 = 74;

impl Last {
    /// What comes after the time in the next id: above the last one's where both are of one millisecond.
    fn next(&mut self, millis: u64, random: u128) -> u128 {
        let tail = random & ((1 << TAIL_BITS) - 1);
        // Steps that nobody guesses, of 32 bits: as many ids as one millisecond may see fit in, and where they do not, it starts
        // anew.
        let risen = self.tail + 1 + (random & u128::from(u32::MAX));
        let goes_on = self.millis == millis && risen >> TAIL_BITS == 0;
        (self.millis, self.tail) = (millis, if goes_on { risen } else { tail });
        self.tail
    }

    /// Random bytes that were not given before.
    fn random(&mut self) -> [u8; 16] {
        loop {
            if let Some(random) = self.ahead.pop() {
                return random;
            }
            self.ahead.resize(AHEAD, [0; 16]);
            fill_from_machine(self.ahead.as_flattened_mut());
        }
    }
}

impl Ids {
    /// Ids from the machine's randomness.
    pub fn random(clock: Clock) -> Self {
        Ids { clock, seeded: None, last: Arc::default() }
    }

    /// Ids that repeat with the seed and the clock.
    pub fn seeded(clock: Clock, seed: u64) -> Self {
        Ids { clock, seeded: Some(Arc::new(Mutex::new(seed))), last: Arc::default() }
    }

    /// A new id.
    pub fn next<K: 'static>(&self) -> Key<K> {
        let millis = u64::try_from(self.clock.now().and_utc().timestamp_millis()).unwrap_or(0);
        let tail = {
            let mut last = self.last.lock();
            let random = match &self.seeded {
                None => last.random(),
                Some(_) => {
                    let mut random = [0; 16];
                    self.fill(&mut random);
                    random
                }
            };
            last.next(millis, u128::from_be_bytes(random))
        };
        // 12 bits before the variant and 62 after it.
        let (high, low) = (tail >> 62, tail & ((1 << 62) - 1));
        let [.., h1, h0] = high.to_be_bytes();
        let [.., l7, l6, l5, l4, l3, l2, l1, l0] = low.to_be_bytes();
        let bytes = [h1, h0, l7, l6, l5, l4, l3, l2, l1, l0];
        Key::new(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }

    /// Fills a buffer: salts of the audit and the like; secrets use `access::secrets`, never this.
    pub fn fill(&self, buffer: &mut [u8]) {
        match &self.seeded {
            None => fill_from_machine(buffer),
            Some(state) => {
                let mut state = state.lock();
                for chunk in buffer.chunks_mut(8) {
                    let word = split_mix(&mut state).to_le_bytes();
                    chunk.copy_from_slice(&word[..chunk.len()]);
                }
            }
        }
    }
}

/// SplitMix64: short, well spread, and good enough where nothing is secret.
pub fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The machine's randomness. It fails only where the kernel gives none, and then nothing here may go on.
pub fn fill_from_machine(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system gives random bytes");
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Duration, TimeZone, Utc};
    use std::collections::BTreeSet;

    #[test]
    fn ids_of_one_millisecond_rise_and_are_of_the_seventh_version() {
        let at = Utc.with_ymd_and_hms(2026, 3, 10, 12, 0, 0).unwrap();
        for ids in [Ids::random(Clock::set_at(at)), Ids::seeded(Clock::set_at(at), 7)] {
            let made: Vec<CommandId> = (0..10_000).map(|_| ids.next()).collect();
            assert!(made.is_sorted_by(|one, next| one < next));
            assert!(made.iter().all(|id| id.uuid().get_version_num() == 7));
            assert!(made.iter().all(|id| id.uuid().get_variant() == uuid::Variant::RFC4122));
            let seconds: BTreeSet<u64> = made.iter().map(|id| id.uuid().get_timestamp().unwrap().to_unix().0).collect();
            assert_eq!(seconds.into_iter().collect::<Vec<_>>(), [u64::try_from(at.timestamp()).unwrap()]);
        }
    }

    #[test]
    fn threads_share_the_order_and_no_id_comes_twice() {
        let ids = Ids::random(Clock::set_at(Utc.with_ymd_and_hms(2026, 3, 10, 12, 0, 0).unwrap()));
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let ids = ids.clone();
                std::thread::spawn(move || (0..1_000).map(|_| ids.next()).collect::<Vec<CommandId>>())
            })
            .collect();
        let made: Vec<Vec<CommandId>> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(made.iter().all(|some| some.is_sorted_by(|one, next| one < next)));
        assert_eq!(made.into_iter().flatten().collect::<BTreeSet<_>>().len(), 16_000);
    }

    #[test]
    fn random_bytes_are_given_once() {
        let mut last = Last::default();
        let given: BTreeSet<[u8; 16]> = (0..3 * AHEAD).map(|_| last.random()).collect();
        assert_eq!(given.len(), 3 * AHEAD);
        assert!(!given.contains(&[0; 16]));
    }

    #[test]
    fn a_clock_that_went_back_starts_anew_and_a_full_millisecond_too() {
        let mut last = Last::default();
        let full = (1_u128 << TAIL_BITS) - 1;
        assert_eq!(last.next(5, full), full);
        assert_eq!(last.next(5, 3), 3, "beyond the last of a millisecond");
        assert_eq!(last.next(5, 3), 7, "above the last");
        assert_eq!(last.next(4, 2), 2, "another millisecond");
    }

    #[test]
    fn a_seed_repeats_its_ids() {
        let of = |seed| {
            let clock = Clock::set_at(Utc.with_ymd_and_hms(2026, 3, 10, 12, 0, 0).unwrap());
            let ids = Ids::seeded(clock.clone(), seed);
            let mut made: Vec<CommandId> = (0..5).map(|_| ids.next()).collect();
            clock.set(clock.now().and_utc() + Duration::days(1));
            made.extend((0..5).map(|_| ids.next::<kind::Command>()));
            made
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }
}
