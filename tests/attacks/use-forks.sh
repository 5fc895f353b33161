# Tries: start processes without end
# Must: stay within the box
bomb() { bomb | bomb & }
bomb
sleep 1
