SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.accounts_v1_g0 (
    id text NOT NULL COLLATE pg_catalog."C",
    username text NOT NULL COLLATE pg_catalog."C",
    email text COLLATE pg_catalog."C",
    email_verified bigint NOT NULL,
    subject text NOT NULL COLLATE pg_catalog."C",
    personas text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    erased_at bigint,
    "position" bigint NOT NULL
);
CREATE TABLE public.agent_tokens_v1_g0 (
    public_id text NOT NULL COLLATE pg_catalog."C",
    company_id text NOT NULL COLLATE pg_catalog."C",
    application_id text NOT NULL COLLATE pg_catalog."C",
    founder_subject text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    secret_hash text NOT NULL COLLATE pg_catalog."C",
    scopes text NOT NULL COLLATE pg_catalog."C",
    allowed_metrics text COLLATE pg_catalog."C",
    expires_at bigint,
    created_at bigint NOT NULL,
    created_by text COLLATE pg_catalog."C",
    revoked_at bigint,
    revoked_reason text COLLATE pg_catalog."C",
    rotated_to text COLLATE pg_catalog."C",
    "position" bigint NOT NULL
);
CREATE TABLE public.alerts_v1_g0 (
    id text NOT NULL COLLATE pg_catalog."C",
    company_id text NOT NULL COLLATE pg_catalog."C",
    metric_id text NOT NULL COLLATE pg_catalog."C",
    metric_key text NOT NULL COLLATE pg_catalog."C",
    alert_type text NOT NULL COLLATE pg_catalog."C",
    severity text NOT NULL COLLATE pg_catalog."C",
    summary text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    raised_at bigint NOT NULL,
    "position" bigint NOT NULL,
    point_id text NOT NULL COLLATE pg_catalog."C",
    previous_point_id text COLLATE pg_catalog."C",
    growth double precision,
    rule_version bigint NOT NULL,
    acknowledged_at bigint,
    acknowledged_by text COLLATE pg_catalog."C",
    note text COLLATE pg_catalog."C",
    resolved_at bigint,
    resolved_by text COLLATE pg_catalog."C"
);
CREATE TABLE public.api_tokens_v1_g0 (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    secret_hash text NOT NULL COLLATE pg_catalog."C",
    expires_at bigint,
    created_at bigint NOT NULL,
    ended_at bigint,
    end_reason text COLLATE pg_catalog."C",
    "position" bigint NOT NULL
);
CREATE TABLE public.application_statuses_v1_g0 (
    "position" bigint NOT NULL,
    application_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    changed_at bigint NOT NULL,
    changed_by text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C"
);
CREATE TABLE public.applications_v1_g0 (
    id text NOT NULL COLLATE pg_catalog."C",
    company_id text NOT NULL COLLATE pg_catalog."C",
    company_name text NOT NULL COLLATE pg_catalog."C",
    company_name_folded text NOT NULL COLLATE pg_catalog."C",
    website text COLLATE pg_catalog."C",
    founder_id text NOT NULL COLLATE pg_catalog."C",
    founder_name text NOT NULL COLLATE pg_catalog."C",
    founder_email text NOT NULL COLLATE pg_catalog."C",
    founder_email_verified bigint NOT NULL,
    founder_subject text NOT NULL COLLATE pg_catalog."C",
    narrative text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    submitted_at bigint NOT NULL,
    "position" bigint NOT NULL
);
CREATE TABLE public.applied_migrations (
    namespace text NOT NULL,
    name text NOT NULL,
    sequence bigint NOT NULL,
    applied_at bigint NOT NULL
);
CREATE TABLE public.audit_labels_v1_g0 (
    label_key text NOT NULL COLLATE pg_catalog."C",
    email text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.audit_log_v2_g0 (
    seq bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    event_type text NOT NULL COLLATE pg_catalog."C",
    outcome text NOT NULL COLLATE pg_catalog."C",
    actor_id text COLLATE pg_catalog."C",
    account_id text COLLATE pg_catalog."C",
    target_account_id text COLLATE pg_catalog."C",
    target_actor_id text COLLATE pg_catalog."C",
    client text COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    metadata text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.audit_offers_v2_g0 (
    id text NOT NULL COLLATE pg_catalog."C",
    grantor text NOT NULL COLLATE pg_catalog."C",
    grantor_account text NOT NULL COLLATE pg_catalog."C",
    to_persona text COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    scope_id text COLLATE pg_catalog."C"
);
CREATE TABLE public.audit_v1_g0 (
    seq bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    recorded_at bigint NOT NULL,
    company_id text COLLATE pg_catalog."C",
    resource_type text NOT NULL COLLATE pg_catalog."C",
    resource_id text COLLATE pg_catalog."C",
    actor_kind text NOT NULL COLLATE pg_catalog."C",
    actor_label text NOT NULL COLLATE pg_catalog."C",
    actor_sealed bigint NOT NULL,
    account_id text COLLATE pg_catalog."C",
    persona_id text COLLATE pg_catalog."C",
    credential text COLLATE pg_catalog."C",
    credential_id text COLLATE pg_catalog."C",
    client text COLLATE pg_catalog."C",
    correlation text NOT NULL COLLATE pg_catalog."C",
    causation bigint,
    surface text NOT NULL COLLATE pg_catalog."C",
    command text NOT NULL COLLATE pg_catalog."C",
    metadata text NOT NULL COLLATE pg_catalog."C",
    label_key text COLLATE pg_catalog."C",
    coalesced text COLLATE pg_catalog."C",
    occurrences bigint NOT NULL
);
CREATE TABLE public.claims (
    scope text NOT NULL,
    digest bytea NOT NULL,
    owner_kind text NOT NULL,
    owner_id text NOT NULL,
    subject text,
    "position" bigint NOT NULL
);
CREATE TABLE public.events (
    "position" bigint NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    sequence bigint NOT NULL,
    event_type text NOT NULL,
    event_version text NOT NULL,
    payload json NOT NULL,
    metadata json NOT NULL,
    recorded_at bigint NOT NULL,
    hash bytea NOT NULL,
    dedupe_key bytea,
    stream bigint
);
CREATE TABLE public.invites_v1_g0 (
    id text NOT NULL COLLATE pg_catalog."C",
    email text COLLATE pg_catalog."C",
    username text COLLATE pg_catalog."C",
    claimed_by text COLLATE pg_catalog."C",
    claimed_at bigint,
    created_by text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    deleted_at bigint,
    "position" bigint NOT NULL
);
CREATE TABLE public.journal_epochs (
    epoch bigint NOT NULL,
    after_position bigint NOT NULL,
    started_at bigint NOT NULL
);
CREATE TABLE public.journal_head (
    singleton bigint NOT NULL,
    "position" bigint NOT NULL,
    hash bytea NOT NULL,
    recorded_at bigint NOT NULL,
    installation text NOT NULL,
    epoch bigint NOT NULL,
    CONSTRAINT journal_head_singleton_check CHECK ((singleton = 1))
)
WITH (fillfactor='50', autovacuum_vacuum_threshold='500', autovacuum_vacuum_scale_factor='0');
CREATE TABLE public.last_used_v1 (
    credential_id text NOT NULL COLLATE pg_catalog."C",
    used_at bigint NOT NULL,
    client text
);
CREATE TABLE public.metrics_v1_g0 (
    id text NOT NULL COLLATE pg_catalog."C",
    company_id text NOT NULL COLLATE pg_catalog."C",
    application_id text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    display_name text NOT NULL COLLATE pg_catalog."C",
    unit text NOT NULL COLLATE pg_catalog."C",
    cadence text NOT NULL COLLATE pg_catalog."C",
    direction text NOT NULL COLLATE pg_catalog."C",
    source_type text NOT NULL COLLATE pg_catalog."C",
    verification_level text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    "position" bigint NOT NULL,
    points_count bigint NOT NULL,
    last_point_at bigint,
    latest_point_id text COLLATE pg_catalog."C",
    latest_instant bigint,
    latest_position bigint,
    latest_value double precision,
    latest_timestamp text COLLATE pg_catalog."C",
    late_tolerance double precision,
    late_raised_point text COLLATE pg_catalog."C",
    late_due_at bigint
);
CREATE TABLE public.offers_v1_g0 (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    grantor text NOT NULL COLLATE pg_catalog."C",
    grantor_account text NOT NULL COLLATE pg_catalog."C",
    to_persona text COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    scope_kind text COLLATE pg_catalog."C",
    scope_id text COLLATE pg_catalog."C",
    message text COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    accepted_at bigint,
    declined_at bigint,
    decline_reason text COLLATE pg_catalog."C",
    retracted_at bigint,
    superseded_at bigint,
    resulting_grant text COLLATE pg_catalog."C",
    is_open bigint NOT NULL,
    lapse_noted bigint,
    "position" bigint NOT NULL
);
CREATE TABLE public.outbox (
    id text NOT NULL,
    "position" bigint NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    attempts bigint DEFAULT 0 NOT NULL,
    next_attempt_at bigint DEFAULT 0 NOT NULL,
    last_error text
);
CREATE TABLE public.persona_scopes_v1_g0 (
    grant_id text NOT NULL COLLATE pg_catalog."C",
    persona_id text NOT NULL COLLATE pg_catalog."C",
    scope_id text NOT NULL COLLATE pg_catalog."C",
    expires_at bigint
);
CREATE TABLE public.personas_v1_g0 (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    name_folded text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    "position" bigint NOT NULL
);
CREATE TABLE public.point_corrections_v1_g0 (
    "position" bigint NOT NULL,
    point_id text NOT NULL COLLATE pg_catalog."C",
    value double precision NOT NULL,
    reason text COLLATE pg_catalog."C",
    corrected_at bigint NOT NULL
);
CREATE TABLE public.points_v1_g0 (
    "position" bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    metric_id text NOT NULL COLLATE pg_catalog."C",
    instant bigint NOT NULL,
    timestamp_text text NOT NULL COLLATE pg_catalog."C",
    value double precision NOT NULL,
    original_value double precision,
    source text NOT NULL COLLATE pg_catalog."C",
    confidence double precision NOT NULL,
    raw_event_id text COLLATE pg_catalog."C",
    idempotency_key text NOT NULL COLLATE pg_catalog."C",
    recorded_at bigint NOT NULL,
    corrected_at bigint
);
CREATE TABLE public.read_active_v1 (
    name text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    generation bigint NOT NULL
);
CREATE TABLE public.read_checkpoints_v1 (
    name text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    generation bigint NOT NULL,
    purpose text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    record text NOT NULL COLLATE pg_catalog."C",
    failed_position bigint,
    failed_type text,
    failed_reason text
);
CREATE TABLE public.read_subscriptions_v1 (
    name text NOT NULL,
    record text NOT NULL,
    "position" bigint NOT NULL
);
CREATE TABLE public.request_windows_v1 (
    key text NOT NULL,
    counted text NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE public.rules_v1_g0 (
    metric_id text NOT NULL COLLATE pg_catalog."C",
    rule_type text NOT NULL COLLATE pg_catalog."C",
    rule text NOT NULL COLLATE pg_catalog."C",
    set_at bigint NOT NULL,
    set_by text COLLATE pg_catalog."C",
    "position" bigint NOT NULL
);
CREATE TABLE public.sessions_v1_g0 (
    public_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    secret_hash text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    ended_at bigint,
    end_reason text COLLATE pg_catalog."C",
    "position" bigint NOT NULL
);
CREATE TABLE public.snapshots (
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    sequence bigint NOT NULL,
    "position" bigint NOT NULL,
    state_schema bigint NOT NULL,
    state text NOT NULL,
    taken_at bigint NOT NULL
);
CREATE TABLE public.streams (
    number bigint NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL
);
CREATE VIEW public.stream_events AS
 SELECT streams.aggregate_type,
    streams.aggregate_id,
    events.sequence,
    events.event_type,
    events.event_version,
    events.payload,
    events.metadata,
    events."position"
   FROM (public.streams
     JOIN public.events ON ((events.stream = streams.number)));
CREATE TABLE public.subject_keys (
    subject text NOT NULL,
    wrapped_key bytea NOT NULL,
    alias_digest bytea,
    created_at bigint NOT NULL
);
CREATE TABLE public.token_applications_v1_g0 (
    application_id text NOT NULL COLLATE pg_catalog."C",
    founder_subject text NOT NULL COLLATE pg_catalog."C"
);
INSERT INTO public.accounts_v1_g0 VALUES
	('c014e230-be98-4038-94e8-e893d6345d90', 'keeper', NULL, 0, 'subject_bZfMAxr4ZeW4CzQWwYgX2g', '["4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098"]', 1795322776350568, 1795322776350568, NULL, 2),
	('a19947c8-3b6c-431f-9e02-0cb23e9270c8', 'founder-g3ffepzy6t', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|account/a19947c8-3b6c-431f-9e02-0cb23e9270c8/email|WZv_00aTYy-7lKkkhVhICAJXa9prvaxX309b1U_L2oB6K7Ve55d69HSNKQZ2H7V58bqn-Fd47w', 1, 'subject_5Rtx1zq496JYrNP1y6XLXw', '["550fc441-f92b-40b9-9369-91e903d82343"]', 1795322776417864, 1795322776417864, NULL, 11),
	('580a9022-ae34-4711-9a92-10450e0d6bce', 'ben', 'v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|account/580a9022-ae34-4711-9a92-10450e0d6bce/email|AqhKfyq8PZgHZjaXDAFkXEZ9iQoT5iMidvruSWvQyRnc_tdufBiLZPgYXpgat2d3QJAwu34Si9U', 0, 'subject_wHD3vAwMQ0-c22fNoPOsbQ', '["1bf2d144-eef1-43e3-b20b-ab4086b80f04"]', 1795322776947811, 1795322776947811, NULL, 53),
	('d2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 'cid', 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|account/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/email|B0GjLmU2Jw2_vk8evldvktxzK41Ux1VghZ6grKPw2ysnHzg4HjPLOrF740693FAzjVvX1_gp1eg', 0, 'subject_E1bgY4X7_x5coVM9wA8PBw', '["699fb97b-b883-40a9-ac3e-471a666eb72e"]', 1795322777081870, 1795322777359769, NULL, 58),
	('13888d58-3220-48dc-85b2-b06968ce507e', '', 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|account/13888d58-3220-48dc-85b2-b06968ce507e/email|e2sTre_8rpuFWhNSUL16H3k-M8Jxk_i6ZnGGJ72ljdgEOp1JT5Cb__kvZwVvyqvq_ZGjZMJa3lM', 1, 'subject_-Xp_he1h8emcmhUP7SNczQ', '["50138349-22dc-4ac3-8387-fdebe5ba8eba"]', 1795322776490991, 1795322777765163, 1795322777765163, 17),
	('564e1064-9f7f-4a88-81e7-95b4b28e8e89', '', 'v1|subject_RhmE4FdcXp49473kJjllzQ|account/564e1064-9f7f-4a88-81e7-95b4b28e8e89/email|LOrSWhWxU6W_3IRsF3Y13m3zr4JBzdXecRzw5p7dUU1woicQvPidAWL2L4mEuBb9O163sCES5yY', 0, 'subject_RhmE4FdcXp49473kJjllzQ', '["41f27e6e-ed9e-4899-8c44-2b59d1f617a1"]', 1795322777203891, 1795322778103862, 1795322778103862, 63);
INSERT INTO public.agent_tokens_v1_g0 VALUES
	('97c3b307d38b9194c7', 'co_cCzpSzjD7pBUDiZi', 'app_ehYTqbhbBFlCo2dn', 'subject_5Rtx1zq496JYrNP1y6XLXw', 'default-agent-token', '5d15da07d0438236536028b68366c08366f69514d3b8b2b8c27bc419c3eeafd5', '["application:read","metrics:create","metrics:write"]', NULL, NULL, 1795322776516300, NULL, NULL, NULL, NULL, 22),
	('408da6d0536451402c', 'co_cCzpSzjD7pBUDiZi', 'app_ehYTqbhbBFlCo2dn', 'subject_5Rtx1zq496JYrNP1y6XLXw', 'narrow', '5b18604101cbc9660c30543fd3682914815c8dbe61c5257ef490be3b249bf709', '["metrics:write"]', '["arr"]', NULL, 1795322776742012, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, NULL, NULL, 46),
	('fc0fa5a51fb5131461', 'co_cCzpSzjD7pBUDiZi', 'app_ehYTqbhbBFlCo2dn', 'subject_5Rtx1zq496JYrNP1y6XLXw', 'ended', '20a372b7db69bb3da3fc4f9da9ee9791837aa5337d4a44d950bae877eedcfb7b', '["application:read"]', NULL, NULL, 1795322776757607, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 1795322776770492, NULL, NULL, 47),
	('d1ef8c6ee85ae0cbd5', 'co_fGMNrn0LXU6mIrJK', 'app_LfQ7pUp3sLRkCo48', 'subject_-Xp_he1h8emcmhUP7SNczQ', 'default-agent-token', 'bff3a30a3359dce5782238eb1f90ad4e0724aecf1ddfa85b76edb895236f2346', '["application:read","metrics:create","metrics:write"]', NULL, NULL, 1795322776542320, NULL, 1795322777765163, 'account_erased', NULL, 25);
INSERT INTO public.alerts_v1_g0 VALUES
	('alert_rUHS-SXI0Sco1Ofe', 'co_cCzpSzjD7pBUDiZi', 'metric_X27sfHH7FHPCYxYO', 'temp', 'above', 'low', 'Temp is above 31 at 33.5.', 'open', 1795322776656909, 38, 'point_uZUFaKsWx_cZB30Z', NULL, NULL, 2, NULL, NULL, NULL, NULL, NULL),
	('alert_1ILPz0ekYS41tyx0', 'co_cCzpSzjD7pBUDiZi', 'metric_X27sfHH7FHPCYxYO', 'temp', 'drop', 'medium', 'Temp fell 64% from 33.5 to 12.', 'open', 1795322776657664, 39, 'point_Vkv7L_5RijhpECEh', 'point_uZUFaKsWx_cZB30Z', -0.6417910447761194, 1, NULL, NULL, NULL, NULL, NULL),
	('alert_rnA288-ZnZ8p9AiZ', 'co_cCzpSzjD7pBUDiZi', 'metric_X27sfHH7FHPCYxYO', 'temp', 'above', 'low', 'Temp is above 31 at 31.5.', 'acknowledged', 1795322776657703, 41, 'point_E3aAOsKg_cHn4hye', NULL, NULL, 2, 1795322776805365, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 'seen', NULL, NULL),
	('alert_rOsvIyJ-blgk7fVf', 'co_cCzpSzjD7pBUDiZi', 'metric_X27sfHH7FHPCYxYO', 'temp', 'growth_spike', 'high', 'Temp increased 163% from 12 to 31.5.', 'resolved', 1795322776657703, 40, 'point_E3aAOsKg_cHn4hye', 'point_Vkv7L_5RijhpECEh', 1.625, 1, NULL, NULL, 'done', 1795322776834765, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8');
INSERT INTO public.api_tokens_v1_g0 VALUES
	('tok_buNwx5LaVY3Q', '580a9022-ae34-4711-9a92-10450e0d6bce', 'cron', '43fd6a8759137d93886d011c81a546040aaa9ecc2e4c24819b5266048b55a392', NULL, 1795322777427623, NULL, NULL, 84);
INSERT INTO public.application_statuses_v1_g0 VALUES
	(21, 'app_ehYTqbhbBFlCo2dn', 'submitted', 1795322776516300, NULL, NULL),
	(24, 'app_LfQ7pUp3sLRkCo48', 'submitted', 1795322776542320, NULL, NULL);
INSERT INTO public.applications_v1_g0 VALUES
	('app_ehYTqbhbBFlCo2dn', 'co_cCzpSzjD7pBUDiZi', 'Keeling Labs', 'keeling labs', NULL, 'founder_lUdSC1Iqn1m1dtiQ', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|application/app_ehYTqbhbBFlCo2dn/founder_name|_5yxSepnZCnolAn-GfOjg7YnQ55D41Ed8cioo_i2emgtbJ_rj7BoyvT5JKKTf8ioZhLH6RyhbKKBN0z_KkrE', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|application/app_ehYTqbhbBFlCo2dn/founder_email|WUiRoxdcOcJc1QuDg1jAFwATMdV1eoFuJ-P-r-3fffnI2Qai0xDjojvs_yPQ-qSY--VTy_KoWw', 1, 'subject_5Rtx1zq496JYrNP1y6XLXw', '"v1|subject_5Rtx1zq496JYrNP1y6XLXw|application/app_ehYTqbhbBFlCo2dn/narrative|25Y5dFrWUM9t5e5m81gOqvNFCI-CzHJ7z4dF6AA7lnbXhLKh4PmmaI99C5BVoistcRyeMTslzptqmGGSncqvkuNg9aSi"', 'submitted', 1795322776516300, 21),
	('app_LfQ7pUp3sLRkCo48', 'co_fGMNrn0LXU6mIrJK', 'Gone Ltd', 'gone ltd', NULL, 'founder_CNizs11-e9tdlQnI', 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|application/app_LfQ7pUp3sLRkCo48/founder_name|f7yVRyta5nkxZ1BEI7SQcn39327ye17SbR2KNepzskn_vKYDS7Vkuzn0MQtss3fFhtVK3KAcVySOsj0', 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|application/app_LfQ7pUp3sLRkCo48/founder_email|5Zuw0Cq_0dMBZ_2KMQCqOgbf0uTYqpl50S-eEgIcsibWeo4e2r7V8-bOpESRjKl5mVu-tXIYY_U', 1, 'subject_-Xp_he1h8emcmhUP7SNczQ', '"v1|subject_-Xp_he1h8emcmhUP7SNczQ|application/app_LfQ7pUp3sLRkCo48/narrative|4UkDlKOhxUGkdx9aHvbbN9oRbid5_2FFufumvcSS3KVHE2lybSxhIXLMuNv3xZPxmC7riWvqLcThPfjAqmo7mG2vMa29"', 'submitted', 1795322776542320, 24);
INSERT INTO public.applied_migrations VALUES
	('muniment.journal', '0001_events', 1, 1795322775213179),
	('muniment.journal', '0002_streams', 2, 1795322775213179);
INSERT INTO public.audit_labels_v1_g0 VALUES
	('account/a19947c8-3b6c-431f-9e02-0cb23e9270c8', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|account/a19947c8-3b6c-431f-9e02-0cb23e9270c8/email|WZv_00aTYy-7lKkkhVhICAJXa9prvaxX309b1U_L2oB6K7Ve55d69HSNKQZ2H7V58bqn-Fd47w'),
	('account/13888d58-3220-48dc-85b2-b06968ce507e', 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|account/13888d58-3220-48dc-85b2-b06968ce507e/email|e2sTre_8rpuFWhNSUL16H3k-M8Jxk_i6ZnGGJ72ljdgEOp1JT5Cb__kvZwVvyqvq_ZGjZMJa3lM'),
	('application/app_ehYTqbhbBFlCo2dn', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|application/app_ehYTqbhbBFlCo2dn/founder_email|WUiRoxdcOcJc1QuDg1jAFwATMdV1eoFuJ-P-r-3fffnI2Qai0xDjojvs_yPQ-qSY--VTy_KoWw'),
	('application/app_LfQ7pUp3sLRkCo48', 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|application/app_LfQ7pUp3sLRkCo48/founder_email|5Zuw0Cq_0dMBZ_2KMQCqOgbf0uTYqpl50S-eEgIcsibWeo4e2r7V8-bOpESRjKl5mVu-tXIYY_U'),
	('account/580a9022-ae34-4711-9a92-10450e0d6bce', 'v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|account/580a9022-ae34-4711-9a92-10450e0d6bce/email|AqhKfyq8PZgHZjaXDAFkXEZ9iQoT5iMidvruSWvQyRnc_tdufBiLZPgYXpgat2d3QJAwu34Si9U'),
	('account/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|account/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/email|B0GjLmU2Jw2_vk8evldvktxzK41Ux1VghZ6grKPw2ysnHzg4HjPLOrF740693FAzjVvX1_gp1eg'),
	('account/564e1064-9f7f-4a88-81e7-95b4b28e8e89', 'v1|subject_RhmE4FdcXp49473kJjllzQ|account/564e1064-9f7f-4a88-81e7-95b4b28e8e89/email|LOrSWhWxU6W_3IRsF3Y13m3zr4JBzdXecRzw5p7dUU1woicQvPidAWL2L4mEuBb9O163sCES5yY');
INSERT INTO public.audit_log_v2_g0 VALUES
	(2, '8dc3ea2d-e5f6-8b36-a0be-592fff1d57d4', 'bootstrap', 'success', NULL, 'c014e230-be98-4038-94e8-e893d6345d90', NULL, NULL, 'v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1978b9fe-40ae-4094-8fbd-fa43b0787beb/client|1NCXGdLvwonlIc9tlNGjEKnEVZaYQWRxFF0-4Wmr7yximsFWyJrpUfUSf8TAXgCRXg', 1795322776353494, 'null'),
	(3, '80fa83dd-f21f-823f-880d-198430decb37', 'role_grant_create', 'success', NULL, 'c014e230-be98-4038-94e8-e893d6345d90', 'c014e230-be98-4038-94e8-e893d6345d90', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1978b9fe-40ae-4094-8fbd-fa43b0787beb/client|1NCXGdLvwonlIc9tlNGjEKnEVZaYQWRxFF0-4Wmr7yximsFWyJrpUfUSf8TAXgCRXg', 1795322776353494, '{"role":"keeper","role_grant_id":"a3d0c04e-01e7-4e2d-bf3c-dba7ab4d23e1","scope_id":null}'),
	(5, 'ed08c488-e1ee-8e71-8f49-ef4485954849', 'role_grant_create', 'success', NULL, 'c014e230-be98-4038-94e8-e893d6345d90', 'c014e230-be98-4038-94e8-e893d6345d90', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1978b9fe-40ae-4094-8fbd-fa43b0787beb/client|1NCXGdLvwonlIc9tlNGjEKnEVZaYQWRxFF0-4Wmr7yximsFWyJrpUfUSf8TAXgCRXg', 1795322776353494, '{"role":"admin","role_grant_id":"853f901d-29a0-4345-909c-8de8cbf429cc","scope_id":null}'),
	(11, '97958234-0d86-8c19-847c-0d0e548ff672', 'account_create', 'success', NULL, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, NULL, 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/6737ecbe-740b-426c-89f8-388fb2ba7611/client|a0KvW3aI3DkbVVhwPEN9n5cfzH21204PE53Blx9ch-8dyQ7bHOWExBB3AXW72LtBMw', 1795322776421435, '{"username":"founder-g3ffepzy6t","via":"email_code"}'),
	(12, 'e0ea1dac-dae5-831e-8955-d2e934456053', 'email_verify', 'success', NULL, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, NULL, 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/6737ecbe-740b-426c-89f8-388fb2ba7611/client|a0KvW3aI3DkbVVhwPEN9n5cfzH21204PE53Blx9ch-8dyQ7bHOWExBB3AXW72LtBMw', 1795322776421435, 'null'),
	(18, 'd6cf6f1c-fcdb-8e76-9cb7-f3777438b96a', 'email_verify', 'success', NULL, '13888d58-3220-48dc-85b2-b06968ce507e', NULL, NULL, 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/8f7ae93d-ead0-4eb3-b026-29b542c12fc8/client|B9FIrZt3s3kfV3ZNbxPwwzVOAzUcB77ZTLnEDlCasRknNWL1s_3S5C4vMeB_fEQdYg', 1795322776498140, 'null'),
	(51, '318df887-4341-8463-9755-4c8217899277', 'invite_create', 'success', NULL, 'c014e230-be98-4038-94e8-e893d6345d90', NULL, NULL, 'v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/d351eda5-f876-47c1-a1e1-cb9373c19259/client|X1W1CdZO1I4d-1vCHGrxfuBqL_-WCMX2L_QPW0M4ax_Tl8sH8oA_WKmAe5UYX5e6yg', 1795322776854472, '{"email":null,"invite_id":"ec52a8d3-d86e-4e34-afc3-29806c7401af","username":"ben"}'),
	(53, '89654b10-2768-85be-9cdc-f2e6688d5980', 'signup', 'success', NULL, '580a9022-ae34-4711-9a92-10450e0d6bce', NULL, NULL, 'v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/3e724f7f-f23e-4b48-9032-33a7be354d94/client|lBvaVlrMUUQo-eLzhVYrKrs34Ies0YJopFnMsdzGOkXG_1xcYUKxSUuXkTa-zRm7Sg', 1795322776948599, '{"invite_id":"ec52a8d3-d86e-4e34-afc3-29806c7401af","username":"ben"}'),
	(56, '224a1e54-0841-8a42-969a-4ef2e41bf7f6', 'invite_create', 'success', NULL, 'c014e230-be98-4038-94e8-e893d6345d90', NULL, NULL, 'v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/197b4c28-cbc4-49fe-a262-3c6179b5fc22/client|Tg-yDfi3Bw_xH0FzUcZ7tmiMMOEPQEYrTLL_iELoawHBLsl9XgWNfMzZrS8-o8bx5A', 1795322776983329, '{"email":null,"invite_id":"1db191f2-9805-4012-8591-18907dd4d372","username":"cid"}'),
	(58, 'e195be3d-2c2a-8ea2-b75b-adc4cbc0a5b3', 'signup', 'success', NULL, 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', NULL, NULL, 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/e960f2e7-2025-46ec-87e4-6cf567f40957/client|2v3yuaQZ9jNinvyWhg1gvSRsLoPXW_EP3vQtZ778Jt1KawchzvY8uZnoc6060fzVyA', 1795322777082535, '{"invite_id":"1db191f2-9805-4012-8591-18907dd4d372","username":"cid"}'),
	(66, '225d17cd-d08a-8477-8ca5-56d6b20eee29', 'role_grant_offer_create', 'success', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', '580a9022-ae34-4711-9a92-10450e0d6bce', NULL, 'v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/6d7cfb61-9b49-4acb-80f7-247485891c13/client|NBXrtmvAi-3_vqvaHUK4jWBmQVCNYq5iIj_uIskAkqtodgHidXGP9ZrdL_z60WKb4w', 1795322777245807, '{"offer_id":"dbcfc1a2-9746-473f-b6dc-3c18c325e643","role":"admin","scope_id":null,"to_account_id":"580a9022-ae34-4711-9a92-10450e0d6bce"}'),
	(67, '57282ce3-d3e4-80d5-975e-d9ddb40ddf0e', 'role_grant_offer_accept', 'success', '1bf2d144-eef1-43e3-b20b-ab4086b80f04', '580a9022-ae34-4711-9a92-10450e0d6bce', '580a9022-ae34-4711-9a92-10450e0d6bce', '1bf2d144-eef1-43e3-b20b-ab4086b80f04', 'v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/91b827cc-38cc-4d32-9d6d-20d4ab7fc044/client|hgmGWTZ9w6qK0X_kdr-A0wXSbUBcPASsSRHKHkh0MCdEgZ9tgoMDEqwH9mXD97QtBg', 1795322777253767, '{"offer_id":"dbcfc1a2-9746-473f-b6dc-3c18c325e643","role":"admin","role_grant_id":"a8cdbc09-596d-4358-b6c2-474b4c2e0bc7","scope_id":null}'),
	(68, 'e1df2de5-1731-8a20-a831-a29598fb0448', 'role_grant_create', 'success', '1bf2d144-eef1-43e3-b20b-ab4086b80f04', '580a9022-ae34-4711-9a92-10450e0d6bce', '580a9022-ae34-4711-9a92-10450e0d6bce', '1bf2d144-eef1-43e3-b20b-ab4086b80f04', 'v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/91b827cc-38cc-4d32-9d6d-20d4ab7fc044/client|hgmGWTZ9w6qK0X_kdr-A0wXSbUBcPASsSRHKHkh0MCdEgZ9tgoMDEqwH9mXD97QtBg', 1795322777253767, '{"role":"admin","role_grant_id":"a8cdbc09-596d-4358-b6c2-474b4c2e0bc7","scope_id":null,"source_offer_id":"dbcfc1a2-9746-473f-b6dc-3c18c325e643"}'),
	(70, 'a743657e-ba1f-8e60-a3bc-b3a0807d1e9a', 'role_grant_offer_create', 'success', '1bf2d144-eef1-43e3-b20b-ab4086b80f04', '580a9022-ae34-4711-9a92-10450e0d6bce', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', NULL, 'v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/2c1ef2ad-2f76-4064-b41f-479d3893708a/client|DnaHohzdNdGBuihW7EOOvZqD-hnANaqtAe4mL2MalJU5ZqNbXfvvzz8V0L7whmm2mw', 1795322777262587, '{"offer_id":"760e1729-c4c7-474f-9177-aa51d345fb84","role":"student","scope_id":null,"to_account_id":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce"}'),
	(71, 'd4a756c8-cf3f-8ae0-a8a6-e34decd6d702', 'role_grant_offer_accept', 'success', '699fb97b-b883-40a9-ac3e-471a666eb72e', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', '699fb97b-b883-40a9-ac3e-471a666eb72e', 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/42c0bbb5-a1fd-4f34-bf72-568290b7661a/client|-x7C0v2OG3n-1o7DyzVpkUEk2Y3aRgQEny0k28fyPKI_PAhtn-5vamZ4Xa6z4Oip1w', 1795322777274085, '{"offer_id":"760e1729-c4c7-474f-9177-aa51d345fb84","role":"student","role_grant_id":"8443e7ea-b399-4dc2-b996-41ba7c9af08f","scope_id":null}'),
	(82, '8d344f22-4ee7-8aa8-b79a-fe62df680564', 'actor_create', 'success', NULL, 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', NULL, NULL, 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/58a457ae-3e82-40b4-93a6-8357cdf55745/client|OfEe--AEuCYrIRb678IVuGxXcOUrq21nzAmCJci1WcAYT1j-BrcE6FnHBV64mkO9kA', 1795322777360008, '{"actor_id":"0325e914-27f3-44c3-821e-a1927113b0b4","name":"Second"}'),
	(72, '4ea47ecd-2689-8449-9bb7-335b42bc705e', 'role_grant_create', 'success', '699fb97b-b883-40a9-ac3e-471a666eb72e', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', '699fb97b-b883-40a9-ac3e-471a666eb72e', 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/42c0bbb5-a1fd-4f34-bf72-568290b7661a/client|-x7C0v2OG3n-1o7DyzVpkUEk2Y3aRgQEny0k28fyPKI_PAhtn-5vamZ4Xa6z4Oip1w', 1795322777274085, '{"role":"student","role_grant_id":"8443e7ea-b399-4dc2-b996-41ba7c9af08f","scope_id":null,"source_offer_id":"760e1729-c4c7-474f-9177-aa51d345fb84"}'),
	(83, '737055aa-c37f-813a-bcb1-5016b1eae535', 'invite_create', 'success', NULL, 'c014e230-be98-4038-94e8-e893d6345d90', NULL, NULL, 'v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/f3078b8a-24af-4912-8bb7-9735fe28baa4/client|wkM70cMC9lvqb6R7SgtbPAxAE270YA9PG8gMP4-f6kQd_VU-9XzLC5mSyeB4_-mwOQ', 1795322777417312, '{"email":{"$sealed":"v1|subject_wi3FtTbk0UrwHGJbeAJtUg|invite/0e35a05e-8bbc-4e84-8992-b8eee34c204b/email|RJ5nidQ1B7fGCNxWdpvnEs7_OW577Ku9S_YBjNJEXHxg_sY9VqzDPoV5rzV12U3P0Gq1XWOuIH0FcN0"},"invite_id":"0e35a05e-8bbc-4e84-8992-b8eee34c204b","username":null}'),
	(73, '1d02c621-3454-8202-a12c-b3ab0c2692f2', 'role_grant_offer_create', 'success', '1bf2d144-eef1-43e3-b20b-ab4086b80f04', '580a9022-ae34-4711-9a92-10450e0d6bce', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', NULL, 'v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/87d926b6-300d-4204-ac61-ff604d0dd071/client|Wd9YLaZ1ojKagwu1yR5Vuub2dXi0KS8WSbKVzcWgVP83Scgb22hce-PJDuc15iRNtw', 1795322777293533, '{"offer_id":"9b404b16-a27c-42cd-bffa-c569222d871f","role":"teacher","scope_id":null,"to_account_id":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce"}'),
	(74, 'e696b5ec-a94a-87e5-9f89-9fd2680c7994', 'role_grant_offer_accept', 'success', '699fb97b-b883-40a9-ac3e-471a666eb72e', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', '699fb97b-b883-40a9-ac3e-471a666eb72e', 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/85c03a19-b472-45c7-9c34-ad69093b47fd/client|tiHkgLBqhc1wNelFu9HmNwyw0S15qkId6Fz_4yMC6zxuGsI3ISY_38mO4q60Jk1xyQ', 1795322777306474, '{"offer_id":"9b404b16-a27c-42cd-bffa-c569222d871f","role":"teacher","role_grant_id":"d56cea06-b8d4-4025-acbb-0d87976c6399","scope_id":null}'),
	(75, 'd6f8087d-5cb7-8555-ba03-41387577dcab', 'role_grant_create', 'success', '699fb97b-b883-40a9-ac3e-471a666eb72e', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', '699fb97b-b883-40a9-ac3e-471a666eb72e', 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/85c03a19-b472-45c7-9c34-ad69093b47fd/client|tiHkgLBqhc1wNelFu9HmNwyw0S15qkId6Fz_4yMC6zxuGsI3ISY_38mO4q60Jk1xyQ', 1795322777306474, '{"role":"teacher","role_grant_id":"d56cea06-b8d4-4025-acbb-0d87976c6399","scope_id":null,"source_offer_id":"9b404b16-a27c-42cd-bffa-c569222d871f"}'),
	(76, 'a2654229-fb1c-836f-af98-4a1040b3b413', 'role_grant_offer_create', 'success', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', NULL, 'v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1be7e432-9093-4b22-afb0-586e9efc852a/client|pmAG1AmPFwErEAq4XEMrHNb1qTfxvOKf4tkTFX8jsaJVH3XJTh973wSBqRw_yE49Dw', 1795322777319600, '{"offer_id":"f78e75ce-7ef9-47bb-8f54-59da62b73642","role":"teacher","scope_id":null,"to_account_id":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce"}'),
	(77, '4ffd216f-9932-885b-b75f-0c4181f3be4e', 'role_grant_offer_decline', 'success', '699fb97b-b883-40a9-ac3e-471a666eb72e', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 'c014e230-be98-4038-94e8-e893d6345d90', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/8c5c7f48-19fc-4073-8ec5-051daa28b9c5/client|_fG4MHyIYg2fymTxoBJZtc1TbdyZ2d6ngz_RcLHoFKvq1MhzUzMg9EnucryvAN8s8A', 1795322777328229, '{"offer_id":"f78e75ce-7ef9-47bb-8f54-59da62b73642","reason":{"$sealed":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|offer/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/f78e75ce-7ef9-47bb-8f54-59da62b73642/decline_reason|ZOlwFazSxuan7O8ZmsdkWR_0VFp8YsjA95VSk4_pz_Jd0Afofb2UPDGayBGgpDA"},"role":"teacher","scope_id":null}'),
	(78, 'f0ba2323-b95d-8326-bd46-fb9d281c1c68', 'role_grant_offer_create', 'success', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', NULL, 'v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/3f0d703a-06d7-442e-a8dc-0736222bd18a/client|EqU3GfRpnTDwXjCYXlJ0ikOQQB6M1VBuFLTdM-8aS6eSaGetL93Wl1Cqwvd9Z4kTZQ', 1795322777334086, '{"offer_id":"79763b4a-6cae-4fea-ac9b-ccbe046cd754","role":"teacher","scope_id":null,"to_account_id":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce"}'),
	(79, '2c15dfb7-f385-8a19-89bc-8364f22cbe13', 'role_grant_offer_create', 'success', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', NULL, 'v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/63405259-cd0a-4bcb-9f7e-156beca9475c/client|Kji3uGYVFM_2HeFd-ua6YiFmLmPlYdqx3g_U2wEBVYnmK2e2lNyLiWMYsZQLeM0cOQ', 1795322777340299, '{"offer_id":"1a43b6a7-16bf-41f3-a0aa-96dab96c1955","role":"student","scope_id":null,"to_account_id":"564e1064-9f7f-4a88-81e7-95b4b28e8e89"}'),
	(80, '830e2852-c5c3-8091-9350-be4ce5f31fae', 'role_grant_offer_accept', 'success', '41f27e6e-ed9e-4899-8c44-2b59d1f617a1', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', '41f27e6e-ed9e-4899-8c44-2b59d1f617a1', 'v1|subject_RhmE4FdcXp49473kJjllzQ|metadata/89ccbf31-8103-48c3-9dd2-3c218c021124/client|zOzDSi1cROx51s0Uf6ocEsEhjxxML6Azlv0jWvMBFBURP6AsEQ5u5tVTSqpSpZUyMQ', 1795322777351390, '{"offer_id":"1a43b6a7-16bf-41f3-a0aa-96dab96c1955","role":"student","role_grant_id":"484fd1a4-30a6-4153-adbc-0f12118b3642","scope_id":null}'),
	(81, 'b3a07ee5-1e45-89d6-9f9c-80220b2af1be', 'role_grant_create', 'success', '41f27e6e-ed9e-4899-8c44-2b59d1f617a1', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', '41f27e6e-ed9e-4899-8c44-2b59d1f617a1', 'v1|subject_RhmE4FdcXp49473kJjllzQ|metadata/89ccbf31-8103-48c3-9dd2-3c218c021124/client|zOzDSi1cROx51s0Uf6ocEsEhjxxML6Azlv0jWvMBFBURP6AsEQ5u5tVTSqpSpZUyMQ', 1795322777351390, '{"role":"student","role_grant_id":"484fd1a4-30a6-4153-adbc-0f12118b3642","scope_id":null,"source_offer_id":"1a43b6a7-16bf-41f3-a0aa-96dab96c1955"}'),
	(84, 'fbdb1cfa-1bcd-8c01-b846-94c81384718b', 'token_create', 'success', NULL, '580a9022-ae34-4711-9a92-10450e0d6bce', NULL, NULL, 'v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/0db1e6de-400a-4fbb-abe6-8b14b552a1da/client|jdv-ffsjzUFaHT8FRlb2PAbpT4M95qOJr9JbUkaCpMftrMxFFmvwnMp5qJD5GEWyUA', 1795322777427858, '{"credential_type":"session","name":"cron","token_id":"tok_buNwx5LaVY3Q"}'),
	(85, 'e48389a1-b91b-87a8-b77c-d2f95ccc2598', 'login', 'failure', NULL, '580a9022-ae34-4711-9a92-10450e0d6bce', NULL, NULL, 'v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/5e5ea12e-1035-4d2d-aaf1-33a40c56904e/client|-VMoqtQ5YHpj8cc3bKKKQFKc42Y4UvPPB0GvQMP4-XcZvwa9ESpzhXTzlDaEdF1JhA', 1795322777501992, '{"username":{"$sealed":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|attempt/7a8910bc-e39e-4a0d-8fca-a46af773effb/username|ThPQ6TAENKGtU0OSWQ5G7aGcFx6vIzoC9v31fkl1t_dV0tU_-EEQ3pLG-g"}}'),
	(87, 'bffaffa7-921f-8c2b-9421-332d04125fd3', 'account_erase', 'success', NULL, NULL, '13888d58-3220-48dc-85b2-b06968ce507e', NULL, NULL, 1795322777785911, '{"reason":"requested"}'),
	(17, 'e1ce2120-1ef8-8832-8556-5f91c13100e7', 'account_create', 'success', NULL, '13888d58-3220-48dc-85b2-b06968ce507e', NULL, NULL, 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/8f7ae93d-ead0-4eb3-b026-29b542c12fc8/client|B9FIrZt3s3kfV3ZNbxPwwzVOAzUcB77ZTLnEDlCasRknNWL1s_3S5C4vMeB_fEQdYg', 1795322776498140, '{"username":null,"via":"email_code"}'),
	(89, 'afade18b-646f-85ea-9b56-35e6a6428747', 'subject_erase', 'success', NULL, NULL, NULL, NULL, NULL, 1795322777785911, '{"reason":"requested","subject_id":"subject_-Xp_he1h8emcmhUP7SNczQ"}'),
	(91, 'a7b9d67a-9c5a-8b10-a40e-4f395faa7cb1', 'role_grant_revoke', 'success', NULL, NULL, '564e1064-9f7f-4a88-81e7-95b4b28e8e89', '41f27e6e-ed9e-4899-8c44-2b59d1f617a1', NULL, 1795322778115874, '{"role":"student","role_grant_id":"484fd1a4-30a6-4153-adbc-0f12118b3642","scope_id":null}'),
	(92, '47a0cb1a-b17a-82a1-ac6d-dfe0645083d5', 'account_erase', 'success', NULL, NULL, '564e1064-9f7f-4a88-81e7-95b4b28e8e89', NULL, NULL, 1795322778115874, '{"reason":"requested"}'),
	(63, '3ceda52d-b034-8366-93fe-8c682fad0969', 'signup', 'success', NULL, '564e1064-9f7f-4a88-81e7-95b4b28e8e89', NULL, NULL, 'v1|subject_RhmE4FdcXp49473kJjllzQ|metadata/0fc90837-b69c-4432-9399-106eb683803f/client|1YhMYoikv-ifPTHawSkG9dfNE4IKcq60f8lLFl3KSKZ3TuMs6EnmBNYgkir2vm7SzQ', 1795322777204571, '{"invite_id":"fd889074-3d06-4898-93cd-b56f4087e2f0","username":null}'),
	(61, 'cfbda1cb-5671-84ce-9817-98aed9819ac5', 'invite_create', 'success', NULL, 'c014e230-be98-4038-94e8-e893d6345d90', NULL, NULL, 'v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/b007bf3b-0a3e-450d-b49f-aa274773cc6a/client|_yvIUYqnm4zr4qxQGP5euNp6TQN8q-2jYg2q_5-kiDxomaWhnBcZtcoB4mNK9acKyg', 1795322777104296, '{"email":null,"invite_id":"fd889074-3d06-4898-93cd-b56f4087e2f0","username":null}'),
	(93, 'd54779f3-5c5e-83e1-ba16-810ecbd609fe', 'subject_erase', 'success', NULL, NULL, NULL, NULL, NULL, 1795322778115874, '{"reason":"requested","subject_id":"subject_RhmE4FdcXp49473kJjllzQ"}');
INSERT INTO public.audit_offers_v2_g0 VALUES
	('dbcfc1a2-9746-473f-b6dc-3c18c325e643', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', NULL, 'admin', NULL),
	('760e1729-c4c7-474f-9177-aa51d345fb84', '1bf2d144-eef1-43e3-b20b-ab4086b80f04', '580a9022-ae34-4711-9a92-10450e0d6bce', NULL, 'student', NULL),
	('9b404b16-a27c-42cd-bffa-c569222d871f', '1bf2d144-eef1-43e3-b20b-ab4086b80f04', '580a9022-ae34-4711-9a92-10450e0d6bce', NULL, 'teacher', NULL),
	('f78e75ce-7ef9-47bb-8f54-59da62b73642', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', NULL, 'teacher', NULL),
	('79763b4a-6cae-4fea-ac9b-ccbe046cd754', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', NULL, 'teacher', NULL),
	('1a43b6a7-16bf-41f3-a0aa-96dab96c1955', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', NULL, 'student', NULL);
INSERT INTO public.audit_v1_g0 VALUES
	(9, 'audit_6sGOBrCbwN0Q9XGf', 'auth.otp.started', 1795322776409321, NULL, 'email_otp', 'otp_sGdTHJsjMMPIB26Y', 'anonymous', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|challenge/sign_in-subject_5Rtx1zq496JYrNP1y6XLXw/email|T1yMfh2n4mGszAodnl9K3Ij7n6HpACFXw69mzQy0r7FzUTTounQpkz7o1pCJEt_ftKJevUm1tg', 1, NULL, NULL, NULL, NULL, 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/b707f8cd-b0d6-4261-9225-5a716088e6cc/client|CIDW8AX2jkZFSNFS4mfY_NBboV11FY_mM7QtePrfYRcjeytwpg_LNt5lFsWxNrQ32w', 'b707f8cd-b0d6-4261-9225-5a716088e6cc', NULL, 'http', 'issue_challenge', '{"sent":false}', NULL, NULL, 1),
	(14, 'audit_eqZW5dkrheuVKl99', 'auth.otp.verified', 1795322776421435, NULL, 'email_session', '4a110cb65f47a25aaf', 'anonymous', 'anonymous', 0, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, NULL, NULL, 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/6737ecbe-740b-426c-89f8-388fb2ba7611/client|a0KvW3aI3DkbVVhwPEN9n5cfzH21204PE53Blx9ch-8dyQ7bHOWExBB3AXW72LtBMw', '6737ecbe-740b-426c-89f8-388fb2ba7611', NULL, 'http', 'answer_challenge', '{}', 'account/a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 1),
	(15, 'audit_Avu6BmHH3C4QgMK4', 'auth.otp.started', 1795322776475427, NULL, 'email_otp', 'otp_7YJMVbw1EmLYoxnp', 'anonymous', 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|challenge/sign_in-subject_-Xp_he1h8emcmhUP7SNczQ/email|hhFf8MRtFE4yP-r9HcUwva7ph0C1xuhx06Hg3EJRzXZBzC4u_24ZLmAK4s5bfsIOh0PgRoYzwpk', 1, NULL, NULL, NULL, NULL, 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/eb6836a8-850b-4d00-a65d-f3affb3d2031/client|FE_QOC-Lfq96YWCGB8AvnLYjSCkdfrFwn8398beY0yz8HhIrALT2qbOAlIycSmBRTw', 'eb6836a8-850b-4d00-a65d-f3affb3d2031', NULL, 'http', 'issue_challenge', '{"sent":false}', NULL, NULL, 1),
	(20, 'audit_eQJ7YxOKnpHAS7Pm', 'auth.otp.verified', 1795322776498140, NULL, 'email_session', 'e3c402a5fbb5a83e88', 'anonymous', 'anonymous', 0, '13888d58-3220-48dc-85b2-b06968ce507e', NULL, NULL, NULL, 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/8f7ae93d-ead0-4eb3-b026-29b542c12fc8/client|B9FIrZt3s3kfV3ZNbxPwwzVOAzUcB77ZTLnEDlCasRknNWL1s_3S5C4vMeB_fEQdYg', '8f7ae93d-ead0-4eb3-b026-29b542c12fc8', NULL, 'http', 'answer_challenge', '{}', 'account/13888d58-3220-48dc-85b2-b06968ce507e', NULL, 1),
	(21, 'audit_g8tE36maVp2N_NaJ', 'application.created', 1795322776517620, 'co_cCzpSzjD7pBUDiZi', 'application', 'app_ehYTqbhbBFlCo2dn', 'account', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|application/app_ehYTqbhbBFlCo2dn/founder_email|WUiRoxdcOcJc1QuDg1jAFwATMdV1eoFuJ-P-r-3fffnI2Qai0xDjojvs_yPQ-qSY--VTy_KoWw', 1, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 'founder_session', '4a110cb65f47a25aaf', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/e2bc2bbf-d732-47be-a028-0f2ca5a65fba/client|ic-Nocia-C9wPnpTkbSIX_90SnXI2_whMTt0X_FAGMr-R59uY1KQ9yDAnxJ31Jz7Ag', 'e2bc2bbf-d732-47be-a028-0f2ca5a65fba', NULL, 'http', 'submit_application', '{}', NULL, NULL, 1),
	(22, 'audit_ChCNL8lxHoXdOD8K', 'agent_token.created', 1795322776517620, 'co_cCzpSzjD7pBUDiZi', 'agent_token', '97c3b307d38b9194c7', 'account', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 0, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 'founder_session', '4a110cb65f47a25aaf', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/e2bc2bbf-d732-47be-a028-0f2ca5a65fba/client|ic-Nocia-C9wPnpTkbSIX_90SnXI2_whMTt0X_FAGMr-R59uY1KQ9yDAnxJ31Jz7Ag', 'e2bc2bbf-d732-47be-a028-0f2ca5a65fba', NULL, 'http', 'submit_application', '{"allowed_metrics":null,"expires_at":null,"name":"default-agent-token","scopes":["application:read","metrics:create","metrics:write"]}', 'account/a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 1),
	(23, 'audit_9iAI9x0raTBCiwI7', 'metric.created', 1795322776517620, 'co_cCzpSzjD7pBUDiZi', 'metric', 'metric_CbSQ9DaP-jxfH-7T', 'account', 'default-agent-token', 0, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 'founder_session', '4a110cb65f47a25aaf', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/e2bc2bbf-d732-47be-a028-0f2ca5a65fba/client|ic-Nocia-C9wPnpTkbSIX_90SnXI2_whMTt0X_FAGMr-R59uY1KQ9yDAnxJ31Jz7Ag', 'e2bc2bbf-d732-47be-a028-0f2ca5a65fba', NULL, 'http', 'submit_application', '{"key":"arr"}', NULL, NULL, 1),
	(24, 'audit__DXdIX4ggfQuEV-r', 'application.created', 1795322776542828, 'co_fGMNrn0LXU6mIrJK', 'application', 'app_LfQ7pUp3sLRkCo48', 'account', 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|application/app_LfQ7pUp3sLRkCo48/founder_email|5Zuw0Cq_0dMBZ_2KMQCqOgbf0uTYqpl50S-eEgIcsibWeo4e2r7V8-bOpESRjKl5mVu-tXIYY_U', 1, '13888d58-3220-48dc-85b2-b06968ce507e', NULL, 'founder_session', 'e3c402a5fbb5a83e88', 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/917ccefc-7318-4012-acf2-9ecd8cdb2bdf/client|glyd94y99jh-x-9i8OgMc0JCa0nocpMQ_56q6fNl9StlNwJzDMpbbd31w9OUofTinQ', '917ccefc-7318-4012-acf2-9ecd8cdb2bdf', NULL, 'http', 'submit_application', '{}', NULL, NULL, 1),
	(25, 'audit_yO4ztbYWdVx25G9V', 'agent_token.created', 1795322776542828, 'co_fGMNrn0LXU6mIrJK', 'agent_token', 'd1ef8c6ee85ae0cbd5', 'account', '13888d58-3220-48dc-85b2-b06968ce507e', 0, '13888d58-3220-48dc-85b2-b06968ce507e', NULL, 'founder_session', 'e3c402a5fbb5a83e88', 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/917ccefc-7318-4012-acf2-9ecd8cdb2bdf/client|glyd94y99jh-x-9i8OgMc0JCa0nocpMQ_56q6fNl9StlNwJzDMpbbd31w9OUofTinQ', '917ccefc-7318-4012-acf2-9ecd8cdb2bdf', NULL, 'http', 'submit_application', '{"allowed_metrics":null,"expires_at":null,"name":"default-agent-token","scopes":["application:read","metrics:create","metrics:write"]}', 'account/13888d58-3220-48dc-85b2-b06968ce507e', NULL, 1),
	(26, 'audit_tC7HUwpIqI52GF0Z', 'metric.created', 1795322776542828, 'co_fGMNrn0LXU6mIrJK', 'metric', 'metric_LYLumIhAqE6OmbLO', 'account', 'default-agent-token', 0, '13888d58-3220-48dc-85b2-b06968ce507e', NULL, 'founder_session', 'e3c402a5fbb5a83e88', 'v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/917ccefc-7318-4012-acf2-9ecd8cdb2bdf/client|glyd94y99jh-x-9i8OgMc0JCa0nocpMQ_56q6fNl9StlNwJzDMpbbd31w9OUofTinQ', '917ccefc-7318-4012-acf2-9ecd8cdb2bdf', NULL, 'http', 'submit_application', '{"key":"arr"}', NULL, NULL, 1),
	(27, 'audit_Iju2PYLOjZ5aveHv', 'metric.created', 1795322776573602, 'co_cCzpSzjD7pBUDiZi', 'metric', 'metric_X27sfHH7FHPCYxYO', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/1769df10-ce82-452f-96d6-b7f00874ea87/client|TzhH2XSkQTVb8FgJ7M2F3b3T6MTzsAsA8-pciu6z31X9whYbItmNXOZ9HMDgsqt7PQ', '1769df10-ce82-452f-96d6-b7f00874ea87', NULL, 'http', 'define_metric', '{"key":"temp"}', NULL, NULL, 1),
	(28, 'audit_shHUkUbLaWDv0W2a', 'rule.set', 1795322776589597, 'co_cCzpSzjD7pBUDiZi', 'rule', 'metric_X27sfHH7FHPCYxYO/above', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/5ed0982b-168e-40d1-91f2-f2d610af4a08/client|aalQ7kWpzVJOzHtYSjy9fwVqShzZdHzs8X8gOp8r9_adpWZ9fUyJlXV_fGdciUsaTA', '5ed0982b-168e-40d1-91f2-f2d610af4a08', NULL, 'http', 'set_rule', '{"enabled":true,"key":"temp","severity":"high","threshold":30,"type":"above","version":1}', NULL, NULL, 1),
	(29, 'audit_R6pvMEZOTFE4mrTE', 'rule.set', 1795322776599352, 'co_cCzpSzjD7pBUDiZi', 'rule', 'metric_X27sfHH7FHPCYxYO/above', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/e9c3d199-6173-4eb5-b94c-fbaf281d6423/client|QnX2svwCdM2uSkolXWqv1ZEGnuJ6kXDjN2k3gX7kmiQe6CSHoOJK47-250rZGkTIVA', 'e9c3d199-6173-4eb5-b94c-fbaf281d6423', NULL, 'http', 'set_rule', '{"enabled":true,"key":"temp","severity":"low","threshold":31,"type":"above","version":2}', NULL, NULL, 1),
	(30, 'audit_c-AjFUK-quI42d74', 'rule.set', 1795322776605801, 'co_cCzpSzjD7pBUDiZi', 'rule', 'metric_X27sfHH7FHPCYxYO/drop', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/f25ddbca-7103-4637-a2f9-61bd1f615e74/client|ex7p9TmX048D-HaOS56VYcH6cJVQyKXxFBWNWhHdasCyRQmQkK5ri3tr48m3LQdpWQ', 'f25ddbca-7103-4637-a2f9-61bd1f615e74', NULL, 'http', 'set_rule', '{"enabled":true,"key":"temp","severity":"medium","threshold":0.5,"type":"drop","version":1}', NULL, NULL, 1),
	(38, 'audit_D8vch6ZMBADVBLh0', 'alert.raised', 1795322776656909, 'co_cCzpSzjD7pBUDiZi', 'alert', 'alert_rUHS-SXI0Sco1Ofe', 'system', 'system', 0, NULL, NULL, NULL, NULL, NULL, '3c2a1bc5-bb5e-4df3-919c-a18553e6f40e', 34, 'policy', 'raise_due', '{"alert_type":"above","key":"temp","point_id":"point_uZUFaKsWx_cZB30Z","rule_version":2,"severity":"low"}', NULL, NULL, 1),
	(31, 'audit_Q1ZpAY5DtVnGo7fB', 'metric_point.created', 1795322776619225, 'co_cCzpSzjD7pBUDiZi', 'metric_point', 'point_tvEN5oVJd8471FGl', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg', '3c2a1bc5-bb5e-4df3-919c-a18553e6f40e', NULL, 'http', 'record_points', '{"key":"temp","value":21.5}', NULL, NULL, 1),
	(32, 'audit_meMEkgLE-aVRE0X5', 'metric_point.created', 1795322776619225, 'co_cCzpSzjD7pBUDiZi', 'metric_point', 'point_LD7vJZkVSU7vsufs', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg', '3c2a1bc5-bb5e-4df3-919c-a18553e6f40e', NULL, 'http', 'record_points', '{"key":"temp","value":22}', NULL, NULL, 1),
	(33, 'audit_U7GFfYQ-wAFjvrKt', 'metric_point.created', 1795322776619225, 'co_cCzpSzjD7pBUDiZi', 'metric_point', 'point_oV8ovbYXXLqBC7wo', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg', '3c2a1bc5-bb5e-4df3-919c-a18553e6f40e', NULL, 'http', 'record_points', '{"key":"temp","value":30.25}', NULL, NULL, 1),
	(34, 'audit_AhvMRFBJ7xbREXSN', 'metric_point.created', 1795322776619225, 'co_cCzpSzjD7pBUDiZi', 'metric_point', 'point_uZUFaKsWx_cZB30Z', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg', '3c2a1bc5-bb5e-4df3-919c-a18553e6f40e', NULL, 'http', 'record_points', '{"key":"temp","value":33.5}', NULL, NULL, 1),
	(35, 'audit_ZD3y-SNZVkkuUTA1', 'metric_point.created', 1795322776619225, 'co_cCzpSzjD7pBUDiZi', 'metric_point', 'point_Vkv7L_5RijhpECEh', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg', '3c2a1bc5-bb5e-4df3-919c-a18553e6f40e', NULL, 'http', 'record_points', '{"key":"temp","value":12}', NULL, NULL, 1),
	(36, 'audit_cHjqAXfM9YjWO4N-', 'metric_point.created', 1795322776619225, 'co_cCzpSzjD7pBUDiZi', 'metric_point', 'point_E3aAOsKg_cHn4hye', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg', '3c2a1bc5-bb5e-4df3-919c-a18553e6f40e', NULL, 'http', 'record_points', '{"key":"temp","value":31.5}', NULL, NULL, 1),
	(37, 'audit_zSowk3d1ZnVjJlKy', 'metric_point.created', 1795322776619225, 'co_cCzpSzjD7pBUDiZi', 'metric_point', 'point_FJrxdrFIVUQJWV_p', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg', '3c2a1bc5-bb5e-4df3-919c-a18553e6f40e', NULL, 'http', 'record_points', '{"key":"temp","value":29}', NULL, NULL, 1),
	(39, 'audit_Qwh17uxki0DdlKcl', 'alert.raised', 1795322776657664, 'co_cCzpSzjD7pBUDiZi', 'alert', 'alert_1ILPz0ekYS41tyx0', 'system', 'system', 0, NULL, NULL, NULL, NULL, NULL, '3c2a1bc5-bb5e-4df3-919c-a18553e6f40e', 35, 'policy', 'raise_due', '{"alert_type":"drop","key":"temp","point_id":"point_Vkv7L_5RijhpECEh","rule_version":1,"severity":"medium"}', NULL, NULL, 1),
	(40, 'audit_mmYmAIIIolFpzD02', 'alert.raised', 1795322776657703, 'co_cCzpSzjD7pBUDiZi', 'alert', 'alert_rOsvIyJ-blgk7fVf', 'system', 'system', 0, NULL, NULL, NULL, NULL, NULL, '3c2a1bc5-bb5e-4df3-919c-a18553e6f40e', 36, 'policy', 'raise_due', '{"alert_type":"growth_spike","key":"temp","point_id":"point_E3aAOsKg_cHn4hye","rule_version":1,"severity":"high"}', NULL, NULL, 1),
	(41, 'audit_uM3OaneLoZSuYDhl', 'alert.raised', 1795322776657703, 'co_cCzpSzjD7pBUDiZi', 'alert', 'alert_rnA288-ZnZ8p9AiZ', 'system', 'system', 0, NULL, NULL, NULL, NULL, NULL, '3c2a1bc5-bb5e-4df3-919c-a18553e6f40e', 36, 'policy', 'raise_due', '{"alert_type":"above","key":"temp","point_id":"point_E3aAOsKg_cHn4hye","rule_version":2,"severity":"low"}', NULL, NULL, 1),
	(42, 'audit_QSqvg07kTgT38HrQ', 'metric_point.created', 1795322776667083, 'co_cCzpSzjD7pBUDiZi', 'metric_point', 'point_pjSJpI51sBVzmm6r', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/c512243e-f1da-4b34-a78c-5f1f872751cb/client|guVbjsmDWW1rGysOKwJj942sJak9wUDXqnmwPThmIFRcdA5J-OmVnutxy96xx48nFA', 'c512243e-f1da-4b34-a78c-5f1f872751cb', NULL, 'http', 'record_points', '{"key":"arr","value":1200}', NULL, NULL, 1),
	(43, 'audit_xev6CMJizVEQugVj', 'metric_point.created', 1795322776690179, 'co_cCzpSzjD7pBUDiZi', 'metric_point', 'point_8TbkGiaBDkB3Jw26', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/218ce8c5-01b0-4ada-9e14-28a12630059c/client|g2czl-ry-gzF8zGkUUgHKt7f92AWCvqFecetQrKsxPy_7MnOJbnzddGXe8vwROMjvA', '218ce8c5-01b0-4ada-9e14-28a12630059c', NULL, 'http', 'record_points', '{"key":"arr","value":900.5}', NULL, NULL, 1),
	(49, 'audit_PLa9uE2Yhzboi4DZ', 'alert.acknowledged', 1795322776805616, 'co_cCzpSzjD7pBUDiZi', 'alert', 'alert_rnA288-ZnZ8p9AiZ', 'account', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 0, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 'founder_session', '4a110cb65f47a25aaf', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/1457c516-966d-40fe-9763-241fe0dd3740/client|XNDa18WOFLc2wZWJV_xM2Grnj2RtMH8DI4lheUJQNWcmZYVIf4gBgL-YXXJ8RV9Shg', '1457c516-966d-40fe-9763-241fe0dd3740', NULL, 'http', 'acknowledge_alert', '{"key":"temp","note":"seen"}', 'account/a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 1),
	(50, 'audit_z3IWlTMOE3Uq2XfK', 'alert.resolved', 1795322776834989, 'co_cCzpSzjD7pBUDiZi', 'alert', 'alert_rOsvIyJ-blgk7fVf', 'account', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 0, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 'founder_session', '4a110cb65f47a25aaf', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/09791eb2-0145-48ce-9506-c766ea1abe76/client|EcFe9WF7CkPtBmNDf1VGhz1L1_bq_5r_gHnjanNPOT8fVYYtC9Oc3wj3b454Gp7IlQ', '09791eb2-0145-48ce-9506-c766ea1abe76', NULL, 'http', 'resolve_alert', '{"key":"temp","note":"done"}', 'account/a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 1),
	(44, 'audit__oRP5LwVeDTyJqUD', 'metric_point.corrected', 1795322776709079, 'co_cCzpSzjD7pBUDiZi', 'metric_point', 'point_pjSJpI51sBVzmm6r', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/9ea83589-30b0-473f-9957-c86d0f78636f/client|eMf7V182SbNSWUrShT0POHsviVICBbPQs91l2oiCFENEzz3P0ynUJBIvDtSc7PJ4xA', '9ea83589-30b0-473f-9957-c86d0f78636f', NULL, 'http', 'correct_point', '{"key":"arr","reason":"typo","value":1250}', NULL, NULL, 1),
	(47, 'audit__3d-IWhKCDvnSflW', 'agent_token.created', 1795322776757891, 'co_cCzpSzjD7pBUDiZi', 'agent_token', 'fc0fa5a51fb5131461', 'account', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 0, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 'founder_session', '4a110cb65f47a25aaf', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/bb103c5d-0e03-491a-a34c-cf8d25aae1e6/client|KqLAQ0j6YJrGvHo6ykq9rn7jZnRFhOrLSKQQAbEiYeFm5Cs9sqgYmpG3o6oBMfHDMg', 'bb103c5d-0e03-491a-a34c-cf8d25aae1e6', NULL, 'http', 'issue_token', '{"allowed_metrics":null,"expires_at":null,"name":"ended","scopes":["application:read"]}', 'account/a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 1),
	(48, 'audit_jiFQADrSV5kvcS0n', 'agent_token.revoked', 1795322776770711, 'co_cCzpSzjD7pBUDiZi', 'agent_token', 'fc0fa5a51fb5131461', 'account', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 0, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 'founder_session', '4a110cb65f47a25aaf', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/4781595c-698c-4f35-af4a-b37ca39bb360/client|Q4QXvE7pwVWKjUgwswLFmDNVmCX1jNHD7UnhWx19OzHqphwCWEv40KDdZ3m7yVWpsQ', '4781595c-698c-4f35-af4a-b37ca39bb360', NULL, 'http', 'revoke_token', '{"name":"ended"}', 'account/a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 1),
	(45, 'audit_46FJ_rRQFfIcuPsi', 'metric.settings_changed', 1795322776722578, 'co_cCzpSzjD7pBUDiZi', 'metric', 'metric_CbSQ9DaP-jxfH-7T', 'agent', 'default-agent-token', 0, NULL, NULL, 'agent_token', '97c3b307d38b9194c7', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/4802b2d1-4223-4eab-9345-285e21aafca8/client|aRoU3hI05Jo_M6ZVbQrQR5r73zDoPHdA_DfUmfcTMZviTprYU_N0L8NWnFGBhxVUvA', '4802b2d1-4223-4eab-9345-285e21aafca8', NULL, 'http', 'change_settings', '{"display_name":"Umsatz","key":"arr","unit":"€"}', NULL, NULL, 1),
	(46, 'audit_3kHwocGxf5MXUQYx', 'agent_token.created', 1795322776742284, 'co_cCzpSzjD7pBUDiZi', 'agent_token', '408da6d0536451402c', 'account', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 0, 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 'founder_session', '4a110cb65f47a25aaf', 'v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/b6df0cf9-9152-4216-86b6-be67dd4f123e/client|B_uI-Ucpa2r9Mg5SMPwMKoQBbK-CpKNsUNJSfGG--NBrymKpWIXp195250GT7PlItA', 'b6df0cf9-9152-4216-86b6-be67dd4f123e', NULL, 'http', 'issue_token', '{"allowed_metrics":["arr"],"expires_at":null,"name":"narrow","scopes":["metrics:write"]}', 'account/a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 1),
	(86, 'audit_TG9PdT2LCskECdfr', 'session.revoked', 1795322777785911, NULL, 'email_session', 'e3c402a5fbb5a83e88', 'operator', 'operator', 0, NULL, NULL, NULL, NULL, NULL, 'a0069055-780b-43da-a0a5-47806d75a66e', NULL, 'cli', 'erase', '{"reason":"account_erased"}', NULL, 'session.revoked/e3c402a5fbb5a83e88', 1),
	(87, 'audit_v_r_p5IfbCtUITMt', 'account.erased', 1795322777785911, NULL, 'account', '13888d58-3220-48dc-85b2-b06968ce507e', 'operator', 'operator', 0, NULL, NULL, NULL, NULL, NULL, 'a0069055-780b-43da-a0a5-47806d75a66e', NULL, 'cli', 'erase', '{"reason":"requested"}', NULL, NULL, 1),
	(88, 'audit_zoQWQpTsj5YqlpJO', 'agent_token.revoked', 1795322777785911, 'co_fGMNrn0LXU6mIrJK', 'agent_token', 'd1ef8c6ee85ae0cbd5', 'operator', 'operator', 0, NULL, NULL, NULL, NULL, NULL, 'a0069055-780b-43da-a0a5-47806d75a66e', NULL, 'cli', 'erase', '{"name":"default-agent-token","reason":"account_erased"}', NULL, NULL, 1),
	(89, 'audit_r63hi2Rv1erbVjXm', 'subject.erased', 1795322777785911, NULL, 'subject', 'subject_-Xp_he1h8emcmhUP7SNczQ', 'operator', 'operator', 0, NULL, NULL, NULL, NULL, NULL, 'a0069055-780b-43da-a0a5-47806d75a66e', NULL, 'cli', 'erase', '{"reason":"requested"}', NULL, NULL, 1),
	(90, 'audit_RVvP9KDFDhBi4bfP', 'session.revoked', 1795322778115874, NULL, 'email_session', 'f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110', 'operator', 'operator', 0, NULL, NULL, NULL, NULL, NULL, '01e4aaf8-6f90-4c43-ac61-8f56208edcae', NULL, 'cli', 'erase', '{"reason":"account_erased"}', NULL, 'session.revoked/f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110', 1),
	(92, 'audit_R6DLGrF6cqFsbd_g', 'account.erased', 1795322778115874, NULL, 'account', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', 'operator', 'operator', 0, NULL, NULL, NULL, NULL, NULL, '01e4aaf8-6f90-4c43-ac61-8f56208edcae', NULL, 'cli', 'erase', '{"reason":"requested"}', NULL, NULL, 1),
	(93, 'audit_1Ud581xek-F6FoEO', 'subject.erased', 1795322778115874, NULL, 'subject', 'subject_RhmE4FdcXp49473kJjllzQ', 'operator', 'operator', 0, NULL, NULL, NULL, NULL, NULL, '01e4aaf8-6f90-4c43-ac61-8f56208edcae', NULL, 'cli', 'erase', '{"reason":"requested"}', NULL, NULL, 1);
INSERT INTO public.claims VALUES
	('account-username', '\xa5f379450b5f73a2312121ae5ce5b9072d56b62cd21314eb88a075f4514f3ee9', 'account', 'c014e230-be98-4038-94e8-e893d6345d90', NULL, 1),
	('account-email', '\xf7b0a95e32e92fd143e764376d839b5c8f50a15038dec5eafa900785a2c80373', 'account', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 'subject_5Rtx1zq496JYrNP1y6XLXw', 10),
	('account-username', '\xa504b0f7d20f3832a22cac50b1a59d694c85d93294c12b71d8be936d8e0ddc0b', 'account', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', NULL, 10),
	('metric-key', '\x1c5be6424a2fe5e45d3f3a70be51108754af56dbae90e78d894fcf35f9be301f', 'metric', 'metric_CbSQ9DaP-jxfH-7T', NULL, 21),
	('metric-key', '\x98351116d98009814b8ee4630c9d02d052ddb2a3ea16ca031ef2f6de810908c1', 'metric', 'metric_LYLumIhAqE6OmbLO', NULL, 24),
	('metric-key', '\xa53f34bbbebf9b4492fd28fc1851e4b846d506fc5091de29f861e37a3b18c88e', 'metric', 'metric_X27sfHH7FHPCYxYO', NULL, 27),
	('account-email', '\x67850bced78c8467505b580fb5271212923b7a9aee53e42f68a6ee466902e4ed', 'account', '580a9022-ae34-4711-9a92-10450e0d6bce', 'subject_wHD3vAwMQ0-c22fNoPOsbQ', 52),
	('account-username', '\xf7baa0524dfb55bb55093e3483009bcb43f05ec250fe832e41f0705eb0391ade', 'account', '580a9022-ae34-4711-9a92-10450e0d6bce', NULL, 52),
	('account-email', '\x029ef20e66ed2c847122e964076525f6d2b64f85bb8506966a6a2de1041ae267', 'account', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 'subject_E1bgY4X7_x5coVM9wA8PBw', 57),
	('account-username', '\x91b9d78b620e43aa8f866bb2aa2a8e2ba25f375601a734f64ea7a8f995362649', 'account', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', NULL, 57),
	('invite-email', '\x051be89b1fe5b434465c524e7f5ddf3f219edfb25c5973923ca5764c79b49b35', 'invite', '0e35a05e-8bbc-4e84-8992-b8eee34c204b', 'subject_wi3FtTbk0UrwHGJbeAJtUg', 83);
INSERT INTO public.events VALUES
	(1, 'roster', 'main', 1, 'roster.founded', '1.0', '{"founded":{"account":"c014e230-be98-4038-94e8-e893d6345d90","persona":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","at":"2026-11-22T04:46:16.350568945Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1978b9fe-40ae-4094-8fbd-fa43b0787beb/client|1NCXGdLvwonlIc9tlNGjEKnEVZaYQWRxFF0-4Wmr7yximsFWyJrpUfUSf8TAXgCRXg","correlation":"1978b9fe-40ae-4094-8fbd-fa43b0787beb","surface":"http","command":"bootstrap"}', 1795322776353494, '\x146b4b14c572d047f70be5e6de655a5ee6dc12370870e67e097bb66abf5a1078', NULL, 1),
	(2, 'account', 'c014e230-be98-4038-94e8-e893d6345d90', 1, 'account.registered', '1.1', '{"registered":{"username":"keeper","subject":"subject_bZfMAxr4ZeW4CzQWwYgX2g","persona":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","via":"bootstrap","password":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|account/c014e230-be98-4038-94e8-e893d6345d90/password|aPUshYesSr3QIHPrGDKEcAsePmK4xlHE73sCT0SNxwbaRRlVkPb4mU_KMcgnjtVqctSij9jeeN-47tlIYRbz6RqaRNa5N3FXhw6Gt4V2JVkJs33BNw3nGtasgqlGGEentyGcghjQTuUZzPf_KS5zzVFaRaUytPaLtcTMsiyrX8qDHHCcp-42IWo","at":"2026-11-22T04:46:16.350568945Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1978b9fe-40ae-4094-8fbd-fa43b0787beb/client|1NCXGdLvwonlIc9tlNGjEKnEVZaYQWRxFF0-4Wmr7yximsFWyJrpUfUSf8TAXgCRXg","correlation":"1978b9fe-40ae-4094-8fbd-fa43b0787beb","surface":"http","command":"bootstrap"}', 1795322776353494, '\x8dc3ea2de5f6eb3660be592fff1d57d4141c3488c2a25375b89e7f5267e23bc5', NULL, 2),
	(3, 'offer', 'c014e230-be98-4038-94e8-e893d6345d90', 1, 'grant.created', '1.0', '{"grant_created":{"grant":"a3d0c04e-01e7-4e2d-bf3c-dba7ab4d23e1","persona":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","role":"keeper","path":"bootstrap","at":"2026-11-22T04:46:16.350568945Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1978b9fe-40ae-4094-8fbd-fa43b0787beb/client|1NCXGdLvwonlIc9tlNGjEKnEVZaYQWRxFF0-4Wmr7yximsFWyJrpUfUSf8TAXgCRXg","correlation":"1978b9fe-40ae-4094-8fbd-fa43b0787beb","surface":"http","command":"bootstrap"}', 1795322776353494, '\x80fa83ddf21fc23f080d198430decb37ec47b01e6c8996d3587c89a6f9fe7cb1', NULL, 3),
	(4, 'roster', 'main', 2, 'roster.admitted', '1.0', '{"admitted":{"role":"keeper","grant":"a3d0c04e-01e7-4e2d-bf3c-dba7ab4d23e1","persona":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","account":"c014e230-be98-4038-94e8-e893d6345d90","at":"2026-11-22T04:46:16.350568945Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1978b9fe-40ae-4094-8fbd-fa43b0787beb/client|1NCXGdLvwonlIc9tlNGjEKnEVZaYQWRxFF0-4Wmr7yximsFWyJrpUfUSf8TAXgCRXg","correlation":"1978b9fe-40ae-4094-8fbd-fa43b0787beb","surface":"http","command":"bootstrap"}', 1795322776353494, '\x86440335a3a1613e284dea31afeb67fe5dd3c887e3151a583910d8a19e4123b4', NULL, 1),
	(5, 'offer', 'c014e230-be98-4038-94e8-e893d6345d90', 2, 'grant.created', '1.0', '{"grant_created":{"grant":"853f901d-29a0-4345-909c-8de8cbf429cc","persona":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","role":"admin","path":"bootstrap","at":"2026-11-22T04:46:16.350568945Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1978b9fe-40ae-4094-8fbd-fa43b0787beb/client|1NCXGdLvwonlIc9tlNGjEKnEVZaYQWRxFF0-4Wmr7yximsFWyJrpUfUSf8TAXgCRXg","correlation":"1978b9fe-40ae-4094-8fbd-fa43b0787beb","surface":"http","command":"bootstrap"}', 1795322776353494, '\xed08c488e1ee5e71cf49ef4485954849f22ab0feb1e6c2305ec7c6e193db2d33', NULL, 3),
	(6, 'roster', 'main', 3, 'roster.admitted', '1.0', '{"admitted":{"role":"admin","grant":"853f901d-29a0-4345-909c-8de8cbf429cc","persona":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","account":"c014e230-be98-4038-94e8-e893d6345d90","at":"2026-11-22T04:46:16.350568945Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1978b9fe-40ae-4094-8fbd-fa43b0787beb/client|1NCXGdLvwonlIc9tlNGjEKnEVZaYQWRxFF0-4Wmr7yximsFWyJrpUfUSf8TAXgCRXg","correlation":"1978b9fe-40ae-4094-8fbd-fa43b0787beb","surface":"http","command":"bootstrap"}', 1795322776353494, '\x324601f0a185fba377134a629ed530d80a68e061c5df1a853aab7b6123e67d19', NULL, 1),
	(7, 'account', 'c014e230-be98-4038-94e8-e893d6345d90', 2, 'account.session_opened', '1.0', '{"session_opened":{"session":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c","kind":"cookie","expires_at":"2026-12-22T04:46:16.350568945Z","at":"2026-11-22T04:46:16.350568945Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1978b9fe-40ae-4094-8fbd-fa43b0787beb/client|1NCXGdLvwonlIc9tlNGjEKnEVZaYQWRxFF0-4Wmr7yximsFWyJrpUfUSf8TAXgCRXg","correlation":"1978b9fe-40ae-4094-8fbd-fa43b0787beb","surface":"http","command":"bootstrap"}', 1795322776353494, '\x06ee1d43a34f0e0d27837e894e39fe1899719be42103782f85c5091007d3ce50', NULL, 2),
	(8, 'session', '7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c', 1, 'session.started', '1.0', '{"started":{"account":"c014e230-be98-4038-94e8-e893d6345d90","kind":"cookie","secret_hash":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c","expires_at":"2026-12-22T04:46:16.350568945Z","at":"2026-11-22T04:46:16.350568945Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1978b9fe-40ae-4094-8fbd-fa43b0787beb/client|1NCXGdLvwonlIc9tlNGjEKnEVZaYQWRxFF0-4Wmr7yximsFWyJrpUfUSf8TAXgCRXg","correlation":"1978b9fe-40ae-4094-8fbd-fa43b0787beb","surface":"http","command":"bootstrap"}', 1795322776353494, '\xd0bfafca3b277d0eccf062929206f911ce4cd8ad12f695a96033b84da2811085', NULL, 8),
	(9, 'challenge', 'sign_in-subject_5Rtx1zq496JYrNP1y6XLXw', 1, 'challenge.issued', '1.0', '{"issued":{"otp":"otp_sGdTHJsjMMPIB26Y","purpose":"sign_in","subject":"subject_5Rtx1zq496JYrNP1y6XLXw","email":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|challenge/sign_in-subject_5Rtx1zq496JYrNP1y6XLXw/email|T1yMfh2n4mGszAodnl9K3Ij7n6HpACFXw69mzQy0r7FzUTTounQpkz7o1pCJEt_ftKJevUm1tg","digest":"e92d8407446b41aad02ed0cd8e61612507a585fde27455a5a48654541e264093","expires_at":"2026-11-22T04:56:16.397107659Z","sent":false,"at":"2026-11-22T04:46:16.399696836Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/b707f8cd-b0d6-4261-9225-5a716088e6cc/client|CIDW8AX2jkZFSNFS4mfY_NBboV11FY_mM7QtePrfYRcjeytwpg_LNt5lFsWxNrQ32w","correlation":"b707f8cd-b0d6-4261-9225-5a716088e6cc","surface":"http","command":"issue_challenge"}', 1795322776409321, '\xeac18e06b09bc0dd10f5719f6a84d12b8fdc6010066b3cb6ec7253d1ae3856be', NULL, 9),
	(89, 'subject', 'subject_-Xp_he1h8emcmhUP7SNczQ', 1, 'subject.erased', '1.0', '{"erased":{"reason":"requested","at":"2026-11-22T04:46:17.765163778Z"}}', '{"who":{"kind":"operator"},"correlation":"a0069055-780b-43da-a0a5-47806d75a66e","surface":"cli","command":"erase"}', 1795322777785911, '\xafade18b646fd5eadb5635e6a6428747f7efdfeee4ea5d187db0e110acf4b318', NULL, 89),
	(10, 'challenge', 'sign_in-subject_5Rtx1zq496JYrNP1y6XLXw', 2, 'challenge.consumed', '1.0', '{"consumed":{"otp":"otp_sGdTHJsjMMPIB26Y","subject":"subject_5Rtx1zq496JYrNP1y6XLXw","email":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|challenge/sign_in-subject_5Rtx1zq496JYrNP1y6XLXw/email|T1yMfh2n4mGszAodnl9K3Ij7n6HpACFXw69mzQy0r7FzUTTounQpkz7o1pCJEt_ftKJevUm1tg","at":"2026-11-22T04:46:16.417864277Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/6737ecbe-740b-426c-89f8-388fb2ba7611/client|a0KvW3aI3DkbVVhwPEN9n5cfzH21204PE53Blx9ch-8dyQ7bHOWExBB3AXW72LtBMw","correlation":"6737ecbe-740b-426c-89f8-388fb2ba7611","surface":"http","command":"answer_challenge"}', 1795322776421435, '\xb31a3c2c84084f9cde7a606af9b76234b11b6f42e27e4cd7b293c932aed900a6', NULL, 9),
	(11, 'account', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 1, 'account.registered', '1.1', '{"registered":{"username":"founder-g3ffepzy6t","email":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|account/a19947c8-3b6c-431f-9e02-0cb23e9270c8/email|WZv_00aTYy-7lKkkhVhICAJXa9prvaxX309b1U_L2oB6K7Ve55d69HSNKQZ2H7V58bqn-Fd47w","subject":"subject_5Rtx1zq496JYrNP1y6XLXw","persona":"550fc441-f92b-40b9-9369-91e903d82343","via":"email_code","at":"2026-11-22T04:46:16.417864277Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/6737ecbe-740b-426c-89f8-388fb2ba7611/client|a0KvW3aI3DkbVVhwPEN9n5cfzH21204PE53Blx9ch-8dyQ7bHOWExBB3AXW72LtBMw","correlation":"6737ecbe-740b-426c-89f8-388fb2ba7611","surface":"http","command":"answer_challenge"}', 1795322776421435, '\x979582340d86ac19447c0d0e548ff6723b08aa77de4512003f2b2cb74dec45e0', NULL, 11),
	(12, 'account', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 2, 'account.email_verified', '1.0', '{"email_verified":{"email":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|account/a19947c8-3b6c-431f-9e02-0cb23e9270c8/email|WZv_00aTYy-7lKkkhVhICAJXa9prvaxX309b1U_L2oB6K7Ve55d69HSNKQZ2H7V58bqn-Fd47w","subject":"subject_5Rtx1zq496JYrNP1y6XLXw","at":"2026-11-22T04:46:16.417864277Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/6737ecbe-740b-426c-89f8-388fb2ba7611/client|a0KvW3aI3DkbVVhwPEN9n5cfzH21204PE53Blx9ch-8dyQ7bHOWExBB3AXW72LtBMw","correlation":"6737ecbe-740b-426c-89f8-388fb2ba7611","surface":"http","command":"answer_challenge"}', 1795322776421435, '\xe0ea1dacdae5d31e4955d2e9344560533c06669f8999289fa32bc6a27b4f8732', NULL, 11),
	(13, 'account', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 3, 'account.session_opened', '1.0', '{"session_opened":{"session":"4a110cb65f47a25aaf","kind":"founder","expires_at":"2026-12-22T04:46:16.417864277Z","at":"2026-11-22T04:46:16.417864277Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/6737ecbe-740b-426c-89f8-388fb2ba7611/client|a0KvW3aI3DkbVVhwPEN9n5cfzH21204PE53Blx9ch-8dyQ7bHOWExBB3AXW72LtBMw","correlation":"6737ecbe-740b-426c-89f8-388fb2ba7611","surface":"http","command":"answer_challenge"}', 1795322776421435, '\xdbb072a93e3016cac5b8264ed4325fac93d6be6fc96e792f344fe6e756ae1d6c', NULL, 11),
	(14, 'session', '4a110cb65f47a25aaf', 1, 'session.started', '1.0', '{"started":{"account":"a19947c8-3b6c-431f-9e02-0cb23e9270c8","kind":"founder","secret_hash":"67dc364f6ebe9833ec1dd627a39bc563c8b444159526aeaf56e2416b608dd4d2","expires_at":"2026-12-22T04:46:16.417864277Z","at":"2026-11-22T04:46:16.417864277Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/6737ecbe-740b-426c-89f8-388fb2ba7611/client|a0KvW3aI3DkbVVhwPEN9n5cfzH21204PE53Blx9ch-8dyQ7bHOWExBB3AXW72LtBMw","correlation":"6737ecbe-740b-426c-89f8-388fb2ba7611","surface":"http","command":"answer_challenge"}', 1795322776421435, '\x7aa656e5d92b85eb952a5f7d4551e7abf580a985979201a973c056b867d2bf3b', NULL, 14),
	(15, 'challenge', 'sign_in-subject_-Xp_he1h8emcmhUP7SNczQ', 1, 'challenge.issued', '1.0', '{"issued":{"otp":"otp_7YJMVbw1EmLYoxnp","purpose":"sign_in","subject":"subject_-Xp_he1h8emcmhUP7SNczQ","email":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|challenge/sign_in-subject_-Xp_he1h8emcmhUP7SNczQ/email|hhFf8MRtFE4yP-r9HcUwva7ph0C1xuhx06Hg3EJRzXZBzC4u_24ZLmAK4s5bfsIOh0PgRoYzwpk","digest":"08cfefa0a63f899dd04f85618eb5d059609459b96ad14c99e7e7c89462026626","expires_at":"2026-11-22T04:56:16.450718047Z","sent":false,"at":"2026-11-22T04:46:16.471919983Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/eb6836a8-850b-4d00-a65d-f3affb3d2031/client|FE_QOC-Lfq96YWCGB8AvnLYjSCkdfrFwn8398beY0yz8HhIrALT2qbOAlIycSmBRTw","correlation":"eb6836a8-850b-4d00-a65d-f3affb3d2031","surface":"http","command":"issue_challenge"}', 1795322776475427, '\x02fbba0661c7dc2e1080c2b87f88cea8c50920865bfcddb7df66769ec35d6ce0', NULL, 15),
	(16, 'challenge', 'sign_in-subject_-Xp_he1h8emcmhUP7SNczQ', 2, 'challenge.consumed', '1.0', '{"consumed":{"otp":"otp_7YJMVbw1EmLYoxnp","subject":"subject_-Xp_he1h8emcmhUP7SNczQ","email":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|challenge/sign_in-subject_-Xp_he1h8emcmhUP7SNczQ/email|hhFf8MRtFE4yP-r9HcUwva7ph0C1xuhx06Hg3EJRzXZBzC4u_24ZLmAK4s5bfsIOh0PgRoYzwpk","at":"2026-11-22T04:46:16.490991534Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/8f7ae93d-ead0-4eb3-b026-29b542c12fc8/client|B9FIrZt3s3kfV3ZNbxPwwzVOAzUcB77ZTLnEDlCasRknNWL1s_3S5C4vMeB_fEQdYg","correlation":"8f7ae93d-ead0-4eb3-b026-29b542c12fc8","surface":"http","command":"answer_challenge"}', 1795322776498140, '\x236afe21ac78fd14febf4f3e1afde647f01570a2e846bf7689d1736848faab95', NULL, 15),
	(17, 'account', '13888d58-3220-48dc-85b2-b06968ce507e', 1, 'account.registered', '1.1', '{"registered":{"username":"founder-9n667g2wvf","email":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|account/13888d58-3220-48dc-85b2-b06968ce507e/email|e2sTre_8rpuFWhNSUL16H3k-M8Jxk_i6ZnGGJ72ljdgEOp1JT5Cb__kvZwVvyqvq_ZGjZMJa3lM","subject":"subject_-Xp_he1h8emcmhUP7SNczQ","persona":"50138349-22dc-4ac3-8387-fdebe5ba8eba","via":"email_code","at":"2026-11-22T04:46:16.490991534Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/8f7ae93d-ead0-4eb3-b026-29b542c12fc8/client|B9FIrZt3s3kfV3ZNbxPwwzVOAzUcB77ZTLnEDlCasRknNWL1s_3S5C4vMeB_fEQdYg","correlation":"8f7ae93d-ead0-4eb3-b026-29b542c12fc8","surface":"http","command":"answer_challenge"}', 1795322776498140, '\xe1ce21201ef8f83205565f91c13100e7c12e7eac0b7923057bc03f68389c26bc', NULL, 17),
	(18, 'account', '13888d58-3220-48dc-85b2-b06968ce507e', 2, 'account.email_verified', '1.0', '{"email_verified":{"email":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|account/13888d58-3220-48dc-85b2-b06968ce507e/email|e2sTre_8rpuFWhNSUL16H3k-M8Jxk_i6ZnGGJ72ljdgEOp1JT5Cb__kvZwVvyqvq_ZGjZMJa3lM","subject":"subject_-Xp_he1h8emcmhUP7SNczQ","at":"2026-11-22T04:46:16.490991534Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/8f7ae93d-ead0-4eb3-b026-29b542c12fc8/client|B9FIrZt3s3kfV3ZNbxPwwzVOAzUcB77ZTLnEDlCasRknNWL1s_3S5C4vMeB_fEQdYg","correlation":"8f7ae93d-ead0-4eb3-b026-29b542c12fc8","surface":"http","command":"answer_challenge"}', 1795322776498140, '\xd6cf6f1cfcdb3e761cb7f3777438b96aecffc27798d2996bbdc52930b027297a', NULL, 17),
	(19, 'account', '13888d58-3220-48dc-85b2-b06968ce507e', 3, 'account.session_opened', '1.0', '{"session_opened":{"session":"e3c402a5fbb5a83e88","kind":"founder","expires_at":"2026-12-22T04:46:16.490991534Z","at":"2026-11-22T04:46:16.490991534Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/8f7ae93d-ead0-4eb3-b026-29b542c12fc8/client|B9FIrZt3s3kfV3ZNbxPwwzVOAzUcB77ZTLnEDlCasRknNWL1s_3S5C4vMeB_fEQdYg","correlation":"8f7ae93d-ead0-4eb3-b026-29b542c12fc8","surface":"http","command":"answer_challenge"}', 1795322776498140, '\x79cdff5ae8605b13d15cd157c1b8b682ad2bfe188d2a299bb747b3c65b7bb04f', NULL, 17),
	(90, 'session', 'f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110', 2, 'session.revoked', '1.0', '{"revoked":{"account":"564e1064-9f7f-4a88-81e7-95b4b28e8e89","reason":"account_erased","at":"2026-11-22T04:46:18.103862138Z"}}', '{"who":{"kind":"operator"},"correlation":"01e4aaf8-6f90-4c43-ac61-8f56208edcae","surface":"cli","command":"erase"}', 1795322778115874, '\x455bcff4a0c50e1062e1b7cf44dfb2a3d55a140fe7f216b5b8ed493ef0ebeda1', NULL, 65),
	(20, 'session', 'e3c402a5fbb5a83e88', 1, 'session.started', '1.0', '{"started":{"account":"13888d58-3220-48dc-85b2-b06968ce507e","kind":"founder","secret_hash":"959e849e57093645d5ed0acb333ec489c15153ede226df2d5513290e9a6fb113","expires_at":"2026-12-22T04:46:16.490991534Z","at":"2026-11-22T04:46:16.490991534Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/8f7ae93d-ead0-4eb3-b026-29b542c12fc8/client|B9FIrZt3s3kfV3ZNbxPwwzVOAzUcB77ZTLnEDlCasRknNWL1s_3S5C4vMeB_fEQdYg","correlation":"8f7ae93d-ead0-4eb3-b026-29b542c12fc8","surface":"http","command":"answer_challenge"}', 1795322776498140, '\x79027b63138a9e91c04bb3e60d36b94b33733a37c135f75d05fe44e47a53e20e', NULL, 20),
	(21, 'application', 'app_ehYTqbhbBFlCo2dn', 1, 'application.submitted', '1.1', '{"submitted":{"company":"co_cCzpSzjD7pBUDiZi","company_name":"Keeling Labs","founder":"founder_lUdSC1Iqn1m1dtiQ","founder_name":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|application/app_ehYTqbhbBFlCo2dn/founder_name|_5yxSepnZCnolAn-GfOjg7YnQ55D41Ed8cioo_i2emgtbJ_rj7BoyvT5JKKTf8ioZhLH6RyhbKKBN0z_KkrE","founder_email":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|application/app_ehYTqbhbBFlCo2dn/founder_email|WUiRoxdcOcJc1QuDg1jAFwATMdV1eoFuJ-P-r-3fffnI2Qai0xDjojvs_yPQ-qSY--VTy_KoWw","founder_email_verified":true,"subject":"subject_5Rtx1zq496JYrNP1y6XLXw","website":null,"narrative":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|application/app_ehYTqbhbBFlCo2dn/narrative|25Y5dFrWUM9t5e5m81gOqvNFCI-CzHJ7z4dF6AA7lnbXhLKh4PmmaI99C5BVoistcRyeMTslzptqmGGSncqvkuNg9aSi","submitted_at":"2026-11-22T04:46:16.516300629Z"}}', '{"who":{"kind":"account","account":"a19947c8-3b6c-431f-9e02-0cb23e9270c8","credential":"founder_session","credential_id":"4a110cb65f47a25aaf"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/e2bc2bbf-d732-47be-a028-0f2ca5a65fba/client|ic-Nocia-C9wPnpTkbSIX_90SnXI2_whMTt0X_FAGMr-R59uY1KQ9yDAnxJ31Jz7Ag","correlation":"e2bc2bbf-d732-47be-a028-0f2ca5a65fba","surface":"http","command":"submit_application"}', 1795322776517620, '\x83cb44dfa99a569d8dfcd6894ccac88eaceec775b022d29649b1ed31ed8c5a18', NULL, 21),
	(22, 'application', 'app_ehYTqbhbBFlCo2dn', 2, 'agent_token.issued', '1.0', '{"token_issued":{"company":"co_cCzpSzjD7pBUDiZi","token":{"id":"97c3b307d38b9194c7","name":"default-agent-token","secret_hash":"5d15da07d0438236536028b68366c08366f69514d3b8b2b8c27bc419c3eeafd5","scopes":["application:read","metrics:create","metrics:write"],"allowed_metrics":null,"expires_at":null,"created_by":null},"at":"2026-11-22T04:46:16.516300629Z"}}', '{"who":{"kind":"account","account":"a19947c8-3b6c-431f-9e02-0cb23e9270c8","credential":"founder_session","credential_id":"4a110cb65f47a25aaf"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/e2bc2bbf-d732-47be-a028-0f2ca5a65fba/client|ic-Nocia-C9wPnpTkbSIX_90SnXI2_whMTt0X_FAGMr-R59uY1KQ9yDAnxJ31Jz7Ag","correlation":"e2bc2bbf-d732-47be-a028-0f2ca5a65fba","surface":"http","command":"submit_application"}', 1795322776517620, '\x0a108d2fc9711e85dd383f0a4b80a96dec5e34a669f1bd2d53889a29661d6840', NULL, 21),
	(23, 'metric', 'metric_CbSQ9DaP-jxfH-7T', 1, 'metric.defined', '1.0', '{"defined":{"company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","metric_key":"arr","display_name":"Arr","unit":"usd","cadence":"weekly","direction":"up","source_type":"self_reported","verification_level":"self_reported"}}', '{"who":{"kind":"account","account":"a19947c8-3b6c-431f-9e02-0cb23e9270c8","credential":"founder_session","credential_id":"4a110cb65f47a25aaf"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/e2bc2bbf-d732-47be-a028-0f2ca5a65fba/client|ic-Nocia-C9wPnpTkbSIX_90SnXI2_whMTt0X_FAGMr-R59uY1KQ9yDAnxJ31Jz7Ag","correlation":"e2bc2bbf-d732-47be-a028-0f2ca5a65fba","surface":"http","command":"submit_application"}', 1795322776517620, '\xf62008f71d2b6930428b023bda65c69e6657dab58cfcb9a4cec39e9cf435b1cf', NULL, 23),
	(24, 'application', 'app_LfQ7pUp3sLRkCo48', 1, 'application.submitted', '1.1', '{"submitted":{"company":"co_fGMNrn0LXU6mIrJK","company_name":"Gone Ltd","founder":"founder_CNizs11-e9tdlQnI","founder_name":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|application/app_LfQ7pUp3sLRkCo48/founder_name|f7yVRyta5nkxZ1BEI7SQcn39327ye17SbR2KNepzskn_vKYDS7Vkuzn0MQtss3fFhtVK3KAcVySOsj0","founder_email":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|application/app_LfQ7pUp3sLRkCo48/founder_email|5Zuw0Cq_0dMBZ_2KMQCqOgbf0uTYqpl50S-eEgIcsibWeo4e2r7V8-bOpESRjKl5mVu-tXIYY_U","founder_email_verified":true,"subject":"subject_-Xp_he1h8emcmhUP7SNczQ","website":null,"narrative":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|application/app_LfQ7pUp3sLRkCo48/narrative|4UkDlKOhxUGkdx9aHvbbN9oRbid5_2FFufumvcSS3KVHE2lybSxhIXLMuNv3xZPxmC7riWvqLcThPfjAqmo7mG2vMa29","submitted_at":"2026-11-22T04:46:16.542320350Z"}}', '{"who":{"kind":"account","account":"13888d58-3220-48dc-85b2-b06968ce507e","credential":"founder_session","credential_id":"e3c402a5fbb5a83e88"},"client":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/917ccefc-7318-4012-acf2-9ecd8cdb2bdf/client|glyd94y99jh-x-9i8OgMc0JCa0nocpMQ_56q6fNl9StlNwJzDMpbbd31w9OUofTinQ","correlation":"917ccefc-7318-4012-acf2-9ecd8cdb2bdf","surface":"http","command":"submit_application"}', 1795322776542828, '\xfc35dd217e2081f42e115fab565af36351ad5d60d3bd7a7c6111100beba49bfa', NULL, 24),
	(25, 'application', 'app_LfQ7pUp3sLRkCo48', 2, 'agent_token.issued', '1.0', '{"token_issued":{"company":"co_fGMNrn0LXU6mIrJK","token":{"id":"d1ef8c6ee85ae0cbd5","name":"default-agent-token","secret_hash":"bff3a30a3359dce5782238eb1f90ad4e0724aecf1ddfa85b76edb895236f2346","scopes":["application:read","metrics:create","metrics:write"],"allowed_metrics":null,"expires_at":null,"created_by":null},"at":"2026-11-22T04:46:16.542320350Z"}}', '{"who":{"kind":"account","account":"13888d58-3220-48dc-85b2-b06968ce507e","credential":"founder_session","credential_id":"e3c402a5fbb5a83e88"},"client":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/917ccefc-7318-4012-acf2-9ecd8cdb2bdf/client|glyd94y99jh-x-9i8OgMc0JCa0nocpMQ_56q6fNl9StlNwJzDMpbbd31w9OUofTinQ","correlation":"917ccefc-7318-4012-acf2-9ecd8cdb2bdf","surface":"http","command":"submit_application"}', 1795322776542828, '\xc8ee33b5b616755c76e46f55826b3e0de37464418aa7dbcc65becc08f37f24f5', NULL, 24),
	(26, 'metric', 'metric_LYLumIhAqE6OmbLO', 1, 'metric.defined', '1.0', '{"defined":{"company":"co_fGMNrn0LXU6mIrJK","application":"app_LfQ7pUp3sLRkCo48","metric_key":"arr","display_name":"Arr","unit":"usd","cadence":"weekly","direction":"up","source_type":"self_reported","verification_level":"self_reported"}}', '{"who":{"kind":"account","account":"13888d58-3220-48dc-85b2-b06968ce507e","credential":"founder_session","credential_id":"e3c402a5fbb5a83e88"},"client":"v1|subject_-Xp_he1h8emcmhUP7SNczQ|metadata/917ccefc-7318-4012-acf2-9ecd8cdb2bdf/client|glyd94y99jh-x-9i8OgMc0JCa0nocpMQ_56q6fNl9StlNwJzDMpbbd31w9OUofTinQ","correlation":"917ccefc-7318-4012-acf2-9ecd8cdb2bdf","surface":"http","command":"submit_application"}', 1795322776542828, '\xb42ec7530a48a88e76185d19057535b7df0b59fc2a67269741ce85adf66f2a01', NULL, 26),
	(27, 'metric', 'metric_X27sfHH7FHPCYxYO', 1, 'metric.defined', '1.0', '{"defined":{"company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","metric_key":"temp","display_name":"Temp","unit":"°C","cadence":"daily","direction":"up","source_type":"self_reported","verification_level":"self_reported"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/1769df10-ce82-452f-96d6-b7f00874ea87/client|TzhH2XSkQTVb8FgJ7M2F3b3T6MTzsAsA8-pciu6z31X9whYbItmNXOZ9HMDgsqt7PQ","correlation":"1769df10-ce82-452f-96d6-b7f00874ea87","surface":"http","command":"define_metric"}', 1795322776573602, '\x223bb63d82ce8d9e5abde1ef891b2a913cc786b76f65a265825818344c507b76', NULL, 27),
	(28, 'metric', 'metric_X27sfHH7FHPCYxYO', 2, 'metric.rule_set', '1.0', '{"rule_set":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","rule":{"version":1,"enabled":true,"severity":"high","cool_down":"none","condition":{"type":"above","threshold":30.0,"periods":1}},"by":"default-agent-token","at":"2026-11-22T04:46:16.589379698Z"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/5ed0982b-168e-40d1-91f2-f2d610af4a08/client|aalQ7kWpzVJOzHtYSjy9fwVqShzZdHzs8X8gOp8r9_adpWZ9fUyJlXV_fGdciUsaTA","correlation":"5ed0982b-168e-40d1-91f2-f2d610af4a08","surface":"http","command":"set_rule"}', 1795322776589597, '\xb211d49146cb6960efd16d9ae6a8e198e49ab7bed55b4e09bebec27bf81f8462', NULL, 27),
	(29, 'metric', 'metric_X27sfHH7FHPCYxYO', 3, 'metric.rule_set', '1.0', '{"rule_set":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","rule":{"version":2,"enabled":true,"severity":"low","cool_down":"none","condition":{"type":"above","threshold":31.0,"periods":1}},"by":"default-agent-token","at":"2026-11-22T04:46:16.599144869Z"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/e9c3d199-6173-4eb5-b94c-fbaf281d6423/client|QnX2svwCdM2uSkolXWqv1ZEGnuJ6kXDjN2k3gX7kmiQe6CSHoOJK47-250rZGkTIVA","correlation":"e9c3d199-6173-4eb5-b94c-fbaf281d6423","surface":"http","command":"set_rule"}', 1795322776599352, '\x47aa6f30464e4c51389ab4c415b46d6ec329e6b6a3edc7998379fe07a23b904b', NULL, 27),
	(30, 'metric', 'metric_X27sfHH7FHPCYxYO', 4, 'metric.rule_set', '1.0', '{"rule_set":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","rule":{"version":1,"enabled":true,"severity":"medium","cool_down":"none","condition":{"type":"drop","threshold":0.5,"periods":1}},"by":"default-agent-token","at":"2026-11-22T04:46:16.605574569Z"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/f25ddbca-7103-4637-a2f9-61bd1f615e74/client|ex7p9TmX048D-HaOS56VYcH6cJVQyKXxFBWNWhHdasCyRQmQkK5ri3tr48m3LQdpWQ","correlation":"f25ddbca-7103-4637-a2f9-61bd1f615e74","surface":"http","command":"set_rule"}', 1795322776605801, '\x73e0231542beaae238d9def818c4a34049bb79ecfda9bfbe0232251dc0cbd322', NULL, 27),
	(31, 'metric', 'metric_X27sfHH7FHPCYxYO', 5, 'metric.point_recorded', '1.0', '{"point_recorded":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","point":"point_tvEN5oVJd8471FGl","value":21.5,"timestamp":"2024-07-01","instant":"2024-07-01T00:00:00Z","source":"default-agent-token","confidence":0.5,"idempotency_key":"temp-0"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg","correlation":"3c2a1bc5-bb5e-4df3-919c-a18553e6f40e","surface":"http","command":"record_points"}', 1795322776619225, '\x435669018e43b559c6a3b7c1dd43848504f70df8c6edb820112e86119894e229', '\x2a5e41774a9e99143f0a8dea15d7fc786a253a17e92553a9f3f7d4332a833645', 27),
	(32, 'metric', 'metric_X27sfHH7FHPCYxYO', 6, 'metric.point_recorded', '1.0', '{"point_recorded":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","point":"point_LD7vJZkVSU7vsufs","value":22.0,"timestamp":"2024-07-02","instant":"2024-07-02T00:00:00Z","source":"default-agent-token","confidence":0.5,"idempotency_key":"temp-1"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg","correlation":"3c2a1bc5-bb5e-4df3-919c-a18553e6f40e","surface":"http","command":"record_points"}', 1795322776619225, '\x99e3049202c4f9a5511345f9db06bab143b29aa968ed3b65d152217295de429a', '\x17162fbdaf4afdc0d59027ae3a00ddfbacad1127a22a2360087feca99dd07aaa', 27),
	(33, 'metric', 'metric_X27sfHH7FHPCYxYO', 7, 'metric.point_recorded', '1.0', '{"point_recorded":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","point":"point_oV8ovbYXXLqBC7wo","value":30.25,"timestamp":"2024-07-03","instant":"2024-07-03T00:00:00Z","source":"default-agent-token","confidence":0.5,"idempotency_key":"temp-2"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg","correlation":"3c2a1bc5-bb5e-4df3-919c-a18553e6f40e","surface":"http","command":"record_points"}', 1795322776619225, '\x53b1857d843ec00163beb2add99f1484c4ebab9bb005871c5d803d10f8b5ef13', '\x49dcb342d50b7b30c7dc7c624ba7993e4a681ca6b7c0659d4e7de9feca688c0c', 27),
	(34, 'metric', 'metric_X27sfHH7FHPCYxYO', 8, 'metric.point_recorded', '1.0', '{"point_recorded":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","point":"point_uZUFaKsWx_cZB30Z","value":33.5,"timestamp":"2024-07-04","instant":"2024-07-04T00:00:00Z","source":"default-agent-token","confidence":0.5,"idempotency_key":"temp-3"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg","correlation":"3c2a1bc5-bb5e-4df3-919c-a18553e6f40e","surface":"http","command":"record_points"}', 1795322776619225, '\x021bcc445049ef16d111748db06d26f3be5cf067d46ed7316aad545131497b30', '\xa3944d48d96eb60d5f1bdbbaa946f19fb41da1b6e7a89873cba9c9cf898bdc7a', 27),
	(35, 'metric', 'metric_X27sfHH7FHPCYxYO', 9, 'metric.point_recorded', '1.0', '{"point_recorded":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","point":"point_Vkv7L_5RijhpECEh","value":12.0,"timestamp":"2024-07-05","instant":"2024-07-05T00:00:00Z","source":"default-agent-token","confidence":0.5,"idempotency_key":"temp-4"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg","correlation":"3c2a1bc5-bb5e-4df3-919c-a18553e6f40e","surface":"http","command":"record_points"}', 1795322776619225, '\x643df2f9235956492e5130355b417e5d27f0d0f001f0315af93e10c1ae5cbdba', '\x7db035bfa7558db0c343d5a9d0e41239d51fecfa561255c7b941b69307392806', 27),
	(36, 'metric', 'metric_X27sfHH7FHPCYxYO', 10, 'metric.point_recorded', '1.0', '{"point_recorded":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","point":"point_E3aAOsKg_cHn4hye","value":31.5,"timestamp":"2024-07-06","instant":"2024-07-06T00:00:00Z","source":"default-agent-token","confidence":0.5,"idempotency_key":"temp-5"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg","correlation":"3c2a1bc5-bb5e-4df3-919c-a18553e6f40e","surface":"http","command":"record_points"}', 1795322776619225, '\x7078ea0177ccf588d63b837e065bf210fe498cac8e9824d78bf59af2b4f4f75d', '\xec279f461230754d74b455c635f950ab5a7ed800f543d8ad8c271c77ed71960b', 27),
	(37, 'metric', 'metric_X27sfHH7FHPCYxYO', 11, 'metric.point_recorded', '1.0', '{"point_recorded":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","point":"point_FJrxdrFIVUQJWV_p","value":29.0,"timestamp":"2024-07-07","instant":"2024-07-07T00:00:00Z","source":"default-agent-token","confidence":0.5,"idempotency_key":"temp-6"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/3c2a1bc5-bb5e-4df3-919c-a18553e6f40e/client|piRyekYU97I48Xw6V2NWq1FGcNHUaOdRafESyO1BrvmqjEZ9Sw74-KWDd_FGIA8-lg","correlation":"3c2a1bc5-bb5e-4df3-919c-a18553e6f40e","surface":"http","command":"record_points"}', 1795322776619225, '\xcd2a309377756675632652b2e02001ecc13473a21f63c6e631d706344b2e5f15', '\x73effc31b692ec1a67076b8f3ef4305c91b14a1001448a6a89e5216b6d51ca21', 27),
	(38, 'metric', 'metric_X27sfHH7FHPCYxYO', 12, 'metric.alert_raised', '1.0', '{"alert_raised":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","finding":{"alert":"alert_rUHS-SXI0Sco1Ofe","alert_type":"above","rule_version":2,"severity":"low","summary":"Temp is above 31 at 33.5.","display_name":"Temp","point":"point_uZUFaKsWx_cZB30Z","value":33.5,"instant":"2024-07-04T00:00:00Z","threshold":31.0}}}', '{"who":{"kind":"system","component":"alert-evaluator"},"correlation":"3c2a1bc5-bb5e-4df3-919c-a18553e6f40e","causation":34,"surface":"policy","command":"raise_due"}', 1795322776656909, '\x0fcbdc87a64c0400d504b8747a5e0a0f5e3a408fa5212038ccb14999f36eb874', '\x507c7d40e0f6378aa375b0de67ff71aa9974bbb6c62a2133e85302b0e7b60c41', 27),
	(39, 'metric', 'metric_X27sfHH7FHPCYxYO', 13, 'metric.alert_raised', '1.0', '{"alert_raised":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","finding":{"alert":"alert_1ILPz0ekYS41tyx0","alert_type":"drop","rule_version":1,"severity":"medium","summary":"Temp fell 64% from 33.5 to 12.","display_name":"Temp","point":"point_Vkv7L_5RijhpECEh","value":12.0,"instant":"2024-07-05T00:00:00Z","previous_point":"point_uZUFaKsWx_cZB30Z","previous_value":33.5,"growth":-0.6417910447761194,"threshold":0.5}}}', '{"who":{"kind":"system","component":"alert-evaluator"},"correlation":"3c2a1bc5-bb5e-4df3-919c-a18553e6f40e","causation":35,"surface":"policy","command":"raise_due"}', 1795322776657664, '\x430875eeec648b40dd94a7253ca7790152553cc65ac6c0857a1c06f5be748c3b', '\xf43cd2e9c5cdd395e48fe27111a84bf98f7c667f427428d2c15bd2fd8eebf254', 27),
	(40, 'metric', 'metric_X27sfHH7FHPCYxYO', 14, 'metric.alert_raised', '1.0', '{"alert_raised":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","finding":{"alert":"alert_rOsvIyJ-blgk7fVf","alert_type":"growth_spike","rule_version":1,"severity":"high","summary":"Temp increased 163% from 12 to 31.5.","display_name":"Temp","point":"point_E3aAOsKg_cHn4hye","value":31.5,"instant":"2024-07-06T00:00:00Z","previous_point":"point_Vkv7L_5RijhpECEh","previous_value":12.0,"growth":1.625,"threshold":0.5}}}', '{"who":{"kind":"system","component":"alert-evaluator"},"correlation":"3c2a1bc5-bb5e-4df3-919c-a18553e6f40e","causation":36,"surface":"policy","command":"raise_due"}', 1795322776657703, '\x9a6626008208a25169cc3d36529b363c2f89899c75e92d90d894ee7de08d1df7', '\xc00b82d8e3cf95c3f1cd6541bf47bbe552f8f0cd6ef428ab347f91c36625a62c', 27),
	(41, 'metric', 'metric_X27sfHH7FHPCYxYO', 15, 'metric.alert_raised', '1.0', '{"alert_raised":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","finding":{"alert":"alert_rnA288-ZnZ8p9AiZ","alert_type":"above","rule_version":2,"severity":"low","summary":"Temp is above 31 at 31.5.","display_name":"Temp","point":"point_E3aAOsKg_cHn4hye","value":31.5,"instant":"2024-07-06T00:00:00Z","threshold":31.0}}}', '{"who":{"kind":"system","component":"alert-evaluator"},"correlation":"3c2a1bc5-bb5e-4df3-919c-a18553e6f40e","causation":36,"surface":"policy","command":"raise_due"}', 1795322776657703, '\xb8cdce6a778ba194ae60386563b44a5087a31addc4af16540515f73bab1331e5', '\x1b8de0591e1cd912f808bb2fc8c935fc27f168ca7560d3280c8b207aa30d5071', 27),
	(42, 'metric', 'metric_CbSQ9DaP-jxfH-7T', 2, 'metric.point_recorded', '1.0', '{"point_recorded":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"arr","point":"point_pjSJpI51sBVzmm6r","value":1200.0,"timestamp":"2024-01-01","instant":"2024-01-01T00:00:00Z","source":"default-agent-token","confidence":0.5,"idempotency_key":"one"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/c512243e-f1da-4b34-a78c-5f1f872751cb/client|guVbjsmDWW1rGysOKwJj942sJak9wUDXqnmwPThmIFRcdA5J-OmVnutxy96xx48nFA","correlation":"c512243e-f1da-4b34-a78c-5f1f872751cb","surface":"http","command":"record_points"}', 1795322776667083, '\x412aaf834ee44e04f7f07ad0e50b905d747ac095cafa4c31f5bb7588e477bd53', '\xdcc3fda7bdc2522ee7aadb6b40e575818d87845dcfb3e715294c0316c5a91b7c', 23),
	(43, 'metric', 'metric_CbSQ9DaP-jxfH-7T', 3, 'metric.point_recorded', '1.0', '{"point_recorded":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"arr","point":"point_8TbkGiaBDkB3Jw26","value":900.5,"timestamp":"2023-12-24T01:02:03.456Z","instant":"2023-12-24T01:02:03.456Z","source":"default-agent-token","confidence":0.5,"idempotency_key":"co_cCzpSzjD7pBUDiZi:arr:2023-12-24T01:02:03.456Z"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/218ce8c5-01b0-4ada-9e14-28a12630059c/client|g2czl-ry-gzF8zGkUUgHKt7f92AWCvqFecetQrKsxPy_7MnOJbnzddGXe8vwROMjvA","correlation":"218ce8c5-01b0-4ada-9e14-28a12630059c","surface":"http","command":"record_points"}', 1795322776690179, '\xc5ebfa08c262cd5110ba0563f7ea98dcc4ef5f439a03684e6c6983e844b2aaa4', '\xb3ca589fadff417f07173e688a33ae0ff5f7200041fc6f3b349a299392ad3577', 23),
	(44, 'metric', 'metric_CbSQ9DaP-jxfH-7T', 4, 'metric.point_corrected', '1.0', '{"point_corrected":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"arr","point":"point_pjSJpI51sBVzmm6r","value":1250.0,"reason":"typo","at":"2026-11-22T04:46:16.708564252Z"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/9ea83589-30b0-473f-9957-c86d0f78636f/client|eMf7V182SbNSWUrShT0POHsviVICBbPQs91l2oiCFENEzz3P0ynUJBIvDtSc7PJ4xA","correlation":"9ea83589-30b0-473f-9957-c86d0f78636f","surface":"http","command":"correct_point"}', 1795322776709079, '\xfe844fe4bc157834f226a503f6798cf612be9ac8a86ae51e0214045d8bf6664c', NULL, 23),
	(45, 'metric', 'metric_CbSQ9DaP-jxfH-7T', 5, 'metric.settings_changed', '1.0', '{"settings_changed":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"arr","display_name":"Umsatz","unit":"€"}}', '{"who":{"kind":"agent","company":"co_cCzpSzjD7pBUDiZi","application":"app_ehYTqbhbBFlCo2dn","token":"97c3b307d38b9194c7","name":"default-agent-token"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/4802b2d1-4223-4eab-9345-285e21aafca8/client|aRoU3hI05Jo_M6ZVbQrQR5r73zDoPHdA_DfUmfcTMZviTprYU_N0L8NWnFGBhxVUvA","correlation":"4802b2d1-4223-4eab-9345-285e21aafca8","surface":"http","command":"change_settings"}', 1795322776722578, '\xe3a149feb45015f21cb8fb22732b9ed87fa73564101c7fdfb3d7f6611673a64b', NULL, 23),
	(46, 'application', 'app_ehYTqbhbBFlCo2dn', 3, 'agent_token.issued', '1.0', '{"token_issued":{"company":"co_cCzpSzjD7pBUDiZi","token":{"id":"408da6d0536451402c","name":"narrow","secret_hash":"5b18604101cbc9660c30543fd3682914815c8dbe61c5257ef490be3b249bf709","scopes":["metrics:write"],"allowed_metrics":["arr"],"expires_at":null,"created_by":"a19947c8-3b6c-431f-9e02-0cb23e9270c8"},"at":"2026-11-22T04:46:16.742012004Z"}}', '{"who":{"kind":"account","account":"a19947c8-3b6c-431f-9e02-0cb23e9270c8","credential":"founder_session","credential_id":"4a110cb65f47a25aaf"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/b6df0cf9-9152-4216-86b6-be67dd4f123e/client|B_uI-Ucpa2r9Mg5SMPwMKoQBbK-CpKNsUNJSfGG--NBrymKpWIXp195250GT7PlItA","correlation":"b6df0cf9-9152-4216-86b6-be67dd4f123e","surface":"http","command":"issue_token"}', 1795322776742284, '\xde41f0a1c1b17f9317510631f2ce3a813b3a662701b0b670ea5780ad026834e3', NULL, 21),
	(47, 'application', 'app_ehYTqbhbBFlCo2dn', 4, 'agent_token.issued', '1.0', '{"token_issued":{"company":"co_cCzpSzjD7pBUDiZi","token":{"id":"fc0fa5a51fb5131461","name":"ended","secret_hash":"20a372b7db69bb3da3fc4f9da9ee9791837aa5337d4a44d950bae877eedcfb7b","scopes":["application:read"],"allowed_metrics":null,"expires_at":null,"created_by":"a19947c8-3b6c-431f-9e02-0cb23e9270c8"},"at":"2026-11-22T04:46:16.757607367Z"}}', '{"who":{"kind":"account","account":"a19947c8-3b6c-431f-9e02-0cb23e9270c8","credential":"founder_session","credential_id":"4a110cb65f47a25aaf"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/bb103c5d-0e03-491a-a34c-cf8d25aae1e6/client|KqLAQ0j6YJrGvHo6ykq9rn7jZnRFhOrLSKQQAbEiYeFm5Cs9sqgYmpG3o6oBMfHDMg","correlation":"bb103c5d-0e03-491a-a34c-cf8d25aae1e6","surface":"http","command":"issue_token"}', 1795322776757891, '\xff777e21684a083be749f9563f465b796a484e954585c2b1bcb5e5f81330c62c', NULL, 21),
	(48, 'application', 'app_ehYTqbhbBFlCo2dn', 5, 'agent_token.revoked', '1.0', '{"token_revoked":{"company":"co_cCzpSzjD7pBUDiZi","token":"fc0fa5a51fb5131461","name":"ended","by":"a19947c8-3b6c-431f-9e02-0cb23e9270c8","at":"2026-11-22T04:46:16.770492560Z"}}', '{"who":{"kind":"account","account":"a19947c8-3b6c-431f-9e02-0cb23e9270c8","credential":"founder_session","credential_id":"4a110cb65f47a25aaf"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/4781595c-698c-4f35-af4a-b37ca39bb360/client|Q4QXvE7pwVWKjUgwswLFmDNVmCX1jNHD7UnhWx19OzHqphwCWEv40KDdZ3m7yVWpsQ","correlation":"4781595c-698c-4f35-af4a-b37ca39bb360","surface":"http","command":"revoke_token"}', 1795322776770711, '\x8e2150003ad257992f712d2735d1bda52b814399f0344588e63ea1711e1b0301', NULL, 21);
INSERT INTO public.events VALUES
	(49, 'metric', 'metric_X27sfHH7FHPCYxYO', 16, 'metric.alert_acknowledged', '1.0', '{"alert_acknowledged":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","alert":"alert_rnA288-ZnZ8p9AiZ","by":"a19947c8-3b6c-431f-9e02-0cb23e9270c8","note":"seen","at":"2026-11-22T04:46:16.805365964Z"}}', '{"who":{"kind":"account","account":"a19947c8-3b6c-431f-9e02-0cb23e9270c8","credential":"founder_session","credential_id":"4a110cb65f47a25aaf"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/1457c516-966d-40fe-9763-241fe0dd3740/client|XNDa18WOFLc2wZWJV_xM2Grnj2RtMH8DI4lheUJQNWcmZYVIf4gBgL-YXXJ8RV9Shg","correlation":"1457c516-966d-40fe-9763-241fe0dd3740","surface":"http","command":"acknowledge_alert"}', 1795322776805616, '\x3cb6bdb84d988736e88b80d9a6e059fc1177a143f23f6b84d85ecd4b5c90e765', NULL, 27),
	(50, 'metric', 'metric_X27sfHH7FHPCYxYO', 17, 'metric.alert_resolved', '1.0', '{"alert_resolved":{"company":"co_cCzpSzjD7pBUDiZi","metric_key":"temp","alert":"alert_rOsvIyJ-blgk7fVf","by":"a19947c8-3b6c-431f-9e02-0cb23e9270c8","note":"done","at":"2026-11-22T04:46:16.834765784Z"}}', '{"who":{"kind":"account","account":"a19947c8-3b6c-431f-9e02-0cb23e9270c8","credential":"founder_session","credential_id":"4a110cb65f47a25aaf"},"client":"v1|subject_5Rtx1zq496JYrNP1y6XLXw|metadata/09791eb2-0145-48ce-9506-c766ea1abe76/client|EcFe9WF7CkPtBmNDf1VGhz1L1_bq_5r_gHnjanNPOT8fVYYtC9Oc3wj3b454Gp7IlQ","correlation":"09791eb2-0145-48ce-9506-c766ea1abe76","surface":"http","command":"resolve_alert"}', 1795322776834989, '\xcf721695330e13752ad977ca73032a9f2a6c80d7f3c9666a467d50a8f1d6761d', NULL, 27),
	(51, 'invite', 'ec52a8d3-d86e-4e34-afc3-29806c7401af', 1, 'invite.created', '1.0', '{"created":{"username":"ben","created_by":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","at":"2026-11-22T04:46:16.852831584Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/d351eda5-f876-47c1-a1e1-cb9373c19259/client|X1W1CdZO1I4d-1vCHGrxfuBqL_-WCMX2L_QPW0M4ax_Tl8sH8oA_WKmAe5UYX5e6yg","correlation":"d351eda5-f876-47c1-a1e1-cb9373c19259","surface":"http","command":"invite_create"}', 1795322776854472, '\x318df8874341d46317554c8217899277dbacf0fe6b332fa24031f95288966729', NULL, 51),
	(52, 'invite', 'ec52a8d3-d86e-4e34-afc3-29806c7401af', 2, 'invite.claimed', '1.0', '{"claimed":{"account":"580a9022-ae34-4711-9a92-10450e0d6bce","username":"ben","at":"2026-11-22T04:46:16.947811077Z"}}', '{"who":{"kind":"account","account":"580a9022-ae34-4711-9a92-10450e0d6bce","credential":"session","credential_id":"48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80"},"client":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/3e724f7f-f23e-4b48-9032-33a7be354d94/client|lBvaVlrMUUQo-eLzhVYrKrs34Ies0YJopFnMsdzGOkXG_1xcYUKxSUuXkTa-zRm7Sg","correlation":"3e724f7f-f23e-4b48-9032-33a7be354d94","surface":"http","command":"signup"}', 1795322776948599, '\x0a730d8b156cebe1a875e90c312405e15e7f5c2d660aca33994fae096fde988e', NULL, 51),
	(53, 'account', '580a9022-ae34-4711-9a92-10450e0d6bce', 1, 'account.registered', '1.1', '{"registered":{"username":"ben","email":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|account/580a9022-ae34-4711-9a92-10450e0d6bce/email|AqhKfyq8PZgHZjaXDAFkXEZ9iQoT5iMidvruSWvQyRnc_tdufBiLZPgYXpgat2d3QJAwu34Si9U","email_key":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|account/580a9022-ae34-4711-9a92-10450e0d6bce/email_key|KRBkvN2F9onP1tyyiMv600RmOe_04pHrK18bgD-QZ07tzhI4Jf8ARhhtfrE0jNxCkiZXHlQAozs","subject":"subject_wHD3vAwMQ0-c22fNoPOsbQ","persona":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","via":"invite","password":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|account/580a9022-ae34-4711-9a92-10450e0d6bce/password|WwM9FzurEvsURsptjqdk1rgjy7iHlmu8rlV-v7eqEiZ9bPNaea13xRQFXwQ15NqWXR7yQZPQEVovSya-YSGWedO9YeBP1h1SRiYuVpty015rCee8UlSxuHPzox-eOKxaqEZC_Hf70MUiupYUn3OZFO1eLaF8Y4nOVRaw1Hd1MY2GrK3hONHJPPs","invite":"ec52a8d3-d86e-4e34-afc3-29806c7401af","at":"2026-11-22T04:46:16.947811077Z"}}', '{"who":{"kind":"account","account":"580a9022-ae34-4711-9a92-10450e0d6bce","credential":"session","credential_id":"48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80"},"client":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/3e724f7f-f23e-4b48-9032-33a7be354d94/client|lBvaVlrMUUQo-eLzhVYrKrs34Ies0YJopFnMsdzGOkXG_1xcYUKxSUuXkTa-zRm7Sg","correlation":"3e724f7f-f23e-4b48-9032-33a7be354d94","surface":"http","command":"signup"}', 1795322776948599, '\x89654b102768e5be9cdcf2e6688d59808b1786264e55b215b3a611d5f67c7cb4', NULL, 53),
	(54, 'account', '580a9022-ae34-4711-9a92-10450e0d6bce', 2, 'account.session_opened', '1.0', '{"session_opened":{"session":"48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80","kind":"cookie","expires_at":"2026-12-22T04:46:16.947811077Z","at":"2026-11-22T04:46:16.947811077Z"}}', '{"who":{"kind":"account","account":"580a9022-ae34-4711-9a92-10450e0d6bce","credential":"session","credential_id":"48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80"},"client":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/3e724f7f-f23e-4b48-9032-33a7be354d94/client|lBvaVlrMUUQo-eLzhVYrKrs34Ies0YJopFnMsdzGOkXG_1xcYUKxSUuXkTa-zRm7Sg","correlation":"3e724f7f-f23e-4b48-9032-33a7be354d94","surface":"http","command":"signup"}', 1795322776948599, '\x6b90bd68b9fdbcc7650ecf7705c31ba939271cac1ee4e5f5eb5c1f47edde1d0c', NULL, 53),
	(55, 'session', '48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80', 1, 'session.started', '1.0', '{"started":{"account":"580a9022-ae34-4711-9a92-10450e0d6bce","kind":"cookie","secret_hash":"48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80","expires_at":"2026-12-22T04:46:16.947811077Z","at":"2026-11-22T04:46:16.947811077Z"}}', '{"who":{"kind":"account","account":"580a9022-ae34-4711-9a92-10450e0d6bce","credential":"session","credential_id":"48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80"},"client":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/3e724f7f-f23e-4b48-9032-33a7be354d94/client|lBvaVlrMUUQo-eLzhVYrKrs34Ies0YJopFnMsdzGOkXG_1xcYUKxSUuXkTa-zRm7Sg","correlation":"3e724f7f-f23e-4b48-9032-33a7be354d94","surface":"http","command":"signup"}', 1795322776948599, '\x8ae1484b09b3355ecee6c8e6511c219ef6e0ed50d0f5dd5cfe6f40c8f51ea915', NULL, 55),
	(56, 'invite', '1db191f2-9805-4012-8591-18907dd4d372', 1, 'invite.created', '1.0', '{"created":{"username":"cid","created_by":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","at":"2026-11-22T04:46:16.981053557Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/197b4c28-cbc4-49fe-a262-3c6179b5fc22/client|Tg-yDfi3Bw_xH0FzUcZ7tmiMMOEPQEYrTLL_iELoawHBLsl9XgWNfMzZrS8-o8bx5A","correlation":"197b4c28-cbc4-49fe-a262-3c6179b5fc22","surface":"http","command":"invite_create"}', 1795322776983329, '\x224a1e5408410a42169a4ef2e41bf7f63099fdcb1100b0d1bc3c038a7a0561f5', NULL, 56),
	(57, 'invite', '1db191f2-9805-4012-8591-18907dd4d372', 2, 'invite.claimed', '1.0', '{"claimed":{"account":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce","username":"cid","at":"2026-11-22T04:46:17.081870555Z"}}', '{"who":{"kind":"account","account":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce","credential":"session","credential_id":"c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9"},"client":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/e960f2e7-2025-46ec-87e4-6cf567f40957/client|2v3yuaQZ9jNinvyWhg1gvSRsLoPXW_EP3vQtZ778Jt1KawchzvY8uZnoc6060fzVyA","correlation":"e960f2e7-2025-46ec-87e4-6cf567f40957","surface":"http","command":"signup"}', 1795322777082535, '\x7d571d3a5c536637bd3805e55f41662f79fcc153871d8e557d3e023506463ffe', NULL, 56),
	(58, 'account', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 1, 'account.registered', '1.1', '{"registered":{"username":"cid","email":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|account/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/email|B0GjLmU2Jw2_vk8evldvktxzK41Ux1VghZ6grKPw2ysnHzg4HjPLOrF740693FAzjVvX1_gp1eg","email_key":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|account/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/email_key|9r4RlcurWMz51cPtWKM4-WIAuD5ntrN7aKhhX4X3rdq9zakjuv1dMYzJESzWV-ed4z7_aL-4t8M","subject":"subject_E1bgY4X7_x5coVM9wA8PBw","persona":"699fb97b-b883-40a9-ac3e-471a666eb72e","via":"invite","password":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|account/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/password|GO2eKhKG5kUTH9zgqheFGAD8f1KpuYl-8Tw02W9vK88C_U-xp9MIst469Mmoc4IqvhsR4Fecjc5zhT6f8I2KuPyOEeyvD3LQzglg3SOrD9ggH_6gxEG3IZv5tZMLqO1CCjRgEQ6U5Hr12h7c-kLTysA14rgLAItRMQFx_vCLfZTc_HnkLC_GAIA","invite":"1db191f2-9805-4012-8591-18907dd4d372","at":"2026-11-22T04:46:17.081870555Z"}}', '{"who":{"kind":"account","account":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce","credential":"session","credential_id":"c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9"},"client":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/e960f2e7-2025-46ec-87e4-6cf567f40957/client|2v3yuaQZ9jNinvyWhg1gvSRsLoPXW_EP3vQtZ778Jt1KawchzvY8uZnoc6060fzVyA","correlation":"e960f2e7-2025-46ec-87e4-6cf567f40957","surface":"http","command":"signup"}', 1795322777082535, '\xe195be3d2c2a5ea2f75badc4cbc0a5b38461c0702e45607fde44ec4a11608585', NULL, 58),
	(59, 'account', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 2, 'account.session_opened', '1.0', '{"session_opened":{"session":"c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9","kind":"cookie","expires_at":"2026-12-22T04:46:17.081870555Z","at":"2026-11-22T04:46:17.081870555Z"}}', '{"who":{"kind":"account","account":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce","credential":"session","credential_id":"c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9"},"client":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/e960f2e7-2025-46ec-87e4-6cf567f40957/client|2v3yuaQZ9jNinvyWhg1gvSRsLoPXW_EP3vQtZ778Jt1KawchzvY8uZnoc6060fzVyA","correlation":"e960f2e7-2025-46ec-87e4-6cf567f40957","surface":"http","command":"signup"}', 1795322777082535, '\xfa90a37ea4fe213ef8b67c5e93e82bc2d509afddbca5ad189a648fc4c83337cd', NULL, 58),
	(60, 'session', 'c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9', 1, 'session.started', '1.0', '{"started":{"account":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce","kind":"cookie","secret_hash":"c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9","expires_at":"2026-12-22T04:46:17.081870555Z","at":"2026-11-22T04:46:17.081870555Z"}}', '{"who":{"kind":"account","account":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce","credential":"session","credential_id":"c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9"},"client":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/e960f2e7-2025-46ec-87e4-6cf567f40957/client|2v3yuaQZ9jNinvyWhg1gvSRsLoPXW_EP3vQtZ778Jt1KawchzvY8uZnoc6060fzVyA","correlation":"e960f2e7-2025-46ec-87e4-6cf567f40957","surface":"http","command":"signup"}', 1795322777082535, '\x2c1f40d1180c44c182764eee84c8444a65a6b9f56a551424df7433598aa6b7c7', NULL, 60),
	(61, 'invite', 'fd889074-3d06-4898-93cd-b56f4087e2f0', 1, 'invite.created', '1.0', '{"created":{"username":"eve","created_by":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","at":"2026-11-22T04:46:17.102612480Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/b007bf3b-0a3e-450d-b49f-aa274773cc6a/client|_yvIUYqnm4zr4qxQGP5euNp6TQN8q-2jYg2q_5-kiDxomaWhnBcZtcoB4mNK9acKyg","correlation":"b007bf3b-0a3e-450d-b49f-aa274773cc6a","surface":"http","command":"invite_create"}', 1795322777104296, '\xcfbda1cb567134ced81798aed9819ac5d8a44f8791cf1dc052589c3d4f5b131f', NULL, 61),
	(62, 'invite', 'fd889074-3d06-4898-93cd-b56f4087e2f0', 2, 'invite.claimed', '1.0', '{"claimed":{"account":"564e1064-9f7f-4a88-81e7-95b4b28e8e89","username":"eve","at":"2026-11-22T04:46:17.203891121Z"}}', '{"who":{"kind":"account","account":"564e1064-9f7f-4a88-81e7-95b4b28e8e89","credential":"session","credential_id":"f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110"},"client":"v1|subject_RhmE4FdcXp49473kJjllzQ|metadata/0fc90837-b69c-4432-9399-106eb683803f/client|1YhMYoikv-ifPTHawSkG9dfNE4IKcq60f8lLFl3KSKZ3TuMs6EnmBNYgkir2vm7SzQ","correlation":"0fc90837-b69c-4432-9399-106eb683803f","surface":"http","command":"signup"}', 1795322777204571, '\x0a797a7e28ce9bd39cfeb5bcd10aafec870db2bce90c90034bc37fb1f584a557', NULL, 61),
	(63, 'account', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', 1, 'account.registered', '1.1', '{"registered":{"username":"eve","email":"v1|subject_RhmE4FdcXp49473kJjllzQ|account/564e1064-9f7f-4a88-81e7-95b4b28e8e89/email|LOrSWhWxU6W_3IRsF3Y13m3zr4JBzdXecRzw5p7dUU1woicQvPidAWL2L4mEuBb9O163sCES5yY","email_key":"v1|subject_RhmE4FdcXp49473kJjllzQ|account/564e1064-9f7f-4a88-81e7-95b4b28e8e89/email_key|FKsmuz531H5zZDWSN0050AqIKiJ83FqeCUux5U7ccGadBrtPvFzmd3EWHjw92E92Wj1GGDROSQY","subject":"subject_RhmE4FdcXp49473kJjllzQ","persona":"41f27e6e-ed9e-4899-8c44-2b59d1f617a1","via":"invite","password":"v1|subject_RhmE4FdcXp49473kJjllzQ|account/564e1064-9f7f-4a88-81e7-95b4b28e8e89/password|qVDtz6554W-PguhxLUmfROSp_BOMh7hTo5ui4uI7y4X2Rm3KrRUCXtrBz0Wn7mevS2fKfKB42pm4wOtYMlEE35uMWYaVOsa9vQaB7HVUqQDbynEKoTQPtEE9409oCrLcqNChFNR3byJ7kh8Ap0U4bJlyWUCrWMB10sVF1fndigDm5xqR81DZrsQ","invite":"fd889074-3d06-4898-93cd-b56f4087e2f0","at":"2026-11-22T04:46:17.203891121Z"}}', '{"who":{"kind":"account","account":"564e1064-9f7f-4a88-81e7-95b4b28e8e89","credential":"session","credential_id":"f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110"},"client":"v1|subject_RhmE4FdcXp49473kJjllzQ|metadata/0fc90837-b69c-4432-9399-106eb683803f/client|1YhMYoikv-ifPTHawSkG9dfNE4IKcq60f8lLFl3KSKZ3TuMs6EnmBNYgkir2vm7SzQ","correlation":"0fc90837-b69c-4432-9399-106eb683803f","surface":"http","command":"signup"}', 1795322777204571, '\x3ceda52db034b36693fe8c682fad096929d1f51b1477c78a440ba666327eb63d', NULL, 63),
	(64, 'account', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', 2, 'account.session_opened', '1.0', '{"session_opened":{"session":"f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110","kind":"cookie","expires_at":"2026-12-22T04:46:17.203891121Z","at":"2026-11-22T04:46:17.203891121Z"}}', '{"who":{"kind":"account","account":"564e1064-9f7f-4a88-81e7-95b4b28e8e89","credential":"session","credential_id":"f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110"},"client":"v1|subject_RhmE4FdcXp49473kJjllzQ|metadata/0fc90837-b69c-4432-9399-106eb683803f/client|1YhMYoikv-ifPTHawSkG9dfNE4IKcq60f8lLFl3KSKZ3TuMs6EnmBNYgkir2vm7SzQ","correlation":"0fc90837-b69c-4432-9399-106eb683803f","surface":"http","command":"signup"}', 1795322777204571, '\xcbefb416a49787ca3016d03243bf7e9d23977c82f40d2a4c563005926399af94', NULL, 63),
	(65, 'session', 'f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110', 1, 'session.started', '1.0', '{"started":{"account":"564e1064-9f7f-4a88-81e7-95b4b28e8e89","kind":"cookie","secret_hash":"f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110","expires_at":"2026-12-22T04:46:17.203891121Z","at":"2026-11-22T04:46:17.203891121Z"}}', '{"who":{"kind":"account","account":"564e1064-9f7f-4a88-81e7-95b4b28e8e89","credential":"session","credential_id":"f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110"},"client":"v1|subject_RhmE4FdcXp49473kJjllzQ|metadata/0fc90837-b69c-4432-9399-106eb683803f/client|1YhMYoikv-ifPTHawSkG9dfNE4IKcq60f8lLFl3KSKZ3TuMs6EnmBNYgkir2vm7SzQ","correlation":"0fc90837-b69c-4432-9399-106eb683803f","surface":"http","command":"signup"}', 1795322777204571, '\xe41420f3cd5aa25fe445143f8ef2a959a5605277ea622b7141bf3bfadc6adfa1', NULL, 65),
	(66, 'offer', '580a9022-ae34-4711-9a92-10450e0d6bce', 1, 'offer.made', '1.0', '{"made":{"offer":"dbcfc1a2-9746-473f-b6dc-3c18c325e643","grantor":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","grantor_account":"c014e230-be98-4038-94e8-e893d6345d90","role":"admin","message":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|offer/580a9022-ae34-4711-9a92-10450e0d6bce/dbcfc1a2-9746-473f-b6dc-3c18c325e643/message|Vnp9m3mljEP6oW1tUJ7XfzVNHFxd-fiWjGYAd6gY9nDjminIH6s4VeG-YGN1ll8","expires_at":"2026-12-22T04:46:17.245508243Z","at":"2026-11-22T04:46:17.245508243Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","persona":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/6d7cfb61-9b49-4acb-80f7-247485891c13/client|NBXrtmvAi-3_vqvaHUK4jWBmQVCNYq5iIj_uIskAkqtodgHidXGP9ZrdL_z60WKb4w","correlation":"6d7cfb61-9b49-4acb-80f7-247485891c13","surface":"http","command":"role_grant_offer_create"}', 1795322777245807, '\x225d17cdd08a74778ca556d6b20eee29a00c364a1965f8ec1ff6c8d15fa0d325', NULL, 66),
	(67, 'offer', '580a9022-ae34-4711-9a92-10450e0d6bce', 2, 'offer.accepted', '1.0', '{"accepted":{"offer":"dbcfc1a2-9746-473f-b6dc-3c18c325e643","persona":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","grant":"a8cdbc09-596d-4358-b6c2-474b4c2e0bc7","at":"2026-11-22T04:46:17.252542826Z"}}', '{"who":{"kind":"account","account":"580a9022-ae34-4711-9a92-10450e0d6bce","persona":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","credential":"session","credential_id":"48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80"},"client":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/91b827cc-38cc-4d32-9d6d-20d4ab7fc044/client|hgmGWTZ9w6qK0X_kdr-A0wXSbUBcPASsSRHKHkh0MCdEgZ9tgoMDEqwH9mXD97QtBg","correlation":"91b827cc-38cc-4d32-9d6d-20d4ab7fc044","surface":"http","command":"role_grant_offer_accept"}', 1795322777253767, '\x57282ce3d3e490d5575ed9ddb40ddf0ea9b84ea1b4bab4e80c2880aa8ef9f67f', NULL, 66),
	(68, 'offer', '580a9022-ae34-4711-9a92-10450e0d6bce', 3, 'grant.created', '1.0', '{"grant_created":{"grant":"a8cdbc09-596d-4358-b6c2-474b4c2e0bc7","persona":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","role":"admin","path":"admin","granted_by":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","source_offer":"dbcfc1a2-9746-473f-b6dc-3c18c325e643","at":"2026-11-22T04:46:17.252542826Z"}}', '{"who":{"kind":"account","account":"580a9022-ae34-4711-9a92-10450e0d6bce","persona":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","credential":"session","credential_id":"48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80"},"client":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/91b827cc-38cc-4d32-9d6d-20d4ab7fc044/client|hgmGWTZ9w6qK0X_kdr-A0wXSbUBcPASsSRHKHkh0MCdEgZ9tgoMDEqwH9mXD97QtBg","correlation":"91b827cc-38cc-4d32-9d6d-20d4ab7fc044","surface":"http","command":"role_grant_offer_accept"}', 1795322777253767, '\xe1df2de517318a206831a29598fb0448cb4c77fcc804b33a297e5c13d92a193f', NULL, 66),
	(69, 'roster', 'main', 4, 'roster.admitted', '1.0', '{"admitted":{"role":"admin","grant":"a8cdbc09-596d-4358-b6c2-474b4c2e0bc7","persona":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","account":"580a9022-ae34-4711-9a92-10450e0d6bce","at":"2026-11-22T04:46:17.252542826Z"}}', '{"who":{"kind":"account","account":"580a9022-ae34-4711-9a92-10450e0d6bce","persona":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","credential":"session","credential_id":"48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80"},"client":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/91b827cc-38cc-4d32-9d6d-20d4ab7fc044/client|hgmGWTZ9w6qK0X_kdr-A0wXSbUBcPASsSRHKHkh0MCdEgZ9tgoMDEqwH9mXD97QtBg","correlation":"91b827cc-38cc-4d32-9d6d-20d4ab7fc044","surface":"http","command":"role_grant_offer_accept"}', 1795322777253767, '\x02a4707b277ed3ac9f36f14525b02dc9fde666d8082ac19fb054dd44427b48fa', NULL, 1),
	(70, 'offer', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 1, 'offer.made', '1.0', '{"made":{"offer":"760e1729-c4c7-474f-9177-aa51d345fb84","grantor":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","grantor_account":"580a9022-ae34-4711-9a92-10450e0d6bce","role":"student","message":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|offer/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/760e1729-c4c7-474f-9177-aa51d345fb84/message|XOArNgS65J6yxffPpugQv7CogyqSKwfBilxU8Qp_W54l33HomQ2nqRjzPuSMtzc","expires_at":"2026-12-22T04:46:17.262325992Z","at":"2026-11-22T04:46:17.262325992Z"}}', '{"who":{"kind":"account","account":"580a9022-ae34-4711-9a92-10450e0d6bce","persona":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","credential":"session","credential_id":"48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80"},"client":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/2c1ef2ad-2f76-4064-b41f-479d3893708a/client|DnaHohzdNdGBuihW7EOOvZqD-hnANaqtAe4mL2MalJU5ZqNbXfvvzz8V0L7whmm2mw","correlation":"2c1ef2ad-2f76-4064-b41f-479d3893708a","surface":"http","command":"role_grant_offer_create"}', 1795322777262587, '\xa743657eba1fce6023bcb3a0807d1e9a689e49911824b990d4d57531fdb12b1e', NULL, 70),
	(71, 'offer', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 2, 'offer.accepted', '1.0', '{"accepted":{"offer":"760e1729-c4c7-474f-9177-aa51d345fb84","persona":"699fb97b-b883-40a9-ac3e-471a666eb72e","grant":"8443e7ea-b399-4dc2-b996-41ba7c9af08f","at":"2026-11-22T04:46:17.273845154Z"}}', '{"who":{"kind":"account","account":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce","persona":"699fb97b-b883-40a9-ac3e-471a666eb72e","credential":"session","credential_id":"c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9"},"client":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/42c0bbb5-a1fd-4f34-bf72-568290b7661a/client|-x7C0v2OG3n-1o7DyzVpkUEk2Y3aRgQEny0k28fyPKI_PAhtn-5vamZ4Xa6z4Oip1w","correlation":"42c0bbb5-a1fd-4f34-bf72-568290b7661a","surface":"http","command":"role_grant_offer_accept"}', 1795322777274085, '\xd4a756c8cf3f0ae068a6e34decd6d70230f84e6a2497b9fab038d32cce6dc775', NULL, 70),
	(91, 'offer', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', 4, 'grant.revoked', '1.0', '{"grant_revoked":{"grant":"484fd1a4-30a6-4153-adbc-0f12118b3642","persona":"41f27e6e-ed9e-4899-8c44-2b59d1f617a1","role":"student","path":"system","at":"2026-11-22T04:46:18.103862138Z"}}', '{"who":{"kind":"operator"},"correlation":"01e4aaf8-6f90-4c43-ac61-8f56208edcae","surface":"cli","command":"erase"}', 1795322778115874, '\xa7b9d67a9c5a3b10a40e4f395faa7cb18c433fc423e27933e378475c98e172a6', NULL, 79),
	(72, 'offer', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 3, 'grant.created', '1.0', '{"grant_created":{"grant":"8443e7ea-b399-4dc2-b996-41ba7c9af08f","persona":"699fb97b-b883-40a9-ac3e-471a666eb72e","role":"student","path":"admin","granted_by":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","source_offer":"760e1729-c4c7-474f-9177-aa51d345fb84","at":"2026-11-22T04:46:17.273845154Z"}}', '{"who":{"kind":"account","account":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce","persona":"699fb97b-b883-40a9-ac3e-471a666eb72e","credential":"session","credential_id":"c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9"},"client":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/42c0bbb5-a1fd-4f34-bf72-568290b7661a/client|-x7C0v2OG3n-1o7DyzVpkUEk2Y3aRgQEny0k28fyPKI_PAhtn-5vamZ4Xa6z4Oip1w","correlation":"42c0bbb5-a1fd-4f34-bf72-568290b7661a","surface":"http","command":"role_grant_offer_accept"}', 1795322777274085, '\x4ea47ecd268914499bb7335b42bc705e104ed47bb9183d8b69765fd81527f218', NULL, 70),
	(73, 'offer', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 4, 'offer.made', '1.0', '{"made":{"offer":"9b404b16-a27c-42cd-bffa-c569222d871f","grantor":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","grantor_account":"580a9022-ae34-4711-9a92-10450e0d6bce","role":"teacher","message":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|offer/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/9b404b16-a27c-42cd-bffa-c569222d871f/message|uGU4BL0QQrMidbSU-BUWsgeHjDy0A-t4fnHreTaN7w-DwnKm4LomDPY3F2PYzUI","expires_at":"2026-12-22T04:46:17.292923375Z","at":"2026-11-22T04:46:17.292923375Z"}}', '{"who":{"kind":"account","account":"580a9022-ae34-4711-9a92-10450e0d6bce","persona":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","credential":"session","credential_id":"48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80"},"client":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/87d926b6-300d-4204-ac61-ff604d0dd071/client|Wd9YLaZ1ojKagwu1yR5Vuub2dXi0KS8WSbKVzcWgVP83Scgb22hce-PJDuc15iRNtw","correlation":"87d926b6-300d-4204-ac61-ff604d0dd071","surface":"http","command":"role_grant_offer_create"}', 1795322777293533, '\x1d02c62134546202a12cb3ab0c2692f24713c16aa2c7d9cc3e5653a6d05c904e', NULL, 70),
	(74, 'offer', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 5, 'offer.accepted', '1.0', '{"accepted":{"offer":"9b404b16-a27c-42cd-bffa-c569222d871f","persona":"699fb97b-b883-40a9-ac3e-471a666eb72e","grant":"d56cea06-b8d4-4025-acbb-0d87976c6399","at":"2026-11-22T04:46:17.306150852Z"}}', '{"who":{"kind":"account","account":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce","persona":"699fb97b-b883-40a9-ac3e-471a666eb72e","credential":"session","credential_id":"c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9"},"client":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/85c03a19-b472-45c7-9c34-ad69093b47fd/client|tiHkgLBqhc1wNelFu9HmNwyw0S15qkId6Fz_4yMC6zxuGsI3ISY_38mO4q60Jk1xyQ","correlation":"85c03a19-b472-45c7-9c34-ad69093b47fd","surface":"http","command":"role_grant_offer_accept"}', 1795322777306474, '\xe696b5eca94a37e59f899fd2680c79949aa63b24026208e719c898abcc4952b2', NULL, 70),
	(75, 'offer', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 6, 'grant.created', '1.0', '{"grant_created":{"grant":"d56cea06-b8d4-4025-acbb-0d87976c6399","persona":"699fb97b-b883-40a9-ac3e-471a666eb72e","role":"teacher","path":"admin","granted_by":"1bf2d144-eef1-43e3-b20b-ab4086b80f04","source_offer":"9b404b16-a27c-42cd-bffa-c569222d871f","at":"2026-11-22T04:46:17.306150852Z"}}', '{"who":{"kind":"account","account":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce","persona":"699fb97b-b883-40a9-ac3e-471a666eb72e","credential":"session","credential_id":"c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9"},"client":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/85c03a19-b472-45c7-9c34-ad69093b47fd/client|tiHkgLBqhc1wNelFu9HmNwyw0S15qkId6Fz_4yMC6zxuGsI3ISY_38mO4q60Jk1xyQ","correlation":"85c03a19-b472-45c7-9c34-ad69093b47fd","surface":"http","command":"role_grant_offer_accept"}', 1795322777306474, '\xd6f8087d5cb7d5553a0341387577dcab7edff288873b797ce2cfc410f29b29a2', NULL, 70),
	(76, 'offer', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 7, 'offer.made', '1.0', '{"made":{"offer":"f78e75ce-7ef9-47bb-8f54-59da62b73642","grantor":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","grantor_account":"c014e230-be98-4038-94e8-e893d6345d90","role":"teacher","message":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|offer/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/f78e75ce-7ef9-47bb-8f54-59da62b73642/message|b1Q_2T32GuldG87BYY8kwJkCkEBC9KQCDBoUYecUZI2C14t6qrXcyVDwG48Dw8k","expires_at":"2026-12-22T04:46:17.319325020Z","at":"2026-11-22T04:46:17.319325020Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","persona":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/1be7e432-9093-4b22-afb0-586e9efc852a/client|pmAG1AmPFwErEAq4XEMrHNb1qTfxvOKf4tkTFX8jsaJVH3XJTh973wSBqRw_yE49Dw","correlation":"1be7e432-9093-4b22-afb0-586e9efc852a","surface":"http","command":"role_grant_offer_create"}', 1795322777319600, '\xa2654229fb1cb36faf984a1040b3b4137e337cffdeeabdad88efa7c7898177ae', NULL, 70),
	(77, 'offer', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 8, 'offer.declined', '1.0', '{"declined":{"offer":"f78e75ce-7ef9-47bb-8f54-59da62b73642","persona":"699fb97b-b883-40a9-ac3e-471a666eb72e","reason":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|offer/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/f78e75ce-7ef9-47bb-8f54-59da62b73642/decline_reason|ZOlwFazSxuan7O8ZmsdkWR_0VFp8YsjA95VSk4_pz_Jd0Afofb2UPDGayBGgpDA","at":"2026-11-22T04:46:17.328072193Z"}}', '{"who":{"kind":"account","account":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce","persona":"699fb97b-b883-40a9-ac3e-471a666eb72e","credential":"session","credential_id":"c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9"},"client":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/8c5c7f48-19fc-4073-8ec5-051daa28b9c5/client|_fG4MHyIYg2fymTxoBJZtc1TbdyZ2d6ngz_RcLHoFKvq1MhzUzMg9EnucryvAN8s8A","correlation":"8c5c7f48-19fc-4073-8ec5-051daa28b9c5","surface":"http","command":"role_grant_offer_decline"}', 1795322777328229, '\x4ffd216f9932385bf75f0c4181f3be4ead0d8ec7020ca71aa640a8ff48910d54', NULL, 70),
	(78, 'offer', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 9, 'offer.made', '1.0', '{"made":{"offer":"79763b4a-6cae-4fea-ac9b-ccbe046cd754","grantor":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","grantor_account":"c014e230-be98-4038-94e8-e893d6345d90","role":"teacher","message":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|offer/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/79763b4a-6cae-4fea-ac9b-ccbe046cd754/message|tGXYr-gCiMbaByrJwAIK5QT7kGCxhaSkT5g0C9KZXhLfM5Q4X-ha01-GFKPIl6w","expires_at":"2026-12-22T04:46:17.333728932Z","at":"2026-11-22T04:46:17.333728932Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","persona":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/3f0d703a-06d7-442e-a8dc-0736222bd18a/client|EqU3GfRpnTDwXjCYXlJ0ikOQQB6M1VBuFLTdM-8aS6eSaGetL93Wl1Cqwvd9Z4kTZQ","correlation":"3f0d703a-06d7-442e-a8dc-0736222bd18a","surface":"http","command":"role_grant_offer_create"}', 1795322777334086, '\xf0ba2323b95d0326fd46fb9d281c1c68b2f17bf85dbf9d961357527ac503391c', NULL, 70),
	(92, 'account', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', 3, 'account.erased', '1.0', '{"erased":{"username":"eve","subject":"subject_RhmE4FdcXp49473kJjllzQ","reason":"requested","at":"2026-11-22T04:46:18.103862138Z"}}', '{"who":{"kind":"operator"},"correlation":"01e4aaf8-6f90-4c43-ac61-8f56208edcae","surface":"cli","command":"erase"}', 1795322778115874, '\x47a0cb1ab17a72a16c6ddfe0645083d569a9e5993d6284f368528f453cc2e8ac', NULL, 63),
	(93, 'subject', 'subject_RhmE4FdcXp49473kJjllzQ', 1, 'subject.erased', '1.0', '{"erased":{"reason":"requested","at":"2026-11-22T04:46:18.103862138Z"}}', '{"who":{"kind":"operator"},"correlation":"01e4aaf8-6f90-4c43-ac61-8f56208edcae","surface":"cli","command":"erase"}', 1795322778115874, '\xd54779f35c5e93e17a16810ecbd609fedb001758c5e930863955a52caa20795b', NULL, 93),
	(79, 'offer', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', 1, 'offer.made', '1.0', '{"made":{"offer":"1a43b6a7-16bf-41f3-a0aa-96dab96c1955","grantor":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","grantor_account":"c014e230-be98-4038-94e8-e893d6345d90","role":"student","message":"v1|subject_RhmE4FdcXp49473kJjllzQ|offer/564e1064-9f7f-4a88-81e7-95b4b28e8e89/1a43b6a7-16bf-41f3-a0aa-96dab96c1955/message|jivpSCcsynQYHPQ4y6uO6RcQQzuyf4cr68wgJTI5Cc_CAPs14qQiQz93W8AFGP0","expires_at":"2026-12-22T04:46:17.339774599Z","at":"2026-11-22T04:46:17.339774599Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","persona":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/63405259-cd0a-4bcb-9f7e-156beca9475c/client|Kji3uGYVFM_2HeFd-ua6YiFmLmPlYdqx3g_U2wEBVYnmK2e2lNyLiWMYsZQLeM0cOQ","correlation":"63405259-cd0a-4bcb-9f7e-156beca9475c","surface":"http","command":"role_grant_offer_create"}', 1795322777340299, '\x2c15dfb7f385fa1949bc8364f22cbe13d37bbb58885672e5f5fa310410d021ea', NULL, 79),
	(80, 'offer', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', 2, 'offer.accepted', '1.0', '{"accepted":{"offer":"1a43b6a7-16bf-41f3-a0aa-96dab96c1955","persona":"41f27e6e-ed9e-4899-8c44-2b59d1f617a1","grant":"484fd1a4-30a6-4153-adbc-0f12118b3642","at":"2026-11-22T04:46:17.351119221Z"}}', '{"who":{"kind":"account","account":"564e1064-9f7f-4a88-81e7-95b4b28e8e89","persona":"41f27e6e-ed9e-4899-8c44-2b59d1f617a1","credential":"session","credential_id":"f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110"},"client":"v1|subject_RhmE4FdcXp49473kJjllzQ|metadata/89ccbf31-8103-48c3-9dd2-3c218c021124/client|zOzDSi1cROx51s0Uf6ocEsEhjxxML6Azlv0jWvMBFBURP6AsEQ5u5tVTSqpSpZUyMQ","correlation":"89ccbf31-8103-48c3-9dd2-3c218c021124","surface":"http","command":"role_grant_offer_accept"}', 1795322777351390, '\x830e2852c5c34091d350be4ce5f31fae76146256f47441c93f78fb5fe3526cd2', NULL, 79),
	(81, 'offer', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', 3, 'grant.created', '1.0', '{"grant_created":{"grant":"484fd1a4-30a6-4153-adbc-0f12118b3642","persona":"41f27e6e-ed9e-4899-8c44-2b59d1f617a1","role":"student","path":"admin","granted_by":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","source_offer":"1a43b6a7-16bf-41f3-a0aa-96dab96c1955","at":"2026-11-22T04:46:17.351119221Z"}}', '{"who":{"kind":"account","account":"564e1064-9f7f-4a88-81e7-95b4b28e8e89","persona":"41f27e6e-ed9e-4899-8c44-2b59d1f617a1","credential":"session","credential_id":"f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110"},"client":"v1|subject_RhmE4FdcXp49473kJjllzQ|metadata/89ccbf31-8103-48c3-9dd2-3c218c021124/client|zOzDSi1cROx51s0Uf6ocEsEhjxxML6Azlv0jWvMBFBURP6AsEQ5u5tVTSqpSpZUyMQ","correlation":"89ccbf31-8103-48c3-9dd2-3c218c021124","surface":"http","command":"role_grant_offer_accept"}', 1795322777351390, '\xb3a07ee51e45a9d6df9c80220b2af1be31b25819d6d54b69946bcbdb7bea8585', NULL, 79),
	(82, 'account', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 3, 'account.persona_added', '1.0', '{"persona_added":{"persona":"0325e914-27f3-44c3-821e-a1927113b0b4","name":"Second","at":"2026-11-22T04:46:17.359769843Z"}}', '{"who":{"kind":"account","account":"d2ff2fcc-8383-4ecd-a72b-d0498cb998ce","credential":"session","credential_id":"c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9"},"client":"v1|subject_E1bgY4X7_x5coVM9wA8PBw|metadata/58a457ae-3e82-40b4-93a6-8357cdf55745/client|OfEe--AEuCYrIRb678IVuGxXcOUrq21nzAmCJci1WcAYT1j-BrcE6FnHBV64mkO9kA","correlation":"58a457ae-3e82-40b4-93a6-8357cdf55745","surface":"http","command":"actor_create"}', 1795322777360008, '\x8d344f224ee7caa8379afe62df680564518c0b0061c759d5a7939470e7e03b8b', NULL, 58),
	(83, 'invite', '0e35a05e-8bbc-4e84-8992-b8eee34c204b', 1, 'invite.created', '1.0', '{"created":{"email":{"given":"v1|subject_wi3FtTbk0UrwHGJbeAJtUg|invite/0e35a05e-8bbc-4e84-8992-b8eee34c204b/email|RJ5nidQ1B7fGCNxWdpvnEs7_OW577Ku9S_YBjNJEXHxg_sY9VqzDPoV5rzV12U3P0Gq1XWOuIH0FcN0","key":"v1|subject_wi3FtTbk0UrwHGJbeAJtUg|invite/0e35a05e-8bbc-4e84-8992-b8eee34c204b/email_key|GEaxzjTiFoXnSqH2jk8K8Y6yFqwv3o_j3yJDqvowh-sAIj0ySzPKv6wfXVJy5NLyxMeb1HSachRNtDU","subject":"subject_wi3FtTbk0UrwHGJbeAJtUg"},"created_by":"4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098","at":"2026-11-22T04:46:17.391707051Z"}}', '{"who":{"kind":"account","account":"c014e230-be98-4038-94e8-e893d6345d90","credential":"session","credential_id":"7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c"},"client":"v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|metadata/f3078b8a-24af-4912-8bb7-9735fe28baa4/client|wkM70cMC9lvqb6R7SgtbPAxAE270YA9PG8gMP4-f6kQd_VU-9XzLC5mSyeB4_-mwOQ","correlation":"f3078b8a-24af-4912-8bb7-9735fe28baa4","surface":"http","command":"invite_create"}', 1795322777417312, '\x737055aac37fb13afcb15016b1eae5351232902cf8105178dc49060cb5a2a1e7', NULL, 83),
	(84, 'account', '580a9022-ae34-4711-9a92-10450e0d6bce', 3, 'account.api_token_issued', '1.0', '{"api_token_issued":{"token":"tok_buNwx5LaVY3Q","name":"cron","secret_hash":"43fd6a8759137d93886d011c81a546040aaa9ecc2e4c24819b5266048b55a392","at":"2026-11-22T04:46:17.427623110Z"}}', '{"who":{"kind":"account","account":"580a9022-ae34-4711-9a92-10450e0d6bce","credential":"session","credential_id":"48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80"},"client":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/0db1e6de-400a-4fbb-abe6-8b14b552a1da/client|jdv-ffsjzUFaHT8FRlb2PAbpT4M95qOJr9JbUkaCpMftrMxFFmvwnMp5qJD5GEWyUA","correlation":"0db1e6de-400a-4fbb-abe6-8b14b552a1da","surface":"http","command":"account_token_create"}', 1795322777427858, '\xfbdb1cfa1bcdfc01784694c81384718bbd3d75bb574db5cfa11b7663630f841c', NULL, 53),
	(85, 'attempt', '7a8910bc-e39e-4a0d-8fca-a46af773effb', 1, 'attempt.refused', '1.0', '{"refused":{"what":"login","account":"580a9022-ae34-4711-9a92-10450e0d6bce","sealed":{"username":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|attempt/7a8910bc-e39e-4a0d-8fca-a46af773effb/username|ThPQ6TAENKGtU0OSWQ5G7aGcFx6vIzoC9v31fkl1t_dV0tU_-EEQ3pLG-g"},"at":"2026-11-22T04:46:17.501723045Z"}}', '{"who":{"kind":"anonymous"},"client":"v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|metadata/5e5ea12e-1035-4d2d-aaf1-33a40c56904e/client|-VMoqtQ5YHpj8cc3bKKKQFKc42Y4UvPPB0GvQMP4-XcZvwa9ESpzhXTzlDaEdF1JhA","correlation":"5e5ea12e-1035-4d2d-aaf1-33a40c56904e","surface":"http","command":"login"}', 1795322777501992, '\xe48389a1b91bf7a8b77cd2f95ccc25984fc07e0c42557be1c2af86b1e2986343', NULL, 85),
	(86, 'session', 'e3c402a5fbb5a83e88', 2, 'session.revoked', '1.0', '{"revoked":{"account":"13888d58-3220-48dc-85b2-b06968ce507e","reason":"account_erased","at":"2026-11-22T04:46:17.765163778Z"}}', '{"who":{"kind":"operator"},"correlation":"a0069055-780b-43da-a0a5-47806d75a66e","surface":"cli","command":"erase"}', 1795322777785911, '\x4c6f4f753d8b0ac90409d7ebc1db003fd09a4ace3ae1b46541cac7d26edb0087', NULL, 20),
	(87, 'account', '13888d58-3220-48dc-85b2-b06968ce507e', 4, 'account.erased', '1.0', '{"erased":{"username":"founder-9n667g2wvf","subject":"subject_-Xp_he1h8emcmhUP7SNczQ","reason":"requested","at":"2026-11-22T04:46:17.765163778Z"}}', '{"who":{"kind":"operator"},"correlation":"a0069055-780b-43da-a0a5-47806d75a66e","surface":"cli","command":"erase"}', 1795322777785911, '\xbffaffa7921f6c2b5421332d04125fd379b8dd573fe76a643e7022850fd5af79', NULL, 17),
	(88, 'application', 'app_LfQ7pUp3sLRkCo48', 3, 'agent_token.revoked', '1.0', '{"token_revoked":{"company":"co_fGMNrn0LXU6mIrJK","token":"d1ef8c6ee85ae0cbd5","name":"default-agent-token","reason":"account_erased","by":"operator","at":"2026-11-22T04:46:17.765163778Z"}}', '{"who":{"kind":"operator"},"correlation":"a0069055-780b-43da-a0a5-47806d75a66e","surface":"cli","command":"erase"}', 1795322777785911, '\xce84164294ec8f962a96924ec9e46051ba075bc58bc81c1f2a7eeab4da4b5d29', NULL, 24);
INSERT INTO public.invites_v1_g0 VALUES
	('ec52a8d3-d86e-4e34-afc3-29806c7401af', NULL, 'ben', '580a9022-ae34-4711-9a92-10450e0d6bce', 1795322776947811, '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 1795322776852831, NULL, 51),
	('1db191f2-9805-4012-8591-18907dd4d372', NULL, 'cid', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 1795322777081870, '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 1795322776981053, NULL, 56),
	('0e35a05e-8bbc-4e84-8992-b8eee34c204b', 'v1|subject_wi3FtTbk0UrwHGJbeAJtUg|invite/0e35a05e-8bbc-4e84-8992-b8eee34c204b/email|RJ5nidQ1B7fGCNxWdpvnEs7_OW577Ku9S_YBjNJEXHxg_sY9VqzDPoV5rzV12U3P0Gq1XWOuIH0FcN0', NULL, NULL, NULL, '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 1795322777391707, NULL, 83),
	('fd889074-3d06-4898-93cd-b56f4087e2f0', NULL, NULL, '564e1064-9f7f-4a88-81e7-95b4b28e8e89', 1795322777203891, '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 1795322777102612, NULL, 61);
INSERT INTO public.journal_epochs VALUES
	(1, 0, 1795322775471520);
INSERT INTO public.journal_head VALUES
	(1, 93, '\xd54779f35c5e93e17a16810ecbd609fedb001758c5e930863955a52caa20795b', 1795322778115874, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8', 1);
INSERT INTO public.last_used_v1 VALUES
	('97c3b307d38b9194c7', 1795322776567197, NULL),
	('7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c', 1795322776841349, 'v1|subject_bZfMAxr4ZeW4CzQWwYgX2g|last_used/7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c/client|Y05gCC1Hp8KDbMsf2i8udI6tVofU8mm43SmO-FUP8pJpyT6HNZFkbp9gx1orFSoVJw'),
	('48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80', 1795322776962412, 'v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|last_used/48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80/client|RGYBynBKrC_ZfGmBcu2aTp9AnEg1NdWvyJRdn42dGVHUehztZpUdWhgRs0zw1-e7jA'),
	('c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9', 1795322777091329, 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|last_used/c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9/client|UjvOY2yrVdHi_p8Bq5WCy9qg4TGZ50ZYSNQ9oRoIByZDISabJ3ep6SIWf095PZ4Ezg'),
	('f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110', 1795322777237907, 'v1|subject_RhmE4FdcXp49473kJjllzQ|last_used/f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110/client|CCSfUhFoCQKaiKy1zVmhsLmHC2u3-VI7ULPFMWPKgGEgd3X7bb2p_IKZof58IoIF1A'),
	('tok_buNwx5LaVY3Q', 1795322780634073, 'v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|last_used/tok_buNwx5LaVY3Q/client|PcMshX_waMGC4ebLwk_Bu-fOnTGZoatrud26O_wsXzydDp-viDOPmSGBy8odUr6yRA');
INSERT INTO public.metrics_v1_g0 VALUES
	('metric_LYLumIhAqE6OmbLO', 'co_fGMNrn0LXU6mIrJK', 'app_LfQ7pUp3sLRkCo48', 'arr', 'Arr', 'usd', 'weekly', 'up', 'self_reported', 'self_reported', 1795322776542828, 26, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('metric_CbSQ9DaP-jxfH-7T', 'co_cCzpSzjD7pBUDiZi', 'app_ehYTqbhbBFlCo2dn', 'arr', 'Umsatz', '€', 'weekly', 'up', 'self_reported', 'self_reported', 1795322776517620, 23, 2, 1795322776690179, 'point_pjSJpI51sBVzmm6r', 1704067200000000, 42, 1250, '2024-01-01', NULL, NULL, NULL),
	('metric_X27sfHH7FHPCYxYO', 'co_cCzpSzjD7pBUDiZi', 'app_ehYTqbhbBFlCo2dn', 'temp', 'Temp', '°C', 'daily', 'up', 'self_reported', 'self_reported', 1795322776573602, 27, 7, 1795322776619225, 'point_FJrxdrFIVUQJWV_p', 1720310400000000, 37, 29, '2024-07-07', NULL, NULL, NULL);
INSERT INTO public.offers_v1_g0 VALUES
	('dbcfc1a2-9746-473f-b6dc-3c18c325e643', '580a9022-ae34-4711-9a92-10450e0d6bce', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', NULL, 'admin', NULL, NULL, 'v1|subject_wHD3vAwMQ0-c22fNoPOsbQ|offer/580a9022-ae34-4711-9a92-10450e0d6bce/dbcfc1a2-9746-473f-b6dc-3c18c325e643/message|Vnp9m3mljEP6oW1tUJ7XfzVNHFxd-fiWjGYAd6gY9nDjminIH6s4VeG-YGN1ll8', 1795322777245508, 1797914777245508, 1795322777252542, NULL, NULL, NULL, NULL, 'a8cdbc09-596d-4358-b6c2-474b4c2e0bc7', 0, NULL, 66),
	('760e1729-c4c7-474f-9177-aa51d345fb84', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', '1bf2d144-eef1-43e3-b20b-ab4086b80f04', '580a9022-ae34-4711-9a92-10450e0d6bce', NULL, 'student', NULL, NULL, 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|offer/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/760e1729-c4c7-474f-9177-aa51d345fb84/message|XOArNgS65J6yxffPpugQv7CogyqSKwfBilxU8Qp_W54l33HomQ2nqRjzPuSMtzc', 1795322777262325, 1797914777262325, 1795322777273845, NULL, NULL, NULL, NULL, '8443e7ea-b399-4dc2-b996-41ba7c9af08f', 0, NULL, 70),
	('9b404b16-a27c-42cd-bffa-c569222d871f', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', '1bf2d144-eef1-43e3-b20b-ab4086b80f04', '580a9022-ae34-4711-9a92-10450e0d6bce', NULL, 'teacher', NULL, NULL, 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|offer/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/9b404b16-a27c-42cd-bffa-c569222d871f/message|uGU4BL0QQrMidbSU-BUWsgeHjDy0A-t4fnHreTaN7w-DwnKm4LomDPY3F2PYzUI', 1795322777292923, 1797914777292923, 1795322777306150, NULL, NULL, NULL, NULL, 'd56cea06-b8d4-4025-acbb-0d87976c6399', 0, NULL, 73),
	('f78e75ce-7ef9-47bb-8f54-59da62b73642', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', NULL, 'teacher', NULL, NULL, 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|offer/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/f78e75ce-7ef9-47bb-8f54-59da62b73642/message|b1Q_2T32GuldG87BYY8kwJkCkEBC9KQCDBoUYecUZI2C14t6qrXcyVDwG48Dw8k', 1795322777319325, 1797914777319325, NULL, 1795322777328072, 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|offer/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/f78e75ce-7ef9-47bb-8f54-59da62b73642/decline_reason|ZOlwFazSxuan7O8ZmsdkWR_0VFp8YsjA95VSk4_pz_Jd0Afofb2UPDGayBGgpDA', NULL, NULL, NULL, 0, NULL, 76),
	('79763b4a-6cae-4fea-ac9b-ccbe046cd754', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', NULL, 'teacher', NULL, NULL, 'v1|subject_E1bgY4X7_x5coVM9wA8PBw|offer/d2ff2fcc-8383-4ecd-a72b-d0498cb998ce/79763b4a-6cae-4fea-ac9b-ccbe046cd754/message|tGXYr-gCiMbaByrJwAIK5QT7kGCxhaSkT5g0C9KZXhLfM5Q4X-ha01-GFKPIl6w', 1795322777333728, 1797914777333728, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, 78),
	('1a43b6a7-16bf-41f3-a0aa-96dab96c1955', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', '4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', NULL, 'student', NULL, NULL, 'v1|subject_RhmE4FdcXp49473kJjllzQ|offer/564e1064-9f7f-4a88-81e7-95b4b28e8e89/1a43b6a7-16bf-41f3-a0aa-96dab96c1955/message|jivpSCcsynQYHPQ4y6uO6RcQQzuyf4cr68wgJTI5Cc_CAPs14qQiQz93W8AFGP0', 1795322777339774, 1797914777339774, 1795322777351119, NULL, NULL, NULL, NULL, '484fd1a4-30a6-4153-adbc-0f12118b3642', 0, NULL, 79);
INSERT INTO public.personas_v1_g0 VALUES
	('4b3c415d-c1a5-4a95-9e3a-b6b45ecf4098', 'c014e230-be98-4038-94e8-e893d6345d90', 'keeper', 'keeper', 1795322776350568, 2),
	('550fc441-f92b-40b9-9369-91e903d82343', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 'founder-g3ffepzy6t', 'founder-g3ffepzy6t', 1795322776417864, 11),
	('1bf2d144-eef1-43e3-b20b-ab4086b80f04', '580a9022-ae34-4711-9a92-10450e0d6bce', 'ben', 'ben', 1795322776947811, 53),
	('699fb97b-b883-40a9-ac3e-471a666eb72e', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 'cid', 'cid', 1795322777081870, 58),
	('0325e914-27f3-44c3-821e-a1927113b0b4', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 'Second', 'second', 1795322777359769, 82);
INSERT INTO public.point_corrections_v1_g0 VALUES
	(44, 'point_pjSJpI51sBVzmm6r', 1250, 'typo', 1795322776708564);
INSERT INTO public.points_v1_g0 VALUES
	(31, 'point_tvEN5oVJd8471FGl', 'metric_X27sfHH7FHPCYxYO', 1719792000000000, '2024-07-01', 21.5, NULL, 'default-agent-token', 0.5, NULL, 'temp-0', 1795322776619225, NULL),
	(32, 'point_LD7vJZkVSU7vsufs', 'metric_X27sfHH7FHPCYxYO', 1719878400000000, '2024-07-02', 22, NULL, 'default-agent-token', 0.5, NULL, 'temp-1', 1795322776619225, NULL),
	(33, 'point_oV8ovbYXXLqBC7wo', 'metric_X27sfHH7FHPCYxYO', 1719964800000000, '2024-07-03', 30.25, NULL, 'default-agent-token', 0.5, NULL, 'temp-2', 1795322776619225, NULL),
	(34, 'point_uZUFaKsWx_cZB30Z', 'metric_X27sfHH7FHPCYxYO', 1720051200000000, '2024-07-04', 33.5, NULL, 'default-agent-token', 0.5, NULL, 'temp-3', 1795322776619225, NULL),
	(35, 'point_Vkv7L_5RijhpECEh', 'metric_X27sfHH7FHPCYxYO', 1720137600000000, '2024-07-05', 12, NULL, 'default-agent-token', 0.5, NULL, 'temp-4', 1795322776619225, NULL),
	(36, 'point_E3aAOsKg_cHn4hye', 'metric_X27sfHH7FHPCYxYO', 1720224000000000, '2024-07-06', 31.5, NULL, 'default-agent-token', 0.5, NULL, 'temp-5', 1795322776619225, NULL),
	(37, 'point_FJrxdrFIVUQJWV_p', 'metric_X27sfHH7FHPCYxYO', 1720310400000000, '2024-07-07', 29, NULL, 'default-agent-token', 0.5, NULL, 'temp-6', 1795322776619225, NULL),
	(43, 'point_8TbkGiaBDkB3Jw26', 'metric_CbSQ9DaP-jxfH-7T', 1703379723456000, '2023-12-24T01:02:03.456Z', 900.5, NULL, 'default-agent-token', 0.5, NULL, 'co_cCzpSzjD7pBUDiZi:arr:2023-12-24T01:02:03.456Z', 1795322776690179, NULL),
	(42, 'point_pjSJpI51sBVzmm6r', 'metric_CbSQ9DaP-jxfH-7T', 1704067200000000, '2024-01-01', 1250, 1200, 'default-agent-token', 0.5, NULL, 'one', 1795322776667083, 1795322776708564);
INSERT INTO public.read_active_v1 VALUES
	('metrics', 1, 0),
	('points', 1, 0),
	('alerts', 1, 0),
	('rules', 1, 0),
	('applications', 1, 0),
	('agent_tokens', 1, 0),
	('sessions', 1, 0),
	('accounts', 1, 0),
	('audit', 1, 0),
	('personas', 1, 0),
	('api_tokens', 1, 0),
	('offers', 1, 0),
	('invites', 1, 0),
	('audit_log', 2, 0);
INSERT INTO public.read_checkpoints_v1 VALUES
	('applications', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('metrics', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('points', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('alerts', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('rules', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('agent_tokens', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('sessions', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('offers', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('invites', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('audit_log', 2, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('accounts', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('audit', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('personas', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL),
	('api_tokens', 1, 0, 'live', 93, 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', NULL, NULL, NULL);
INSERT INTO public.read_subscriptions_v1 VALUES
	('alert-evaluator', 'b851a45e-95a7-4beb-af3b-6fd14b3fe1f8-1', 93);
INSERT INTO public.rules_v1_g0 VALUES
	('metric_X27sfHH7FHPCYxYO', 'above', '{"version":2,"enabled":true,"severity":"low","cool_down":"none","condition":{"type":"above","threshold":31.0,"periods":1}}', 1795322776599144, 'default-agent-token', 29),
	('metric_X27sfHH7FHPCYxYO', 'drop', '{"version":1,"enabled":true,"severity":"medium","cool_down":"none","condition":{"type":"drop","threshold":0.5,"periods":1}}', 1795322776605574, 'default-agent-token', 30);
INSERT INTO public.sessions_v1_g0 VALUES
	('7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c', 'c014e230-be98-4038-94e8-e893d6345d90', 'cookie', '7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c', 1795322776350568, 1797914776350568, NULL, NULL, 8),
	('4a110cb65f47a25aaf', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8', 'founder', '67dc364f6ebe9833ec1dd627a39bc563c8b444159526aeaf56e2416b608dd4d2', 1795322776417864, 1797914776417864, NULL, NULL, 14),
	('48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80', '580a9022-ae34-4711-9a92-10450e0d6bce', 'cookie', '48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80', 1795322776947811, 1797914776947811, NULL, NULL, 55),
	('c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce', 'cookie', 'c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9', 1795322777081870, 1797914777081870, NULL, NULL, 60),
	('e3c402a5fbb5a83e88', '13888d58-3220-48dc-85b2-b06968ce507e', 'founder', '959e849e57093645d5ed0acb333ec489c15153ede226df2d5513290e9a6fb113', 1795322776490991, 1797914776490991, 1795322777765163, 'account_erased', 20),
	('f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110', '564e1064-9f7f-4a88-81e7-95b4b28e8e89', 'cookie', 'f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110', 1795322777203891, 1797914777203891, 1795322778103862, 'account_erased', 65);
INSERT INTO public.streams VALUES
	(1, 'roster', 'main'),
	(2, 'account', 'c014e230-be98-4038-94e8-e893d6345d90'),
	(3, 'offer', 'c014e230-be98-4038-94e8-e893d6345d90'),
	(8, 'session', '7346b4f1745ca10da9f7eac27d6e7a645305efa5f8b37cc12c8866f813cc8d5c'),
	(9, 'challenge', 'sign_in-subject_5Rtx1zq496JYrNP1y6XLXw'),
	(11, 'account', 'a19947c8-3b6c-431f-9e02-0cb23e9270c8'),
	(14, 'session', '4a110cb65f47a25aaf'),
	(15, 'challenge', 'sign_in-subject_-Xp_he1h8emcmhUP7SNczQ'),
	(17, 'account', '13888d58-3220-48dc-85b2-b06968ce507e'),
	(20, 'session', 'e3c402a5fbb5a83e88'),
	(21, 'application', 'app_ehYTqbhbBFlCo2dn'),
	(23, 'metric', 'metric_CbSQ9DaP-jxfH-7T'),
	(24, 'application', 'app_LfQ7pUp3sLRkCo48'),
	(26, 'metric', 'metric_LYLumIhAqE6OmbLO'),
	(27, 'metric', 'metric_X27sfHH7FHPCYxYO'),
	(51, 'invite', 'ec52a8d3-d86e-4e34-afc3-29806c7401af'),
	(53, 'account', '580a9022-ae34-4711-9a92-10450e0d6bce'),
	(55, 'session', '48a13fc3131ebbf1e83e0e1e5acc02ce3c45ef6bb9ac4a3791bcc55b9c882c80'),
	(56, 'invite', '1db191f2-9805-4012-8591-18907dd4d372'),
	(58, 'account', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce'),
	(60, 'session', 'c35c1de86c15a0573cd03f81002367ffb77b50c5a306ec22c81e65fe4f44cbe9'),
	(61, 'invite', 'fd889074-3d06-4898-93cd-b56f4087e2f0'),
	(63, 'account', '564e1064-9f7f-4a88-81e7-95b4b28e8e89'),
	(65, 'session', 'f4460d135583c36385a8684cc93cbbb044d228f2775a17180bf7d6d0e0452110'),
	(66, 'offer', '580a9022-ae34-4711-9a92-10450e0d6bce'),
	(70, 'offer', 'd2ff2fcc-8383-4ecd-a72b-d0498cb998ce'),
	(79, 'offer', '564e1064-9f7f-4a88-81e7-95b4b28e8e89'),
	(83, 'invite', '0e35a05e-8bbc-4e84-8992-b8eee34c204b'),
	(85, 'attempt', '7a8910bc-e39e-4a0d-8fca-a46af773effb'),
	(89, 'subject', 'subject_-Xp_he1h8emcmhUP7SNczQ'),
	(93, 'subject', 'subject_RhmE4FdcXp49473kJjllzQ');
INSERT INTO public.subject_keys VALUES
	('~installation', '\xdb27a5617602cdf9714ea27e20f4fdda7e73ff1728543cede589910be7ab8c26658c9dc49f2c56fcf3add0870db9ef9c8efae3fb5944d94ecf1e8615a8f60434d84d30b39ce06c04', NULL, 1795322775502134),
	('subject_bZfMAxr4ZeW4CzQWwYgX2g', '\x27fff90f179fdd9696918bbf225b0797bfbc35919e2acc4d8f57f4a5d66c7269984a17f4d466b8b963460b0dd8f0f622e931cb34cfc2e6a77cdc524077aee3653fba3850f36de89c', NULL, 1795322776342924),
	('subject_5Rtx1zq496JYrNP1y6XLXw', '\x2f2b55fd2c994e25963694b89b0ad9834c727ed1007b6c5356a24bcb67396e4148846fb99bc974484c016907d77b77fad6f0bd435167ea7792d2c48fd7d33d09613e55d886c83a5b', '\x18bb3c159fa1e8f0940c1bc6c36bdafac9edcc4c92be7bb6453dd02b416881fe', 1795322776392673),
	('subject_wHD3vAwMQ0-c22fNoPOsbQ', '\xba4ca69ced63ec940623f450b164c0857be8ee1f1d80e487b6af5a8fef75191bf2b62e468c66732fb38f4a4601b804671136ff112ce1d9d852573df731ae149a191c34ee5e27196a', '\x664881da183d04449018e8ca5af242e4f5582955f97be0d1ab0385121a344a0e', 1795322776945795),
	('subject_E1bgY4X7_x5coVM9wA8PBw', '\x3b2be830bb9ca9fd3b82b8e7a6888841b13323116945ce2a0f2a7e4a292a1d9407feeceafabab811afbc2f82ca19b101e14bfd1f7e9d23229ceb13af5ba0b4d6205f1a4c088efa1b', '\x869c3c3c378c65eeb1bb0c3f5123726910a3583567a58f6620b76eb3f6b63b87', 1795322777071125),
	('subject_wi3FtTbk0UrwHGJbeAJtUg', '\x49c71d8ac32eaf41cbb76eabd7b547283b6a45b2c88f78cb76363f7b9bb064ae0245bd5a61cdd6ed08cebadc4f26e5bf868cd4b8d5290bb4f4f084ae18673cfd7ae96ea7ce7fcb19', '\xf9ee480f278a48ac8d4463e1f97d8e313ad59139d41ea37e40fe18448087a861', 1795322777371155);
INSERT INTO public.token_applications_v1_g0 VALUES
	('app_ehYTqbhbBFlCo2dn', 'subject_5Rtx1zq496JYrNP1y6XLXw'),
	('app_LfQ7pUp3sLRkCo48', 'subject_-Xp_he1h8emcmhUP7SNczQ');
ALTER TABLE ONLY public.accounts_v1_g0
    ADD CONSTRAINT accounts_v1_g0_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.agent_tokens_v1_g0
    ADD CONSTRAINT agent_tokens_v1_g0_pkey PRIMARY KEY (public_id);
ALTER TABLE ONLY public.alerts_v1_g0
    ADD CONSTRAINT alerts_v1_g0_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.api_tokens_v1_g0
    ADD CONSTRAINT api_tokens_v1_g0_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.application_statuses_v1_g0
    ADD CONSTRAINT application_statuses_v1_g0_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY public.applications_v1_g0
    ADD CONSTRAINT applications_v1_g0_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.applied_migrations
    ADD CONSTRAINT applied_migrations_name PRIMARY KEY (namespace, name);
ALTER TABLE ONLY public.audit_labels_v1_g0
    ADD CONSTRAINT audit_labels_v1_g0_pkey PRIMARY KEY (label_key);
ALTER TABLE ONLY public.audit_log_v2_g0
    ADD CONSTRAINT audit_log_v2_g0_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.audit_offers_v2_g0
    ADD CONSTRAINT audit_offers_v2_g0_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_v1_g0
    ADD CONSTRAINT audit_v1_g0_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.claims
    ADD CONSTRAINT claims_key PRIMARY KEY (scope, digest);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_dedupe UNIQUE (dedupe_key);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_position PRIMARY KEY ("position");
ALTER TABLE ONLY public.invites_v1_g0
    ADD CONSTRAINT invites_v1_g0_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.journal_epochs
    ADD CONSTRAINT journal_epochs_epoch PRIMARY KEY (epoch);
ALTER TABLE ONLY public.journal_head
    ADD CONSTRAINT journal_head_one PRIMARY KEY (singleton);
ALTER TABLE ONLY public.last_used_v1
    ADD CONSTRAINT last_used_v1_pkey PRIMARY KEY (credential_id);
ALTER TABLE ONLY public.metrics_v1_g0
    ADD CONSTRAINT metrics_v1_g0_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.offers_v1_g0
    ADD CONSTRAINT offers_v1_g0_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_id PRIMARY KEY (id);
ALTER TABLE ONLY public.persona_scopes_v1_g0
    ADD CONSTRAINT persona_scopes_v1_g0_pkey PRIMARY KEY (grant_id);
ALTER TABLE ONLY public.personas_v1_g0
    ADD CONSTRAINT personas_v1_g0_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.point_corrections_v1_g0
    ADD CONSTRAINT point_corrections_v1_g0_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY public.points_v1_g0
    ADD CONSTRAINT points_v1_g0_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY public.read_active_v1
    ADD CONSTRAINT read_active_v1_pkey PRIMARY KEY (name, version);
ALTER TABLE ONLY public.read_checkpoints_v1
    ADD CONSTRAINT read_checkpoints_v1_pkey PRIMARY KEY (name, version, generation);
ALTER TABLE ONLY public.read_subscriptions_v1
    ADD CONSTRAINT read_subscriptions_v1_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.request_windows_v1
    ADD CONSTRAINT request_windows_v1_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.rules_v1_g0
    ADD CONSTRAINT rules_v1_g0_pkey PRIMARY KEY (metric_id, rule_type);
ALTER TABLE ONLY public.sessions_v1_g0
    ADD CONSTRAINT sessions_v1_g0_pkey PRIMARY KEY (public_id);
ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT snapshots_stream PRIMARY KEY (aggregate_type, aggregate_id);
ALTER TABLE ONLY public.streams
    ADD CONSTRAINT streams_name UNIQUE (aggregate_type, aggregate_id);
ALTER TABLE ONLY public.streams
    ADD CONSTRAINT streams_number PRIMARY KEY (number);
ALTER TABLE ONLY public.subject_keys
    ADD CONSTRAINT subject_keys_alias UNIQUE (alias_digest);
ALTER TABLE ONLY public.subject_keys
    ADD CONSTRAINT subject_keys_subject PRIMARY KEY (subject);
ALTER TABLE ONLY public.token_applications_v1_g0
    ADD CONSTRAINT token_applications_v1_g0_pkey PRIMARY KEY (application_id);
CREATE INDEX accounts_v1_g0_by_age ON public.accounts_v1_g0 USING btree (created_at, "position");
CREATE INDEX accounts_v1_g0_by_subject ON public.accounts_v1_g0 USING btree (subject);
CREATE INDEX accounts_v1_g0_by_username ON public.accounts_v1_g0 USING btree (username);
CREATE INDEX agent_tokens_v1_g0_by_company ON public.agent_tokens_v1_g0 USING btree (company_id, "position");
CREATE INDEX alerts_v1_g0_by_company ON public.alerts_v1_g0 USING btree (company_id, "position");
CREATE INDEX alerts_v1_g0_by_metric ON public.alerts_v1_g0 USING btree (metric_id, "position");
CREATE INDEX alerts_v1_g0_by_state ON public.alerts_v1_g0 USING btree (company_id, state, "position");
CREATE INDEX api_tokens_v1_g0_by_account ON public.api_tokens_v1_g0 USING btree (account_id, "position");
CREATE INDEX application_statuses_v1_g0_by_application ON public.application_statuses_v1_g0 USING btree (application_id, "position");
CREATE UNIQUE INDEX applications_v1_g0_by_company ON public.applications_v1_g0 USING btree (company_id);
CREATE INDEX applications_v1_g0_by_name ON public.applications_v1_g0 USING btree (company_name_folded);
CREATE INDEX applications_v1_g0_by_position ON public.applications_v1_g0 USING btree ("position");
CREATE INDEX applications_v1_g0_by_status ON public.applications_v1_g0 USING btree (status, "position");
CREATE INDEX applications_v1_g0_by_subject ON public.applications_v1_g0 USING btree (founder_subject, "position");
CREATE INDEX audit_log_v2_g0_by_account ON public.audit_log_v2_g0 USING btree (account_id, seq);
CREATE INDEX audit_log_v2_g0_by_target ON public.audit_log_v2_g0 USING btree (target_account_id, seq);
CREATE INDEX audit_log_v2_g0_by_type ON public.audit_log_v2_g0 USING btree (event_type, seq);
CREATE INDEX audit_v1_g0_by_account ON public.audit_v1_g0 USING btree (account_id, seq) WHERE (account_id IS NOT NULL);
CREATE INDEX audit_v1_g0_by_action ON public.audit_v1_g0 USING btree (action, seq);
CREATE UNIQUE INDEX audit_v1_g0_by_coalesced ON public.audit_v1_g0 USING btree (coalesced) WHERE (coalesced IS NOT NULL);
CREATE INDEX audit_v1_g0_by_company ON public.audit_v1_g0 USING btree (company_id, seq);
CREATE INDEX audit_v1_g0_by_resource ON public.audit_v1_g0 USING btree (resource_type, resource_id, seq);
CREATE INDEX claims_owner ON public.claims USING btree (owner_kind, owner_id);
CREATE INDEX claims_subject ON public.claims USING btree (subject) WHERE (subject IS NOT NULL);
CREATE UNIQUE INDEX events_stream ON public.events USING btree (stream, sequence);
CREATE INDEX metrics_v1_g0_by_company ON public.metrics_v1_g0 USING btree (company_id, "position");
CREATE UNIQUE INDEX metrics_v1_g0_by_key ON public.metrics_v1_g0 USING btree (company_id, key);
CREATE INDEX metrics_v1_g0_by_late_due ON public.metrics_v1_g0 USING btree (late_due_at);
CREATE INDEX offers_v1_g0_by_account ON public.offers_v1_g0 USING btree (account_id, created_at);
CREATE INDEX offers_v1_g0_by_end ON public.offers_v1_g0 USING btree (is_open, expires_at);
CREATE INDEX offers_v1_g0_by_grantor ON public.offers_v1_g0 USING btree (grantor_account, created_at);
CREATE INDEX outbox_due ON public.outbox USING btree (status, next_attempt_at);
CREATE INDEX persona_scopes_v1_g0_by_scope ON public.persona_scopes_v1_g0 USING btree (scope_id, persona_id);
CREATE INDEX personas_v1_g0_by_account ON public.personas_v1_g0 USING btree (account_id, "position");
CREATE INDEX personas_v1_g0_by_name ON public.personas_v1_g0 USING btree (name_folded, id);
CREATE INDEX point_corrections_v1_g0_by_point ON public.point_corrections_v1_g0 USING btree (point_id, "position");
CREATE UNIQUE INDEX points_v1_g0_by_id ON public.points_v1_g0 USING btree (id);
CREATE INDEX points_v1_g0_by_metric ON public.points_v1_g0 USING btree (metric_id, instant, "position");
CREATE INDEX request_windows_v1_expires ON public.request_windows_v1 USING btree (expires_at);
CREATE INDEX sessions_v1_g0_by_account ON public.sessions_v1_g0 USING btree (account_id, "position");
