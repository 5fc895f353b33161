# Tries: read the log of the kernel
# Must: be refused
(dmesg 2>/dev/null; timeout 1 head -c 100 /dev/kmsg 2>/dev/null; timeout 1 head -c 100 /proc/kmsg 2>/dev/null) | head -3 | sed 's/^/GOT /'
