# Tries: rename the machine
# Must: be refused
hostname owned 2>/dev/null && echo GOT hostname
echo owned 2>/dev/null > /proc/sys/kernel/hostname && echo GOT sysctl
true
