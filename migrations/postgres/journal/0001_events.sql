-- The record itself and everything that is not derived from it. Columns up to `metadata` are the layout of
-- postgres-es, so that tools made for cqrs-es read the log; `json` (not `jsonb`) keeps the bytes that were hashed.
CREATE TABLE events (
    position       BIGINT NOT NULL,
    aggregate_type TEXT   NOT NULL,
    aggregate_id   TEXT   NOT NULL,
    sequence       BIGINT NOT NULL,
    event_type     TEXT   NOT NULL,
    event_version  TEXT   NOT NULL,
    payload        JSON   NOT NULL,
    metadata       JSON   NOT NULL,
    recorded_at    BIGINT NOT NULL,
    hash           BYTEA  NOT NULL,
    dedupe_key     BYTEA,
    CONSTRAINT events_position PRIMARY KEY (position),
    CONSTRAINT events_stream UNIQUE (aggregate_type, aggregate_id, sequence),
    CONSTRAINT events_dedupe UNIQUE (dedupe_key)
);

-- One row that orders the writers. Half of its page stays free, so that its updates stay in place.
CREATE TABLE journal_head (
    singleton    BIGINT NOT NULL CONSTRAINT journal_head_one PRIMARY KEY CHECK (singleton = 1),
    position     BIGINT NOT NULL,
    hash         BYTEA  NOT NULL,
    recorded_at  BIGINT NOT NULL,
    installation TEXT   NOT NULL,
    epoch        BIGINT NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);

-- Which epoch an event was hashed under: the one with the highest `after_position` below it.
CREATE TABLE journal_epochs (
    epoch          BIGINT NOT NULL CONSTRAINT journal_epochs_epoch PRIMARY KEY,
    after_position BIGINT NOT NULL,
    started_at     BIGINT NOT NULL
);

-- Unique keys, as keyed HMACs.
CREATE TABLE claims (
    scope      TEXT   NOT NULL,
    digest     BYTEA  NOT NULL,
    owner_kind TEXT   NOT NULL,
    owner_id   TEXT   NOT NULL,
    subject    TEXT,
    position   BIGINT NOT NULL,
    CONSTRAINT claims_key PRIMARY KEY (scope, digest)
);
CREATE INDEX claims_subject ON claims (subject) WHERE subject IS NOT NULL;
CREATE INDEX claims_owner ON claims (owner_kind, owner_id);

-- States of streams, written behind the log; replaced only by a higher sequence.
CREATE TABLE snapshots (
    aggregate_type TEXT   NOT NULL,
    aggregate_id   TEXT   NOT NULL,
    sequence       BIGINT NOT NULL,
    position       BIGINT NOT NULL,
    state_schema   BIGINT NOT NULL,
    state          TEXT   NOT NULL,
    taken_at       BIGINT NOT NULL,
    CONSTRAINT snapshots_stream PRIMARY KEY (aggregate_type, aggregate_id)
);

-- Keys of subjects, wrapped under the master key, which is not here. `alias_digest` finds a subject by e-mail.
CREATE TABLE subject_keys (
    subject      TEXT   NOT NULL CONSTRAINT subject_keys_subject PRIMARY KEY,
    wrapped_key  BYTEA  NOT NULL,
    alias_digest BYTEA  CONSTRAINT subject_keys_alias UNIQUE,
    created_at   BIGINT NOT NULL
);

-- Mail that left with an append and waits to be sent.
CREATE TABLE outbox (
    id              TEXT   NOT NULL CONSTRAINT outbox_id PRIMARY KEY,
    position        BIGINT NOT NULL,
    subject         TEXT   NOT NULL,
    body            TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    status          TEXT   NOT NULL DEFAULT 'pending',
    attempts        BIGINT NOT NULL DEFAULT 0,
    next_attempt_at BIGINT NOT NULL DEFAULT 0,
    last_error      TEXT
);
CREATE INDEX outbox_due ON outbox (status, next_attempt_at);
