# Tries: look a name up
# Must: reach nothing
import socket

for name in ("example.com", "host.docker.internal", "metadata.google.internal"):
    try:
        socket.getaddrinfo(name, 80)
        print("GOT", name)
    except OSError:
        pass
