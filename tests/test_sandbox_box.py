"""The box as its users see it: commands, files, the snapshot, and what stays on the host when it ends (nothing)."""

import errno
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import cgroups, changes
from sandbox.box import OUTPUT_BYTES, BoxError, BoxLimit, Caps, open_box
from specs.digests import of_bytes
from specs.records import Change, change_of, deletion, file_of

GIVEN = (file_of("a.txt", b"alpha\n"), file_of("in/b.csv", b"x,y\n1,2\n"), file_of("in/run.sh", b"#!/bin/sh\necho ran\n", 0o755))


@pytest.fixture(scope="module")
def shared():
    """One box for the tests that don't mind what others left in it."""
    with open_box(GIVEN) as box:
        yield box


def left(*commands: str, files=GIVEN, caps: Caps | None = None) -> dict[str, Change]:
    with open_box(files, caps) as box:
        for command in commands:
            result = box.exec(command)
            assert result.status == 0, result.output
        return {change.path: change for change in box.snapshot()}


# Commands


def test_a_command_gives_status_and_both_streams(shared):
    result = shared.exec("echo out; echo err >&2; exit 3")
    assert (result.status, result.output, result.truncated, result.timed_out, result.killed) == (3, "out\nerr\n", False, False, "")


def test_a_command_killed_by_a_signal_has_the_shells_status(shared):
    assert shared.exec("kill -TERM $$").status == 128 + signal.SIGTERM


def test_commands_start_in_the_workspace_or_in_workdir(shared):
    assert shared.exec("pwd").output == "/workspace\n"
    assert shared.exec("pwd", workdir="in").output == "/workspace/in\n"


@pytest.mark.parametrize("workdir", ["nowhere", "a.txt", "no\0where", "\udc80"])
def test_a_bad_workdir_is_a_result(shared, workdir):
    assert shared.exec("pwd", workdir=workdir).status == 126


@pytest.mark.parametrize("command", ["echo \0", "echo " + "x" * 300_000])
def test_a_command_that_cannot_be_run_is_a_result(shared, command):
    assert shared.exec(command).status == 126


def test_an_executable_file_keeps_its_mode(shared):
    assert shared.exec("in/run.sh").output == "ran\n"


def test_long_output_loses_its_middle_and_says_so(shared):
    result = shared.exec("echo first; head -c 1000000 /dev/zero | tr '\\0' x; echo last")
    assert result.truncated
    assert result.output.startswith("first\n") and result.output.endswith("last\n")
    assert f"[{1_000_011 - OUTPUT_BYTES} bytes left out]" in result.output
    assert len(result.output) < OUTPUT_BYTES + 100


def test_output_at_the_bound_is_whole(shared):
    result = shared.exec(f"head -c {OUTPUT_BYTES} /dev/zero | tr '\\0' x")
    assert not result.truncated and result.output == "x" * OUTPUT_BYTES


def test_output_that_is_no_text_is_replaced(shared):
    assert shared.exec(r"printf 'a\xffb'").output == "a\ufffdb"


def test_time_runs_out_for_one_command_only(shared):
    result = shared.exec("echo begun; sleep 60", timeout_s=0.3)
    assert result.timed_out and result.status is None and result.output == "begun\n"
    assert shared.exec("echo on").output == "on\n"


def test_what_a_timed_out_command_started_dies_with_it(shared):
    shared.exec("sleep 4711 | sleep 4711 & sleep 4711", timeout_s=0.3)
    assert "4711" not in shared.exec("cat /proc/[0-9]*/cmdline | tr '\\0' ' '; true").output.replace("cat", "")


def test_a_background_process_neither_holds_the_call_nor_dies_with_it():
    with open_box(()) as box:
        assert box.exec("(sleep 0.2; echo late; echo done > done) & echo early", timeout_s=20).output == "early\n"
        assert box.exec("while [ ! -s done ]; do sleep 0.05; done; cat done", timeout_s=20).output == "done\n"


def test_standard_input_is_empty(shared):
    assert shared.exec("cat; echo $?").output == "0\n"


def test_orphans_leave_no_zombies(shared):
    shared.exec("for i in 1 2 3 4 5; do (sleep 0.01 & ) ; done; sleep 0.2")
    assert "Z" not in shared.exec("cat /proc/[0-9]*/stat | cut -d' ' -f3").output


def test_the_tools_a_solution_needs_are_there(shared):
    result = shared.exec("echo 'a b' | awk '{print $2}' && python3 -c 'import yaml, sqlite3, csv; print(yaml.safe_load(\"[1]\"))'")
    assert result.output == "b\n[1]\n"


def test_python_leaves_no_bytecode():
    assert set(left("python3 -c 'import m'", files=[file_of("m.py", b"")])) == set()


# Files


def test_what_is_written_is_read(shared):
    content = bytes(range(256)) * 10
    shared.write("deep/er/x.bin", content)
    assert shared.read("deep/er/x.bin") == content
    assert shared.read("/workspace/deep/er/x.bin") == content


def test_writing_again_leaves_nothing_of_the_old(shared):
    shared.write("w", b"a long content")
    shared.write("w", b"short")
    assert shared.read("w") == b"short"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("none", FileNotFoundError),
        ("in", IsADirectoryError),
        ("a.txt/x", NotADirectoryError),
        ("", IsADirectoryError),
        ("x\0", OSError),
        ("\udc80\ud800", OSError),
    ],
)
def test_a_mistake_in_reading_is_an_oserror(shared, path, kind):
    with pytest.raises(kind) as raised:
        shared.read(path)
    assert raised.value.filename == path


@pytest.mark.parametrize(
    ("path", "kind"), [("in", IsADirectoryError), ("/usr/x", OSError), ("a.txt/x", NotADirectoryError), ("/etc/passwd", OSError)]
)
def test_a_mistake_in_writing_is_an_oserror(shared, path, kind):
    with pytest.raises(kind):
        shared.write(path, b"")


def test_neither_fifo_nor_device_is_read_or_written(shared):
    shared.exec("mkfifo pipe")
    for path in ("pipe", "/dev/zero"):
        with pytest.raises(OSError):
            shared.read(path)
        with pytest.raises(OSError):
            shared.write(path, b"x")


def test_a_file_past_the_bound_is_not_read():
    with open_box((), Caps(file_mb=1)) as box:
        box.exec("head -c 1048576 /dev/zero > fits; head -c 1048577 /dev/zero > past")
        assert len(box.read("fits")) == 1 << 20
        with pytest.raises(OSError) as raised:
            box.read("past")
        assert raised.value.errno == errno.EFBIG


def test_writing_past_the_disk_is_an_oserror_and_the_box_lives_on():
    with open_box((), Caps(disk_mb=2)) as box:
        box.write("one", bytes(1 << 20))
        for size in (3 << 20, (2 << 20) - 1):
            with pytest.raises(OSError):
                box.write("two", bytes(size))
        assert box.exec("rm one two; echo on").output == "on\n"


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a/./b", "", "a/../b", "a\0b", "x/" * 100 + "x"])
def test_a_given_file_outside_a_workspace_is_refused(path):
    with pytest.raises(BoxError), open_box([file_of(path, b"")]):
        pass


def test_given_files_that_do_not_fit_are_the_machinerys_fault():
    with pytest.raises(BoxError, match="No space"), open_box([file_of(n, bytes(3 << 19)) for n in "xy"], Caps(disk_mb=2)):
        pass


# The snapshot


def test_an_untouched_workspace_has_no_changes():
    assert left("touch a.txt; cat in/b.csv; chmod 755 in/run.sh") == {}


def test_changes_of_every_type():
    found = left("echo new > n; rm in/b.csv; ln -s /etc/passwd l; mkdir d; mkfifo p; chmod 600 a.txt")
    assert found["n"] == change_of("n", b"new\n")
    assert found["in/b.csv"] == deletion("in/b.csv")
    assert found["l"] == Change("l", "symlink", 0o777, 11, of_bytes(b"/etc/passwd"), b"/etc/passwd")
    assert found["d"] == Change("d", "directory", 0o755, 0, "", None)
    assert (found["p"].type, found["p"].content) == ("other", None)
    assert (found["a.txt"].type, found["a.txt"].mode, found["a.txt"].content) == ("file", 0o600, b"alpha\n")
    assert set(found) == {"n", "in/b.csv", "l", "d", "p", "a.txt"}


def test_a_removed_directory_is_reported_with_all_it_held():
    assert {path: c.type for path, c in left("rm -r in").items()} == dict.fromkeys(["in", "in/b.csv", "in/run.sh"], "deleted")


def test_a_file_put_in_the_place_of_a_directory():
    found = left("rm -r in; echo x > in")
    assert {p: c.type for p, c in found.items()} == {"in": "file", "in/b.csv": "deleted", "in/run.sh": "deleted"}


def test_a_large_file_has_a_digest_but_no_content():
    found = left("head -c 2000000 /dev/zero > big", caps=Caps(file_mb=1))["big"]
    assert (found.size, found.digest, found.content) == (2_000_000, of_bytes(bytes(2_000_000)), None)


def test_an_untouched_large_file_is_no_change():
    assert left("true", files=[file_of("big", bytes(2_000_000))], caps=Caps(file_mb=1)) == {}


def test_many_links_to_one_file_are_read_within_bounds():
    found = left("head -c 4000000 /dev/zero > f0; for i in $(seq 30); do ln f0 f$i; done", caps=Caps(disk_mb=16))
    assert len(found) == 31
    assert 0 < sum(len(c.content or b"") for c in found.values()) <= 32 << 20


def test_names_that_are_no_utf8_are_shown_escaped_and_not_read():
    found = left(r"printf 1 > $'caf\xe9'; printf 2 > 'caf\xe9'; mkdir $'d\xff'; touch $'d\xff'/x")
    assert (found["caf\\xe9"].type, found["caf\\xe9"].content) == ("file", b"2")
    assert found["caf\\xe9?"].type == found["d\\xff"].type == "other"
    assert len(found) == 3


def test_names_with_anything_else_in_them_are_plain():
    names = ["new\nline", "-rf", " ", "ümlaut", "a\tb", "'\"$(x)", "\u202e", "\x7f\x01"]
    with open_box(()) as box:
        for name in names:
            box.write(name, name.encode())
        assert {c.path: c.content for c in box.snapshot()} == {n: n.encode() for n in names}


def test_very_deep_directories_end_at_the_bound():
    script = "import os\nfor i in range(3000):\n os.mkdir('d')\n os.chdir('d')\nopen('x','w')"
    found = left(f'python3 -c "{script}"')
    deepest = max(found, key=len)
    assert deepest.count("/") == changes.MOST_DEPTH and found[deepest].type == "other"


def test_more_files_than_can_be_looked_at_are_a_limit(monkeypatch):
    monkeypatch.setattr(changes, "MOST_ENTRIES", 100)
    with open_box(()) as box:
        box.exec("mkdir d; touch d/{1..100}")
        with pytest.raises(BoxLimit) as raised:
            box.snapshot()
        assert raised.value.which == "disk"


def test_rights_taken_away_hide_nothing():
    found = left("echo x > f; mkdir d; echo y > d/g; chmod 000 f d")
    assert (found["f"].mode, found["f"].content) == (0, b"x\n")
    assert (found["d"].mode, found["d/g"].content) == (0, b"y\n")


def test_the_snapshot_ends_the_box_and_stays_the_same():
    with open_box(GIVEN) as box:
        box.exec("echo x > f")
        first = box.snapshot()
        with pytest.raises(BoxError):
            box.exec("echo y > f")
        assert box.snapshot() == first
    assert box.snapshot() == first


def test_a_box_that_is_gone_has_no_snapshot():
    with open_box(GIVEN) as box:
        pass
    with pytest.raises(BoxError):
        box.snapshot()
    box.close()


# workspace + changes = snapshot

NAMES = st.sampled_from(["a", "b", "c d", "é", "x.y"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
CONTENTS = st.binary(max_size=20)
MODES = st.sampled_from([0o644, 0o600, 0o755, 0o444, 0o000])
DEEDS = st.one_of(
    st.tuples(st.just("write"), PATHS, CONTENTS, MODES),
    st.tuples(st.just("remove"), PATHS, st.just(b""), st.just(0)),
    st.tuples(st.just("link"), PATHS, st.sampled_from([b"/etc/passwd", b"a", b"../.."]), st.just(0)),
    st.tuples(st.just("mkdir"), PATHS, st.just(b""), st.sampled_from([0o755, 0o700])),
)
PLAY = """
import json, os, shutil, sys
for deed, path, content, mode in json.loads(sys.argv[1]):
    try:
        if deed in ("write", "link") and os.path.lexists(path) or deed == "remove":
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
        if deed != "remove":
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if deed == "write":
            open(path, "wb").write(bytes.fromhex(content))
            os.chmod(path, mode)
        elif deed == "link":
            os.symlink(bytes.fromhex(content).decode(), path)
        elif deed == "mkdir":
            os.makedirs(path, mode, exist_ok=True)
    except OSError:
        pass
for top, folders, files in os.walk("."):
    for name in folders + files:
        path = os.path.join(top, name)
        kind = "symlink" if os.path.islink(path) else "directory" if os.path.isdir(path) else "file"
        mode = os.lstat(path).st_mode & 0o7777
        content = ""
        if kind == "file":
            os.chmod(path, 0o600)
            content = open(path, "rb").read().hex()
            os.chmod(path, mode)
        print(json.dumps([path[2:], kind, mode, os.readlink(path).encode().hex() if kind == "symlink" else content]))
"""


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(PATHS, st.tuples(CONTENTS, MODES), max_size=4), st.lists(DEEDS, max_size=8))
def test_workspace_and_changes_make_the_snapshot(files, deeds):
    import json
    import shlex

    own = [file_of(p, c, m) for p, (c, m) in files.items() if not any(q.startswith(f"{p}/") for q in files)]
    script = json.dumps([(deed, path, content.hex(), mode) for deed, path, content, mode in deeds])
    with open_box(own, Caps(file_mb=1)) as box:
        listing = box.exec(f"python3 -c {shlex.quote(PLAY)} {shlex.quote(script)}")
        assert listing.status == 0, listing.output
        found = changes.apply_changes(own, box.snapshot())
    seen = {path: (kind, mode, bytes.fromhex(content)) for path, kind, mode, content in map(json.loads, listing.output.splitlines())}
    assert {path: (c.type, c.mode, c.content or b"") for path, c in found.items()} == seen


def test_changes_made_by_hand_need_not_name_directories():
    tree = changes.apply_changes(GIVEN, [change_of("new/x", b"1"), deletion("in")])
    assert sorted(tree) == ["a.txt", "new", "new/x"]


def test_a_file_in_the_place_of_a_directory_takes_what_it_held():
    assert sorted(changes.apply_changes(GIVEN, [change_of("in", b"1")])) == ["a.txt", "in"]


def test_the_files_of_a_tree_open_another_box():
    with open_box(GIVEN) as box:
        box.exec("echo more >> a.txt; ln -s a.txt l; rm in/b.csv")
        after = changes.files_of(changes.apply_changes(GIVEN, box.snapshot()))
    with open_box(after) as box:
        assert box.exec("cat a.txt; find . -type f | sort").output == "alpha\nmore\n./a.txt\n./in/run.sh\n"


# What stays


def groups_of_this_process() -> list[Path]:
    where = cgroups.usable()
    return [] if where is None else [p for parent in where.parents.values() for p in parent.glob(f"clawgym-{os.getpid()}-*")]


def test_nothing_stays_when_a_box_ends(tmp_path):
    descriptors = len(os.listdir("/proc/self/fd"))
    before = groups_of_this_process()
    mounts = Path("/proc/mounts").read_text()
    with open_box(GIVEN) as box:
        box.exec("sleep 100 &")
        init = box._running.process.pid
    assert not Path("/proc", str(init)).exists()
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert groups_of_this_process() == before
    assert Path("/proc/mounts").read_text() == mounts


def test_nothing_stays_when_the_user_of_a_box_fails():
    before = groups_of_this_process()
    with pytest.raises(KeyError), open_box(GIVEN) as box:
        raise KeyError
    assert groups_of_this_process() == before
    assert box._running.process.returncode is not None


def test_a_box_that_does_not_start_says_why(monkeypatch):
    from sandbox import bwrap

    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(bwrap, "_STUBS", {"/usr/none/x": ""})
    with pytest.raises(BoxError, match=r"bwrap: .*"), open_box(()):
        pass
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_missing_bubblewrap_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BoxError, match=r"bwrap|setpriv"), open_box(()):
        pass


def test_a_box_outlives_the_thread_that_opened_it():
    held = {}

    def opening():
        held["context"] = open_box(GIVEN)
        held["box"] = held["context"].__enter__()

    thread = threading.Thread(target=opening)
    thread.start()
    thread.join()
    try:
        assert held["box"].exec("sleep 0.2; echo on").output == "on\n"
    finally:
        held["context"].__exit__(None, None, None)


def test_boxes_in_threads_do_not_mix():
    def play(number: int) -> tuple[str, set[str]]:
        with open_box([file_of("n", str(number).encode())]) as box:
            box.write(f"out-{number}", b"")
            return box.exec("cat n").output, {c.path for c in box.snapshot()}

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(play, range(16))) == [(str(n), {f"out-{n}"}) for n in range(16)]
