-- Definitions of metrics with their latest value. `latest` is the greatest instant, ties the later recorded.
CREATE TABLE metrics_v2_g0 (
    id                 TEXT   NOT NULL PRIMARY KEY,
    company_id         TEXT   NOT NULL,
    application_id     TEXT   NOT NULL,
    key                TEXT   NOT NULL,
    display_name       TEXT   NOT NULL,
    unit               TEXT   NOT NULL,
    cadence            TEXT   NOT NULL,
    direction          TEXT   NOT NULL,
    source_type        TEXT   NOT NULL,
    verification_level TEXT   NOT NULL,
    created_at         BIGINT NOT NULL,
    position           BIGINT NOT NULL,
    points_count       BIGINT NOT NULL,
    last_point_at      BIGINT,
    latest_point_id    TEXT,
    latest_instant     BIGINT,
    latest_position    BIGINT,
    latest_value       DOUBLE PRECISION,
    latest_timestamp   TEXT,
    late_tolerance     DOUBLE PRECISION,
    late_quiet_points  BIGINT,
    late_quiet_seconds BIGINT,
    late_raised_point  TEXT,
    late_fired_instant BIGINT,
    late_points_since  BIGINT,
    late_due_at        BIGINT
);
CREATE UNIQUE INDEX metrics_v2_g0_by_key ON metrics_v2_g0 (company_id, key);
CREATE INDEX metrics_v2_g0_by_company ON metrics_v2_g0 (company_id, position);
CREATE INDEX metrics_v2_g0_by_late_due ON metrics_v2_g0 (late_due_at, position);
