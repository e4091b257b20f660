-- Sign-ins. The secret is kept only as its hash.
CREATE TABLE sessions_v1_g0 (
    public_id     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account_id    TEXT COLLATE "C" NOT NULL,
    kind          TEXT COLLATE "C" NOT NULL,
    secret_hash   TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    ended_at      BIGINT,
    end_reason    TEXT COLLATE "C",
    position      BIGINT NOT NULL
);
CREATE INDEX sessions_v1_g0_by_account ON sessions_v1_g0 (account_id, position);
