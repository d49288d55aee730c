"""`doorward pam explain`: who is asked what, from where, and gets in or not."""

from collections.abc import Iterator, Sequence

import click
from rich.console import Console

import pamconf
from doorward.commands import options
from doorward.errors import AccountError
from doorward.names import machine_names
from doorward.pam_models import WITH_DOORWARD
from doorward.table import show_table
from doorward.terminal import say, say_json
from pamconf import accounts, logins, sshd
from pamconf.access_who import Origin
from pamconf.accounts import Account
from pamconf.doors import Door, own_door, sshd_doors
from pamconf.explain import Decision
from pamconf.login import World
from pamconf.logins import Found
from pamconf.places import places

_HEADINGS = ("Who", "Is asked", "Gets in", "Because of")
_UNASKED = ", where PAM's auth rules are not run"
_PARTS = ("common-", "system-auth", "password-auth", "postlogin", "fingerprint-", "smartcard-")
"""Beginnings of the names of files that services include, and that are none themselves."""
_SSHD = "sshd"
_SOMEBODY = Account("somebody", 1000, ("somebody",))
"""Stands for whoever may log in, where sshd's settings are for one user or another."""


@click.command(
    epilog="""\b
Examples:
  doorward pam explain sshd
  doorward pam explain sshd --user alice --from 192.0.2.7
  doorward pam explain --all
  doorward pam explain sudo --root /mnt/image --json
"""
)
@click.argument("names", metavar="[SERVICE]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every service of the machine.")
@click.option("--user", metavar="NAME", help="Who logs in.  [default: anybody]")
@click.option("--from", "rhost", metavar="ADDRESS", help="From where.  [default: anywhere]")
@options.root_option
@options.json_option
def command(
    *,
    names: tuple[str, ...],
    every: bool,
    user: str | None,
    rhost: str | None,
    root: str,
    as_json: bool,
) -> None:
    """Say who is asked what at SERVICE, from where, and whether that lets them in.

    The rules are followed as libpam follows them, and modules do what they are known to do; of one
    that nobody knows both is followed. For sshd its own settings count as well. Nothing is changed,
    and nobody is logged in.
    """
    if bool(names) == every:
        raise click.UsageError("Name a service, or say --all.")
    if every:
        names = tuple(one for one in pamconf.services(root) if not one.startswith(_PARTS))
    explained = [_Explained(name, root, user, rhost) for name in names]
    beside = [*logins.autologins(root), *logins.nopasswd(root)] if every else []
    if as_json:
        say_json(
            {
                "services": [one.as_json() for one in explained],
                "unasked": [_found_as_json(one) for one in beside],
            }
        )
        return
    for one in explained:
        one.show()
    for found in beside:
        say(
            f"{', '.join(found.who)}: nothing is asked, by {found.what} ({found.path}:{found.line})"
        )


class _Explained:
    """A service, and its doors."""

    def __init__(self, name: str, root: str, user: str | None, rhost: str | None) -> None:
        self.service = pamconf.load(name, root)
        account = _account(user, root) if user else None
        world = World(root, account, names=machine_names() if root == "/" else World().names)
        if rhost:
            terminal = "ssh" if name == _SSHD else None
            self._places = {f"from {rhost}": Origin(rhost, terminal, name)}
        else:
            self._places = dict(places(self.service, world))
        self._world = World(root, account, self._places, world.names)
        self.warnings: tuple[str, ...] = ()
        self.doors = self._doors(account or _SOMEBODY, rhost)

    def _doors(self, account: Account, rhost: str | None) -> tuple[Door, ...]:
        config = self._world.files.real(sshd.PATH)
        if self.service.name != _SSHD or not config.exists():
            return own_door(self.service, self._world, WITH_DOORWARD)
        connection = sshd.Connection(account.name, account, rhost)
        answer = sshd.query(connection, root=self._world.root)
        self.warnings = answer.warnings
        return sshd_doors(self.service, answer.effective, self._world, WITH_DOORWARD)

    def show(self) -> None:
        """Print it for a person."""
        console = Console(highlight=False)
        console.print(f"[bold]{self.service.name}[/bold]")
        if self.service.abort:
            say(f"  Nobody gets in: {self.service.abort.message}")
        for door in self.doors:
            _show_door(door)
        for note in (*self.warnings, *_notes(self.doors)):
            say(f"Note: {note}")
        say()

    def as_json(self) -> dict[str, object]:
        """Return it for a program."""
        return {
            "service": self.service.name,
            "path": self.service.path,
            "abort": self.service.abort.message if self.service.abort else None,
            "warnings": self.warnings,
            "doors": [_door_as_json(door) for door in self.doors],
        }


def _account(user: str, root: str) -> Account:
    account = accounts.find(user, root)
    if account is None:
        raise AccountError(
            f"there is no user '{user}'", hint="'getent passwd' lists whom the machine knows."
        )
    return account


def _show_door(door: Door) -> None:
    if door.obstacles:
        why = "; ".join(
            f"{one.reason} ({one.source})" if one.source else one.reason for one in door.obstacles
        )
        say(f"By {door.name}: nobody, because of {why}")
        return
    if door.name:
        say(f"By {door.name}{'' if door.asks_pam else _UNASKED}:")
    show_table(_HEADINGS, map(_row, door.decisions))


def _row(decision: Decision) -> tuple[str, ...]:
    who = ", ".join(" or ".join(fact.phrases) for fact in decision.facts) or "anybody"
    return who, ", ".join(decision.asked) or "nothing", _verdict(decision), _because(decision)


def _verdict(decision: Decision) -> str:
    if not decision.gets_in:
        return "no"
    if decision.is_open and decision.asked:
        return "yes, whatever is typed"
    if decision.is_open or decision.keys == (decision.asked,):
        return "yes"
    return "with " + ", or with ".join(" and ".join(key) for key in decision.keys)


def _because(decision: Decision) -> str:
    if decision.problem:
        return decision.problem
    rules = [fact.source for fact in decision.facts]
    if not decision.gets_in:
        rules.append(decision.decided)
    return ", ".join(dict.fromkeys(rule.place for rule in rules if rule))


def _notes(doors: Sequence[Door]) -> Iterator[str]:
    unsure = {
        rule.place: rule.module for door in doors for one in door.decisions for rule in one.unsure
    }
    for place, module in unsure.items():
        yield f"nobody has described {module} ({place}): both is followed, that it agrees and not"
    said = [note for door in doors for note in door.notes]
    said += [note for door in doors for one in door.decisions for note in one.notes]
    yield from dict.fromkeys(said)


def _door_as_json(door: Door) -> dict[str, object]:
    return {
        "door": door.name,
        "asks_pam": door.asks_pam,
        "obstacles": [
            {"reason": one.reason, "source": str(one.source) if one.source else None}
            for one in door.obstacles
        ],
        "notes": door.notes,
        "decisions": [_decision_as_json(one) for one in door.decisions],
    }


def _decision_as_json(decision: Decision) -> dict[str, object]:
    return {
        "who": {fact.name: fact.phrases for fact in decision.facts},
        "asked": decision.asked,
        "gets_in": decision.gets_in,
        "enough": decision.keys,
        "because": _because(decision),
        "unsure": [rule.place for rule in decision.unsure],
        "notes": decision.notes,
    }


def _found_as_json(found: Found) -> dict[str, object]:
    return {"who": found.who, "what": found.what, "path": found.path, "line": found.line}
