# Tries: leave its root by chroot
# Must: be refused
import os

os.makedirs("jail", exist_ok=True)
try:
    os.chroot("jail")
    print("GOT chroot")
except OSError:
    pass
