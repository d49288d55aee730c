"""The one place that forks and starts programs, and what every process of doorward's does first."""

import contextlib
import ctypes
import os
import resource
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from doorward.errors import DoorwardError, as_doorward_error, error_from_json, error_to_json

CHILD_SECONDS = 30.0
"""How long a child may take: ten times what it may wait for a lock."""

_PR_SET_DUMPABLE = 4


def guard_secrets() -> None:
    """Keep what this process holds from core dumps and debuggers, and its files private.

    A change of user id undoes the first half (prctl(2), PR_SET_DUMPABLE), so it is done again then.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE)")


def hear_of_children() -> None:
    """Have the kernel keep how a child ends until it is asked for.

    It does not where SIGCHLD is ignored (wait(2)), as whoever started this may have left it; then
    subprocess takes each program that fails for one that has done its work.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off until the end: what is begun in here is finished, and known to be."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def to_the_end() -> Iterator[None]:
    """Put Ctrl-C off, and drop it if it came meanwhile: all is done by then.

    For the step that changes something, together with what is said about it.
    """
    with uninterrupted():
        yield
        signal.sigtimedwait({signal.SIGINT}, 0)


def in_child(work: Callable[[], bytes | None], *, seconds: float = CHILD_SECONDS) -> bytes:
    """Run `work` in a forked child and return what it returns (b"" for None), through a pipe.

    The child is for what must not happen in this process: becoming another user, loading a foreign
    library, touching a file system that may hang. A DoorwardError that it raises is raised here;
    a child that dies, or takes longer than `seconds`, is one too. Ctrl-C waits until it is over.
    """
    with uninterrupted():
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            _child(writer, work)
        os.close(writer)
        try:
            answer = _read_until_closed(reader, time.monotonic() + seconds)
        except BaseException:
            os.kill(child, signal.SIGKILL)
            raise
        finally:
            os.close(reader)
            _, status = os.waitpid(child, 0)
    if status != 0:
        ending = os.waitstatus_to_exitcode(status)
        raise DoorwardError(
            f"the process that did the work ended too early ({ending})",
            hint="Was it killed? 'doorward status' says what is there now.",
        )
    if answer[:1] == b"-":
        raise error_from_json(answer[1:])
    return answer[1:]


def filtered(
    argv: Sequence[str], text: bytes, *, hint: str, seconds: float = CHILD_SECONDS
) -> bytes:
    """Return what a program makes of `text`, which it gets through a pipe.

    `hint` says what to try where there is no such program, it fails, or takes longer than
    `seconds`: that is a DoorwardError.
    """
    try:
        done = subprocess.run(argv, input=text, capture_output=True, check=False, timeout=seconds)
    except OSError as error:
        raise DoorwardError(f"{argv[0]} cannot be run: {error.strerror}", hint=hint) from error
    except subprocess.TimeoutExpired as error:
        raise DoorwardError(f"{argv[0]} took longer than {seconds:g} seconds", hint=hint) from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
        why = said or f"it ended with {done.returncode}"
        raise DoorwardError(f"{argv[0]} failed: {why}", hint=hint)
    return done.stdout


def _child(writer: int, work: Callable[[], bytes | None]) -> NoReturn:
    """Do the work, tell the parent, and never return."""
    status = 1
    try:
        try:
            answer = b"+" + (work() or b"")
        except Exception as failure:  # noqa: BLE001 - the parent tells the user
            answer = b"-" + error_to_json(as_doorward_error(failure))
        while answer:
            answer = answer[os.write(writer, answer) :]
        status = 0
    finally:
        os._exit(status)


def _read_until_closed(reader: int, deadline: float) -> bytes:
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    chunks: list[bytes] = []
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        chunk = os.read(reader, 65536)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
    raise DoorwardError(
        "a file did not answer in time, and was given up",
        hint="Is it on a file system that hangs? 'doorward status' says what is there now.",
    )
