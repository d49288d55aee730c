"""`make bench`, for a moment: it can be run, and shows all that it is for. No speed is asserted."""

import subprocess
import sys

from bench.rows import CROWDS, ROWS
from tests.conftest import CHECKOUT


def test_quick() -> None:
    """A release would be made without knowing what it costs."""
    argv = [sys.executable, "-m", "bench", "--quick"]
    shown = subprocess.check_output(argv, cwd=CHECKOUT, text=True)
    for row in ROWS:
        assert shown.count(f"\n| {row.name} ") == 3  # two times, and instructions
    for crowd in CROWDS:
        assert f"\n| {crowd.name} " in shown
    assert "\n| the module's file, stripped " in shown
