//! How much memory a process has.

/// How much of the process's memory is resident, in KiB.
pub(crate) fn resident(pid: u32) -> usize {
    kibibytes(pid, "VmRSS:")
}

/// How much of it is the process's own, and no part of a file, in KiB.
pub(crate) fn private(pid: u32) -> usize {
    kibibytes(pid, "RssAnon:")
}

fn kibibytes(pid: u32, name: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}
