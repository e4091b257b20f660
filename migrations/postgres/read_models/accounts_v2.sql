-- Accounts. The e-mail is sealed.
CREATE TABLE accounts_v2_g0 (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    username       TEXT COLLATE "C" NOT NULL,
    email          TEXT COLLATE "C",
    email_verified BIGINT NOT NULL,
    subject        TEXT COLLATE "C" NOT NULL,
    personas       TEXT COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    erased_at      BIGINT,
    position       BIGINT NOT NULL
);
CREATE INDEX accounts_v2_g0_by_subject ON accounts_v2_g0 (subject);
CREATE INDEX accounts_v2_g0_by_username ON accounts_v2_g0 (username);
CREATE INDEX accounts_v2_g0_by_age ON accounts_v2_g0 (created_at, position);
