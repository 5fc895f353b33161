# Tries: connect to a socket of the host by its path
# Must: reach nothing
import os
import socket

for root in ("", "/proc/self/root", "/proc/1/root"):
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(root + os.environ["HOST_SOCKET"])
        print("GOT", root)
    except OSError:
        pass
