-- The audit view: what happened, who did it, to what. `seq` is the journal position.
CREATE TABLE audit_v3_g0 (
    seq            BIGINT NOT NULL PRIMARY KEY,
    id             TEXT COLLATE "C" NOT NULL,
    action         TEXT COLLATE "C" NOT NULL,
    recorded_at    BIGINT NOT NULL,
    company_id     TEXT COLLATE "C",
    resource_type  TEXT COLLATE "C" NOT NULL,
    resource_id    TEXT COLLATE "C",
    actor_kind     TEXT COLLATE "C" NOT NULL,
    actor_label    TEXT COLLATE "C" NOT NULL,
    actor_sealed   BIGINT NOT NULL,
    account_id     TEXT COLLATE "C",
    persona_id     TEXT COLLATE "C",
    credential     TEXT COLLATE "C",
    credential_id  TEXT COLLATE "C",
    client         TEXT COLLATE "C",
    correlation    TEXT COLLATE "C" NOT NULL,
    causation      BIGINT,
    surface        TEXT COLLATE "C" NOT NULL,
    command        TEXT COLLATE "C" NOT NULL,
    metadata       TEXT COLLATE "C" NOT NULL,
    label_key      TEXT COLLATE "C",
    coalesced      TEXT COLLATE "C",
    occurrences    BIGINT NOT NULL
);
CREATE INDEX audit_v3_g0_by_company ON audit_v3_g0 (company_id, seq);
-- Nearly all rows are of points that came in: those of their action are found by walking back, and a point's own rows by
-- the read model of points, whose index of their ids (in no order) need not stand here a second time.
CREATE INDEX audit_v3_g0_by_action ON audit_v3_g0 (action, seq) WHERE action <> 'metric_point.created';
CREATE INDEX audit_v3_g0_by_resource ON audit_v3_g0 (resource_id, seq) WHERE resource_type <> 'metric_point';
CREATE INDEX audit_v3_g0_by_resource_type ON audit_v3_g0 (resource_type, seq) WHERE resource_type <> 'metric_point';
CREATE INDEX audit_v3_g0_by_account ON audit_v3_g0 (account_id, seq) WHERE account_id IS NOT NULL;
CREATE UNIQUE INDEX audit_v3_g0_by_coalesced ON audit_v3_g0 (coalesced) WHERE coalesced IS NOT NULL;

-- E-mails, sealed, of accounts (`account/<id>`) and founders (`application/<id>`), by which rows name who did it.
CREATE TABLE audit_labels_v3_g0 (
    label_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    email     TEXT COLLATE "C" NOT NULL
);
