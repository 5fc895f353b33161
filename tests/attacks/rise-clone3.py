# Tries: open a namespace by a call whose flags no filter can see
# Must: find no such call
import ctypes
import struct

libc = ctypes.CDLL(None, use_errno=True)
arguments = struct.pack("=11Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)
if libc.syscall(435, arguments, len(arguments)) >= 0:
    print("GOT clone3")
