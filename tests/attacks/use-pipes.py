# Tries: hold memory of the kernel in pipes
# Must: be bounded
import fcntl
import os

held = []
try:
    while len(held) < 4000:
        read, write = os.pipe()
        fcntl.fcntl(write, 1031, 1 << 20)
        os.set_blocking(write, False)
        os.write(write, bytes(1 << 20))
        held.append((read, write))
except OSError:
    pass
if len(held) > 1500:
    print("GOT", len(held), "pipes")
