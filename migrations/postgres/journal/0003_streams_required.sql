-- Every event has the number of its stream. A node of the program before 0002 that went on beside one of this wrote events
-- without one: they stood in no stream, and the next event of theirs took a version that was taken. From here on the
-- database refuses what such a node writes.
LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
INSERT INTO streams (number, aggregate_type, aggregate_id)
    SELECT min(position), aggregate_type, aggregate_id FROM events WHERE stream IS NULL
    GROUP BY aggregate_type, aggregate_id
    ON CONFLICT ON CONSTRAINT streams_name DO NOTHING;
UPDATE events SET stream = streams.number
    FROM streams
    WHERE events.stream IS NULL
      AND streams.aggregate_type = events.aggregate_type AND streams.aggregate_id = events.aggregate_id;
ALTER TABLE events ALTER COLUMN stream SET NOT NULL;
