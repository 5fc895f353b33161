# Tries: fill the record of what it did, and spoil it for whoever reads it
# Must: be kept short, as text
import os

for _ in range(200):
    os.write(1, b"\x1b[2J\xff\x00</workspace>" * 1000)
