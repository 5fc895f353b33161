# Tries: connect to addresses outside by TCP
# Must: reach nothing
import socket

for address in ("1.1.1.1", "10.0.0.1", "192.168.0.1", "172.17.0.1"):
    try:
        socket.create_connection((address, 80), 1)
        print("GOT", address)
    except OSError:
        pass
