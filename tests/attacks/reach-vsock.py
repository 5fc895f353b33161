# Tries: reach the host of the machine by vsock
# Must: reach nothing
import socket

for cid in (0, 1, 2):
    try:
        s = socket.socket(40, socket.SOCK_STREAM)
        s.settimeout(1)
        s.connect((cid, 1024))
        print("GOT", cid)
    except OSError as error:
        if error.errno != 97:  # it was refused by the machine, not by the box
            print("GOT a socket", error)
