/* Reaches for the harness, and for everybody. */
#include "probe.h"
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <grp.h>

int main(void) {
    char memory[16] = {0};
    struct iovec here = {memory, sizeof memory}, far = {(void *)0x400000, sizeof memory};
    CALL("attach to the harness", SYS_ptrace, PTRACE_ATTACH, 1, 0, 0);
    CALL("seize the harness", SYS_ptrace, PTRACE_SEIZE, 1, 0, 0);
    CALL("be traced", SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
    CALL("read its memory", SYS_process_vm_readv, 1, &here, 1, &far, 1, 0);
    CALL("write its memory", SYS_process_vm_writev, 1, &here, 1, &far, 1, 0);
    CALL("advise it on its memory", SYS_process_madvise, 1, &far, 1, 4, 0);
    CALL("compare with it", SYS_kcmp, getpid(), 1, 0, 0, 0);
    CALL("take a descriptor of it", SYS_pidfd_getfd, syscall(SYS_pidfd_open, 1, 0), 0, 0);
    const int signals[] = {0, SIGKILL, SIGTERM, SIGSTOP, SIGCONT, SIGSEGV, SIGHUP, SIGUSR1, SIGALRM, SIGRTMIN};
    int harness = syscall(SYS_pidfd_open, 1, 0);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        int signal = signals[i];
        tell(kill(1, signal) == 0, "kill %d", signal);
        tell(syscall(SYS_tkill, 1, signal) == 0, "tkill %d", signal);
        tell(syscall(SYS_tgkill, 1, 1, signal) == 0, "tgkill %d", signal);
        siginfo_t info = {.si_code = SI_QUEUE};
        tell(syscall(SYS_rt_sigqueueinfo, 1, signal, &info) == 0, "queue %d", signal);
        tell(harness >= 0 && syscall(SYS_pidfd_send_signal, harness, signal, NULL, 0) == 0, "by descriptor %d", signal);
    }
    tell(kill(-getpgid(1), SIGKILL) == 0 && getpgid(1) != getpgrp(), "signal its group");
    struct rlimit limit = {1, 1};
    tell(prlimit(1, RLIMIT_NOFILE, &limit, NULL) == 0, "limit its descriptors");
    tell(prlimit(1, RLIMIT_CPU, NULL, &limit) == 0, "read its limits");
    tell(setpriority(PRIO_PROCESS, 1, 19) == 0, "make it nicer");
    struct sched_param plain = {0};
    tell(sched_setscheduler(1, SCHED_IDLE, &plain) == 0, "make it idle");
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    tell(sched_setaffinity(1, sizeof one, &one) == 0, "bind it to a core");
    tell(setpgid(1, 0) == 0, "move it to another group");
    tell(getsid(0) == getsid(1), "be in its session");
    tell(prctl(PR_SET_PTRACER, -1L, 0, 0, 0) == 0 && syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), 0, 0) == 0,
         "trace its own parent");
    tell(setuid(0) == 0 || setreuid(0, 0) == 0 || setresuid(0, 0, 0) == 0, "become root");
    tell(setuid(10002) == 0 || setresuid(10002, 10002, 10002) == 0, "become the compiler");
    tell(setgid(0) == 0 || setgroups(0, NULL) == 0, "change its groups");
    /* Everybody but the harness and itself: there is nobody else. */
    pid_t child = fork();
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    kill(-1, SIGKILL);
    int status = 0;
    tell(waitpid(child, &status, 0) != child || !WIFSIGNALED(status), "keep a child from its own kill(-1)");
    tell(kill(-1, SIGKILL) == 0, "find anybody else to kill");
}
