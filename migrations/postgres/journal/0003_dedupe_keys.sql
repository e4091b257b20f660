-- Dedupe keys are random, so an index written event by event dirties a page for each. The keys of all events up to
-- `journal_head.dedupe_indexed` stand in a table that the writers fill a generation at a time, in the order of the keys;
-- those of later events every writing node holds in memory (docs/decisions/0011).
CREATE TABLE dedupe_keys (
    dedupe_key BYTEA  NOT NULL CONSTRAINT dedupe_keys_key PRIMARY KEY,
    position   BIGINT NOT NULL
);
INSERT INTO dedupe_keys (dedupe_key, position)
    SELECT dedupe_key, position FROM events WHERE dedupe_key IS NOT NULL ORDER BY dedupe_key;
ALTER TABLE events DROP CONSTRAINT events_dedupe;

ALTER TABLE journal_head ADD COLUMN dedupe_indexed BIGINT NOT NULL DEFAULT 0;
UPDATE journal_head SET dedupe_indexed = position;
