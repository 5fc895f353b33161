"""Run inside a fresh box: calls a function of an agent's module and writes what it returns. Standard library only.

The module shares this process, so it could write results of its own; it gains nothing, for it does not know what is expected.
"""

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def load(path: Path, workdir: Path) -> ModuleType:
    """The module at `path`, imported under its packages' name so that its relative imports work."""
    folder, names = path.parent, [path.stem]
    while (folder / "__init__.py").exists():
        names.insert(0, folder.name)
        folder = folder.parent
    outer = folder if len(names) > 1 else folder.parent
    sys.path[:0] = list(dict.fromkeys([str(folder), str(outer), str(workdir)]))
    for depth in range(1, len(names)):
        importlib.import_module(".".join(names[:depth]))
    spec = importlib.util.spec_from_file_location(".".join(names), path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} can't be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def plain(value: Any) -> str:
    """What JSON doesn't know, as text."""
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def main() -> None:
    own = Path(__file__).resolve().parent
    job = json.loads((own / "job.json").read_text(encoding="utf-8"))
    (own / "job.json").unlink()
    results = os.dup(os.open(own / "results", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    function = getattr(load(Path(job["module"]).resolve(), Path(job["workdir"] or ".").resolve()), job["function"])
    for number, args in enumerate(job["calls"]):
        try:
            line = json.dumps(function(*args), default=plain)
        except Exception as error:
            line = json.dumps({"raised": type(error).__name__})
        os.write(results, f"{job['nonce']} {number} {line}\n".encode())


if __name__ == "__main__":
    main()
