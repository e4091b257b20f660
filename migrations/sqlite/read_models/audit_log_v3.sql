-- The audit view of accounts and consent: one row an event that an investigator asks for. `seq` is the journal position.
CREATE TABLE audit_log_v3_g0 (
    seq               BIGINT NOT NULL PRIMARY KEY,
    id                TEXT   NOT NULL,
    event_type        TEXT   NOT NULL,
    outcome           TEXT   NOT NULL,
    actor_id          TEXT,
    account_id        TEXT,
    target_account_id TEXT,
    target_actor_id   TEXT,
    client            TEXT,
    created_at        BIGINT NOT NULL,
    metadata          TEXT   NOT NULL
);
CREATE INDEX audit_log_v3_g0_by_type ON audit_log_v3_g0 (event_type, seq);
CREATE INDEX audit_log_v3_g0_by_account ON audit_log_v3_g0 (account_id, seq);
CREATE INDEX audit_log_v3_g0_by_target ON audit_log_v3_g0 (target_account_id, seq);

-- What rows about an offer need of it: who made it, for whom, and of what.
CREATE TABLE audit_offers_v3_g0 (
    id              TEXT NOT NULL PRIMARY KEY,
    grantor         TEXT NOT NULL,
    grantor_account TEXT NOT NULL,
    to_persona      TEXT,
    role            TEXT NOT NULL,
    scope_id        TEXT
);
