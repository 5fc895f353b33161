# Tries: read the memory or the disks of the machine
# Must: find no such devices
for path in /dev/mem /dev/kmem /dev/port /proc/kcore /dev/sda /dev/vda /dev/nvme0n1 /dev/kvm /dev/fuse; do
  head -c 16 "$path" 2>/dev/null | grep -q . && echo "GOT $path"
done
mknod disk b 8 0 2>/dev/null && echo GOT mknod
mknod null c 1 3 2>/dev/null && echo GOT mknod
true
