# Tries: work on all cores
# Must: get one
for i in 1 2 3 4; do (while :; do :; done) & done
wait
