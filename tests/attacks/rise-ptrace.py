# Tries: trace another process of the box, or the one that runs it
# Must: be refused
import ctypes
import os
import time

libc = ctypes.CDLL(None, use_errno=True)
pid = os.fork()
if pid == 0:
    time.sleep(5)
    os._exit(0)
for target in (1, pid):
    if libc.ptrace(16, target, None, None) == 0:
        print("GOT", target)
os.kill(pid, 9)
