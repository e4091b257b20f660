-- Alerts: findings of rules about points.
CREATE TABLE alerts_v1_g0 (
    id                TEXT   NOT NULL PRIMARY KEY,
    company_id        TEXT   NOT NULL,
    metric_id         TEXT   NOT NULL,
    metric_key        TEXT   NOT NULL,
    alert_type        TEXT   NOT NULL,
    severity          TEXT   NOT NULL,
    summary           TEXT   NOT NULL,
    state             TEXT   NOT NULL,
    raised_at         BIGINT NOT NULL,
    position          BIGINT NOT NULL,
    point_id          TEXT NOT NULL,
    previous_point_id TEXT,
    growth            DOUBLE PRECISION,
    rule_version      BIGINT NOT NULL,
    acknowledged_at   BIGINT,
    acknowledged_by   TEXT,
    note              TEXT,
    resolved_at       BIGINT,
    resolved_by       TEXT
);
CREATE INDEX alerts_v1_g0_by_company ON alerts_v1_g0 (company_id, position);
CREATE INDEX alerts_v1_g0_by_state ON alerts_v1_g0 (company_id, state, position);
CREATE INDEX alerts_v1_g0_by_metric ON alerts_v1_g0 (metric_id, position);
