-- Applications with their company and founder. Names and e-mails of founders are sealed.
CREATE TABLE applications_v1_g0 (
    id                     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    company_id             TEXT COLLATE "C" NOT NULL,
    company_name           TEXT COLLATE "C" NOT NULL,
    company_name_folded    TEXT COLLATE "C" NOT NULL,
    website                TEXT COLLATE "C",
    founder_id             TEXT COLLATE "C" NOT NULL,
    founder_name           TEXT COLLATE "C" NOT NULL,
    founder_email          TEXT COLLATE "C" NOT NULL,
    founder_email_verified BIGINT NOT NULL,
    founder_subject        TEXT COLLATE "C" NOT NULL,
    narrative              TEXT COLLATE "C" NOT NULL,
    status                 TEXT COLLATE "C" NOT NULL,
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
    position       BIGINT NOT NULL PRIMARY KEY,
    application_id TEXT COLLATE "C" NOT NULL,
    status         TEXT COLLATE "C" NOT NULL,
    changed_at     BIGINT NOT NULL,
    changed_by     TEXT COLLATE "C",
    reason         TEXT COLLATE "C"
);
CREATE INDEX application_statuses_v1_g0_by_application ON application_statuses_v1_g0 (application_id, position);
