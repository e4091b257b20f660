-- One row a generation of a read model: how far it is, of which record, and what stopped it.
CREATE TABLE IF NOT EXISTS read_checkpoints_v1 (
    name            TEXT   NOT NULL,
    version         BIGINT NOT NULL,
    generation      BIGINT NOT NULL,
    purpose         TEXT   NOT NULL,
    position        BIGINT NOT NULL,
    record          TEXT   NOT NULL,
    failed_position BIGINT,
    failed_type     TEXT,
    failed_reason   TEXT,
    PRIMARY KEY (name, version, generation)
) WITHOUT ROWID;

-- The generation that queries read. A swap after a rebuild changes this one row.
CREATE TABLE IF NOT EXISTS read_active_v1 (
    name       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;

-- When a credential was last used. Written behind the requests, at most once a minute each; not a read model.
CREATE TABLE IF NOT EXISTS last_used_v1 (
    credential_id TEXT   NOT NULL PRIMARY KEY,
    used_at       BIGINT NOT NULL,
    client        TEXT
) WITHOUT ROWID;

-- What counts against a limit, by a digest of whom it concerns. Shared by the nodes, kept over restarts; not a read model.
CREATE TABLE IF NOT EXISTS request_windows_v1 (
    key        TEXT   NOT NULL PRIMARY KEY,
    counted    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS request_windows_v1_expires ON request_windows_v1 (expires_at);
