//! Sockets that outlive their processes: TCP connections in TIME_WAIT keep a port, and a Unix socket that was sent
//! through itself keeps its name until the kernel sweeps. The next program would find either in its way.

use std::time::Instant;

use super::{A_MOMENT, read};

/// How often the kernel is given a moment: to finish closing (TIME_WAIT lasts a minute, which nobody waits for) ...
const INET_LOOKS: u32 = 20;
/// ... and to sweep.
const UNIX_LOOKS: u32 = 200;

/// What is left, if anything is after a few moments.
pub fn lingering(deadline: Instant) -> Option<String> {
    // A file that is not there belongs to a kernel without such sockets.
    let read = |file: &str| read(file).unwrap_or_default();
    let inet = || inet_sockets(&read("/proc/net/sockstat")) + inet_sockets(&read("/proc/net/sockstat6")) > 0;
    let unix = || unix_sockets(&read("/proc/net/unix")) > 0;
    if stays(inet, INET_LOOKS, deadline) {
        return Some("network sockets".to_owned());
    }
    stays(unix, UNIX_LOOKS, deadline).then(|| "Unix sockets".to_owned())
}

fn stays(is_there: impl Fn() -> bool, looks: u32, deadline: Instant) -> bool {
    for _ in 1..looks {
        if !is_there() {
            return false;
        }
        if Instant::now() >= deadline {
            return true;
        }
        std::thread::sleep(A_MOMENT);
    }
    is_there()
}

/// Sum of the `inuse` and `tw` counts of every protocol; the other numbers are of the whole machine.
fn inet_sockets(sockstat: &str) -> u64 {
    let mut count = 0;
    for line in sockstat.lines().filter(|l| !l.starts_with("sockets:") && !l.starts_with("FRAG")) {
        let words: Vec<_> = line.split_ascii_whitespace().skip(1).collect();
        for pair in words.chunks_exact(2) {
            if let [name, number] = pair
                && matches!(*name, "inuse" | "tw")
            {
                count += number.parse::<u64>().unwrap_or(1);
            }
        }
    }
    count
}

fn unix_sockets(list: &str) -> usize {
    list.lines().skip(1).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOCKSTAT: &str = "sockets: used 0\nTCP: inuse 0 orphan 3 tw 0 alloc 9 mem 4\nUDP: inuse 0 mem 7\n\
                            UDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n";

    #[test]
    fn only_the_jail_s_own_sockets_count() {
        assert_eq!(inet_sockets(SOCKSTAT), 0);
        assert_eq!(inet_sockets(&SOCKSTAT.replace("tw 0", "tw 2")), 2);
        assert_eq!(inet_sockets(&format!("{SOCKSTAT}TCP6: inuse 1\n")), 1);
    }

    #[test]
    fn the_header_of_the_list_of_unix_sockets_is_no_socket() {
        let header = "Num       RefCount Protocol Flags    Type St Inode Path\n";
        assert_eq!(unix_sockets(header), 0);
        assert_eq!(unix_sockets(&format!("{header}00: 00000002 00000000 00010000 0001 01 1234 @x\n")), 1);
        assert_eq!(unix_sockets(""), 0);
    }
}
