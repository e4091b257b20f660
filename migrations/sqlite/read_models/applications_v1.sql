-- Applications with their company and founder. Names and e-mails of founders are sealed.
CREATE TABLE applications_v1_g0 (
    id                     TEXT   NOT NULL PRIMARY KEY,
    company_id             TEXT   NOT NULL,
    company_name           TEXT   NOT NULL,
    company_name_folded    TEXT   NOT NULL,
    website                TEXT,
    founder_id             TEXT   NOT NULL,
    founder_name           TEXT   NOT NULL,
    founder_email          TEXT   NOT NULL,
    founder_email_verified BIGINT NOT NULL,
    founder_subject        TEXT   NOT NULL,
    narrative              TEXT   NOT NULL,
    status                 TEXT   NOT NULL,
    submitted_at           BIGINT NOT NULL,
    position               BIGINT NOT NULL
);
CREATE UNIQUE INDEX applications_v1_g0_by_company ON applications_v1_g0 (company_id);
CREATE INDEX applications_v1_g0_by_subject ON applications_v1_g0 (founder_subject, position);
CREATE INDEX applications_v1_g0_by_status ON applications_v1_g0 (status, position);
CREATE INDEX applications_v1_g0_by_position ON applications_v1_g0 (position);
CREATE INDEX applications_v1_g0_by_name ON applications_v1_g0 (company_name_folded);

-- Every status an application ever had.
CREATE TABLE application_statuses_v1_g0 (
    position       INTEGER NOT NULL PRIMARY KEY,
    application_id TEXT   NOT NULL,
    status         TEXT   NOT NULL,
    changed_at     BIGINT NOT NULL,
    changed_by     TEXT,
    reason         TEXT
);
CREATE INDEX application_statuses_v1_g0_by_application ON application_statuses_v1_g0 (application_id, position);
