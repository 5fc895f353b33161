# Tries: mount something
# Must: be refused
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
for source, target, kind, flags in (
    (b"none", b"/tmp", b"tmpfs", 0),
    (b"/", b"/workspace", None, 4096),
    (b"proc", b"/tmp", b"proc", 0),
    (None, b"/usr", None, 32),
):
    if libc.mount(source, target, kind, flags, None) == 0:
        print("GOT", target)
