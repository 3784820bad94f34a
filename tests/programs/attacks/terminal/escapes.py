import os

piece = (b"\x00" * 97 + b"\x1b[2J\x1b[31m\x1b]0;title\x07\x1bP$q\x1b\\\x9b\xff\xfe\xed\xa0\x80\x1b[999999999C\x05\x0e\x7f") * 200
while True:
    os.write(1, piece)
