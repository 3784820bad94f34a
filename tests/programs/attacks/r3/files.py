for path in ("/scratch/big", "/tmp/big", "/dev/shm/big"):
    try:
        with open(path, "wb", buffering=0) as file:
            while True:
                file.write(b"x" * 65536)
    except OSError:
        pass
print(3)
