"""`python -m tests.e2e.change ACTION`: a change of files, to be traced, to fail, or to be killed.

What is traced lies between two calls of getppid(2).
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from pamconf import watchdog
from pamconf.errors import PamconfError
from pamconf.transaction import Store, Transaction

FOLDER = Path("/etc/example")
STORE = Path("/var/lib/example/transactions")
ONE, TWO, THREE = (str(FOLDER / name) for name in ("one", "two", "new/three"))
OLD = {ONE: b"old one\n", TWO: b"old two\n"}
NEW = {ONE: b"new one\n", THREE: b"new three\n"}
TOLD = Path("/run/example-told")  # made by the command afterwards


def prepare(confirm_within: float | None = None) -> Transaction:
    """A file that changes, one that goes, and one that comes, in a folder that comes, too."""
    return Store(STORE).prepare(
        {path: NEW.get(path) for path in (ONE, TWO, THREE)},
        command="change",
        afterwards=[["touch", str(TOLD)]],
        confirm_within=confirm_within,
    )


def confirm() -> None:
    """Confirm what waits for that."""
    pending = Store(STORE).pending()
    assert pending
    pending.confirm()


def undo() -> None:
    """Take back what counts."""
    store = Store(STORE)
    store.undo(store.history()[0].id, command="undo").apply()


def watched() -> None:
    """Have a change watched, and be killed before anybody confirms it."""
    prepared = prepare(1)
    watchdog.arm(prepared, 1, "example")
    prepared.apply()
    os.kill(0, signal.SIGKILL)


ACTIONS: dict[str, Callable[[], None]] = {
    "change": lambda: prepare().apply(),
    "try": lambda: prepare(3600).apply(),
    "confirm": confirm,
    "undo": undo,
    "watched": watched,
}
NEEDS = {"confirm": "try", "undo": "change"}
"""What is done before."""


def main(action: str) -> int:
    """Do it, and return 1 where it was said that it could not be done."""
    os.getppid()
    try:
        ACTIONS[action]()
    except PamconfError as error:
        print(error, file=sys.stderr)  # noqa: T201 - for who reads of a test that failed
        return 1
    finally:
        os.getppid()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
