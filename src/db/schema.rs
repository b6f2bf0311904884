//! The tables as diesel sees them, one for both engines. Written by hand; a test compares it with what the migrations
//! make on each engine (`tests/schema.rs`).

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    organisations (id) {
        id -> Id,
        code -> Text,
        name -> Text,
        kind -> Text,
        country -> Nullable<Text>,
        currency -> Nullable<Text>,
        timezone -> Text,
        card_prefix -> Nullable<Text>,
        created_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    organisation_links (id) {
        id -> Id,
        child_id -> Id,
        parent_id -> Id,
        kind -> Text,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    areas (id) {
        id -> Id,
        country -> Text,
        parent_id -> Nullable<Id>,
        name -> Text,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        version -> BigInt,
        code -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    commands (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        route -> Text,
        actor_id -> Nullable<Id>,
        request_hash -> Binary,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    audit_rows (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        recorded_at -> Timestamp,
        actor_id -> Nullable<Id>,
        kind -> Text,
        route -> Text,
        purpose -> Text,
        request_id -> Id,
        command_id -> Nullable<Id>,
        entities -> Text,
        fields -> Text,
        salt -> Binary,
        digest -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    audit_values (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        content -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    fact_marks (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        month -> Date,
        command_id -> Id,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    changes_pending (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        entity_kind -> Text,
        entity_id -> Id,
        section_before -> Nullable<Id>,
        section_after -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    series (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        kind -> Text,
        issuer_id -> Id,
        year -> Integer,
        label -> Text,
        last_number -> BigInt,
        first_number -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    users (id) {
        id -> Id,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        name -> Text,
        password_hash -> Nullable<Text>,
        disabled_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    one_time_codes (id) {
        id -> Id,
        user_id -> Id,
        code_hash -> Binary,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    sessions (id) {
        id -> Id,
        user_id -> Id,
        client -> Nullable<Text>,
        created_at -> Timestamp,
        last_used_at -> Timestamp,
        expires_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    refresh_tokens (token_hash) {
        token_hash -> Binary,
        session_id -> Id,
        created_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    grants (id) {
        id -> Id,
        user_id -> Id,
        role -> Text,
        organisation_id -> Nullable<Id>,
        provider_id -> Nullable<Id>,
        reason -> Nullable<Text>,
        granted_by -> Nullable<Id>,
        granted_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
        ended_by -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    access_state (id) {
        id -> Integer,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    products (id) {
        id -> Id,
        owner_id -> Id,
        code -> Text,
        name -> Text,
        currency -> Text,
        created_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    product_versions (id) {
        id -> Id,
        product_id -> Id,
        number -> Integer,
        state -> Text,
        valid_from -> Nullable<Date>,
        valid_to -> Nullable<Date>,
        parameters -> Text,
        created_at -> Timestamp,
        published_at -> Nullable<Timestamp>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    households (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        number -> Text,
        section_id -> Nullable<Id>,
        area_id -> Nullable<Id>,
        class -> Text,
        phone -> Nullable<Text>,
        registered_on -> Date,
        recorded_at -> Timestamp,
        revision -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    members (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        card_number -> Text,
        legacy_number -> Nullable<Text>,
        family_name -> Text,
        given_name -> Text,
        folded_name -> Text,
        sex -> Text,
        birth_date -> Nullable<Date>,
        birth_precision -> Text,
        national_id -> Nullable<Text>,
        phone -> Nullable<Text>,
        occupation -> Nullable<Text>,
        died_on -> Nullable<Date>,
        recorded_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    memberships (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        household_id -> Id,
        member_id -> Id,
        relationship -> Text,
        from_on -> Date,
        to_on -> Nullable<Date>,
        recorded_at -> Timestamp,
        waiting_from -> Nullable<Date>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    enrolments (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        number -> Text,
        household_id -> Id,
        product_version_id -> Id,
        starts_on -> Date,
        ends_on -> Date,
        state -> Text,
        first_enrolment -> Bool,
        applied_on -> Date,
        admitted_on -> Nullable<Date>,
        ended_on -> Nullable<Date>,
        reason -> Nullable<Text>,
        waiting_from -> Nullable<Date>,
        recorded_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    cover_spans (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        household_id -> Id,
        member_id -> Id,
        enrolment_id -> Id,
        from_on -> Date,
        to_on -> Nullable<Date>,
        state -> Text,
        reason -> Text,
        waiting_from -> Nullable<Date>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    dues (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        household_id -> Id,
        enrolment_id -> Id,
        kind -> Text,
        payer -> Text,
        due_on -> Date,
        amount_minor -> BigInt,
        currency -> Text,
        issued_on -> Date,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    cash_desks (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        code -> Text,
        name -> Text,
        version -> BigInt,
        account -> Text,
        revision -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    receipts (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        series_id -> Nullable<Id>,
        number -> Nullable<BigInt>,
        label -> Text,
        issued_on -> Date,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    payments (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        household_id -> Id,
        cash_desk_id -> Nullable<Id>,
        receipt_id -> Id,
        method -> Text,
        amount_minor -> BigInt,
        currency -> Text,
        received_on -> Date,
        reference -> Nullable<Text>,
        recorded_by -> Nullable<Id>,
        posted_on -> Date,
        recorded_at -> Timestamp,
        collector_id -> Nullable<Id>,
        source_id -> Nullable<Id>,
        was_unallocated -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    reversals (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        payment_id -> Id,
        household_id -> Id,
        receipt_id -> Id,
        reason -> Text,
        reversed_on -> Date,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    allocations (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        household_id -> Id,
        payment_id -> Id,
        reversal_id -> Nullable<Id>,
        due_id -> Id,
        amount_minor -> BigInt,
        counts_on -> Date,
        revision -> BigInt,
        ordinal -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    accounts (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        book -> Text,
        code -> Text,
        kind -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    transfers (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        book -> Text,
        debit_account_id -> Id,
        credit_account_id -> Id,
        amount_minor -> BigInt,
        currency -> Text,
        event -> Text,
        command_id -> Id,
        ordinal -> Integer,
        payment_id -> Nullable<Id>,
        due_id -> Nullable<Id>,
        claim_id -> Nullable<Id>,
        settlement_id -> Nullable<Id>,
        reverses_id -> Nullable<Id>,
        posted_on -> Date,
        value_on -> Date,
        recorded_at -> Timestamp,
        source_id -> Nullable<Id>,
        cash_session_id -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    providers (id) {
        id -> Id,
        owner_id -> Id,
        code -> Text,
        name -> Text,
        level -> Text,
        sector -> Text,
        area_id -> Nullable<Id>,
        created_at -> Timestamp,
        version -> BigInt,
        care_types -> Text,
        contact_name -> Nullable<Text>,
        phone -> Nullable<Text>,
        email -> Nullable<Text>,
        address -> Nullable<Text>,
        active_to -> Nullable<Date>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    conventions (id) {
        id -> Id,
        provider_id -> Id,
        party_id -> Id,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        created_at -> Timestamp,
        categories -> Nullable<Text>,
        excluded_services -> Text,
        invoice_days -> Nullable<Integer>,
        payment_days -> Nullable<Integer>,
        advance_minor -> Nullable<BigInt>,
        currency -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    services (id) {
        id -> Id,
        owner_id -> Id,
        code -> Text,
        name -> Text,
        category -> Text,
        kind -> Text,
        created_at -> Timestamp,
        version -> BigInt,
        sex -> Nullable<Text>,
        min_age_years -> Nullable<Integer>,
        max_age_years -> Nullable<Integer>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    tariffs (id) {
        id -> Id,
        owner_id -> Id,
        provider_id -> Nullable<Id>,
        service_id -> Id,
        unit_price_minor -> BigInt,
        currency -> Text,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    diagnosis_lists (id) {
        id -> Id,
        owner_id -> Id,
        name -> Text,
        number_of_codes -> BigInt,
        loaded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    diagnosis_codes (list_id, code) {
        list_id -> Id,
        code -> Text,
        name -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    settlements (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        provider_id -> Nullable<Id>,
        number_of_claims -> BigInt,
        amount_minor -> BigInt,
        currency -> Text,
        paid_on -> Nullable<Date>,
        recorded_at -> Timestamp,
        household_id -> Nullable<Id>,
        advance_offset_minor -> BigInt,
        paid_minor -> BigInt,
        state -> Text,
        approved_on -> Date,
        reason -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    claims (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        number -> Text,
        invoice_number -> Text,
        provider_id -> Id,
        member_id -> Id,
        household_id -> Id,
        enrolment_id -> Nullable<Id>,
        mode -> Text,
        visit_type -> Text,
        service_on -> Date,
        discharged_on -> Nullable<Date>,
        submitted_on -> Date,
        diagnoses -> Text,
        other_payer_minor -> Nullable<BigInt>,
        state -> Text,
        outcome -> Text,
        claim_reason -> Nullable<Text>,
        decided_on -> Nullable<Date>,
        decided_by -> Nullable<Id>,
        decision_reason -> Nullable<Text>,
        billed_minor -> BigInt,
        mutual_minor -> BigInt,
        member_minor -> BigInt,
        provider_writeoff_minor -> BigInt,
        other_paid_minor -> BigInt,
        currency -> Text,
        inputs -> Text,
        recorded_at -> Timestamp,
        version -> BigInt,
        settled_minor -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    claim_lines (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        claim_id -> Id,
        line -> Integer,
        service_id -> Id,
        category -> Text,
        quantity -> BigInt,
        unit_price_minor -> BigInt,
        approved_quantity -> Nullable<BigInt>,
        allowed_unit_minor -> Nullable<BigInt>,
        mutual_minor -> Nullable<BigInt>,
        member_minor -> Nullable<BigInt>,
        provider_writeoff_minor -> Nullable<BigInt>,
        other_paid_minor -> Nullable<BigInt>,
        reasons -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    claim_numbers (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        provider_id -> Id,
        number -> Text,
        claim_id -> Id,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    approvals (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        kind -> Text,
        request -> Text,
        state -> Text,
        requested_by -> Id,
        requested_at -> Timestamp,
        decided_by -> Nullable<Id>,
        decided_at -> Nullable<Timestamp>,
        reason -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    area_predecessors (area_id, predecessor_id) {
        area_id -> Id,
        predecessor_id -> Id,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    household_events (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        household_id -> Id,
        other_household_id -> Nullable<Id>,
        member_id -> Nullable<Id>,
        kind -> Text,
        happened_on -> Date,
        note -> Nullable<Text>,
        reverses_id -> Nullable<Id>,
        consequences -> Text,
        recorded_on -> Date,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    residences (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        household_id -> Id,
        area_id -> Nullable<Id>,
        from_on -> Date,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    identity_documents (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        member_id -> Id,
        kind -> Text,
        number -> Text,
        issued_on -> Nullable<Date>,
        expires_on -> Nullable<Date>,
        ended_on -> Nullable<Date>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    phones (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        household_id -> Nullable<Id>,
        member_id -> Nullable<Id>,
        e164 -> Text,
        raw -> Text,
        from_on -> Date,
        ended_on -> Nullable<Date>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    consents (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        member_id -> Id,
        purpose -> Text,
        wording -> Text,
        given -> Bool,
        guardian_id -> Nullable<Id>,
        decided_on -> Date,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    external_covers (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        member_id -> Id,
        scheme -> Text,
        number -> Nullable<Text>,
        from_on -> Date,
        ended_on -> Nullable<Date>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    groups (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        code -> Text,
        name -> Text,
        kind -> Text,
        recorded_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    group_members (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        group_id -> Id,
        member_id -> Id,
        from_on -> Date,
        ended_on -> Nullable<Date>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    name_words (mutual_id, word, member_id) {
        mutual_id -> Id,
        word -> Text,
        member_id -> Id,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    enrolment_steps (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        enrolment_id -> Id,
        ordinal -> Integer,
        kind -> Text,
        decided_on -> Date,
        effective_on -> Nullable<Date>,
        reason -> Nullable<Text>,
        note -> Nullable<Text>,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    due_cancellations (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        due_id -> Id,
        household_id -> Id,
        amount_minor -> BigInt,
        cancelled_on -> Date,
        recorded_at -> Timestamp,
        kind -> Text,
        reason -> Nullable<Text>,
        payer_due_id -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    proofs (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        kind -> Text,
        household_id -> Id,
        member_id -> Id,
        ordinal -> Integer,
        token_hash -> Binary,
        kid -> Text,
        issued_on -> Date,
        expires_on -> Date,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    proof_members (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        proof_id -> Id,
        member_id -> Id,
        relationship -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    proof_revocations (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        proof_id -> Id,
        reason -> Text,
        revoked_on -> Date,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    proof_tokens (token_hash) {
        token_hash -> Binary,
        owner_id -> Id,
        expires_on -> Date,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    revoked_tokens (token_hash) {
        token_hash -> Binary,
        revoked_on -> Date,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;

    opening_usages (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        household_id -> Id,
        enrolment_id -> Id,
        member_id -> Id,
        category -> Text,
        amount_minor -> BigInt,
        quantity -> BigInt,
        recorded_on -> Date,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    money_settings (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        expense_limit_minor -> BigInt,
        commission_bp -> Integer,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    refunds (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        household_id -> Id,
        receipt_id -> Id,
        method -> Text,
        cash_desk_id -> Nullable<Id>,
        amount_minor -> BigInt,
        currency -> Text,
        reason -> Text,
        refunded_on -> Date,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    refund_parts (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        refund_id -> Id,
        household_id -> Id,
        payment_id -> Id,
        amount_minor -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    cash_sessions (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        cash_desk_id -> Id,
        number -> BigInt,
        opened_on -> Date,
        opened_by -> Nullable<Id>,
        opened_at -> Timestamp,
        opening_minor -> BigInt,
        closed_on -> Nullable<Date>,
        closed_by -> Nullable<Id>,
        closed_at -> Nullable<Timestamp>,
        expected_minor -> Nullable<BigInt>,
        counted_minor -> Nullable<BigInt>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    movements (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        kind -> Text,
        amount_minor -> BigInt,
        currency -> Text,
        holding -> Text,
        cash_desk_id -> Nullable<Id>,
        collector_id -> Nullable<Id>,
        category -> Nullable<Text>,
        description -> Text,
        counterparty -> Nullable<Text>,
        reference -> Nullable<Text>,
        moved_on -> Date,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    movement_reversals (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        movement_id -> Id,
        reason -> Text,
        reversed_on -> Date,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    remittances (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        collector_id -> Id,
        label -> Text,
        declared_minor -> BigInt,
        submitted_on -> Date,
        submitted_by -> Id,
        submitted_at -> Timestamp,
        cash_desk_id -> Nullable<Id>,
        counted_minor -> Nullable<BigInt>,
        reconciled_on -> Nullable<Date>,
        reconciled_by -> Nullable<Id>,
        reconciled_at -> Nullable<Timestamp>,
        closed_on -> Nullable<Date>,
        closed_by -> Nullable<Id>,
        note -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    webhooks (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        provider -> Text,
        secret -> Binary,
        created_by -> Nullable<Id>,
        created_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    refused_tellings (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        webhook_id -> Id,
        code -> Text,
        pointer -> Nullable<Text>,
        raw -> Text,
        received_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    mobile_events (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        provider -> Text,
        provider_txn_id -> Text,
        channel -> Text,
        amount_text -> Text,
        amount_minor -> Nullable<BigInt>,
        currency -> Text,
        account_ref -> Text,
        received_on -> Date,
        result -> Text,
        household_id -> Nullable<Id>,
        payment_id -> Nullable<Id>,
        raw -> Text,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    mobile_identities (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        provider -> Text,
        provider_txn_id -> Text,
        event_id -> Id,
        content -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    mobile_decisions (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        event_id -> Id,
        ordinal -> Integer,
        kind -> Text,
        payment_id -> Nullable<Id>,
        reason -> Nullable<Text>,
        decided_on -> Date,
        decided_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    group_collections (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        group_id -> Nullable<Id>,
        payer -> Text,
        method -> Text,
        cash_desk_id -> Nullable<Id>,
        amount_minor -> BigInt,
        currency -> Text,
        received_on -> Date,
        reference -> Nullable<Text>,
        list_version -> Integer,
        was_pending -> Bool,
        allocated_on -> Nullable<Date>,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    group_collection_items (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        collection_id -> Id,
        list_version -> Integer,
        ordinal -> Integer,
        household_id -> Id,
        amount_minor -> BigInt,
        payment_id -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    subsidy_batches (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        payer -> Text,
        label -> Text,
        until_on -> Date,
        issued_on -> Date,
        number_of_dues -> BigInt,
        amount_minor -> BigInt,
        currency -> Text,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    subsidy_items (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        batch_id -> Id,
        ordinal -> Integer,
        due_id -> Id,
        household_id -> Id,
        amount_minor -> BigInt,
        before_minor -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    subsidy_payments (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        batch_id -> Id,
        receipt_id -> Id,
        amount_minor -> BigInt,
        currency -> Text,
        received_on -> Date,
        reference -> Nullable<Text>,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    care_settings (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        appeal_days -> BigInt,
        letter_days -> BigInt,
        review_above_minor -> Nullable<BigInt>,
        second_person_above_minor -> Nullable<BigInt>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    letters (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        number -> Text,
        provider_id -> Id,
        member_id -> Id,
        household_id -> Id,
        services -> Text,
        diagnoses -> Text,
        estimated_minor -> BigInt,
        planned_on -> Date,
        note -> Nullable<Text>,
        state -> Text,
        amount_minor -> Nullable<BigInt>,
        valid_from -> Nullable<Date>,
        valid_to -> Nullable<Date>,
        currency -> Text,
        claim_id -> Nullable<Id>,
        requested_on -> Date,
        requested_by -> Nullable<Id>,
        decided_on -> Nullable<Date>,
        decided_by -> Nullable<Id>,
        reason -> Nullable<Text>,
        recorded_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    claim_links (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        resubmits_id -> Nullable<Id>,
        check_id -> Nullable<Id>,
        letter_id -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    claim_reviews (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        reason -> Text,
        note -> Nullable<Text>,
        risk -> BigInt,
        risk_facts -> Text,
        assigned_to -> Nullable<Id>,
        assigned_at -> Nullable<Timestamp>,
        since_on -> Date,
        ended_on -> Nullable<Date>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    claim_decisions (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        claim_id -> Id,
        replaced_by -> Text,
        replaced_on -> Date,
        outcome -> Text,
        claim_reason -> Nullable<Text>,
        decided_on -> Nullable<Date>,
        decided_by -> Nullable<Id>,
        decision_reason -> Nullable<Text>,
        billed_minor -> BigInt,
        mutual_minor -> BigInt,
        member_minor -> BigInt,
        provider_writeoff_minor -> BigInt,
        other_paid_minor -> BigInt,
        lines -> Text,
        inputs -> Text,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    claim_voids (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        claim_id -> Id,
        reason -> Text,
        voided_on -> Date,
        voided_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    appeals (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        claim_id -> Id,
        appellant -> Text,
        reason -> Text,
        filed_on -> Date,
        filed_by -> Nullable<Id>,
        state -> Text,
        original_minor -> BigInt,
        difference_minor -> Nullable<BigInt>,
        decided_on -> Nullable<Date>,
        decided_by -> Nullable<Id>,
        decision_reason -> Nullable<Text>,
        recorded_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    settlement_items (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        settlement_id -> Id,
        claim_id -> Id,
        amount_minor -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    settlement_payments (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        settlement_id -> Id,
        method -> Text,
        cash_desk_id -> Nullable<Id>,
        amount_minor -> BigInt,
        currency -> Text,
        reference -> Nullable<Text>,
        paid_on -> Date,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    advances (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        provider_id -> Id,
        amount_minor -> BigInt,
        currency -> Text,
        reference -> Nullable<Text>,
        paid_on -> Date,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    jobs (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        kind -> Text,
        subject_id -> Id,
        state -> Text,
        done -> BigInt,
        total -> BigInt,
        failures -> Integer,
        lease_by -> Nullable<Id>,
        lease_until -> Nullable<Timestamp>,
        result -> Nullable<Text>,
        asked_by -> Nullable<Id>,
        queued_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    invoices (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        provider_id -> Id,
        number -> Text,
        month_on -> Date,
        received_on -> Date,
        state -> Text,
        sendings -> Integer,
        certificates -> BigInt,
        currency -> Text,
        job_id -> Id,
        recorded_at -> Timestamp,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    invoice_sendings (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        invoice_id -> Id,
        ordinal -> Integer,
        sent_on -> Date,
        sent_by -> Nullable<Id>,
        by_provider -> Bool,
        number_of_rows -> BigInt,
        header -> Text,
        delimiter -> Text,
        hash -> Binary,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    invoice_claims (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        invoice_id -> Id,
        ordinal -> Integer,
        certificate -> Text,
        sending -> Integer,
        job_id -> Id,
        content -> Text,
        result -> Text,
        claim_id -> Nullable<Id>,
        faults -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    invoice_steps (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        invoice_id -> Id,
        ordinal -> Integer,
        state -> Text,
        taken_on -> Date,
        taken_by -> Nullable<Id>,
        reason -> Nullable<Text>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    devices (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        code -> Text,
        name -> Text,
        agent_id -> Id,
        state -> Text,
        code_hash -> Nullable<Binary>,
        code_expires_at -> Nullable<Timestamp>,
        public_key -> Nullable<Binary>,
        created_by -> Nullable<Id>,
        created_at -> Timestamp,
        activated_at -> Nullable<Timestamp>,
        last_seen_at -> Nullable<Timestamp>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    number_blocks (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        device_id -> Id,
        prefix -> Text,
        first_serial -> BigInt,
        last_serial -> BigInt,
        issued_on -> Date,
        expires_on -> Date,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    sync_results (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        device_id -> Id,
        hash -> Binary,
        result -> Text,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    sync_proposals (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        device_id -> Id,
        agent_id -> Id,
        operation -> Text,
        entity -> Text,
        section_id -> Nullable<Id>,
        content -> Text,
        status -> Text,
        code -> Text,
        fields -> Text,
        detail -> Nullable<Text>,
        received_at -> Timestamp,
        state -> Text,
        decided_by -> Nullable<Id>,
        decided_at -> Nullable<Timestamp>,
        note -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    held_pushes (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        device_id -> Id,
        body -> Text,
        signed_at -> Text,
        received_at -> Timestamp,
        state -> Text,
        decided_by -> Nullable<Id>,
        decided_at -> Nullable<Timestamp>,
        note -> Nullable<Text>,
        version -> BigInt,
        content_hash -> Nullable<Binary>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    field_versions (mutual_id, entity_id, field) {
        mutual_id -> Id,
        entity_id -> Id,
        field -> Text,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    feed_heads (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        epoch -> Id,
        last_number -> BigInt,
        forgotten_to -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    changes (mutual_id, number) {
        mutual_id -> Id,
        number -> BigInt,
        entity_kind -> Text,
        entity_id -> Id,
        section_before -> Nullable<Id>,
        section_after -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    match_keys (mutual_id, key, member_id) {
        mutual_id -> Id,
        key -> Text,
        member_id -> Id,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    possible_duplicates (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        member_id -> Id,
        other_id -> Id,
        score -> BigInt,
        state -> Text,
        found_at -> Timestamp,
        decided_by -> Nullable<Id>,
        decided_at -> Nullable<Timestamp>,
        note -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    fact_heads (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        month -> Date,
        generation -> BigInt,
        computed_through -> Nullable<Date>,
        definition -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    month_totals (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        month -> Date,
        figures -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    month_cuts (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        month -> Date,
        dimension -> Text,
        cells -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    month_steps (mutual_id, id) {
        mutual_id -> Id,
        id -> Id,
        month -> Date,
        ordinal -> Integer,
        kind -> Text,
        despite -> Text,
        reason -> Nullable<Text>,
        recorded_on -> Date,
        requested_by -> Nullable<Id>,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    releases (id) {
        id -> Id,
        unit_id -> Id,
        month -> Date,
        number -> BigInt,
        basis -> Text,
        source -> Text,
        as_of -> Timestamp,
        stock_on -> Date,
        currency -> Text,
        definition -> Text,
        figures -> Text,
        note -> Nullable<Text>,
        recorded_by -> Nullable<Id>,
        replaced_by -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    release_cuts (release_id, dimension) {
        release_id -> Id,
        dimension -> Text,
        cells -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    figure_settings (organisation_id) {
        organisation_id -> Id,
        due_days -> Nullable<Integer>,
        age_bands -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    target_populations (id) {
        id -> Id,
        organisation_id -> Id,
        valid_from -> Date,
        persons -> BigInt,
        households -> Nullable<BigInt>,
        source -> Text,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    exchange_rates (id) {
        id -> Id,
        organisation_id -> Id,
        valid_from -> Date,
        currency -> Text,
        amount_minor -> BigInt,
        equals_currency -> Text,
        equals_minor -> BigInt,
        source -> Text,
        recorded_by -> Nullable<Id>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::Id;
    api_keys (id) {
        id -> Id,
        organisation_id -> Id,
        name -> Text,
        secret_hash -> Binary,
        scopes -> Text,
        created_by -> Nullable<Id>,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        last_used_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
        version -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    api_keys,
    organisations,
    organisation_links,
    areas,
    area_predecessors,
    household_events,
    residences,
    identity_documents,
    phones,
    consents,
    external_covers,
    groups,
    group_members,
    name_words,
    enrolment_steps,
    due_cancellations,
    proofs,
    proof_members,
    proof_revocations,
    proof_tokens,
    revoked_tokens,
    commands,
    audit_rows,
    audit_values,
    exchange_rates,
    fact_heads,
    figure_settings,
    month_steps,
    release_cuts,
    releases,
    target_populations,
    fact_marks,
    month_cuts,
    month_totals,
    changes_pending,
    series,
    users,
    one_time_codes,
    sessions,
    refresh_tokens,
    grants,
    access_state,
    products,
    product_versions,
    households,
    members,
    memberships,
    enrolments,
    cover_spans,
    dues,
    cash_desks,
    receipts,
    payments,
    reversals,
    allocations,
    accounts,
    transfers,
    providers,
    conventions,
    services,
    tariffs,
    diagnosis_lists,
    diagnosis_codes,
    settlements,
    claims,
    claim_lines,
    claim_numbers,
    jobs,
    invoices,
    invoice_sendings,
    invoice_claims,
    invoice_steps,
    care_settings,
    letters,
    claim_links,
    claim_reviews,
    claim_decisions,
    claim_voids,
    appeals,
    settlement_items,
    settlement_payments,
    advances,
    opening_usages,
    approvals,
    money_settings,
    refunds,
    refund_parts,
    cash_sessions,
    movements,
    movement_reversals,
    remittances,
    webhooks,
    mobile_events,
    mobile_identities,
    mobile_decisions,
    group_collections,
    group_collection_items,
    subsidy_batches,
    subsidy_items,
    subsidy_payments,
    devices,
    number_blocks,
    sync_results,
    sync_proposals,
    held_pushes,
    field_versions,
    feed_heads,
    changes,
    match_keys,
    possible_duplicates,
);

diesel::allow_columns_to_appear_in_same_group_by_clause!(invoice_claims::invoice_id, claims::state);
