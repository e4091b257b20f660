-- Invitations. The e-mail is sealed.
CREATE TABLE invites_v2_g0 (
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
CREATE INDEX invites_v2_g0_by_position ON invites_v2_g0 (position) WHERE deleted_at IS NULL;
CREATE INDEX invites_v2_g0_by_claimant ON invites_v2_g0 (claimed_by) WHERE claimed_by IS NOT NULL;
