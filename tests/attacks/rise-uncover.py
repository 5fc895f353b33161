# Tries: take a mount away, to see what lies beneath it
# Must: be refused
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
for path in (b"/proc", b"/dev/shm", b"/dev", b"/tmp", b"/workspace", b"/usr", b"/"):
    for flags in (0, 2, 8):  # MNT_DETACH, UMOUNT_NOFOLLOW
        if libc.umount2(path, flags) == 0:
            print("GOT", path)
    if libc.umount(path) == 0:
        print("GOT", path)
