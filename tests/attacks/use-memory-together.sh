# Tries: take all memory with many small processes
# Must: be bounded together
for i in 1 2 3 4 5 6 7 8; do python3 -c "import time; x = b'x' * 60_000_000; time.sleep(2)" & done
wait
