# Tries: look into the process that runs the box, or write to it
# Must: be refused
import os

for name in ("mem", "fd", "environ", "maps", "oom_score_adj", "cwd", "root"):
    path = f"/proc/1/{name}"
    try:
        os.listdir(path) if name in ("fd", "cwd", "root") else open(path, "r+b").read(1)
        print("GOT", path)
    except OSError:
        pass
