# Tries: open a user namespace, where it would be root
# Must: be refused
unshare -U true 2>/dev/null && echo GOT user
unshare -Ur id -u 2>/dev/null | grep -x 0 | sed 's/^/GOT /'
unshare -n true 2>/dev/null && echo GOT net
true
