-- How far each durable subscription (a policy) has come. Lost together with the read models, a subscription begins
-- again; every policy is such that doing a thing again changes nothing.
CREATE TABLE IF NOT EXISTS read_subscriptions_v1 (
    name     TEXT   NOT NULL,
    record   TEXT   NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (name)
);

-- What a subscription could not ask when it came by, or did not come by where it began, and asks again.
CREATE TABLE IF NOT EXISTS read_passed_over_v1 (
    name   TEXT   NOT NULL,
    id     TEXT   NOT NULL,
    record TEXT   NOT NULL,
    PRIMARY KEY (name, id)
);
