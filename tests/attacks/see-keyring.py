# Tries: read the keys of the kernel
# Must: be refused
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
ADD, REQUEST, CONTROL = 248, 249, 250
for name, call in (
    ("add", (ADD, b"user", b"k", b"v", 1, -3)),
    ("request", (REQUEST, b"user", b"k", None, 0)),
    ("session", (CONTROL, 0, -3, 0)),
):
    if libc.syscall(*call) >= 0:
        print("GOT", name)
