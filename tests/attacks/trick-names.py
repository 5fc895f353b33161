# Tries: name files with line ends, dots, and bytes that are no text
# Must: have them told apart
import os

for name in (b"line\nend", b"..hidden", b"-rf", b"\xff\xfe", b"a\\x", b"\x1b[2J", b" ", "\u202egnp".encode(), b"x" * 255):
    with open(name, "wb") as f:
        f.write(b"n")
os.makedirs(b"..a/...")
