"""Run inside the image's file list by ``test_deploy.py``: one refresh, then all services, until each says it is well.

The process has none of root's rights, and the machine is read-only but for the home and /tmp, and has no network.
"""

import json
import subprocess
import sys
import time

START_SECONDS = 120


def main(told: str) -> str | None:
    steps = json.loads(told)
    subprocess.run(["regulars", "refresh"], check=True)
    running = {name: subprocess.Popen(one["command"]) for name, one in steps.items()}
    try:
        for name, one in steps.items():
            deadline = time.monotonic() + START_SECONDS
            while subprocess.run(one["check"], capture_output=True).returncode != 0:
                if running[name].poll() is not None or time.monotonic() > deadline:
                    return f"{name} is not well"
                time.sleep(0.5)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait(30)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
