# Tries: leave fifos, sockets and devices where files should be
# Must: have them reported, and nobody wait
rm a.txt
mkfifo a.txt
mkfifo fifo
python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('socket')"
