"""The four tools: what they do in a real box, and what they say to an agent that makes mistakes."""

import pytest

from sandbox.box import BoxError, BoxLimit, Caps
from sandbox.tools import LONGEST_S, READ_LINES, TOOLS, call
from specs.records import file_of

GIVEN = [file_of("a.txt", b"one\ntwo\nthree\n"), file_of("dos.txt", b"one\r\ntwo\r\nthree\r\n"), file_of("raw.bin", b"\xff\xfe\x00")]
GIVEN.append(file_of("old.sqlite", b"SQLite format 3\x00all of it happens to be UTF-8"))


@pytest.fixture
def box(open_box):
    with open_box(GIVEN) as opened:
        yield opened


def test_the_tools_are_openclaws_four():
    assert [(t["function"]["name"], list(t["function"]["parameters"]["properties"])) for t in TOOLS] == [
        ("read", ["path", "offset", "limit"]),
        ("write", ["path", "content"]),
        ("edit", ["path", "edits"]),
        ("exec", ["command", "workdir", "timeoutSeconds"]),
    ]


def test_the_schemas_are_json_schema():
    import jsonschema

    for tool in TOOLS:
        jsonschema.Draft202012Validator.check_schema(tool["function"]["parameters"])


# read


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"path": "a.txt"}, "one\ntwo\nthree"),
        ({"path": "/workspace/a.txt"}, "one\ntwo\nthree"),
        ({"path": "a.txt", "offset": 2}, "two\nthree"),
        ({"path": "a.txt", "limit": 2}, "one\ntwo\n[1 more lines; go on with offset 3]"),
        ({"path": "a.txt", "offset": 3, "limit": 5}, "three"),
        ({"path": "a.txt", "offset": 4}, "error: a.txt has 3 lines; there is no line 4"),
        ({"path": "none"}, "error: none: No such file or directory"),
        ({"path": "."}, "error: .: Is a directory"),
        ({"path": "old.sqlite"}, "error: old.sqlite is not UTF-8 text; look at it with exec"),
        ({"path": "raw.bin"}, "error: raw.bin is not UTF-8 text; look at it with exec"),
    ],
)
def test_read(box, arguments, text):
    assert call(box, "read", arguments) == text


def test_an_empty_file_reads_as_nothing(box):
    box.write("empty", b"")
    assert call(box, "read", {"path": "empty"}) == ""


def test_a_long_file_is_read_in_pieces_that_join(box):
    whole = [f"line {n}" for n in range(READ_LINES * 2 + 5)]
    box.write("long", "\n".join(whole).encode())
    seen, offset = [], 1
    while True:
        lines = call(box, "read", {"path": "long", "offset": offset}).split("\n")
        more = lines.pop() if lines[-1].startswith("[") else ""
        seen += lines
        offset = len(seen) + 1
        if not more:
            break
    assert seen == whole


def test_a_file_of_long_lines_is_bounded(box):
    box.write("wide", b"\n".join([b"x" * 30_000] * 50))
    box.write("widest", b"y" * 3_000_000)
    for path in ("wide", "widest"):
        assert len(call(box, "read", {"path": path})) < 60_000


# write


def test_write(box):
    assert call(box, "write", {"path": "new/ä.txt", "content": "grüß\n"}) == "wrote 7 bytes to new/ä.txt"
    assert box.read("new/ä.txt") == "grüß\n".encode()


@pytest.mark.parametrize(
    ("path", "what"),
    [
        (".", "Is a directory"),
        ("/usr/x", "Read-only file system"),
        ("a.txt/x", "Not a directory"),
        ("a.txt/x/y", "Not a directory"),
        ("/proc/x", ""),
    ],
)
def test_write_where_it_cannot(box, path, what):
    said = call(box, "write", {"path": path, "content": ""})
    assert said.startswith(f"error: {path}: ") and what in said


def test_a_lone_surrogate_cannot_be_written(box):
    assert call(box, "write", {"path": "x", "content": "\ud800"}).startswith("error: ")


# edit


def edit(box, path: str, *pairs: tuple[str, str]) -> str:
    return call(box, "edit", {"path": path, "edits": [{"oldText": old, "newText": new} for old, new in pairs]})


def test_edits_apply_to_the_original_at_once(box):
    assert edit(box, "a.txt", ("three", "one"), ("one", "two"), ("two", "three")) == "made 3 replacements in a.txt"
    assert box.read("a.txt") == b"two\nthree\none\n"


def test_line_ends_of_a_file_survive_an_edit(box):
    assert edit(box, "dos.txt", ("one\ntwo\n", "1\n2\n")) == "made 1 replacement in dos.txt"
    assert box.read("dos.txt") == b"1\r\n2\r\nthree\r\n"


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([("four", "x")], "error: edits[0].oldText does not occur in a.txt; it must occur exactly once"),
        ([("one", "1"), ("e", "x")], "error: edits[1].oldText occurs 3 times in a.txt; it must occur exactly once"),
        ([("", "x")], "error: edits[0].oldText is empty"),
        ([("one\ntwo", "x"), ("two\nthree", "y")], "error: two edits overlap; make them one"),
    ],
)
def test_a_mistaken_edit_changes_nothing(box, pairs, said):
    assert edit(box, "a.txt", *pairs) == said
    assert box.read("a.txt") == b"one\ntwo\nthree\n"


def test_an_edit_keeps_the_mode(box):
    box.exec("chmod 755 a.txt")
    edit(box, "a.txt", ("one", "1"))
    assert {c.path: c.mode for c in box.snapshot()} == {"a.txt": 0o755}


# exec


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"command": "echo a; echo b >&2"}, "a\nb"),
        ({"command": "true"}, "(no output)"),
        ({"command": "echo a; exit 3"}, "a\n[exit status 3]"),
        ({"command": "false"}, "[exit status 1]"),
        ({"command": "pwd", "workdir": "/usr"}, "/usr"),
        ({"command": "pwd", "workdir": "none"}, "none: No such file or directory\n[exit status 126]"),
        ({"command": "echo a; sleep 60", "timeoutSeconds": 0.2}, "a\n[stopped after 0.2 s]"),
    ],
)
def test_exec(box, arguments, text):
    assert call(box, "exec", arguments) == text


def test_exec_waits_no_longer_than_the_bound(monkeypatch):
    from sandbox.box import Result

    class Waiting:
        def exec(self, command, workdir, timeout_s):
            self.waited = timeout_s
            return Result(0, "", False, False, "")

    box = Waiting()
    for asked in (1e9, float("inf")):
        call(box, "exec", {"command": "true", "timeoutSeconds": asked})
        assert box.waited == LONGEST_S


def test_a_cap_that_strikes_ends_the_box(open_box):
    with open_box((), Caps(memory_mb=64)) as box:
        if not box.bounded_by.startswith("cgroup"):
            assert "MemoryError" in call(box, "exec", {"command": "python3 -c 'x = bytearray(10**9)'"})
            return
        with pytest.raises(BoxLimit) as caught:
            call(box, "exec", {"command": "python3 -c 'x = bytearray(10**9)'"})
    assert caught.value.which == "memory"


# Mistakes of every kind


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("cat", {}, "error: no tool named 'cat'; there are read, write, edit, exec"),
        ("read", None, "error: the arguments of read must be an object"),
        ("read", "a.txt", "error: the arguments of read must be an object"),
        ("read", {}, "error: the arguments of read: 'path' is missing"),
        ("read", {"path": 3}, "error: path must be a string"),
        ("read", {"path": "a.txt", "file": 1}, "error: the arguments of read: there is no 'file', only path, offset, limit"),
        ("read", {"path": "a.txt", "offset": 0}, "error: offset is too small"),
        ("read", {"path": "a.txt", "limit": True}, "error: limit must be a whole number"),
        ("write", {"path": "x"}, "error: the arguments of write: 'content' is missing"),
        ("edit", {"path": "a.txt", "edits": []}, "error: edits must not be empty"),
        ("edit", {"path": "a.txt", "edits": ["x"]}, "error: edits[0] must be an object"),
        ("edit", {"path": "a.txt", "edits": [{"oldText": "x"}]}, "error: edits[0]: 'newText' is missing"),
        ("exec", {"command": ["ls"]}, "error: command must be a string"),
        ("exec", {"command": "ls", "timeoutSeconds": 0}, "error: timeoutSeconds is too small"),
        ("exec", {"command": "ls", "timeoutSeconds": float("nan")}, "error: timeoutSeconds is too small"),
    ],
)
def test_a_mistake_is_said_in_words(box, name, arguments, said):
    assert call(box, name, arguments) == said


@pytest.mark.parametrize("arguments", [{"path": "\0"}, {"path": "\ud800"}, {"path": ""}, {"path": "x" * 5000}])
def test_an_impossible_path_is_a_mistake(box, arguments):
    assert call(box, "read", arguments).startswith("error: ")


def test_the_end_of_a_box_is_no_answer(box):
    box.close()
    with pytest.raises((BoxError, BoxLimit)):
        call(box, "exec", {"command": "true"})
