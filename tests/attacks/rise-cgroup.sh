# Tries: write to its control groups
# Must: find none to write to
for path in $(find /sys/fs/cgroup /proc/self/cgroup -maxdepth 2 -name '*limit*' -o -maxdepth 2 -name 'release_agent' -o -maxdepth 2 -name '*.max' 2>/dev/null); do
  (echo 0 > "$path") 2>/dev/null && echo "GOT $path"
done
mkdir /sys/fs/cgroup/memory/mine 2>/dev/null && echo GOT mkdir
true
