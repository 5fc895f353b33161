# Tries: join the namespaces of process 1, or those above its own
# Must: be refused
import ctypes
import fcntl
import os

libc = ctypes.CDLL(None, use_errno=True)
for process in ("self", "1"):
    for name in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup"):
        try:
            spaces = [os.open(f"/proc/{process}/ns/{name}", os.O_RDONLY)]
        except OSError:
            continue
        for above in (0xB701, 0xB702):  # NS_GET_USERNS, NS_GET_PARENT
            try:
                spaces.append(fcntl.ioctl(spaces[0], above))
            except OSError:
                pass
        for space in spaces:
            if libc.setns(space, 0) == 0:
                print("GOT", process, name)
