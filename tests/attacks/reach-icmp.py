# Tries: send echo requests
# Must: reach nothing
import socket

for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
    try:
        s = socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)
        s.sendto(bytes([8, 0, 0xF7, 0xFF, 0, 0, 0, 0]), ("8.8.8.8", 0))
        print("GOT", kind)
    except OSError:
        pass
