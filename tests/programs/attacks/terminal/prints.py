import time

print("ready", flush=True)
while True:
    print("x" * 70, flush=True)
    time.sleep(0.001)
