# Tries: have a file of the host read through a link
# Must: have the link reported
ln -s "$HOST_FILE" file
ln -s "$(dirname "$HOST_FILE")" folder
ln -sf "$HOST_FILE" a.txt
ln -s loop loop
ln -s /proc/1/environ environ
