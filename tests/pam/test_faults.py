"""What is on the disk where a system call of the module fails, or where it dies between two.

strace lists the calls of a login, and then makes each one in turn fail, or the process die at it: a
power cut leaves what a process leaves that dies there, as long as everything is synced in order.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest

from tests.pam.conftest import ACCOUNTS, NOW, RECOVERY_CODE, SECRET, code_at, enrol, secret_file
from tests.pam.login import Setting, log_in
from tests.pam.tracing import Call, calls, log_in_traced

LIMIT, COUNTED = '" RATE_LIMIT 3 30', f'" RATE_LIMIT 3 30 {NOW}'

# The lock; for a change a new file written and synced, put in its place, the folder synced.
IN_ORDER = re.compile(
    r"((flock\(\d+\) )+((write\((\d+)\) )+fsync\(\5\) renameat\((\d+)\) fsync\(\6\) )?)*"
)
ORDERED = {"flock", "write", "fsync", "renameat"}
FILLING = {"openat", "write", "fsync", "renameat"}


@dataclass(frozen=True)
class Scenario:
    """A login, and the lines that the file may have before it, where it fails, and after it."""

    reply: str
    states: tuple[tuple[str, ...], ...]
    opens: bool = True


SCENARIOS = {
    "code": Scenario(
        code_at(),
        (
            (LIMIT, '" DISALLOW_REUSE'),
            (COUNTED, '" DISALLOW_REUSE'),  # where there is no memory left to use it up
            (COUNTED, f'" DISALLOW_REUSE {NOW // 30}'),
        ),
    ),
    "recovery-code": Scenario(RECOVERY_CODE, ((RECOVERY_CODE,), ())),
    "counter": Scenario(pyotp.HOTP(SECRET).at(1), (('" HOTP_COUNTER 1',), ('" HOTP_COUNTER 2',))),
    "wrong-code": Scenario("000000", ((LIMIT,), (COUNTED,)), opens=False),
}


@pytest.fixture(params=list(SCENARIOS.values()), ids=list(SCENARIOS))
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """One of the SCENARIOS."""
    found: Scenario = request.param
    return found


def is_durable(trace: Path) -> bool:
    """Whether all that was written in a trace is locked, synced, put in its place, synced there."""
    ordered = [one for one in calls(trace) if one.name in ORDERED and one.fd != "1"]
    done = "".join(f"{one.name}({one.fd}) " for one in ordered if one.done)
    return IN_ORDER.fullmatch(done) is not None


def trace_of(home: Path, confdir: Path, tmp_path: Path, scenario: Scenario) -> list[Call]:
    """The calls of a login that goes well, all synced in order."""
    trace = tmp_path / "whole"
    enrol(home, *scenario.states[0])
    result = log_in_traced(confdir, Setting(), scenario.reply, trace)
    assert result
    assert (result.module == "PAM_SUCCESS") == scenario.opens
    assert is_durable(trace)
    found = calls(trace)
    assert [one.name for one in found].count("renameat") == 1
    return found


def check(confdir: Path, scenario: Scenario, path: Path, *, accepted: bool) -> None:
    """The file is whole and safe, and a code has opened the door once if it is used up."""
    state = [secret_file(*lines) for lines in scenario.states].index(path.read_text())
    assert (path.stat().st_uid, path.stat().st_mode & 0o7777) == (ACCOUNTS["galuser"][0], 0o600)
    used_up = state == len(scenario.states) - 1
    assert used_up or not accepted
    again = log_in(confdir, Setting(), [f"={scenario.reply}"]).module == "PAM_SUCCESS"
    assert again == (scenario.opens and not used_up)


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_call_that_fails_opens_nothing(
    home: Path, confdir: Path, tmp_path: Path, scenario: Scenario, error: str
) -> None:
    """A code would be accepted and not used up, or the secret be lost, or lie about."""
    trace = tmp_path / "trace"
    for call in trace_of(home, confdir, tmp_path, scenario):
        if not call.may_fail or (error == "ENOSPC" and call.name not in FILLING):
            continue
        path = enrol(home, *scenario.states[0])
        inject = call.inject(f"error={error}")
        result = log_in_traced(confdir, Setting(), scenario.reply, trace, inject)
        assert result, call
        assert "(INJECTED)" in trace.read_text(), call
        accepted = result.module == "PAM_SUCCESS"
        assert is_durable(trace) or not accepted, call
        # What strace fails to close stays open.
        assert result.ids_kept or not accepted or call.name == "close", call
        assert [one.name for one in home.iterdir()] == [path.name], call
        check(confdir, scenario, path, accepted=accepted)


def test_dying_at_any_call_leaves_the_old_file_or_the_new(
    home: Path, confdir: Path, tmp_path: Path, scenario: Scenario
) -> None:
    """A power cut would lose the secret, or leave a file that lets nobody in or too many."""
    for call in trace_of(home, confdir, tmp_path, scenario):
        path = enrol(home, *scenario.states[0])
        inject = call.inject("signal=KILL")
        result = log_in_traced(confdir, Setting(), scenario.reply, tmp_path / "cut", inject)
        assert result is None, call
        check(confdir, scenario, path, accepted=False)
        for left in set(home.iterdir()) - {path}:
            assert left.name.startswith(f"{path.name}~"), call
            assert left.stat().st_mode & 0o7777 == 0o600, call
            left.unlink()
