# Tries: connect to addresses outside by IPv6
# Must: reach nothing
import socket

for address in ("2606:4700:4700::1111", "fe80::1", "ff02::1"):
    try:
        socket.create_connection((address, 80), 1)
        print("GOT", address)
    except OSError:
        pass
