# Tries: bound the process that runs the box
# Must: be refused
for bound in --cpu=1:1 --nofile=1:1 --as=1:1 --nproc=0:0; do prlimit --pid 1 $bound 2>/dev/null && echo "GOT $bound"; done
true
