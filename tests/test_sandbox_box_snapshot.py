"""The snapshot: what has changed in a box, whatever lies there, and that changes put onto a workspace make it."""

import pytest
from boxes_making import GIVEN, left
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import changes
from sandbox.box import BoxError, BoxLimit, Caps
from specs.digests import of_bytes
from specs.records import Change, change_of, deletion, file_of


def test_an_untouched_workspace_has_no_changes(open_box):
    assert left(open_box, "touch a.txt; cat in/b.csv; chmod 755 in/run.sh") == {}


def test_changes_of_every_type(open_box):
    found = left(open_box, "echo new > n; rm in/b.csv; ln -s /etc/passwd l; mkdir d; mkfifo p; chmod 600 a.txt")
    assert found["n"] == change_of("n", b"new\n")
    assert found["in/b.csv"] == deletion("in/b.csv")
    assert found["l"] == Change("l", "symlink", 0o777, 11, of_bytes(b"/etc/passwd"), b"/etc/passwd")
    assert found["d"] == Change("d", "directory", 0o755, 0, "", None)
    assert (found["p"].type, found["p"].content) == ("other", None)
    assert (found["a.txt"].type, found["a.txt"].mode, found["a.txt"].content) == ("file", 0o600, b"alpha\n")
    assert set(found) == {"n", "in/b.csv", "l", "d", "p", "a.txt"}


def test_a_removed_directory_is_reported_with_all_it_held(open_box):
    assert {path: c.type for path, c in left(open_box, "rm -r in").items()} == dict.fromkeys(["in", "in/b.csv", "in/run.sh"], "deleted")


def test_a_file_put_in_the_place_of_a_directory(open_box):
    found = left(open_box, "rm -r in; echo x > in")
    assert {p: c.type for p, c in found.items()} == {"in": "file", "in/b.csv": "deleted", "in/run.sh": "deleted"}


def test_a_large_file_has_a_digest_but_no_content(open_box):
    found = left(open_box, "head -c 2000000 /dev/zero > big", caps=Caps(file_mb=1))["big"]
    assert (found.size, found.digest, found.content) == (2_000_000, of_bytes(bytes(2_000_000)), None)


def test_an_untouched_large_file_is_no_change(open_box):
    assert left(open_box, "true", files=[file_of("big", bytes(2_000_000))], caps=Caps(file_mb=1)) == {}


def test_many_links_to_one_file_are_read_within_bounds(open_box):
    found = left(open_box, "head -c 4000000 /dev/zero > f0; for i in $(seq 30); do ln f0 f$i; done", caps=Caps(disk_mb=16))
    assert len(found) == 31
    assert 0 < sum(len(c.content or b"") for c in found.values()) <= 32 << 20


def test_names_that_are_no_utf8_are_shown_escaped_and_not_read(open_box):
    found = left(open_box, r"printf 1 > $'caf\xe9'; printf 2 > 'caf\xe9'; mkdir $'d\xff'; touch $'d\xff'/x")
    assert (found["caf\\xe9"].type, found["caf\\xe9"].content) == ("file", b"2")
    assert found["caf\\xe9?"].type == found["d\\xff"].type == "other"
    assert len(found) == 3


def test_names_with_anything_else_in_them_are_plain(open_box):
    names = ["new\nline", "-rf", " ", "ümlaut", "a\tb", "'\"$(x)", "\u202e", "\x7f\x01"]
    with open_box(()) as box:
        for name in names:
            box.write(name, name.encode())
        assert {c.path: c.content for c in box.snapshot()} == {n: n.encode() for n in names}


def test_very_deep_directories_end_at_the_bound(open_box):
    script = "import os\nfor i in range(3000):\n os.mkdir('d')\n os.chdir('d')\nopen('x','w')"
    found = left(open_box, f'python3 -c "{script}"')
    deepest = max(found, key=len)
    assert deepest.count("/") == changes.MOST_DEPTH and found[deepest].type == "other"


def test_more_files_than_can_be_looked_at_are_a_limit(open_box, monkeypatch):
    monkeypatch.setattr(changes, "MOST_ENTRIES", 100)
    with open_box(()) as box:
        box.exec("mkdir d; touch d/{1..100}")
        with pytest.raises(BoxLimit) as raised:
            box.snapshot()
        assert raised.value.which == "disk"


def test_rights_taken_away_hide_nothing(open_box):
    found = left(open_box, "echo x > f; mkdir d; echo y > d/g; chmod 000 f d")
    assert (found["f"].mode, found["f"].content) == (0, b"x\n")
    assert (found["d"].mode, found["d/g"].content) == (0, b"y\n")


def test_the_snapshot_ends_the_box_and_stays_the_same(open_box):
    with open_box(GIVEN) as box:
        box.exec("echo x > f")
        first = box.snapshot()
        with pytest.raises(BoxError):
            box.exec("echo y > f")
        assert box.snapshot() == first
    assert box.snapshot() == first


def test_a_box_that_is_gone_has_no_snapshot(open_box):
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
def test_workspace_and_changes_make_the_snapshot(open_box, files, deeds):
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


def test_the_files_of_a_tree_open_another_box(open_box):
    with open_box(GIVEN) as box:
        box.exec("echo more >> a.txt; ln -s a.txt l; rm in/b.csv")
        after = changes.files_of(changes.apply_changes(GIVEN, box.snapshot()))
    with open_box(after) as box:
        assert box.exec("cat a.txt; find . -type f | sort").output == "alpha\nmore\n./a.txt\n./in/run.sh\n"
