import glob
import os


def tell(name, what):
    try:
        reached = what()
    except OSError:
        reached = False
    print(f"{name}: {'reached' if reached else 'refused'}")


for file in ["environ", "maps", "mem", "fd/0", "root/etc/passwd", "cwd/etc/passwd", "pagemap"]:
    tell(f"read /proc/1/{file}", lambda: open(f"/proc/1/{file}", "rb").read(1))
for file in ["/proc/kcore", "/proc/keys", "/etc/shadow", "/dev/mem", "/proc/kmsg"]:
    tell(f"read {file}", lambda: open(file, "rb").read(1))
for folder in ["/proc/1/fd", "/proc/1/root", "/proc/1/cwd"]:
    tell(f"look into {folder}", lambda: os.listdir(folder))
tell("see other processes", lambda: [p for p in glob.glob("/proc/[0-9]*") if p not in ("/proc/1", f"/proc/{os.getpid()}")])
tell("have more descriptors than the first three", lambda: [f for f in os.listdir("/proc/self/fd") if int(f) > 2 and os.path.exists(f"/proc/self/fd/{f}")])
known = {"PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE"}
tell("have more in its environment than it needs", lambda: [k for k in os.environ if k not in known and not k.startswith("PYTHON")])
