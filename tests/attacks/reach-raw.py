# Tries: open raw, packet and netlink sockets
# Must: reach nothing
import socket

for family, kind, protocol in ((17, 3, 0x0300), (16, 3, 0), (2, 3, 255), (38, 5, 0)):
    try:
        socket.socket(family, kind, protocol)
        print("GOT", family)
    except OSError:
        pass
