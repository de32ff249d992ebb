//! The system's figures of this process.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};

/// Linux counts processor time for programs in hundredths of a second, also if the kernel's own tick is another.
const TICKS_PER_SECOND: u64 = 100;

/// Processor time of all threads up to now, in the kernel and outside.
pub(crate) fn cpu_time() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").context("/proc/self/stat")?;
    ticks(&stat)
        .map(|ticks| Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
        .context("/proc/self/stat")
}

fn ticks(stat: &str) -> Option<u64> {
    // The program's name may hold blanks and brackets; the state follows it as field 3, `utime` and `stime` are 14 and 15.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// The most memory in use up to now, in bytes.
pub(crate) fn peak_memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    bytes(&status, "VmHWM:").context("/proc/self/status does not say VmHWM")
}

/// The memory in use now, in bytes.
pub(crate) fn resident_memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    bytes(&status, "VmRSS:").context("/proc/self/status does not say VmRSS")
}

fn bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
}

#[cfg(test)]
mod tests {
    use super::{bytes, ticks};

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "7 (a) b) R 1 7 7 0 -1 4194304 99 0 0 0 120 30 0 0 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some(150));
    }

    #[test]
    fn the_peak_is_told_in_bytes() {
        assert_eq!(bytes("VmPeak:\t  9 kB\nVmHWM:\t     2048 kB\n", "VmHWM:"), Some(2_097_152));
    }
}
