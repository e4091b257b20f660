-- Streams get numbers, so that the index over the events of a stream holds two small integers and no texts: many more
-- of its entries fit a page, and an append touches fewer pages (docs/decisions/0011). The table is rebuilt, because
-- SQLite drops no constraint; every event keeps its position and its bytes.
CREATE TABLE streams (
    number         INTEGER NOT NULL CONSTRAINT streams_number PRIMARY KEY,
    aggregate_type TEXT    NOT NULL,
    aggregate_id   TEXT    NOT NULL,
    CONSTRAINT streams_name UNIQUE (aggregate_type, aggregate_id)
);
INSERT INTO streams (aggregate_type, aggregate_id)
    SELECT aggregate_type, aggregate_id FROM events GROUP BY aggregate_type, aggregate_id ORDER BY min(position);

ALTER TABLE events RENAME TO events_0001;
-- `stream` is no part of what is hashed: `muniment audit verify` compares it with the names.
CREATE TABLE events (
    position       INTEGER NOT NULL,
    aggregate_type TEXT   NOT NULL,
    aggregate_id   TEXT   NOT NULL,
    sequence       INTEGER NOT NULL,
    event_type     TEXT   NOT NULL,
    event_version  TEXT   NOT NULL,
    payload        TEXT   NOT NULL,
    metadata       TEXT   NOT NULL,
    recorded_at    INTEGER NOT NULL,
    hash           BLOB  NOT NULL,
    dedupe_key     BLOB,
    stream         INTEGER,
    CONSTRAINT events_position PRIMARY KEY (position)
);
INSERT INTO events
    SELECT old.position, old.aggregate_type, old.aggregate_id, old.sequence, old.event_type, old.event_version,
           old.payload, old.metadata, old.recorded_at, old.hash, old.dedupe_key, streams.number
    FROM events_0001 AS old
    LEFT JOIN streams ON streams.aggregate_type = old.aggregate_type AND streams.aggregate_id = old.aggregate_id
    ORDER BY old.position;
DROP TABLE events_0001;
CREATE UNIQUE INDEX events_stream ON events (stream, sequence);
CREATE UNIQUE INDEX events_dedupe ON events (dedupe_key);

-- The layout of sqlite-es with one stream found by index: `events` has it too, but is walked through for a name.
CREATE VIEW stream_events AS
    SELECT streams.aggregate_type, streams.aggregate_id, events.sequence, events.event_type, events.event_version,
           events.payload, events.metadata, events.position
    FROM streams JOIN events ON events.stream = streams.number;
