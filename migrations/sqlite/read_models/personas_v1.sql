-- Personas by name, and the scopes in which each holds a role: who can be found where.
CREATE TABLE personas_v1_g0 (
    id          TEXT   NOT NULL PRIMARY KEY,
    account_id  TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    name_folded TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    position    BIGINT NOT NULL
);
CREATE INDEX personas_v1_g0_by_account ON personas_v1_g0 (account_id, position);
CREATE INDEX personas_v1_g0_by_name ON personas_v1_g0 (name_folded, id);

CREATE TABLE persona_scopes_v1_g0 (
    grant_id   TEXT   NOT NULL PRIMARY KEY,
    persona_id TEXT   NOT NULL,
    scope_id   TEXT   NOT NULL,
    expires_at BIGINT
);
CREATE INDEX persona_scopes_v1_g0_by_scope ON persona_scopes_v1_g0 (scope_id, persona_id);
