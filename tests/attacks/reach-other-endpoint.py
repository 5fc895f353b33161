# Tries: reach the endpoint of another rollout, beside its own
# Must: reach its own alone
import os
import socket

own, other = "/run/endpoint.sock", os.environ["OTHER_ENDPOINT"]
name = os.path.basename(other)
places = [other, f"/run/{name}", f"/run/../{other}", f"/proc/1/root{other}", f"/proc/self/root{other}", f"/proc/1/cwd/../run/{name}"]
for line in open("/proc/self/mountinfo"):
    root, mount = line.split()[3:5]
    if mount == own:
        places += [os.path.join(os.path.dirname(root), name), os.path.join(os.path.dirname(mount), os.path.dirname(root)[1:], name)]
for place in places:
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(place)
            print("GOT", place)
        except OSError as error:
            print(place, error)
for folder, names, files in os.walk("/run"):
    print(folder, names, files)
