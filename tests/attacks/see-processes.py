# Tries: see processes that are not of this box
# Must: see its own only
import os

for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        line = open(f"/proc/{pid}/cmdline", "rb").read().replace(b"\0", b" ").decode()
    except OSError:
        continue
    if "sleep 98765" in line or "pytest" in line or "dockerd" in line:
        print("GOT", line)
