# Tries: open files without end
# Must: be refused
import os

held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
if len(held) > 2000:
    print("GOT", len(held))
