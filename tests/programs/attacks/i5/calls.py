# What a program can try with its own runtime alone.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def tell(name, what):
    try:
        reached = what()
    except OSError:
        reached = False
    print(f"{name}: {'reached' if reached else 'refused'}")


def call(*arguments):
    return libc.syscall(*arguments) != -1


tell("chroot", lambda: os.chroot("/scratch") is None)
tell("unshare", lambda: os.unshare(os.CLONE_NEWUSER) is None)
tell("setns", lambda: os.setns(os.open("/proc/self/ns/net", os.O_RDONLY)) is None)
tell("mount", lambda: libc.mount(b"none", b"/scratch", b"tmpfs", 0, None) == 0)
tell("setuid", lambda: os.setuid(0) is None)
tell("setgroups", lambda: os.setgroups([]) is None)
tell("mknod", lambda: os.mknod("/scratch/d", 0o060600, os.makedev(8, 0)) is None)
tell("ptrace", lambda: libc.ptrace(16, 1, 0, 0) == 0)
tell("sysrq", lambda: os.open("/proc/sysrq-trigger", os.O_WRONLY) >= 0)
tell("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)) is None)
tell("nice", lambda: os.nice(-5) is None)
tell("userfaultfd", lambda: call(323, 1))
tell("io_uring", lambda: call(425, 1, 0))
