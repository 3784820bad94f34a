import os
import stat

found = []
for root, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(root, f) not in ("/proc", "/sys")]
    for name in files:
        path = os.path.join(root, name)
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            found.append(path)
print(f"any socket: {'reached ' + ' '.join(found) if found else 'refused'}")
for path in ["/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"]:
    print(f"{path}: {'reached' if os.path.lexists(path) else 'refused'}")
