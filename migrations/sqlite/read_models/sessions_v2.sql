-- Sign-ins. The secret is kept only as its hash. Those that ended stay, and are in no index but that of their ids: what an
-- account or an administrator asks for are the few that are open.
CREATE TABLE sessions_v2_g0 (
    public_id     TEXT   NOT NULL PRIMARY KEY,
    account_id    TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    secret_hash   TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    ended_at      BIGINT,
    end_reason    TEXT,
    position      BIGINT NOT NULL
);
CREATE INDEX sessions_v2_g0_by_account ON sessions_v2_g0 (account_id, position) WHERE ended_at IS NULL;
CREATE INDEX sessions_v2_g0_by_position ON sessions_v2_g0 (position) WHERE ended_at IS NULL;
CREATE INDEX sessions_v2_g0_by_end ON sessions_v2_g0 (expires_at, position) WHERE ended_at IS NULL;
