"""Check a lock file against the known vulnerabilities of its packages, and say so where nothing could be checked.

    python deploy/known_vulnerabilities.py requirements.lock

Asks the database that pip-audit asks, which needs the internet; installs nothing. Exit code 0: every package was
looked up and none is known to be vulnerable. 1: some are. 2: some or all could not be looked up, which is no pass.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

VULNERABLE, UNCHECKED = 1, 2
_AUDIT = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]


def check(lock: Path) -> int:
    """Print what is known; the exit code."""
    done = subprocess.run(
        [*_AUDIT, "--format", "json", "--requirement", str(lock)], capture_output=True, text=True, check=False
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        # a connection that fails ends pip-audit with a traceback, whose last line says what
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"{lock}: nothing was checked; no database of vulnerabilities can be reached from here. {reason}")
        return UNCHECKED
    unchecked = [package["name"] for package in packages if "skip_reason" in package]
    vulnerable = [package for package in packages if package.get("vulns")]
    for package in vulnerable:
        for known in package["vulns"]:
            mended = ", ".join(known["fix_versions"]) or "no release yet"
            print(f"{package['name']} {package['version']}: {known['id']}, mended in {mended}")
    checked = len(packages) - len(unchecked)
    print(f"{lock}: {checked} of {len(packages)} packages checked, {len(vulnerable)} vulnerable.")
    if unchecked:
        print(f"Not known where it was looked up: {', '.join(unchecked[:10])}{' …' if len(unchecked) > 10 else ''}")
    return VULNERABLE if vulnerable else UNCHECKED if unchecked else 0


if __name__ == "__main__":
    sys.exit(check(Path(sys.argv[1])))
