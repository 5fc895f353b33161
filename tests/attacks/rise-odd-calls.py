# Tries: use calls that have let others out
# Must: be refused
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
for name, arguments in {
    "userfaultfd": (323, 0),
    "perf": (298, 0, 0, -1, -1, 0),
    "io_uring": (425, 8, 0),
    "vm_readv": (310, 1, 0, 0, 0, 0, 0),
    "pidfd_getfd": (438, 0, 0, 0),
    "kcmp": (312, 1, 1, 0, 0, 0),
}.items():
    if libc.syscall(*arguments) >= 0:
        print("GOT", name)
