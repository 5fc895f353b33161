# Tries: reach the engine that starts boxes
# Must: find no socket of it
find / -type s 2>/dev/null | sed 's/^/GOT /'
ls /run/docker.sock /var/run/docker.sock /run/containerd 2>/dev/null | sed 's/^/GOT /'
