"""What a proof costs where none is wanted, and what becomes of it where a system call fails."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.pam.conftest import code_at, enrol
from tests.pam.login import log_in
from tests.pam.test_proof import CODE, FILE, PENDING, pending, steps
from tests.pam.tracing import Call, calls, log_in_traced

__all__ = ["pending"]  # a fixture

REPLY = code_at()
FAULTS = {"write": ("error=EIO", "error=ENOSPC", "error=EINTR", "retval=3")}


@pytest.fixture(autouse=True)
def enrolled(home: Path) -> None:
    """Galuser has a phone."""
    enrol(home)


def calls_for_the_proof(confdir: Path, trace: Path) -> list[Call]:
    """Those of a login behind its last question, which is whether it is root's to prove."""
    result = log_in_traced(confdir, CODE, REPLY, trace)
    assert result
    assert result.module == "PAM_SUCCESS"
    found = calls(trace)
    whose = max(at for at, call in enumerate(found) if call.name == "geteuid")
    return [call for call in found[whose + 1 :] if call.name != "getppid"]


def test_it_costs_one_call_where_nobody_waits_for_it(confdir: Path, tmp_path: Path) -> None:
    """Each login would be slower for a change that is made once a year."""
    FILE.unlink()
    PENDING.rmdir()
    (call,) = calls_for_the_proof(confdir, tmp_path / "trace")
    assert (call.name, call.done) == ("openat", False)


def test_no_fault_of_it_is_the_logins(confdir: Path, tmp_path: Path) -> None:
    """Somebody would be locked out by what only watches."""
    trace = tmp_path / "trace"
    found = calls_for_the_proof(confdir, trace)
    assert "write" in [call.name for call in found]
    for call in found:
        for fault in FAULTS.get(call.name, ("error=EIO",)) if call.may_fail else ():
            FILE.write_text("")
            result = log_in_traced(confdir, CODE, REPLY, trace, call.inject(fault))
            assert result, call
            assert (result.module, result.setcred) == ("PAM_SUCCESS", "PAM_SUCCESS"), call
            assert "(INJECTED)" in trace.read_text(), call
            assert steps() in (["auth", "cred"], []), call


def test_no_lack_of_memory_is_the_logins(confdir: Path) -> None:
    """As above, where there is no memory to keep who it was."""
    count = log_in(confdir, CODE, [f"={REPLY}"]).allocations
    FILE.unlink()
    without = log_in(confdir, CODE, [f"={REPLY}"]).allocations
    assert without < count
    for n in range(without + 1, count + 1):
        FILE.touch(mode=0o600)
        result = log_in(confdir, replace(CODE, switches=[f"nomem={n}"]), [f"={REPLY}"])
        assert (result.module, result.setcred) == ("PAM_SUCCESS", "PAM_SUCCESS")
        assert steps() in (["auth", "cred"], ["auth"])
        FILE.unlink()
