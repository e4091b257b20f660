//! How much of the processor's time processes have used. What is done a second depends on whatever else the machine does;
//! this hardly does.

use std::fs;

/// Ticks of `/proc` (`sysconf(_SC_CLK_TCK)`), which are these on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of the processor that some processes have used, all their threads: those that `is_asked_for` by number and name.
/// `None` where there is no such process.
pub(crate) fn seconds(is_asked_for: impl Fn(u32, &str) -> bool) -> Option<f64> {
    // Besides the processes there are `self` and others.
    let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let folders = fs::read_dir("/proc").expect("Linux has it").flatten();
    let processes = folders.filter(|folder| folder.file_name().to_str().is_some_and(is_number));
    let stats = processes.filter_map(|folder| fs::read_to_string(folder.path().join("stat")).ok());
    stats.filter_map(|stat| of(&stat, &is_asked_for)).reduce(|all, one| all + one)
}

/// As a line of `/proc/<process>/stat` says: number, name in brackets, then fields of which the 12th and the 13th are the
/// times. `None` where it is not asked for.
fn of(stat: &str, is_asked_for: impl Fn(u32, &str) -> bool) -> Option<f64> {
    let (head, fields) = stat.rsplit_once(')')?;
    let (number, name) = head.split_once(" (")?;
    let ticks: f64 = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
    is_asked_for(number.parse().ok()?, name).then_some(ticks / TICKS_PER_SECOND)
}
