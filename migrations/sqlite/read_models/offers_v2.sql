-- Offers of roles, in every state; messages and reasons are sealed. `lapses_at` is the end of what is open, until it is
-- noted.
CREATE TABLE offers_v2_g0 (
    id              TEXT   NOT NULL PRIMARY KEY,
    account_id      TEXT   NOT NULL,
    grantor         TEXT   NOT NULL,
    grantor_account TEXT   NOT NULL,
    to_persona      TEXT,
    role            TEXT   NOT NULL,
    scope_kind      TEXT,
    scope_id        TEXT,
    message         TEXT,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    accepted_at     BIGINT,
    declined_at     BIGINT,
    decline_reason  TEXT,
    retracted_at    BIGINT,
    superseded_at   BIGINT,
    resulting_grant TEXT,
    lapses_at       BIGINT,
    position        BIGINT NOT NULL
);
CREATE INDEX offers_v2_g0_by_account ON offers_v2_g0 (account_id, created_at);
CREATE INDEX offers_v2_g0_by_grantor ON offers_v2_g0 (grantor_account, created_at);
CREATE INDEX offers_v2_g0_by_end ON offers_v2_g0 (lapses_at) WHERE lapses_at IS NOT NULL;
