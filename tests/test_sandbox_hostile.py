"""What a hostile agent tries: to see the host, to reach a network, to outlive its box, to reach past the workspace."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from boxes_making import alive, python

from specs.records import file_of

REPOSITORY = Path(__file__).resolve().parent.parent
SECRET = "sk-never-to-be-seen"


LEFT_BY_AN_ENGINE = {"sys", ".dockerenv", "hostname", "mtab", "resolv.conf"}


@pytest.fixture(scope="module")
def secret():
    os.environ["OPENAI_API_KEY"] = SECRET
    yield SECRET
    del os.environ["OPENAI_API_KEY"]


@pytest.fixture(scope="module")
def box(open_box, secret):
    with open_box([file_of("a.txt", b"alpha\n")]) as opened:
        yield opened


# Seeing


def test_no_secret_of_the_environment_enters(box, secret):
    assert secret not in box.exec("env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; true").output


def test_the_environment_is_the_same_everywhere(box):
    names = {line.split("=")[0] for line in box.exec("env").output.splitlines()}
    assert names == {"PATH", "HOME", "LANG", "TZ", "PYTHONDONTWRITEBYTECODE", "PYTHONUTF8", "PWD", "SHLVL", "_"}


def test_only_usr_and_stubs_are_there(box):
    top = box.exec("ls -A /").output.split()
    assert set(top) <= {"bin", "sbin", "lib", "lib64", "usr", "etc", "proc", "dev", "tmp", "run", "workspace"} | LEFT_BY_AN_ENGINE
    assert set(box.exec("ls -A /etc").output.split()) <= {"passwd", "group", "hosts", "alternatives", "ld.so.cache"} | LEFT_BY_AN_ENGINE
    assert box.exec("ls -A /usr/local /usr/src 2>/dev/null | grep -v :").output.strip() == ""


def test_the_repository_is_out_of_sight(box):
    assert box.exec(f"ls {REPOSITORY} {Path(sys.prefix)}").status != 0
    seen = box.exec("cat /proc/self/mountinfo /proc/mounts /proc/*/cmdline | tr '\\0' ' '").output
    assert str(REPOSITORY) not in seen and REPOSITORY.name not in seen.split("/")


def test_no_file_of_the_repository_lies_anywhere(box):
    assert box.exec("find / -xdev -name 'inbox.py' -o -xdev -name params.yaml 2>/dev/null; true").output == ""


def test_the_hosts_processes_and_name_are_out_of_sight(box):
    assert box.exec("ls /proc | grep -c '^[0-9]'").output.strip() in {"3", "4"}
    assert box.exec("cat /proc/sys/kernel/hostname").output == "box\n"


def test_nothing_but_workspace_and_scratch_can_be_written(box):
    script = """
import os
for top, folders, files in os.walk("/"):
    if top.count("/") > 4 or top == "/proc":
        folders.clear()
    try:
        os.mkdir(top + "/made")
        os.rmdir(top + "/made")
        print(top)
    except OSError:
        pass
"""
    assert set(python(box, script).output.split()) == {"/workspace", "/tmp", "/dev/shm"}


# Reaching


def test_no_network_can_be_reached(box):
    script = """
import socket
for address in ("1.1.1.1", "10.0.0.1", "169.254.169.254"):
    s = socket.socket()
    s.settimeout(2)
    try:
        s.connect((address, 80))
        print("connected")
    except OSError as error:
        print(error.strerror)
"""
    assert set(python(box, script).output.splitlines()) == {"Network is unreachable"}


def test_the_hosts_loopback_is_not_the_boxs(box):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = python(box, f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)")
    assert "ConnectionRefusedError" in result.output


def test_a_server_inside_can_be_reached_from_inside(box):
    script = "import socket\ns = socket.create_server(('127.0.0.1', 0))\nsocket.create_connection(s.getsockname(), 2)\nprint('reached')"
    assert python(box, script).output == "reached\n"


@pytest.mark.parametrize("family", ["AF_VSOCK", "AF_NETLINK", "AF_PACKET", "AF_ALG", "AF_BLUETOOTH", "AF_CAN", "AF_TIPC"])
def test_odd_socket_families_are_refused(box, family):
    script = f"""
import ctypes, errno, socket
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.argtypes = [ctypes.c_long, ctypes.c_ulong, ctypes.c_long, ctypes.c_long]
for high in (0, 1 << 32):  # the kernel ignores the upper half of the register; a filter that looks at it is fooled
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        assert libc.syscall({number("socket")}, high + socket.{family}, kind, 0) == -1, kind
        assert ctypes.get_errno() == errno.EAFNOSUPPORT, errno.errorcode[ctypes.get_errno()]
print("refused")
"""
    assert python(box, script).output == "refused\n"


def number(syscall: str) -> int:
    import pyseccomp

    return pyseccomp.resolve_syscall(pyseccomp.system_arch(), syscall)


@pytest.mark.parametrize(
    ("syscall", "code"),
    [
        (name, "EPERM")
        for name in (
            "keyctl",
            "add_key",
            "ptrace",
            "process_vm_readv",
            "bpf",
            "userfaultfd",
            "perf_event_open",
            "mount",
            "setns",
            "unshare",
        )
    ]
    + [(name, "ENOSYS") for name in ("clone3", "io_uring_setup")],
)
def test_dangerous_calls_are_refused(box, syscall, code):
    script = f"import ctypes, errno\nl = ctypes.CDLL(None, use_errno=True)\nprint(l.syscall({number(syscall)}, 0, 0, 0, 0, 0, 0), errno.errorcode[ctypes.get_errno()])"
    assert python(box, script).output == f"-1 {code}\n"


def test_no_user_namespace_opens_inside(box):
    assert box.exec("unshare -U true").status != 0
    script = f"""
import ctypes, errno, os
l = ctypes.CDLL(None, use_errno=True)
r = l.syscall({number("clone")}, 0x10000000 | 17, 0, 0, 0, 0)
if r == 0:
    os._exit(0)
print(r, errno.errorcode[ctypes.get_errno()])
"""
    assert python(box, script).output == "-1 EPERM\n"


def test_no_user_namespace_opens_even_without_the_filter(open_box, monkeypatch):
    from sandbox import seccomp

    monkeypatch.setattr(seccomp, "program", lambda: bytes([6, 0, 0, 0, 0, 0, 0xFF, 0x7F]))  # BPF for: allow all
    with open_box(()) as bare:
        result = bare.exec("unshare -U true")
    assert result.status != 0 and "unshare" in result.output


def test_no_capability_is_held(box):
    lines = box.exec("grep -E 'Cap(Eff|Prm|Bnd)|NoNewPrivs' /proc/self/status").output.split()
    assert lines == ["CapPrm:", "0" * 16, "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]


def test_links_lead_to_the_boxs_own_files_only(open_box, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("host")
    outside.chmod(0o666)
    with open_box(()) as opened:
        opened.exec(f"ln -s {outside} file; ln -s {tmp_path} folder; ln -s /etc/shadow shadow; ln -s / top; ln -s loop loop")
        for path in ("file", "folder/outside.txt", "shadow", "loop"):
            with pytest.raises(OSError):
                opened.read(path)
            with pytest.raises(OSError):
                opened.write(path, b"agent")
        assert {c.path: (c.type, c.content) for c in opened.snapshot()} == {
            "file": ("symlink", str(outside).encode()),
            "folder": ("symlink", str(tmp_path).encode()),
            "shadow": ("symlink", b"/etc/shadow"),
            "top": ("symlink", b"/"),
            "loop": ("symlink", b"loop"),
        }
    assert outside.read_text() == "host"


# Outliving


def test_nothing_writes_after_the_snapshot(open_box):
    with open_box(()) as box:
        box.exec("setsid nohup sh -c 'while :; do date +%N > tick; done' >/dev/null 2>&1 & sleep 0.1")
        box.snapshot()
        seen = [os.stat("tick", dir_fd=box._running.workspace).st_mtime_ns]
        time.sleep(0.1)
        seen.append(os.stat("tick", dir_fd=box._running.workspace).st_mtime_ns)
    assert seen[0] == seen[1]


def test_the_runner_cannot_be_ended_from_inside(box):
    for name in ("KILL", "STOP", "TERM", "INT", "HUP", "USR1", "CHLD", "PIPE"):
        box.exec(f"kill -{name} 1; kill -{name} -1")
    assert alive(box)


def test_the_runner_cannot_be_bounded_from_inside(box):
    for bound in ("--cpu=1:1", "--nofile=1:1", "--as=1:1"):
        result = box.exec(f"prlimit --pid 1 {bound}")
        assert result.status != 0 and "Operation not permitted" in result.output
    assert box.exec("ulimit -n 16; ulimit -n; prlimit --pid $$ --nofile=8:8 && ulimit -n").output == "16\n8\n"
    assert alive(box)


def test_the_runner_cannot_be_looked_into_or_written_to(box):
    script = """
import os
for name in ("mem", "fd", "environ", "oom_score_adj", "maps"):
    path = f"/proc/1/{name}"
    try:
        os.listdir(path) if name == "fd" else open(path, "r+b").read(1)
        print("open", name)
    except OSError as error:
        print(error.strerror)
"""
    assert set(python(box, script).output.splitlines()) == {"Permission denied"}


def test_a_command_inherits_no_channel_of_the_runner(box):
    assert (
        python(
            box, "import os\nprint([os.readlink(f'/proc/self/fd/{n}') for n in (0, 3, 4, 5, 6, 7) if os.path.exists(f'/proc/self/fd/{n}')])"
        ).output
        == "['/dev/null']\n"
    )


# Another user


SMALL = """
import warnings
from sandbox.box import open_box
from specs.records import file_of
warnings.simplefilter("ignore")
with open_box([file_of("a", b"given")]) as box:
    print(box.exec("cat a; id -u; chmod 0 a; mkdir -m 0 d").output)
    print([(c.path, c.type, c.mode, c.content) for c in box.snapshot()], box.bounded_by)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_boxes_open_without_root():
    become = ["setpriv", "--reuid", "23456", "--regid", "23456", "--clear-groups", sys.executable, "-B"]
    if subprocess.run([*become, "-c", "import sandbox.box"], cwd=REPOSITORY, capture_output=True, check=False).returncode:
        pytest.skip("another user can't read the interpreter or the repository")
    done = subprocess.run([*become, "-c", SMALL], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "given1000",
        "",
        "[('a', 'file', 0, b'given'), ('d', 'directory', 0, None)] rlimits and a watcher",
    ], done.stderr
