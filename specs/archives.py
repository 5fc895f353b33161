"""Archives unpacked: plain files only, and none outside the folder named."""

import io
import tarfile
from pathlib import Path, PurePosixPath


def unpack(archive: bytes, folder: Path) -> None:
    """Write a tar's plain files below `folder`, those that could be run as such; what leads out of it, links and devices are left out.

    Python's own filters came with 3.11.4, and distributions have earlier ones. Raises tarfile.TarError for what is no archive.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar.getmembers():
            name = PurePosixPath(member.name)
            content = tar.extractfile(member) if member.isreg() and not name.is_absolute() and ".." not in name.parts else None
            if content is not None:
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
                path.chmod(0o755 if member.mode & 0o100 else 0o644)
