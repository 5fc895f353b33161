# Tries: sleep for ever
# Must: be stopped at its time
sleep 100000
