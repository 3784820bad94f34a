/* Uses CPU time in a way that is asked for, and says how much: one line of nanoseconds per process, by its own clock.
 * burn single|threads|tree|syscalls MS: each part burns so many milliseconds. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long wanted;

static long long clock_of(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void *burn(void *unused) {
  volatile unsigned long x = 1;
  while (clock_of(CLOCK_THREAD_CPUTIME_ID) < wanted)
    for (int i = 0; i < 20000; i++) x = x * 3 + 1;
  return unused;
}

static void burn_in_the_kernel(void) {
  while (clock_of(CLOCK_THREAD_CPUTIME_ID) < wanted)
    for (int i = 0; i < 200; i++) syscall(SYS_getppid);
}

/* The last thing that a process does: what comes after is its death. */
static void say(void) {
  char line[32];
  int n = snprintf(line, sizeof line, "%lld\n", clock_of(CLOCK_PROCESS_CPUTIME_ID));
  if (write(1, line, n) != n) _exit(1);
}

static void burn_and_go(void) {
  burn(NULL);
  say();
  _exit(0);
}

static void tree(void) {
  int done[2];
  if (pipe(done)) exit(1);
  if (!fork()) burn_and_go(); /* waited for */
  wait(NULL);
  if (!fork()) { /* nobody waits for it */
    if (!fork()) burn_and_go();
    burn_and_go();
  }
  if (!fork()) { /* in a session of its own, its parent gone */
    setsid();
    if (!fork()) {
      setsid();
      burn_and_go();
    }
    say();
    _exit(0);
  }
  burn(NULL);
  /* All others hold the other end as long as they live. */
  close(done[1]);
  char c;
  if (read(done[0], &c, 1) != 0) exit(1);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  wanted = atoll(argv[2]) * 1000000;
  if (!strcmp(argv[1], "threads")) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
      if (pthread_create(&threads[i], NULL, burn, NULL)) return 1;
    burn(NULL);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  } else if (!strcmp(argv[1], "tree")) {
    tree();
  } else if (!strcmp(argv[1], "syscalls")) {
    burn_in_the_kernel();
  } else {
    burn(NULL);
  }
  say();
  return 0;
}
