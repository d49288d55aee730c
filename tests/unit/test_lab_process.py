"""Processes of the lab's that must not outlive what started them."""

import os
import select
import signal
import subprocess
import sys

STARTS = """
import sys, time
from lab.process import start
print(start("sleep", "1000"), flush=True)
time.sleep(1000)
"""


def test_what_is_started_dies_with_its_starter() -> None:
    """A test that is killed would leave a virtual machine running."""
    command = [sys.executable, "-c", STARTS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        started = os.pidfd_open(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
        ended, _, _ = select.select([started], [], [], 60)
        os.close(started)
    assert ended
