-- Accounts. The e-mail is sealed.
CREATE TABLE accounts_v2_g0 (
    id             TEXT   NOT NULL PRIMARY KEY,
    username       TEXT   NOT NULL,
    email          TEXT,
    email_verified BIGINT NOT NULL,
    subject        TEXT   NOT NULL,
    personas       TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    erased_at      BIGINT,
    position       BIGINT NOT NULL
);
CREATE INDEX accounts_v2_g0_by_subject ON accounts_v2_g0 (subject);
CREATE INDEX accounts_v2_g0_by_username ON accounts_v2_g0 (username);
CREATE INDEX accounts_v2_g0_by_age ON accounts_v2_g0 (created_at, position);
