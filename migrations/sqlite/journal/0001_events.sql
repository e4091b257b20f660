-- The record itself and everything that is not derived from it. Columns up to `metadata` are the layout of
-- sqlite-es, so that tools made for cqrs-es read the log; texts keep the bytes that were hashed.
CREATE TABLE events (
    position       INTEGER NOT NULL,
    aggregate_type TEXT   NOT NULL,
    aggregate_id   TEXT   NOT NULL,
    sequence       INTEGER NOT NULL,
    event_type     TEXT   NOT NULL,
    event_version  TEXT   NOT NULL,
    payload        TEXT   NOT NULL,
    metadata       TEXT   NOT NULL,
    recorded_at    INTEGER NOT NULL,
    hash           BLOB  NOT NULL,
    dedupe_key     BLOB,
    CONSTRAINT events_position PRIMARY KEY (position),
    CONSTRAINT events_stream UNIQUE (aggregate_type, aggregate_id, sequence),
    CONSTRAINT events_dedupe UNIQUE (dedupe_key)
);

-- One row that orders the writers.
CREATE TABLE journal_head (
    singleton    INTEGER NOT NULL CONSTRAINT journal_head_one PRIMARY KEY CHECK (singleton = 1),
    position     INTEGER NOT NULL,
    hash         BLOB  NOT NULL,
    recorded_at  INTEGER NOT NULL,
    installation TEXT   NOT NULL,
    epoch        INTEGER NOT NULL
);

-- Which epoch an event was hashed under: the one with the highest `after_position` below it.
CREATE TABLE journal_epochs (
    epoch          INTEGER NOT NULL CONSTRAINT journal_epochs_epoch PRIMARY KEY,
    after_position INTEGER NOT NULL,
    started_at     INTEGER NOT NULL
);

-- Unique keys, as keyed HMACs.
CREATE TABLE claims (
    scope      TEXT   NOT NULL,
    digest     BLOB  NOT NULL,
    owner_kind TEXT   NOT NULL,
    owner_id   TEXT   NOT NULL,
    subject    TEXT,
    position   INTEGER NOT NULL,
    CONSTRAINT claims_key PRIMARY KEY (scope, digest)
);
CREATE INDEX claims_subject ON claims (subject) WHERE subject IS NOT NULL;
CREATE INDEX claims_owner ON claims (owner_kind, owner_id);

-- States of streams, written behind the log; replaced only by a higher sequence.
CREATE TABLE snapshots (
    aggregate_type TEXT   NOT NULL,
    aggregate_id   TEXT   NOT NULL,
    sequence       INTEGER NOT NULL,
    position       INTEGER NOT NULL,
    state_schema   INTEGER NOT NULL,
    state          TEXT   NOT NULL,
    taken_at       INTEGER NOT NULL,
    CONSTRAINT snapshots_stream PRIMARY KEY (aggregate_type, aggregate_id)
);

-- Keys of subjects, wrapped under the master key, which is not here. `alias_digest` finds a subject by e-mail.
CREATE TABLE subject_keys (
    subject      TEXT   NOT NULL CONSTRAINT subject_keys_subject PRIMARY KEY,
    wrapped_key  BLOB  NOT NULL,
    alias_digest BLOB  CONSTRAINT subject_keys_alias UNIQUE,
    created_at   INTEGER NOT NULL
);

-- Mail that left with an append and waits to be sent.
CREATE TABLE outbox (
    id              TEXT   NOT NULL CONSTRAINT outbox_id PRIMARY KEY,
    position        INTEGER NOT NULL,
    subject         TEXT   NOT NULL,
    body            TEXT   NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    status          TEXT   NOT NULL DEFAULT 'pending',
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL DEFAULT 0,
    last_error      TEXT
);
CREATE INDEX outbox_due ON outbox (status, next_attempt_at);
