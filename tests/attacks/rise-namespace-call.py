# Tries: open namespaces by the calls themselves
# Must: be refused
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
for name, arguments in {"unshare": (272, 268435456), "setns": (308, 0, 0), "clone": (56, 268435473, 0, 0, 0, 0)}.items():
    if libc.syscall(*arguments) >= 0:
        print("GOT", name)
