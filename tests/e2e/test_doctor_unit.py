"""The rights that the units in contrib leave."""

import json
import re
import shutil
import subprocess

import pytest

from tests.conftest import CHECKOUT
from tests.e2e.enrollee import account, run_as_root

SERVICE = CHECKOUT / "contrib/systemd/doorward-doctor.service"


def looked_at(*under: str) -> list[object]:
    """What root is told with the rights that are left."""
    command = [*under, "/usr/local/bin/doorward", "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) in {(0, ""), (1, "")}
    areas: list[object] = json.loads(done.stdout)["areas"]
    return areas


@pytest.mark.usefixtures("sshd_answers")
def test_its_rights_are_enough() -> None:
    """The timer would see less than root does, and say so, or nothing, each morning."""
    (named,) = re.findall("^CapabilityBoundingSet=(.*)$", SERVICE.read_text(), re.MULTILINE)
    kept = ",".join(f"+{one.lower().removeprefix('cap_')}" for one in named.split())
    with account("alice") as alice:
        alice.enrol()
        run_as_root("enroll", "alice", "--system", "--json")
        alone = ("setpriv", f"--bounding-set=-all,{kept}", "--no-new-privs")
        assert looked_at(*alone) == looked_at()
    shutil.rmtree("/var/lib/doorward")
