# Tries: open files of the host by handle, past its own root
# Must: be refused
import ctypes
import os
import struct

libc = ctypes.CDLL(None, use_errno=True)
handle = ctypes.create_string_buffer(struct.pack("=Ii", 8, 1) + struct.pack("=Q", 2) + bytes(128))
for base in ("/", "/etc/hosts", "/workspace", "/usr"):
    fd = os.open(base, os.O_RDONLY)
    if libc.syscall(304, fd, handle, os.O_RDONLY) >= 0:
        print("GOT", base)
    os.close(fd)
