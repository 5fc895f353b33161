# Tries: make files without end
# Must: be stopped, or be refused at the snapshot
import os

for i in range(10**6):
    os.close(os.open(f"f{i}", os.O_CREAT))
