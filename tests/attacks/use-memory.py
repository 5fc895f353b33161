# Tries: take all memory
# Must: be killed, or get an error
held = []
while True:
    held.append(bytearray(b"x") * 10_000_000)
