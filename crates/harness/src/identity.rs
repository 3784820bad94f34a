//! Acting as another user for a moment, and becoming one for good.
//!
//! The harness is root without the right to override file permissions, so it touches the files of a uid as that uid.
//! It does so only while no process of the jail lives: nobody can move a folder away under it.

use std::io;

use rustix::{
    process::{DumpableBehavior, Gid, Uid, set_dumpable_behavior},
    thread::{set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};

/// Runs `act` with another effective uid and gid. The real ones stay, so that the way back is open.
///
/// An error means that the identity could not be switched or, worse, not be switched back: the caller must give up.
pub fn as_user<T>(id: u32, act: impl FnOnce() -> T) -> io::Result<T> {
    acting(id, Gid::from_raw(id), act)
}

/// As [`as_user`], but in root's group: what is made belongs to the user, from something that only the harness may use.
pub fn as_owner<T>(id: u32, act: impl FnOnce() -> T) -> io::Result<T> {
    acting(id, Gid::ROOT, act)
}

fn acting<T>(id: u32, group: Gid, act: impl FnOnce() -> T) -> io::Result<T> {
    set_thread_res_gid(None, group, None)?;
    set_thread_res_uid(None, Uid::from_raw(id), None)?;
    let result = act();
    set_thread_res_uid(None, Uid::ROOT, None)?;
    set_thread_res_gid(None, Gid::ROOT, None)?;
    hide()?;
    Ok(result)
}

/// Becomes another user for good: every id, no groups, no capabilities, no way to gain any.
pub fn become_user(id: u32) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(id), Gid::from_raw(id));
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    // Leaving uid 0 with all three ids drops every capability.
    set_thread_res_uid(uid, uid, uid)?;
    set_no_new_privs(true)?;
    Ok(())
}

/// Keeps other uids out of `/proc/<this process>`. Changes of identity undo it, so it is done after each.
pub fn hide() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}
