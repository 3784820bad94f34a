import termios

print("ready", flush=True)
termios.tcdrain(1)
termios.tcflow(1, termios.TCOOFF)
termios.tcflow(0, termios.TCIOFF)
while True:
    print("x" * 70, flush=True)
