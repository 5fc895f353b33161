# Tries: leave a process whose parents are gone
# Must: be dead by then
import os
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            with open("a.txt", "w") as f:
                f.write(str(time.time()))
    os._exit(0)
time.sleep(0.2)
