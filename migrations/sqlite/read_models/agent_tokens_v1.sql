-- Agent tokens. The secret is kept only as its hash.
CREATE TABLE agent_tokens_v1_g0 (
    public_id       TEXT   NOT NULL PRIMARY KEY,
    company_id      TEXT   NOT NULL,
    application_id  TEXT   NOT NULL,
    founder_subject TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    secret_hash     TEXT   NOT NULL,
    scopes          TEXT   NOT NULL,
    allowed_metrics TEXT,
    expires_at      BIGINT,
    created_at      BIGINT NOT NULL,
    created_by      TEXT,
    revoked_at      BIGINT,
    revoked_reason  TEXT,
    rotated_to      TEXT,
    position        BIGINT NOT NULL
);
CREATE INDEX agent_tokens_v1_g0_by_company ON agent_tokens_v1_g0 (company_id, position);

-- The founder of an application; the events of tokens name only the application.
CREATE TABLE token_applications_v1_g0 (
    application_id  TEXT NOT NULL PRIMARY KEY,
    founder_subject TEXT NOT NULL
) WITHOUT ROWID;
