# Tries: read a file of the host that everybody may read
# Must: not reach it by any way
for root in "" /proc/self/root /proc/1/root /proc/1/cwd/../.. /dev/fd/../../..; do
  cat "$root$HOST_FILE" 2>/dev/null | grep -q "$MARK" && echo "GOT $root"
done
ln -s "$HOST_FILE" there && cat there 2>/dev/null | grep -q "$MARK" && echo GOT link
