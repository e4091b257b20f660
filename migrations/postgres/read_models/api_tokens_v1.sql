-- API tokens of accounts. The secret is kept only as its hash.
CREATE TABLE api_tokens_v1_g0 (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id  TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    secret_hash TEXT COLLATE "C" NOT NULL,
    expires_at  BIGINT,
    created_at  BIGINT NOT NULL,
    ended_at    BIGINT,
    end_reason  TEXT COLLATE "C",
    position    BIGINT NOT NULL
);
CREATE INDEX api_tokens_v1_g0_by_account ON api_tokens_v1_g0 (account_id, position);
