//! What the store of a simulation does to those who use it, counted.

/// What happened to the writes of one seed.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) slow: u64,
    pub(crate) heads_lost: u64,
    pub(crate) stored_but_answer_lost: u64,
    pub(crate) lost_before_storing: u64,
    pub(crate) refused: u64,
    pub(crate) failed: u64,
    /// Sessions that the server ended, before it stored or after.
    pub(crate) ended: u64,
    /// Batches of unknown outcome of which a copy was still on its way.
    pub(crate) late: u64,
    /// Such copies that were stored.
    pub(crate) late_stored: u64,
    /// Batches that found the head locked.
    pub(crate) locked_out: u64,
    pub(crate) heads_held: u64,
    /// Writes and releases of a node whose session the server had ended while it held the head.
    pub(crate) holds_lost: u64,
    pub(crate) questions_failed: u64,
    pub(crate) wakeups_lost: u64,
    pub(crate) wakeups_doubled: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, other: &Self) {
        self.slow += other.slow;
        self.heads_lost += other.heads_lost;
        self.stored_but_answer_lost += other.stored_but_answer_lost;
        self.lost_before_storing += other.lost_before_storing;
        self.refused += other.refused;
        self.failed += other.failed;
        self.ended += other.ended;
        self.late += other.late;
        self.late_stored += other.late_stored;
        self.locked_out += other.locked_out;
        self.heads_held += other.heads_held;
        self.holds_lost += other.holds_lost;
        self.questions_failed += other.questions_failed;
        self.wakeups_lost += other.wakeups_lost;
        self.wakeups_doubled += other.wakeups_doubled;
    }

    /// Panics where a kind of fault did not happen: what a simulation does not do it does not prove.
    pub(crate) fn all_happened(&self) {
        let Self {
            slow,
            heads_lost,
            stored_but_answer_lost,
            lost_before_storing,
            refused,
            failed,
            ended,
            late,
            late_stored,
            locked_out,
            heads_held,
            holds_lost,
            questions_failed,
            wakeups_lost,
            wakeups_doubled,
        } = *self;
        let all = [
            slow,
            heads_lost,
            stored_but_answer_lost,
            lost_before_storing,
            refused,
            failed,
            ended,
            late,
            late_stored,
            locked_out,
            heads_held,
            holds_lost,
            questions_failed,
            wakeups_lost,
            wakeups_doubled,
        ];
        assert!(all.iter().all(|count| *count > 0), "{self:?}");
    }
}
