# Tries: start threads without end
# Must: stay within the box
import threading
import time

try:
    while True:
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
except RuntimeError:
    pass
