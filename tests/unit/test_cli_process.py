"""A child's work comes back whole, or as one clear error, and Ctrl-C falls between two steps."""

import ctypes
import os
import resource
import signal
import threading
from collections.abc import Iterator

import pytest
from doorward import errors, files, process
from doorward.errors import DoorwardError, InternalError


def _raise(error: BaseException) -> bytes:
    raise error


def _hang() -> None:
    threading.Event().wait()


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts, even where whoever started the tests has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_result() -> None:
    """What the work returns arrives, more than a pipe holds as well."""
    assert process.in_child(lambda: b"x" * 200_000) == b"x" * 200_000
    assert process.in_child(lambda: None) == b""
    assert process.in_child(lambda: str(os.getpid()).encode()) != str(os.getpid()).encode()


@pytest.mark.parametrize(
    "error",
    [
        DoorwardError("plain"),
        files.MissingError("with a hint", hint="do this"),
        errors.AlreadyEnrolledError("näh \udc80"),
    ],
)
def test_error(error: DoorwardError) -> None:
    """An error arrives as what it was, with its exit code."""
    with pytest.raises(type(error)) as caught:
        process.in_child(lambda: _raise(error))
    assert (caught.value.message, caught.value.hint) == (error.message, error.hint)
    assert caught.value.exit_code == error.exit_code


def test_defect() -> None:
    """A defect in the child arrives as an error too, and the child does not go on as a parent."""
    with pytest.raises(InternalError, match="KeyError: 'x'"):
        process.in_child(lambda: _raise(KeyError("x")))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed(number: signal.Signals) -> None:
    """A child that somebody kills is not taken for one that is done."""
    with pytest.raises(DoorwardError, match="ended too early"):
        process.in_child(lambda: os.kill(os.getpid(), number))


def test_hanging() -> None:
    """A file system that hangs costs the time that was allowed, and no process stays behind."""
    with pytest.raises(DoorwardError, match="did not answer in time"):
        process.in_child(_hang, seconds=0.01)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, 0)


def test_guard_secrets() -> None:
    """No core dump, no debugger of the same user, no file for others."""

    def look() -> bytes:
        process.guard_secrets()
        dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)  # PR_GET_DUMPABLE
        return repr((dumpable, resource.getrlimit(resource.RLIMIT_CORE), os.umask(0))).encode()

    assert process.in_child(look) == repr((0, (0, 0), 0o077)).encode()


def test_interrupted_before_or_after_but_not_in_between() -> None:
    """Ctrl-C during a step is put off until the step is done."""
    done = False

    def interrupted() -> None:
        nonlocal done
        with process.uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done = True

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done


def test_interrupted_too_late() -> None:
    """Ctrl-C during the last step does not make it look as if nothing had been done."""
    with process.to_the_end():
        signal.raise_signal(signal.SIGINT)


def test_interrupted_last_step_that_failed() -> None:
    """Where the last step failed, nothing is done, and Ctrl-C may say so."""

    def fail() -> None:
        with process.to_the_end():
            signal.raise_signal(signal.SIGINT)
            raise DoorwardError("disk full")

    with pytest.raises(KeyboardInterrupt):
        fail()
