-- Alerts: findings of rules about points.
CREATE TABLE alerts_v1_g0 (
    id                TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    company_id        TEXT COLLATE "C" NOT NULL,
    metric_id         TEXT COLLATE "C" NOT NULL,
    metric_key        TEXT COLLATE "C" NOT NULL,
    alert_type        TEXT COLLATE "C" NOT NULL,
    severity          TEXT COLLATE "C" NOT NULL,
    summary           TEXT COLLATE "C" NOT NULL,
    state             TEXT COLLATE "C" NOT NULL,
    raised_at         BIGINT NOT NULL,
    position          BIGINT NOT NULL,
    point_id          TEXT COLLATE "C" NOT NULL,
    previous_point_id TEXT COLLATE "C",
    growth            DOUBLE PRECISION,
    rule_version      BIGINT NOT NULL,
    acknowledged_at   BIGINT,
    acknowledged_by   TEXT COLLATE "C",
    note              TEXT COLLATE "C",
    resolved_at       BIGINT,
    resolved_by       TEXT COLLATE "C"
);
CREATE INDEX alerts_v1_g0_by_company ON alerts_v1_g0 (company_id, position);
CREATE INDEX alerts_v1_g0_by_state ON alerts_v1_g0 (company_id, state, position);
CREATE INDEX alerts_v1_g0_by_metric ON alerts_v1_g0 (metric_id, position);
