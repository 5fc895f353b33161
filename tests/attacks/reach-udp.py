# Tries: send what it knows by UDP
# Must: reach nothing
import socket

for address in ("8.8.8.8", "172.17.0.1", "255.255.255.255"):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        s.sendto(b"secret", (address, 53))
        print("GOT", address)
    except OSError:
        pass
