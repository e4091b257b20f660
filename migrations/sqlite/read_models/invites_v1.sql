-- Invitations. The e-mail is sealed.
CREATE TABLE invites_v1_g0 (
    id         TEXT   NOT NULL PRIMARY KEY,
    email      TEXT,
    username   TEXT,
    claimed_by TEXT,
    claimed_at BIGINT,
    created_by TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    position   BIGINT NOT NULL
);
