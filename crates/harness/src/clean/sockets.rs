//! Sockets that outlive their processes: TCP connections in TIME_WAIT keep a port, and a Unix socket that was sent
//! through itself keeps its name until the kernel sweeps. The next program would find either in its way.

use std::time::Instant;

use super::A_MOMENT;

/// How often the kernel is given a moment to sweep.
const LOOKS: u32 = 20;

/// What is left, if anything is after a few moments.
pub fn lingering(deadline: Instant) -> Option<String> {
    let mut look = 1;
    loop {
        let left = look_once()?;
        if look >= LOOKS || Instant::now() >= deadline {
            return Some(left);
        }
        look += 1;
        std::thread::sleep(A_MOMENT);
    }
}

fn look_once() -> Option<String> {
    // A file that is not there belongs to a kernel without such sockets.
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let inet = format!("{}{}", read("/proc/net/sockstat"), read("/proc/net/sockstat6"));
    if inet_sockets(&inet) > 0 {
        return Some("network sockets".to_owned());
    }
    (unix_sockets(&read("/proc/net/unix")) > 0).then(|| "Unix sockets".to_owned())
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
