# Tries: ask the cloud who it is
# Must: reach nothing
import socket

try:
    socket.create_connection(("169.254.169.254", 80), 1)
    print("GOT it")
except OSError:
    pass
