"""allow_readonly: each system call of such a login fails, or the process dies there."""

from pathlib import Path

import pytest

from tests.pam.conftest import NOW, code_at, enrol
from tests.pam.readonly import ALLOWED, IN, LATER, OUT, Disk, disk, forget, results, run
from tests.pam.tracing import Call, calls, log_in_traced

__all__ = ["disk", "run"]  # fixtures


def traced(confdir: Path, trace: Path, *options: str) -> str | None:
    """What comes of a login with the code under strace, None where it died."""
    result = log_in_traced(confdir, ALLOWED, code_at(), trace, *options)
    return result.module if result else None


def calls_after_the_prompt(trace: Path) -> list[Call]:
    """Those of a trace that decide, from the one on that reads the reply."""
    found = calls(trace)
    return found[[(call.name, call.fd) for call in found].index(("read", "0")) :]


@pytest.mark.parametrize("fault", ["error=EIO", "signal=KILL"])
def test_faults_while_it_is_kept(disk: Disk, confdir: Path, tmp_path: Path, fault: str) -> None:
    """A code would be accepted and not be kept, or half a state lock its owner out."""
    trace = tmp_path / "trace"
    enrol(disk.home, '" DISALLOW_REUSE')
    disk.shut()
    assert traced(confdir, trace) == IN
    for call in calls_after_the_prompt(trace):
        if fault == "error=EIO" and not call.may_fail:
            continue
        forget()
        first = traced(confdir, trace, call.inject(fault))
        again = results(confdir, (ALLOWED, code_at()), (ALLOWED, code_at()))
        assert [first, *again].count(IN) <= 1, call
        assert results(confdir, (LATER, code_at(NOW + 30))) == [IN], call


def test_faults_while_it_goes_back(disk: Disk, confdir: Path, tmp_path: Path) -> None:
    """What was used up elsewhere would be good again as soon as the disk can be written."""
    trace = tmp_path / "trace"

    def go_back(*fault: str) -> list[str]:
        forget()
        enrol(disk.home, '" DISALLOW_REUSE')
        disk.shut()
        assert results(confdir, (ALLOWED, code_at())) == [IN]
        disk.open()
        result = log_in_traced(confdir, LATER, code_at(NOW + 30), trace, *fault)
        assert result, fault
        again = results(confdir, (LATER, code_at()), (LATER, code_at(NOW + 30)))
        return [result.module, *again]

    assert go_back() == [IN, OUT, OUT]
    found = [call for call in calls_after_the_prompt(trace) if call.may_fail]
    faults = [call.inject("error=EIO") for call in found]
    faults += [call.inject("error=ENOENT") for call in found if call.name == "unlinkat"]
    for fault in faults:
        assert go_back(fault) in ([IN, OUT, OUT], [OUT, OUT, IN], [OUT, OUT, OUT]), fault


@pytest.mark.parametrize("content", ["", "x", "another file's\n"])
def test_a_state_of_another_file_is_none(
    disk: Disk, confdir: Path, run: Path, content: str
) -> None:
    """Something that is no state would be read beyond its end, or lock the owner out."""
    enrol(disk.home, '" DISALLOW_REUSE')
    disk.shut()
    assert results(confdir, (ALLOWED, code_at())) == [IN]
    (state,) = run.iterdir()
    state.write_text(content)
    assert results(confdir, (ALLOWED, code_at()), (ALLOWED, code_at())) == [IN, OUT]


def test_faults_while_it_is_read(disk: Disk, confdir: Path, tmp_path: Path) -> None:
    """A state that cannot be read would be taken for none, and a used code open the door."""
    trace = tmp_path / "trace"
    enrol(disk.home, '" DISALLOW_REUSE')
    disk.shut()
    assert results(confdir, (ALLOWED, code_at())) == [IN]
    assert traced(confdir, trace) == OUT
    for call in calls_after_the_prompt(trace):
        if call.may_fail:
            assert traced(confdir, trace, call.inject("error=EIO")) == OUT, call
