/* Holds so much memory for so long: hold one|children|file MIB MS. "children": four of them, a quarter each, all at
 * the same time. "file": in a file of the scratch folder. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *touch(size_t bytes) {
  char *memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) _exit(1);
  for (size_t i = 0; i < bytes; i += 4096) memory[i] = 1;
  return memory;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  size_t bytes = (size_t)atol(argv[2]) << 20;
  useconds_t time = atol(argv[3]) * 1000;
  if (!strcmp(argv[1], "children")) {
    int full[2], go[2];
    char c = 0;
    if (pipe(full) || pipe(go)) return 1;
    for (int i = 0; i < 4; i++)
      if (!fork()) {
        close(go[1]);
        touch(bytes / 4);
        if (write(full[1], &c, 1) != 1) _exit(1);
        /* Until the parent lets everybody go at once. */
        _exit(read(go[0], &c, 1) != 0);
      }
    for (int i = 0; i < 4; i++)
      if (read(full[0], &c, 1) != 1) return 1;
    usleep(time);
    close(go[1]);
    for (int i = 0; i < 4; i++) wait(NULL);
  } else if (!strcmp(argv[1], "file")) {
    static char piece[1 << 20];
    int fd = open("held", O_CREAT | O_WRONLY, 0600);
    for (size_t i = 0; i < bytes; i += sizeof piece)
      if (write(fd, piece, sizeof piece) != sizeof piece) return 1;
    usleep(time);
    unlink("held");
  } else {
    touch(bytes);
    usleep(time);
  }
  return 0;
}
