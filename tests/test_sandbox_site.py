"""The served site: what a box's own people see of it, what they can't do to it, and that only boxes with a site have one."""

import shutil
import socket
import time

import making
import pytest

from sandbox import box as boxes
from sandbox import episodes, pages
from sandbox.box import BoxError, Caps
from sandbox.harness import Completion
from specs.records import SITE_URL, Service, file_of
from verifiers import playing

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")

BIG = bytes(range(256)) * 2000
FILES = (
    file_of("index.html", b"<h1>Old Dock Market</h1>"),
    file_of("stalls/index.html", "<p>Käse & Söhne</p>".encode()),
    file_of("stalls/ms 1.html", b"one"),
    file_of("empty.txt", b""),
    file_of("big.bin", BIG),
)
SITE = Service("site", FILES)
GET = """
import sys, urllib.error, urllib.request
for path in sys.argv[1:]:
    try:
        with urllib.request.urlopen('http://127.0.0.1:8080/' + path, timeout=10) as got:
            print(got.status, got.headers['Content-Type'], got.read().decode()[:60])
    except urllib.error.HTTPError as error:
        print(error.code)
"""


@pytest.fixture(scope="module")
def box(open_box):
    with open_box([file_of("a.txt", b"alpha")], services=[SITE]) as opened:
        yield opened


def python(box, script: str, *arguments: str, timeout_s: float = 60):
    box.write("/tmp/script.py", script.encode())
    return box.exec(" ".join(["python3 /tmp/script.py", *(f"'{a}'" for a in arguments)]), timeout_s=timeout_s)


def serves(box) -> bool:
    return python(box, GET, "stalls/").output == "200 text/html; charset=utf-8 <p>Käse & Söhne</p>\n"


def asked(box, request: bytes) -> str:
    """What comes back for raw bytes, until the other side closes."""
    script = f"""
import socket
s = socket.create_connection(('127.0.0.1', 8080), 10)
try:
    s.sendall({request!r})
    while data := s.recv(65536):
        print(data.decode('latin-1').split('\\r\\n\\r\\n')[0])
except ConnectionError as error:
    print(type(error).__name__)
"""
    return python(box, script).output


# What is served


def test_pages_are_served_at_the_fixed_address(box):
    assert SITE_URL == "http://127.0.0.1:8080/"
    output = python(
        box, GET, "", "stalls/", "stalls", "stalls/ms%201.html?x=1", "empty.txt", "none", "stalls/none/", "../etc/passwd"
    ).output
    assert output.splitlines() == [
        "200 text/html; charset=utf-8 <h1>Old Dock Market</h1>",
        "200 text/html; charset=utf-8 <p>Käse & Söhne</p>",
        "200 text/html; charset=utf-8 <p>Käse & Söhne</p>",  # by way of a redirect
        "200 text/html; charset=utf-8 one",
        "200 text/plain; charset=utf-8 ",
        "404",
        "404",
        "404",
    ]


def test_a_large_page_arrives_whole(box):
    box.exec("python3 -c \"import urllib.request as u; open('/tmp/got', 'wb').write(u.urlopen('http://localhost:8080/big.bin').read())\"")
    assert box.read("/tmp/got") == BIG


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"HEAD /big.bin HTTP/1.1", "HTTP/1.1 200 OK"),
        (b"GET http://127.0.0.1:8080/stalls/ HTTP/1.1", "HTTP/1.1 200 OK"),
        (b"POST /stalls/ HTTP/1.1", "HTTP/1.1 405 Method Not Allowed"),
        (b"PUT /stalls/index.html HTTP/1.1", "HTTP/1.1 405 Method Not Allowed"),
        (b"GET /", "HTTP/1.1 400 Bad Request"),
        (b"\x16\x03\x01\x00\xff\x00", "HTTP/1.1 400 Bad Request"),
        (b"GET /%ff%00%zz HTTP/1.1", "HTTP/1.1 404 Not Found"),
        (b"GET /" + b"x" * 100_000 + b" HTTP/1.1", "HTTP/1.1 431 Too Large"),
    ],
)
def test_every_request_has_an_answer(box, request_line, status):
    assert asked(box, request_line + b"\r\n\r\n").splitlines()[0] == status
    assert serves(box)


def test_a_body_that_nobody_asked_for_does_not_stop_the_answer(box):
    sent = b"POST / HTTP/1.1\r\nContent-Length: 30000\r\n\r\n" + b"x" * 30000
    assert asked(box, sent).startswith("HTTP/1.1 405")


# What can't be done to it


def test_the_pages_lie_in_no_file(open_box):
    with open_box([file_of("a.txt", b"alpha")], services=[SITE]) as box:
        system = "-name usr -o -lname 'usr/*' -o -name proc"  # /bin is a link into /usr
        places = box.exec(f"find / -mindepth 1 -maxdepth 1 ! '(' {system} ')'").output.split()
        assert {"/tmp", "/workspace", "/run"} <= set(places)
        assert box.exec(f"grep -rl 'Dock Market' {' '.join(places)} 2>/dev/null; ls -A").output == "a.txt\n"
        assert "Permission denied" in box.exec("cat /proc/1/mem 2>&1").output


def test_nobody_inside_takes_its_port(box):
    script = """
import socket
for host, option in (('127.0.0.1', None), ('', None), ('127.0.0.1', socket.SO_REUSEADDR), ('127.0.0.1', socket.SO_REUSEPORT)):
    s = socket.socket()
    if option:
        s.setsockopt(socket.SOL_SOCKET, option, 1)
    try:
        s.bind((host, 8080))
        s.listen()
        print('taken')
    except OSError as error:
        print(error.strerror)
"""
    assert set(python(box, script).output.splitlines()) == {"Address already in use"}


def test_no_signal_ends_or_stops_it(box):
    for name in ("KILL", "STOP", "TERM", "INT"):
        box.exec(f"kill -{name} 1; kill -{name} -1")
    assert serves(box)


def test_connections_that_say_nothing_do_not_keep_others_out(box):
    script = f"""
import socket, time
held = []
for n in range({pages.MOST_TALKS} * 3):
    s = socket.create_connection(('127.0.0.1', 8080), 10)
    s.sendall(b'GET / HTTP/1.1')
    held.append(s)
import urllib.request
print(urllib.request.urlopen('http://127.0.0.1:8080/', timeout=10).read())
"""
    assert python(box, script).output == "b'<h1>Old Dock Market</h1>'\n"
    assert serves(box)


def test_readers_that_never_read_cost_no_copy_of_the_page(open_box):
    large = Service("site", (file_of("big.bin", bytes(8 << 20)),))
    with open_box((), Caps(memory_mb=64, disk_mb=1), services=[large]) as box:
        script = """
import socket
held = [socket.create_connection(('127.0.0.1', 8080), 10) for _ in range(100)]
for s in held:
    s.sendall(b'GET /big.bin HTTP/1.1\\r\\n\\r\\n')
import urllib.request
print(len(urllib.request.urlopen('http://127.0.0.1:8080/big.bin', timeout=20).read()))
"""
        assert python(box, script).output == f"{8 << 20}\n"


def test_a_flood_of_requests_does_not_hold_up_the_runner(box):
    flood = """
import socket, threading, time
def shoot():
    while True:
        try:
            s = socket.create_connection(('127.0.0.1', 8080), 5)
            s.sendall(b'GET / HTTP/1.1\\r\\n\\r\\n')
            s.close()
        except OSError:
            pass
for _ in range(16):
    threading.Thread(target=shoot).start()
"""
    start = time.monotonic()
    assert python(box, flood, timeout_s=2).timed_out
    assert time.monotonic() - start < 10
    assert box.exec("echo on").output == "on\n" and serves(box)


def test_it_is_served_while_a_command_runs_in_the_background(box):
    script = f"import time, urllib.request as u\ntime.sleep(0.3)\nprint(u.urlopen('{SITE_URL}').read())"
    box.write("/tmp/late.py", script.encode())
    box.exec("touch /tmp/late; python3 /tmp/late.py > /tmp/late &")
    for _ in range(100):
        if b"Old Dock" in box.read("/tmp/late"):
            return
        time.sleep(0.1)
    raise AssertionError("nobody answered between two commands")


# Where it is, and where not


def test_no_other_address_is_reached_from_a_box_with_a_site(box):
    with socket.create_server(("127.0.0.1", 0)) as outside:
        script = f"""
import socket
for address in (('1.1.1.1', 80), ('10.0.0.1', 8080), ('127.0.0.1', {outside.getsockname()[1]})):
    try:
        socket.create_connection(address, 2)
        print('reached')
    except OSError as error:
        print(error.strerror)
"""
        assert set(python(box, script).output.splitlines()) == {"Network is unreachable", "Connection refused"}


def test_the_site_is_not_the_hosts(open_box):
    with open_box((), services=[SITE]), open_box((), services=[Service("site", (file_of("index.html", b"another"),))]) as second:
        assert python(second, GET, "").output.endswith(" another\n")
        with socket.socket() as s:
            s.settimeout(2)
            if s.connect_ex(("127.0.0.1", 8080)) == 0:
                s.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert b"another" not in s.recv(4096)


def test_a_box_without_services_listens_to_nobody(open_box, sandbox):
    ours = {"bwrap": "", "docker": "bridge.py\ncontained.py\npages.py\nrunner.pyc\n"}  # in bubblewrap's boxes all of it is forked
    with open_box(()) as box:
        assert box.exec("tail -n +2 -q /proc/net/tcp /proc/net/tcp6; ls /run").output == ours[sandbox.backend]
        assert "Connection refused" in python(box, "import socket\nsocket.create_connection(('127.0.0.1', 8080), 2)").output


def test_it_is_no_part_of_the_snapshot_and_dies_with_the_box(open_box):
    with open_box([file_of("a.txt", b"alpha")], services=[SITE]) as box:
        assert serves(box)
        box.exec("echo new > n")
        assert [c.path for c in box.snapshot()] == ["n"]
        with pytest.raises(BoxError):
            box.exec("true")


@pytest.mark.parametrize(
    "services",
    [
        [Service("queue", ())],
        [Service("site", (file_of("../x", b""),))],
        [Service("site", (file_of("x", bytes((boxes.SITE_MB << 20) + 1)),))],
    ],
)
def test_services_that_cannot_be_are_the_machinerys_fault(open_box, services):
    with pytest.raises(BoxError), open_box((), services=services):
        pass


# Who opens boxes for tasks

TASK = making.task({"a.txt": "alpha"}, services=(SITE,))
LOOK = "python3 -c \"import urllib.request as u; open('out.csv', 'wb').write(u.urlopen('http://127.0.0.1:8080/').read())\""


def test_a_rollout_has_the_tasks_site():
    said = iter(
        [
            {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "exec", "arguments": {"command": LOOK}}}]},
            {"content": "Done."},
        ]
    )

    def complete(messages, tools, sampling):
        return Completion({"choices": [{"message": next(said), "finish_reason": "stop"}]})

    rollout = episodes.roll_out(episodes.Attempt(TASK, "a", {"name": "a"}, {}, TASK.limits, Caps(), 0), complete)
    assert (rollout.status, [(c.path, c.content) for c in rollout.changes]) == ("completed", [("out.csv", FILES[0].content)])


def test_the_audit_of_a_solution_has_the_tasks_site(open_box):
    steps = making.solution([("exec", {"command": LOOK}, "")]).steps
    assert [(c.path, c.content) for c in playing.left(TASK, steps, open_box)] == [("out.csv", FILES[0].content)]
