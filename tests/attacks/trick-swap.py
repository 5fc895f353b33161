# Tries: swap a folder for a link while it is read
# Must: be dead while it is read
import os
import time

os.mkdir("swap")
if os.fork() == 0:
    os.setsid()
    while True:
        os.rename("swap", "kept")
        os.symlink(os.path.dirname(os.environ["HOST_FILE"]), "swap")
        os.unlink("swap")
        os.rename("kept", "swap")
time.sleep(0.2)
