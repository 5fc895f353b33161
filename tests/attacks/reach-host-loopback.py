# Tries: connect to a server on the loopback of the host
# Must: reach nothing
import os
import socket

for address in ("127.0.0.1", "127.0.0.2", "::1", "0.0.0.0", "localhost", "host.docker.internal"):
    try:
        socket.create_connection((address, int(os.environ["HOST_PORT"])), 1)
        print("GOT", address)
    except OSError:
        pass
