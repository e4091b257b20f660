-- Invitations. The e-mail is sealed; `subject` is whose key seals it.
CREATE TABLE invites_v3_g0 (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    email      TEXT COLLATE "C",
    subject    TEXT COLLATE "C",
    username   TEXT COLLATE "C",
    claimed_by TEXT COLLATE "C",
    claimed_at BIGINT,
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT,
    position   BIGINT NOT NULL
);
CREATE INDEX invites_v3_g0_by_position ON invites_v3_g0 (position) WHERE deleted_at IS NULL;
CREATE INDEX invites_v3_g0_by_claimant ON invites_v3_g0 (claimed_by) WHERE claimed_by IS NOT NULL;
