# Tries: nest directories without end
# Must: have them reported and not entered
import os

try:
    for _ in range(3000):
        os.mkdir("d")
        os.chdir("d")
except OSError:
    pass
