# Tries: end or stop the process that runs the box
# Must: have no effect on it
for name in KILL STOP TERM INT HUP USR1 CHLD PIPE SEGV ABRT; do kill -$name 1; done 2>/dev/null
true
