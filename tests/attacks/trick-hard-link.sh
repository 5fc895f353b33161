# Tries: link a file from outside the workspace into it
# Must: be refused, or have it read as its own
ln /etc/passwd passwd 2>/dev/null && echo GOT passwd
ln /usr/bin/python3 python 2>/dev/null && echo GOT python
ln "$HOST_FILE" host 2>/dev/null && echo GOT host
true
