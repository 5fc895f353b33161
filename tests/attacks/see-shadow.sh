# Tries: read the passwords of the host
# Must: find no such file
for path in /etc/shadow /proc/1/root/etc/shadow /proc/self/root/etc/shadow /proc/1/cwd/../etc/shadow; do
  cat "$path" 2>/dev/null | grep -q root && echo "GOT $path"
done
