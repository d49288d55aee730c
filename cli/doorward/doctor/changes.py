"""Changes of files by doorward: those that wait, those cut off, and who changed them since."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from doorward.doctor.finding import Finding, Status
from doorward.doctor.host import Host
from doorward.protection.applying import store
from doorward.protection.standing import hash_now
from doorward.table import local_time
from pamconf.lint.machine import shell_path
from pamconf.transaction import FileChange, State, Transaction


def look(host: Host) -> Iterator[Finding]:
    """Say of each change whether it waits, or was cut off, and who changed its files since."""
    history = store(Path(host.root)).history()
    if not history:
        yield Finding(Status.NOTE, "", "doorward has changed no file here")
        return
    left: set[str] = set()
    for one in history:
        if one.is_settled():
            continue
        left |= {change.path for change in one.record.files}
        yield _waiting(one, host) if _waits(one, host) else _cut_off(one)
    touched = [*_touched(history, left, host)]
    yield from touched
    if not touched and not left:
        yield Finding(Status.WELL, "", "all files are as doorward left them")


def _waits(one: Transaction, host: Host) -> bool:
    """Tell whether there is time left to confirm a change."""
    deadline = one.deadline
    in_time = deadline is not None and datetime.fromtimestamp(host.now, UTC) < deadline
    return one.state() is State.APPLIED and in_time


def _waiting(one: Transaction, host: Host) -> Finding:
    until = local_time(int(one.deadline.timestamp()) if one.deadline else host.now)
    what = f"waits until {until} to be confirmed, and is taken back then"
    mend = "Run, from a new login: doorward pam confirm"
    return Finding(Status.WARNING, _name(one), what, mend, topic=one.id)


def _cut_off(one: Transaction) -> Finding:
    """Return what to do about a change that nobody finishes any more."""
    script = shlex.quote(str(one.restore))
    if one.state() in {State.CONFIRMED, State.ROLLED_BACK, State.UNDONE}:
        what, mend = f"is {one.state()}, and not cleared up after", f"Run: sh {script}"
        return Finding(Status.WARNING, _name(one), what, mend, topic=one.id)
    what = f"was cut off, or not confirmed in time, and not taken back: it is {one.state()}"
    mend = f"Have its files as they were before: sh {script}"
    return Finding(Status.PROBLEM, _name(one), what, mend, topic=one.id)


def _touched(history: list[Transaction], left: set[str], host: Host) -> Iterator[Finding]:
    """Yield the files that somebody changed after the last change of them that counts."""
    known = {*left}
    for one in history:
        if one.state() is not State.CONFIRMED:
            continue
        for number, change in enumerate(one.record.files, 1):
            if change.path not in known:
                known.add(change.path)
                yield from _compared(one, number, change, host)


def _compared(one: Transaction, number: int, change: FileChange, host: Host) -> Iterator[Finding]:
    now = hash_now(change.path, host.machine.files)
    wanted = change.after and change.after.sha256
    if now == wanted:
        return
    what = "has been changed by somebody" if now and wanted else "is gone" if wanted else "is back"
    path = shell_path(change.path, host.machine)
    kept = shlex.quote(str(one.folder / "after" / str(number)))
    mend = f"See what is other: diff {kept} {path}" if now and wanted else None
    yield Finding(Status.WARNING, change.path, f"{what} since {_name(one)}", mend)


def _name(one: Transaction) -> str:
    return f"'{one.record.command}' ({local_time(int(one.record.when.timestamp()))})"
