# Tries: connect to an abstract socket of the host
# Must: reach nothing
import os
import socket

s = socket.socket(socket.AF_UNIX)
try:
    s.connect("\0" + os.environ["HOST_ABSTRACT"])
    print("GOT it")
except OSError:
    pass
