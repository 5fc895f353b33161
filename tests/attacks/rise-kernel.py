# Tries: load code into the kernel, or restart it
# Must: be refused
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
for name, arguments in {
    "bpf": (321, 0, 0, 0),
    "init_module": (175, 0, 0, 0),
    "finit_module": (313, 0, 0, 0),
    "kexec": (246, 0, 0, 0, 0),
    "reboot": (169, 4276215469, 672274793, 0, 0),
}.items():
    if libc.syscall(*arguments) >= 0:
        print("GOT", name)
