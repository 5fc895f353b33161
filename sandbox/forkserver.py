"""The fork server of boxes: a Python outside of them, out of which the runner of each box is forked instead of being started anew.

Run by the Python that boxes run, once for a process that opens boxes (spawning.py): to start it in every box takes twice as long as
bubblewrap takes for the box. For each request a fork gives up root, has bubblewrap make the box around a shell that waits (the holder),
enters the box's control groups, which are made meanwhile, and joins the namespaces that bubblewrap made, except for the one of processes,
of which it makes its own. There its child is process 1: it mounts the /proc that shows them, gives up what rights are left, and becomes
the runner (inbox.py). When an agent's first command runs, all of this is over; nothing here reads anything that an agent wrote.
"""

from __future__ import annotations

import _socket as socket
import ctypes
import fcntl
import gc
import json
import os
import select
import signal
import sys

TYPE_CHECKING = False  # typing itself would make every fork dearer
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

MESSAGE = 1 << 18
PATIENCE_S = 30  # for bubblewrap, on a busy machine
ALWAYS = ("inbox", "contained")  # of our modules, those that every box uses
HOLDER = ("/bin/sh", "-c", "printf .; read end")
NEW = {"net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000, "mnt": 0x00020000}  # CLONE_NEW*; after mnt, no host
NEW_USER, NEW_PID, NEW_GROUPS = 0x10000000, 0x20000000, 0x02000000
MOST = 1024  # open descriptors: each gets the lowest free number
GROUPS = 8  # one for each controller, at most
OWNER = 0xB701  # NS_GET_USERNS
PRIVATE, BIND, RECURSIVE, STRICT = 1 << 18, 1 << 12, 1 << 14, 2 | 4 | 8  # MS_*; the last: no setuid, no devices, no programs
DUMPABLE, DROP_BOUND, SUBREAPER, NO_NEW_PRIVS, AMBIENT, CLEAR_ALL = 4, 24, 36, 38, 47, 4  # PR_*
CAPABILITIES = (0x20080522).to_bytes(4, sys.byteorder) + bytes(4)  # version 3, of this process

libc = ctypes.CDLL(None, use_errno=True)
for known in ("mount", "setns", "unshare", "prctl", "capset"):
    getattr(libc, known)  # it keeps them; the first look takes as long as several calls, which a fork need not spend


def call(name: str, *arguments: int | bytes | None) -> int:
    """Call a function of the C library. Raises OSError where it fails."""
    result = int(getattr(libc, name)(*arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


def lay(folders: dict[str, str]) -> None:
    """As root, bring folders of the host to where others find them too, in mounts that only this process sees."""
    if folders:
        call("unshare", NEW["mnt"])
        call("mount", b"none", b"/", None, PRIVATE | RECURSIVE, None)
    for folder, place in folders.items():
        call("mount", os.fsencode(folder), os.fsencode(place), None, BIND | RECURSIVE, None)


def humble(identity: int) -> None:
    """Be nobody in particular, if this is root, and gain no rights by starting programs."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(identity, identity, identity)
        os.setresuid(identity, identity, identity)
    call("prctl", NO_NEW_PRIVS, 1, 0, 0, 0)


def started(line: list[Any]) -> tuple[socket.socket, int]:
    """Have bubblewrap make a box: our end of the holder, which says when it is made and waits until that is closed; what takes its pid.

    In the command line [text] stands for a descriptor with that to read, [] for one that takes the pid.
    """
    info = os.memfd_create("info", 0)
    plain = [part if isinstance(part, str) else str(content(*part) if part else info) for part in line]
    ours, theirs = socket.socketpair()
    ends = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), end) for end in (0, 1)]
    bubblewrap = os.posix_spawn(plain[0], [*plain, "--", *HOLDER], {}, file_actions=ends, setpgroup=0)
    theirs.close()

    def late(*_: object) -> None:
        os.killpg(bubblewrap, signal.SIGKILL)
        raise SystemExit(f"bubblewrap took more than {PATIENCE_S} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE_S)
    return ours, info


def content(text: str) -> int:
    """A descriptor to read the text from, which a program that is started inherits."""
    fd = os.memfd_create("content", 0)
    os.write(fd, text.encode())
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def enter(control: socket.socket) -> None:
    """Wait for the files of the box's control groups, which are made meanwhile, and be bounded by them."""
    word, extra, _, _ = control.recvmsg(1, socket.CMSG_SPACE(4 * GROUPS))
    if not word:
        raise SystemExit("nobody waits for the box any more")
    for _, _, packed in extra:
        for at in range(0, len(packed), 4):
            group = int.from_bytes(packed[at : at + 4], sys.byteorder)
            os.write(group, b"0")
            os.close(group)


def join(holder: socket.socket, info: int) -> int:
    """Join the holder's namespaces but for its processes'; the user namespace to go into at last, where that is not the mounts' own."""
    if holder.recv(1) != b".":
        raise SystemExit("bubblewrap made no box")
    pid = int(json.loads(os.pread(info, 4096, 0))["child-pid"])
    spaces = {name: os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in ("user", *NEW)}
    if select.select([holder], [], [], 0)[0]:
        raise SystemExit("the holder is gone, and its pid may be another's")
    owner = fcntl.ioctl(spaces["mnt"], OWNER)
    call("setns", owner, NEW_USER)
    for name, kind in NEW.items():
        call("setns", spaces[name], kind)
    call("unshare", NEW_GROUPS | NEW_PID)
    return -1 if os.path.sameopenfile(owner, spaces["user"]) else spaces["user"]


def settle(user: int) -> None:
    """As process 1 of a box: see its own processes alone, have no rights, and hold nothing but the channel and what takes complaints."""
    call("mount", b"proc", b"/proc", b"proc", STRICT, None)
    if user >= 0:
        call("setns", user, NEW_USER)
    for capability in range(64):
        if libc.prctl(DROP_BOUND, capability, 0, 0, 0):
            break  # the kernel knows no more of them
    call("prctl", AMBIENT, CLEAR_ALL, 0, 0, 0)
    call("capset", CAPABILITIES, bytes(24))
    call("prctl", DUMPABLE, 1, 0, 0, 0)  # as after a start: its own files in /proc are its own, until the runner closes them to all
    os.setsid()
    os.closerange(3, MOST)


def taken(requests: socket.socket) -> dict[str, Any]:
    """Wait for a request, and take its channel as standard input and output."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    json.loads(b'{"written": ["to"]}')  # what a fork writes to first is copied then, and now nobody waits
    text, extra, _, _ = requests.recvmsg(MESSAGE, socket.CMSG_SPACE(8))
    if not text:
        os._exit(0)
    control, complaints = (int.from_bytes(extra[0][2][at : at + 4], sys.byteorder) for at in (0, 4))
    for end, fd in enumerate((control, control, complaints)):
        os.dup2(fd, end)
    os.close(control)
    os.close(complaints)
    request: dict[str, Any] = json.loads(text)
    return request


def become(request: dict[str, Any], notice: int, codes: dict[str, CodeType]) -> None:
    """Make the box that was asked for, and be its runner; close `notice` when a next one may be made.

    A request has `line` (bubblewrap's, see `started`), `identity` (whom root becomes), `folders` (of the host: where to lay them first),
    and what the runner is told: `program` (the filter of system calls, in base64) and `limits` (rlimits, name=value).
    """
    lay(request["folders"])
    humble(request["identity"])
    making = started(request["line"])
    control = socket.socket(fileno=0)
    enter(control)
    os.close(notice)
    user = join(*making)
    if os.fork():
        os._exit(0)  # the holder ends with it; the namespaces are the runner's
    settle(user)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    gc.enable()
    sys.modules["inbox"].main(request["program"], request["limits"], codes)


def serve(requests: socket.socket) -> None:
    """Take the texts of our modules, then requests, each with the runner's channel and what takes complaints, until the other hangs up."""
    highest = max(map(int, os.listdir("/proc/self/fd")))  # noqa: PTH208 (pathlib is not imported here)
    os.closerange(3, highest + 1)  # what this text was read from has the number that it had outside
    texts = json.loads(requests.recv(MESSAGE))
    codes = {name: compile(text, f"{name}.py", "exec") for name, text in texts.items()}
    for name in ALWAYS:
        sys.modules[name] = type(sys)(name)
        exec(codes.pop(name), sys.modules[name].__dict__)  # noqa: S102 (our own, from the process that started this one)
    call("prctl", SUBREAPER, 1, 0, 0, 0)  # with SIGCHLD ignored, what is left of a box is gone when it ends
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.disable()
    gc.freeze()
    ended = select.poll()
    ended.register(requests, 0)
    while not ended.poll(0):
        waits, notice = os.pipe()
        if os.fork() == 0:
            become(taken(requests), notice, codes)
        os.close(notice)
        os.read(waits, 1)  # until that is closed, by a fork at work or one that is gone
        os.close(waits)


if __name__ == "__main__":
    serve(socket.socket(fileno=0))
