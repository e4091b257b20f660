-- One row a generation of a read model: how far it is, of which record, and what stopped it.
CREATE TABLE IF NOT EXISTS read_checkpoints_v1 (
    name            TEXT COLLATE "C" NOT NULL,
    version         BIGINT NOT NULL,
    generation      BIGINT NOT NULL,
    purpose         TEXT COLLATE "C" NOT NULL,
    position        BIGINT NOT NULL,
    record          TEXT COLLATE "C" NOT NULL,
    failed_position BIGINT,
    failed_type     TEXT,
    failed_reason   TEXT,
    PRIMARY KEY (name, version, generation)
);

-- The generation that queries read. A swap after a rebuild changes this one row.
CREATE TABLE IF NOT EXISTS read_active_v1 (
    name       TEXT COLLATE "C" NOT NULL,
    version    BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);

-- When a credential was last used. Written behind the requests, at most once a minute each; not a read model.
CREATE TABLE IF NOT EXISTS last_used_v1 (
    credential_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    used_at       BIGINT NOT NULL,
    client        TEXT
);

-- What counts against a limit, by a digest of whom it concerns. Shared by the nodes, kept over restarts; not a read model.
CREATE TABLE IF NOT EXISTS request_windows_v1 (
    key        TEXT   NOT NULL PRIMARY KEY,
    counted    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS request_windows_v1_expires ON request_windows_v1 (expires_at);
