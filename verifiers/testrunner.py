"""Run inside a fresh box: runs an agent's file of unit tests and writes what came of it. Standard library only.

The tests share this process, so they could write a report of their own; it gains nothing, for they do not know which version of the
module is before them and so not which report to write.
"""

import json
import os
import sys
import unittest
from pathlib import Path


def main() -> None:
    own = Path(__file__).resolve().parent
    job = json.loads((own / "job.json").read_text(encoding="utf-8"))
    (own / "job.json").unlink()
    report = os.dup(os.open(own / "report", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    os.chdir(job["workdir"] or ".")
    sys.path.insert(0, str(Path.cwd()))
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromName(job["tests"])
    result = unittest.TestResult()
    suite.run(result)
    # What fails in setUpClass or while importing is no test that failed.
    failed = [test for test, _ in (*result.failures, *result.errors) if isinstance(test, unittest.TestCase)]
    outcome = {
        "loaded": not loader.errors,
        "ran": result.testsRun > len(result.skipped),
        "failed": bool(failed or result.unexpectedSuccesses),
        "clean": result.wasSuccessful(),
    }
    os.write(report, f"{job['nonce']} {json.dumps(outcome)}\n".encode())


if __name__ == "__main__":
    main()
