"""The box as its users see it: commands and files."""

import errno
import signal

import pytest
from boxes_making import GIVEN, left

from sandbox.box import BoxError, Caps
from sandbox.handle import OUTPUT_BYTES
from specs.records import file_of


@pytest.fixture(scope="module")
def shared(open_box):
    """One box for the tests that don't mind what others left in it."""
    with open_box(GIVEN) as box:
        yield box


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


def test_a_background_process_neither_holds_the_call_nor_dies_with_it(open_box):
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


def test_python_leaves_no_bytecode(open_box):
    assert set(left(open_box, "python3 -c 'import m'", files=[file_of("m.py", b"")])) == set()


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


def test_a_file_past_the_bound_is_not_read(open_box):
    with open_box((), Caps(file_mb=1)) as box:
        box.exec("head -c 1048576 /dev/zero > fits; head -c 1048577 /dev/zero > past")
        assert len(box.read("fits")) == 1 << 20
        with pytest.raises(OSError) as raised:
            box.read("past")
        assert raised.value.errno == errno.EFBIG


def test_writing_past_the_disk_is_an_oserror_and_the_box_lives_on(open_box):
    with open_box((), Caps(disk_mb=2)) as box:
        box.write("one", bytes(1 << 20))
        for size in (3 << 20, (2 << 20) - 1):
            with pytest.raises(OSError):
                box.write("two", bytes(size))
        assert box.exec("rm one two; echo on").output == "on\n"


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a/./b", "", "a/../b", "a\0b", "x/" * 100 + "x"])
def test_a_given_file_outside_a_workspace_is_refused(open_box, path):
    with pytest.raises(BoxError), open_box([file_of(path, b"")]):
        pass


def test_given_files_that_do_not_fit_are_the_machinerys_fault(open_box):
    with pytest.raises(BoxError, match="No space"), open_box([file_of(n, bytes(3 << 19)) for n in "xy"], Caps(disk_mb=2)):
        pass
