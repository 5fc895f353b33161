# Tries: type into the terminal of whoever started the box
# Must: be refused, there being none
import fcntl
import os

for path in ("/dev/tty", "/dev/console", "/dev/pts/0", "/proc/1/fd/0"):
    try:
        fd = os.open(path, os.O_RDWR)
        fcntl.ioctl(fd, 0x5412, b"x")
        print("GOT", path)
    except OSError:
        pass
try:
    fcntl.ioctl(0, 0x5412, b"x")
    print("GOT stdin")
except OSError:
    pass
