"""What asks for a code now, since when, and whether somebody else has changed it since."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pamconf
from doorward.explained import services
from doorward.pam_models import asking
from doorward.protection.choices import MARKS
from doorward.protection.people import secrets
from pamconf import blocks
from pamconf.stack import Rule, Service
from pamconf.transaction import State, Transaction
from pamconf.tree import Tree

_MADE = {State.APPLIED, State.CONFIRMED}


@dataclass(frozen=True)
class Standing:
    """A rule that asks for a code, and the services that have it.

    `transaction` is the change that put it there, None where somebody did so by hand. `changed` are
    files of that change that are other now.
    """

    rule: Rule
    services: tuple[str, ...]
    transaction: Transaction | None
    changed: tuple[str, ...] = ()


def standing(tree: Tree, history: Sequence[Transaction]) -> Iterator[Standing]:
    """Yield all rules that ask for a code, as they stand in files, by their places."""
    found: dict[str, tuple[Rule, list[Service]]] = {}
    for name in services(tree):
        service = pamconf.load(name, tree)
        for rule in asking(service):
            found.setdefault(rule.place, (rule, []))[1].append(service)
    for _, (rule, having) in sorted(found.items()):
        made = _made_by(rule, having[0], history)
        changed = tuple(_changed(made, tree)) if made else ()
        yield Standing(rule, tuple(one.name for one in having), made, changed)


def _made_by(rule: Rule, service: Service, history: Sequence[Transaction]) -> Transaction | None:
    """Return the last change that put a rule there, if it stands in a block."""
    file = service.files[rule.path]
    if blocks.find(file.content, MARKS, file.path) is None:
        return None
    for one in history:
        if one.state() in _MADE and rule.path in {file.path for file in one.record.files}:
            return one
    return None


def _changed(made: Transaction, tree: Tree) -> Iterator[str]:
    for file in made.record.files:
        if hash_now(file.path, tree) != (file.after and file.after.sha256):
            yield file.path


def hash_now(path: str, tree: Tree) -> str | None:
    """Return the hash of a file as records have it, None where there is none. Raises FileError."""
    content = tree.find(path)
    return None if content is None else hashlib.sha256(content).hexdigest()


def end_of_trial(one: Transaction) -> str | None:
    """Return when a change is taken back, by this machine's own time; None where it is not."""
    return f"{one.deadline.astimezone():%H:%M:%S}" if one.deadline else None


def on_trial(waiting: Transaction | None) -> str | None:
    """Say until when a change is on trial; None where none is."""
    if waiting is None or waiting.deadline is None:
        return None
    until = end_of_trial(waiting)
    return f"Transaction {waiting.id} is on trial until {until}: 'doorward pam confirm'."


def readers(template: str, tree: Tree) -> list[str]:
    """Return the services that look for secrets in a place, as secret= says it."""
    found = (pamconf.load(name, tree) for name in services(tree))
    return [one.name for one in found if template in {secret.template for secret in secrets(one)}]
