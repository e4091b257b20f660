-- Points of metrics. The position is the key: it only grows, so rows are appended and never move.
CREATE TABLE points_v1_g0 (
    position        INTEGER NOT NULL PRIMARY KEY,
    id              TEXT    NOT NULL,
    metric_id       TEXT    NOT NULL,
    instant         BIGINT  NOT NULL,
    timestamp_text  TEXT    NOT NULL,
    value           DOUBLE PRECISION NOT NULL,
    original_value  DOUBLE PRECISION,
    source          TEXT    NOT NULL,
    confidence      DOUBLE PRECISION NOT NULL,
    raw_event_id    TEXT,
    idempotency_key TEXT    NOT NULL,
    recorded_at     BIGINT  NOT NULL,
    corrected_at    BIGINT
);
CREATE UNIQUE INDEX points_v1_g0_by_id ON points_v1_g0 (id);
CREATE INDEX points_v1_g0_by_metric ON points_v1_g0 (metric_id, instant, position);

-- Every correction, so that a point can be shown as it was known at any position.
CREATE TABLE point_corrections_v1_g0 (
    position     INTEGER NOT NULL PRIMARY KEY,
    point_id     TEXT    NOT NULL,
    value        DOUBLE PRECISION NOT NULL,
    reason       TEXT,
    corrected_at BIGINT  NOT NULL
);
CREATE INDEX point_corrections_v1_g0_by_point ON point_corrections_v1_g0 (point_id, position);
