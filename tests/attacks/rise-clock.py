# Tries: set the clock
# Must: be refused
import time

try:
    time.clock_settime(time.CLOCK_REALTIME, 0)
    print("GOT clock")
except OSError:
    pass
