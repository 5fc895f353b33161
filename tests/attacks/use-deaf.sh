# Tries: ignore every signal that can be ignored
# Must: be stopped at its time
trap '' TERM INT HUP QUIT USR1 USR2 PIPE ALRM
while :; do sleep 1; done
