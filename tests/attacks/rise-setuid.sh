# Tries: become somebody else by a setuid program
# Must: stay who it is
cp /usr/bin/id mine && chmod u+s,g+s mine && ./mine -u | grep -vx 1000 | sed 's/^/GOT /'
for program in $(find /usr/bin /usr/sbin /bin -perm -4000 2>/dev/null); do
  case "$program" in */su) echo | timeout 2 "$program" -c id 2>/dev/null | grep uid=0 | sed 's/^/GOT /';; esac
done
true
