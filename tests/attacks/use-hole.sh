# Tries: claim a file of a terabyte
# Must: be refused, or have it not read
truncate -s 1T hole && echo "GOT $(stat -c %s hole)"
true
