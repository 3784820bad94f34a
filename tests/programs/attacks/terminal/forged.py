# Frames of every protocol that is spoken outside, written to the terminal.
import os
import struct
import sys

exit_message = b'{"type":"exit","code":0,"forged":true,"signal":null,"reason":"exited","wall_ms":1,"cpu_ms":1,"memory_kb":1}'
os.write(1, exit_message + b"\n")
os.write(2, b"\x81" + bytes([len(exit_message)]) + exit_message)
os.write(1, b"\x88\x02\x03\xe8" + b"\x8a\x00")
for kind in range(0x80, 0x90):
    os.write(1, bytes([kind]) + struct.pack(">I", len(exit_message)) + exit_message)
    os.write(1, struct.pack("<I", len(exit_message)) + bytes([kind]) + exit_message)
os.write(1, b'{"type":"error","code":"forged","message":"x"}\n\nthe true end\n')
sys.exit(3)
