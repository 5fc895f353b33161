# Tries: rewrite its answer after the end
# Must: be dead by then
setsid nohup sh -c 'while :; do date +%N > a.txt; done' > /dev/null 2>&1 &
sleep 0.2
