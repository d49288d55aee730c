"""Child processes that cannot outlive their parent, and namespaces to put them in."""

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NoReturn

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Namespaces, as linux/sched.h numbers them (the os module does from Python 3.12 on):
# mounts and processes, for a job that shall leave neither behind,
CONTAINED = 0x00020000 | 0x20000000
# and host name, IPC and network too, for what shall not reach the machine at all.
PRIVATE = CONTAINED | 0x04000000 | 0x08000000 | 0x40000000

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True)

PASSED_ON = frozenset(
    {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1}
)


class LabError(Exception):
    """What went wrong, in one line; `hint` is what to try."""

    def __init__(self, message: str, hint: str = "", status: int = 1) -> None:
        super().__init__(message)
        self.hint = hint
        self.status = status

    def tell(self) -> int:
        """Print the error and return the exit status that goes with it."""
        lines = [f"lab: error: {self}", f"lab: hint: {self.hint}"]
        print("\n".join(lines if self.hint else lines[:1]), file=sys.stderr, flush=True)
        return self.status


def call(
    *argv: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    show: bool = False,
) -> str:
    """Run a program to its end and return what it wrote to stdout.

    What it writes is shown as it comes with `show` (and "" is returned), otherwise
    only when it fails. The program's stdin is empty. Raises LabError when it fails
    or does not exist.
    """
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env={**(os.environ if env is None else env), "PATH": PATH},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr if show else subprocess.PIPE,
            stderr=None if show else subprocess.PIPE,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"{error.filename}: not found", "run `make setup`") from error
    if done.returncode:
        if not show:
            sys.stderr.write(done.stdout + done.stderr)
        command = " ".join(map(str, argv))
        raise LabError(f"exit status {done.returncode} from: {command}")
    return done.stdout or ""


def hold_signals() -> set[int]:
    """Block the signals that `wait` handles; return those that were blocked before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON | {signal.SIGCHLD})
    return set(before)


def wait(pid: int) -> int:
    """Wait for the child `pid` and return its exit status, 128 + N for signal N.

    Meanwhile other children are reaped, as process 1 of a namespace must, and the
    signals PASSED_ON are passed on, unless they come from the terminal: those reach
    every process of the foreground group by themselves. They must be held since before
    the child was started, lest one be lost.
    """
    while True:
        received = signal.sigwaitinfo(PASSED_ON | {signal.SIGCHLD})
        if received.si_signo != signal.SIGCHLD:
            if received.si_code <= 0:  # SI_USER and its kin; the kernel's are above
                os.kill(pid, received.si_signo)
            continue
        while True:
            try:
                ended, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if ended == pid:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
            if not ended:
                break


def supervise(main: Callable[[], int]) -> int:
    """Run `main` in a child that dies with this process; return its exit status."""
    before = hold_signals()
    pid = _fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _exit_with(main)
    try:
        return wait(pid)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start(*argv: str | Path, descriptors: Iterable[int] = ()) -> int:
    """Start a program that dies with this process; return its number, to be waited for.

    It gets `descriptors` under the same numbers, and an empty stdin.
    """
    pid = _fork()
    if pid == 0:
        _exit_with(lambda: _execute(argv, descriptors))
    return pid


def _execute(argv: tuple[str | Path, ...], descriptors: Iterable[int]) -> NoReturn:
    """Go on as another program."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - it takes no names
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - it takes over
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]}: not found", "run `make setup`", status=127) from error


def _fork() -> int:
    """Fork; return 0 in the child, which dies with this process, and its number in this."""
    parent = os.pidfd_open(os.getpid())
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if select.select([parent], [], [], 0)[0]:  # it had died before that line
            os._exit(1)
    os.close(parent)
    return pid


def _exit_with(main: Callable[[], int]) -> NoReturn:
    """End this process with the status that `main` returns."""
    status = 1
    try:
        status = main()
    except LabError as error:
        status = error.tell()
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    except BaseException:  # noqa: BLE001 - a child must not go on in its parent's code
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def isolate(namespaces: int, main: Callable[[], int]) -> int:
    """Run `main` as process 1 of new namespaces and return its exit status.

    `namespaces` is CONTAINED or PRIVATE. When `main` ends or this process dies, however
    it dies, every process and every mount made inside is gone. Raises LabError where
    namespaces are not to be had.
    """

    def enter() -> int:
        if _libc.unshare(namespaces) != 0:
            reason = os.strerror(ctypes.get_errno())
            message = f"no namespaces for a private host here: unshare: {reason}"
            raise LabError(message, "use a machine or a VM of your own, as its root")
        return supervise(first)

    def first() -> int:
        # Process 1 ignores every signal that it has no handler for.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
        call("mount", "--make-rprivate", "/")
        call("mount", "--types", "proc", "proc", "/proc")
        return main()

    return supervise(enter)
