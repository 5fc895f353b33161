# Tries: have the kernel run a program of its own as root
# Must: find nothing to write to
for path in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sysrq-trigger /sys/kernel/uevent_helper /proc/sys/fs/binfmt_misc/register; do
  (echo x > "$path") 2>/dev/null && echo "GOT $path"
done
true
