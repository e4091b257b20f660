-- Agent tokens. The secret is kept only as its hash.
CREATE TABLE agent_tokens_v1_g0 (
    public_id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    company_id      TEXT COLLATE "C" NOT NULL,
    application_id  TEXT COLLATE "C" NOT NULL,
    founder_subject TEXT COLLATE "C" NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    secret_hash     TEXT COLLATE "C" NOT NULL,
    scopes          TEXT COLLATE "C" NOT NULL,
    allowed_metrics TEXT COLLATE "C",
    expires_at      BIGINT,
    created_at      BIGINT NOT NULL,
    created_by      TEXT COLLATE "C",
    revoked_at      BIGINT,
    revoked_reason  TEXT COLLATE "C",
    rotated_to      TEXT COLLATE "C",
    position        BIGINT NOT NULL
);
CREATE INDEX agent_tokens_v1_g0_by_company ON agent_tokens_v1_g0 (company_id, position);

-- The founder of an application; the events of tokens name only the application.
CREATE TABLE token_applications_v1_g0 (
    application_id  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    founder_subject TEXT COLLATE "C" NOT NULL
);
