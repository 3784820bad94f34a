//! System V IPC objects. The jail's seccomp profile lets nobody make one; this proves it.

use super::read;
use crate::{
    identity::as_user,
    sys::{Ipc, remove_ipc},
};

/// File, kind, and the columns of the owner and the creator.
const KINDS: [(&str, Ipc, usize, usize); 3] = [
    ("/proc/sysvipc/shm", Ipc::Shm, 7, 9),
    ("/proc/sysvipc/sem", Ipc::Sem, 4, 6),
    ("/proc/sysvipc/msg", Ipc::Msg, 7, 9),
];

/// Removes every object. Says what is left.
pub fn remove() -> Result<Option<String>, String> {
    let mut left = None;
    for (file, kind, owner, creator) in KINDS {
        // Nobody lives who could make one after this look.
        let Some(objects) = list(file, owner, creator)?.filter(|objects| !objects.is_empty()) else { continue };
        for Object { id, users } in objects {
            for user in users {
                // Whether it worked is seen below.
                let removed = as_user(user, || remove_ipc(kind, id));
                let _ = removed.map_err(|e| format!("cannot act as uid {user}: {e}"))?;
            }
        }
        if list(file, owner, creator)?.is_some_and(|objects| !objects.is_empty()) {
            left = Some(format!("System V IPC objects in {file}"));
        }
    }
    Ok(left)
}

#[derive(Debug, PartialEq, Eq)]
struct Object {
    id: i32,
    users: [u32; 2],
}

/// `None` where the kernel has no such objects.
fn list(file: &str, owner: usize, creator: usize) -> Result<Option<Vec<Object>>, String> {
    match read(file) {
        Ok(text) => parse(&text, owner, creator).ok_or_else(|| format!("{file} is not understood")).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read {file}: {error}")),
    }
}

fn parse(text: &str, owner: usize, creator: usize) -> Option<Vec<Object>> {
    let object = |line: &str| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let user = |column: usize| fields.get(column)?.parse().ok();
        Some(Object { id: fields.get(1)?.parse().ok()?, users: [user(owner)?, user(creator)?] })
    };
    text.lines().skip(1).filter(|l| !l.trim().is_empty()).map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_with_their_owners() {
        let shm = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n\
                   305419896          5   600                  4096    11     0      0 10001 10001 10002 10002          0          0 1700000000                     0                     0\n";
        assert_eq!(parse(shm, 7, 9), Some(vec![Object { id: 5, users: [10001, 10002] }]));
        let sem = "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n\
                   1          0   600          1 10001 10001 10001 10001          0 1700000000\n";
        assert_eq!(parse(sem, 4, 6), Some(vec![Object { id: 0, users: [10001, 10001] }]));
        let msg = "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n";
        assert_eq!(parse(msg, 7, 9), Some(Vec::new()));
    }

    #[test]
    fn a_line_that_is_not_understood_is_not_taken_for_nothing() {
        assert_eq!(parse("header\nfoo bar\n", 7, 9), None);
    }
}
