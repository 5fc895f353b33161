# Tries: read the workspace of another box
# Must: find only its own
cat /proc/[0-9]*/root/workspace/neighbour.txt /proc/[0-9]*/cwd/neighbour.txt 2>/dev/null | sed 's/^/GOT /'
find / -name neighbour.txt 2>/dev/null | sed 's/^/GOT /'
