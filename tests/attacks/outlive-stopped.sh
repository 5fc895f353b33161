# Tries: leave a stopped process that wakes up later
# Must: be dead by then
(sleep 1; echo late > a.txt) &
kill -STOP $!
(sleep 0.5; kill -CONT $!) &
true
