"""The units in contrib, as systemd reads them."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

UNITS = sorted((CHECKOUT / "contrib/systemd").iterdir())


def verified(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """What systemd says of a unit, as if doorward were installed on this machine."""
    for unit in UNITS:
        text = unit.read_text().replace("=doorward ", f"={sys.executable} -m doorward ")
        (folder / unit.name).write_text(text)
    return subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(folder / name)],
        capture_output=True,
        check=False,
        text=True,
    )


@pytest.mark.parametrize("name", [unit.name for unit in UNITS])
def test_systemd_has_nothing_to_say(name: str, tmp_path: Path) -> None:
    """The timer would not start, or a line of it do nothing."""
    done = verified(tmp_path, name)
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_would_say_something(tmp_path: Path) -> None:
    """A unit would be called good that nobody has read."""
    (tmp_path / "broken.service").write_text("[Service]\nType=oneshoot\nExecStart=/no/such\n")
    done = verified(tmp_path, "broken.service")
    assert done.returncode
    assert "broken.service" in done.stderr
