-- The current version of each rule that was ever set on a metric. `rule` is the rule whole, as JSON.
CREATE TABLE rules_v1_g0 (
    metric_id TEXT NOT NULL,
    rule_type TEXT NOT NULL,
    rule      TEXT NOT NULL,
    set_at    BIGINT NOT NULL,
    set_by    TEXT,
    position  BIGINT NOT NULL,
    PRIMARY KEY (metric_id, rule_type)
) WITHOUT ROWID;
