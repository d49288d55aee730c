"""Making a planned change: recorded, watched over, checked, and taken back unless it is confirmed.

The order is what keeps the door: the way back is on disk and both watchdogs are armed before the
first file is replaced, and sshd is told only when it takes its new settings as they were meant.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pamconf
from doorward import process, proof
from doorward.errors import DoorwardError, NotPermittedError, RefusedError
from doorward.pam_models import asking
from doorward.protection.changes import Changes
from doorward.protection.effects import fates
from doorward.protection.mounts import late_mount
from doorward.protection.plan import Plan
from pamconf import sshd, watchdog
from pamconf.known_services import SSHD, needs
from pamconf.transaction import State, Store, Transaction
from pamconf.tree import Tree

FOLDER = Path("/var/lib/doorward/transactions")
_TAG = "doorward"

_RELOAD_SSHD = """\
if [ -d /run/systemd/system ]; then
    for unit in ssh.service sshd.service; do
        ! systemctl --quiet is-active "$unit" || exec systemctl reload "$unit"
    done
elif [ -r /run/sshd.pid ] && read -r pid </run/sshd.pid; then
    case $(readlink "/proc/$pid/exe") in /usr/sbin/sshd*) exec kill -HUP "$pid" ;; esac
fi
"""
"""Has the running sshd, if there is one, read its settings anew; logins go on."""

_CHECKED_WITHIN = 120
"""Seconds after which a change comes back that could not be looked at, and confirmed, at once."""

_HINT_SSHD = "All is as it was before. 'sshd -T -C user=NAME' says what sshd makes of a file."


@dataclass(frozen=True)
class Applied:
    """A change that was made. `seconds` is how long it can be confirmed, None where it stays so.

    `is_guarded_at_boot` says whether a reboot before that takes it back, too.
    """

    id: str
    services: tuple[str, ...]
    seconds: int | None
    is_guarded_at_boot: bool = True


def store(root: Path = Path("/")) -> Store:
    """Return the transactions of a machine."""
    return Store(FOLDER, root, tag=_TAG)


def check_is_root(root: Path = Path("/")) -> None:
    """Raise NotPermittedError where somebody else than root asks about this machine."""
    if root == Path("/") and os.geteuid() != 0:
        raise NotPermittedError(
            "only root may see or change what asks for codes here",
            hint="Run this as root, or with sudo.",
        )


def make_ready(root: Path = Path("/")) -> Store:
    """Return the transactions of a machine, once what was interrupted is finished.

    Raises NotPermittedError where somebody else than root is to change this machine.
    """
    check_is_root(root)
    transactions = store(root)
    transactions.recover()
    return transactions


def check_none_on_trial(root: Path) -> None:
    """Raise DoorwardError where another change waits to be confirmed."""
    waiting = store(root).pending()
    if waiting and waiting.state() is State.APPLIED:
        raise DoorwardError(
            f"another change is on trial: {waiting.record.command}",
            hint="Log in, then 'doorward pam confirm'; or 'doorward pam undo' takes it back.",
        )


def apply(plan: Plan, command: str, seconds: int | None, undoes: str | None = None) -> Applied:
    """Make the change; with `seconds` it is taken back unless it is confirmed by then.

    `undoes` is the transaction that it takes back, if it does that.

    Raises RefusedError, with all as it was before, where sshd does not take its settings as they
    were meant; what pamconf.transaction raises.
    """
    if not plan.machine.is_this:
        transaction = _prepared(plan, command, None, undoes)
        transaction.apply()
        return Applied(transaction.id, plan.named, None)
    within = seconds or _CHECKED_WITHIN
    transaction = _prepared(plan, command, within, undoes)
    with _taken_back_on_failure(transaction):
        proof.forget()  # of a change that came back by itself: it proves nothing of this one
    guard = watchdog.arm(transaction, within, _TAG)
    transaction.apply()
    with _taken_back_on_failure(transaction):
        _check(plan)
        if seconds is None:
            transaction.confirm()
        else:
            proof.expect(provable(plan))
    is_there_at_boot = late_mount(str(FOLDER), plan.tree) is None
    return Applied(transaction.id, plan.named, seconds, guard.at_boot and is_there_at_boot)


@contextlib.contextmanager
def _taken_back_on_failure(transaction: Transaction) -> Iterator[None]:
    try:
        yield
    except BaseException:
        transaction.roll_back()
        raise


def _prepared(plan: Plan, command: str, within: int | None, undoes: str | None) -> Transaction:
    transactions = store(plan.tree.root)
    note = {"services": plan.named, "prove": provable(plan)}
    if undoes:
        return transactions.undo(undoes, command=command, note=note, confirm_within=within)
    tells_sshd = plan.machine.is_this and _is_sshds(plan.changes)
    return transactions.prepare(
        plan.changes,
        command=command,
        note=note,
        afterwards=[["/bin/sh", "-c", _RELOAD_SSHD]] if tells_sshd else [],
        confirm_within=within,
        expected=plan.read,
    )


def provable(plan: Plan) -> list[str]:
    """Return the services at which a login can prove that the change is right.

    None can at a screen locker that runs as who uses it: the module has no file to write there.
    """
    return [
        name
        for name in plan.named
        if not needs(name).runs_as_user and asking(pamconf.load(name, plan.after))
    ]


def _is_sshds(changes: Changes) -> bool:
    return any(path.startswith("/etc/ssh/") for path in changes)


def _check(plan: Plan) -> None:
    """Ask the real sshd of everybody, and have it go by its new settings if they are as meant."""
    if not _is_sshds(plan.changes):
        return
    process.filtered([sshd.SSHD, "-t"], b"", hint=_HINT_SSHD)
    meant = {one.person.name: one.fate for one in plan.effects if one.service == SSHD}
    for name, fate in fates(plan.machine, Tree(plan.tree.root), SSHD):
        if fate is not meant[name]:
            raise RefusedError(
                f"sshd takes its settings otherwise than they were meant: {name} would be "
                f"{fate.value}, and not {meant[name].value}",
                hint=_HINT_SSHD,
            )
    process.filtered(["/bin/sh", "-c", _RELOAD_SSHD], b"", hint=_HINT_SSHD)
