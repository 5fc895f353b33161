"""Archives are unpacked inside the folder named, whatever they hold."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.archives import unpack


def _tar(*members: tuple[str, bytes, bytes, str, int]) -> bytes:
    """An archive of members: name, type, content, target of a link, mode."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, content, target, mode in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname, info.mode = kind, len(content), target, mode
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _file(name: str, content: bytes = b"x", mode: int = 0o644) -> tuple[str, bytes, bytes, str, int]:
    return name, tarfile.REGTYPE, content, "", mode


def _below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/{outside}", "./../out"])
def test_a_name_that_leads_out_is_left_out(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "in"
    unpack(_tar(_file(name.format(outside=tmp_path / "out")), _file("kept")), inside)
    assert _below(tmp_path) == {"in/kept": b"x"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_left_out_and_nothing_is_written_through_them(tmp_path: Path, kind: bytes) -> None:
    outside = tmp_path / "out"
    outside.mkdir()
    unpack(_tar(("there", kind, b"", str(outside), 0o777), _file("there/file")), tmp_path / "in")
    assert _below(tmp_path) == {"in/there/file": b"x"}
    assert not (tmp_path / "in/there").is_symlink()


def test_a_program_stays_one_and_no_mode_gives_more(tmp_path: Path) -> None:
    unpack(_tar(_file("plain", mode=0o606), _file("program", mode=0o4711)), tmp_path)
    assert [(tmp_path / name).stat().st_mode & 0o7777 for name in ("plain", "program")] == [0o644, 0o755]


@given(
    st.dictionaries(
        st.lists(st.text("ab é.", min_size=1, max_size=3).filter(lambda part: part.strip(". ")), min_size=2, max_size=2).map("/".join),
        st.binary(max_size=20),
        max_size=4,
    )
)
def test_plain_files_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    folder = tmp_path_factory.mktemp("unpacked")
    unpack(_tar(*(_file(name, content) for name, content in files.items())), folder)
    assert _below(folder) == files
