-- Streams get numbers, so that the index over the events of a stream holds two integers and no texts: more of its entries
-- fit a page, and an append touches fewer pages (docs/decisions/0011). A stream's number is the position of its first
-- event, which whoever writes it knows.
CREATE TABLE streams (
    number         BIGINT NOT NULL CONSTRAINT streams_number PRIMARY KEY,
    aggregate_type TEXT   NOT NULL,
    aggregate_id   TEXT   NOT NULL,
    CONSTRAINT streams_name UNIQUE (aggregate_type, aggregate_id)
);
INSERT INTO streams (number, aggregate_type, aggregate_id)
    SELECT min(position), aggregate_type, aggregate_id FROM events GROUP BY aggregate_type, aggregate_id;

-- `stream` is no part of what is hashed: `muniment audit verify` compares it with the names.
ALTER TABLE events ADD COLUMN stream BIGINT;
UPDATE events SET stream = streams.number
    FROM streams
    WHERE streams.aggregate_type = events.aggregate_type AND streams.aggregate_id = events.aggregate_id;
ALTER TABLE events DROP CONSTRAINT events_stream;
CREATE UNIQUE INDEX events_stream ON events (stream, sequence);

-- The layout of postgres-es with one stream found by index: `events` has it too, but is walked through for a name.
CREATE VIEW stream_events AS
    SELECT streams.aggregate_type, streams.aggregate_id, events.sequence, events.event_type, events.event_version,
           events.payload, events.metadata, events.position
    FROM streams JOIN events ON events.stream = streams.number;
