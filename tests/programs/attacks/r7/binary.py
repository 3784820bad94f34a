import sys

bad = bytes(range(256)) + b"\x1b[2J\x00\xff\xc0\xaf\xed\xa0\x80" + "\u202e".encode() + b"\xe2\x82"
sys.stdout.buffer.write(b"3" + bad)
sys.stderr.buffer.write(bad)
