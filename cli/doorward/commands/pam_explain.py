"""`doorward pam explain`: who is asked what, from where, and gets in or not."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import click

from doorward.commands import options
from doorward.commands.values import checked_host
from doorward.errors import AccountError
from doorward.explained import (
    Entrance,
    Explained,
    Factor,
    by_name,
    explained,
    explained_or_not,
    services,
    told,
)
from doorward.table import Cell, show_line, show_table
from doorward.terminal import say, say_json
from pamconf import accounts, logins, sentences
from pamconf.accounts import Account
from pamconf.explain import Decision
from pamconf.logins import Found
from pamconf.sentences import Strength

_GREEN, _YELLOW, _RED = "green", "yellow", "red"
_STYLES = {
    Strength.TWO: _GREEN,
    Strength.ONE: _YELLOW,
    Strength.NOTHING: _YELLOW,
    Strength.REFUSED: _RED,
}
_FACTOR_STYLES = {
    Factor.ALL: _GREEN,
    Factor.SOME: _YELLOW,
    Factor.NONE: _YELLOW,
    Factor.UNASKED: _YELLOW,
    Factor.SHUT: _RED,
    Factor.UNKNOWN: _RED,
}
_HEADINGS = ("Who", "Is asked", "Gets in", "Because of")
_LEGEND = f"Files without a folder are in {sentences.FOLDER.rstrip('/')}."

_Row = tuple[str | Cell, str, str | Cell, str]


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
@click.option(
    "--from",
    "rhost",
    metavar="ADDRESS",
    callback=checked_host,
    help="From where.  [default: anywhere]",
)
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

    The rules are followed as libpam follows them, and modules do what they are known to do. A
    module that nobody has described is followed both ways: as if it agreed, and as if it refused.
    For sshd its own settings count as well. Nothing is changed, and nobody is logged in.
    """
    if bool(names) == every:
        raise click.UsageError("Name a service, or say --all.")
    account = _account(user, root) if user else None
    if every:
        found = [explained_or_not(name, root, account, rhost) for name in services(root)]
    else:
        found = [explained(name, root, account, rhost) for name in dict.fromkeys(names)]
    if as_json:
        say_json(_as_json(found, root, every=every))
        return
    if every:
        _show_all(found, root)
    for group in () if every else _alike(found, _all_told):
        _show(group)
    say(_LEGEND)


def _account(user: str, root: str) -> Account:
    account = accounts.find(user, root)
    if account is None:
        there = "'getent passwd' lists" if root == "/" else f"{root}/etc/passwd has"
        raise AccountError(f"there is no user '{user}'", hint=f"{there} whom the machine knows.")
    return account


# --- One service ---


def _show(group: Sequence[Explained]) -> None:
    """Show services of which the same is to be told."""
    one = group[0]
    show_line(", ".join(one.service.name for one in group), "bold")
    if one.service.abort:
        show_line(f"  Nobody gets in: {one.service.abort.message}", _RED)
    for sentence in told(one):
        show_line(sentence)
    rows = list(_rows(one))
    if rows:
        say()
        show_table(_HEADINGS, rows)
    _show_notes(group)
    say()


def _all_told(one: Explained) -> object:
    """Return all that is shown of a service but its name."""
    return one.service.abort, (*told(one),), (*_rows(one),), one.warnings, (*_notes(one),)


def _rows(one: Explained, indent: str = "") -> Iterator[_Row]:
    """Yield the rows of a service; where its doors have names, each below its own."""
    for name, entrances in by_name(one):
        if name:
            yield f"{indent}by {name}", "", "", ""
        for entrance in entrances:
            for who, asked, gets_in, because in _door_rows(entrance):
                yield f"{indent}{'  ' if name else ''}{who}", asked, gets_in, because


def _door_rows(entrance: Entrance) -> Iterator[tuple[str, str, Cell, str]]:
    door, whose = entrance
    if door.obstacles:
        yield whose or "anybody", "-", Cell("no", _RED), sentences.obstacles(door)
    for one in door.decisions:
        yield _row(one, whose)


def _row(decision: Decision, whose: str) -> tuple[str, str, Cell, str]:
    return (
        sentences.who(decision, whose),
        sentences.asked(decision),
        Cell(sentences.enough(decision), _STYLES[sentences.strength(decision)]),
        sentences.because(decision),
    )


def _show_notes(found: Sequence[Explained]) -> None:
    for note in dict.fromkeys(note for one in found for note in (*one.warnings, *_notes(one))):
        show_line(f"Note: {note}")


def _notes(one: Explained) -> Iterator[str]:
    doors = [entrance.door for entrance in one.entrances]
    unsure = {
        rule.place: rule.module for door in doors for row in door.decisions for rule in row.unsure
    }
    for place, module in unsure.items():
        yield f"nobody has described {module} ({place}): it is followed both ways, yes and no"
    for door in doors:
        by = f"by {door.name}, " if door.name else ""
        yield from (f"{by}{note}" for note in door.notes)
    for door in doors:
        for row in door.decisions:
            yield from row.notes


# --- All services ---


def _show_all(found: Sequence[Explained], root: str) -> None:
    show_table(("Second factor", "Services"), _overview(found))
    say()
    show_table(_HEADINGS, (row for group in _groups(found) for row in _group_rows(group)))
    _show_notes([one for one in found if one.factor is not Factor.NO_LOGIN])
    for one in found:
        if one.problem:
            show_line(f"Note: {one.service.name} could not be followed: {one.problem}")
    _show_beside(root)


def _overview(found: Iterable[Explained]) -> Iterator[tuple[Cell, str]]:
    named: dict[Factor, list[str]] = {}
    for one in found:
        named.setdefault(one.factor, []).append(one.service.name)
    for factor in Factor:
        if factor in named:
            yield (
                Cell(factor.value, _FACTOR_STYLES.get(factor, "")),
                ", ".join(named[factor]),
            )


def _groups(found: Iterable[Explained]) -> list[list[Explained]]:
    """Return services to which the same happens together; lines of their own may differ."""
    shown = [one for one in found if one.factor not in {Factor.NO_LOGIN, Factor.UNKNOWN}]
    return _alike(shown, lambda one: tuple(row[:-1] for row in _rows(one)))


def _alike(
    found: Iterable[Explained], gist: Callable[[Explained], object]
) -> list[list[Explained]]:
    groups: dict[object, list[Explained]] = {}
    for one in found:
        groups.setdefault(gist(one), []).append(one)
    return list(groups.values())


def _group_rows(group: Sequence[Explained]) -> Iterator[_Row]:
    """Yield the rows of services to which the same happens, each with the lines of them all."""
    yield Cell(", ".join(one.service.name for one in group), "bold"), "", "", ""
    for rows in zip(*(_rows(one, "  ") for one in group), strict=True):
        because = [place for *_, last in rows for place in last.split(", ")]
        who, asked, gets_in, _ = rows[0]
        yield who, asked, gets_in, ", ".join(dict.fromkeys(because))


def _show_beside(root: str) -> None:
    lines = [
        f"{', '.join(found.who)}: nothing is asked, by {_source(found)}"
        for found in (*logins.autologins(root), *logins.nopasswd(root))
    ]
    lines += [
        f"Who comes from elsewhere looks to PAM as if at the machine itself, by {_source(found)}"
        for found in logins.remote_displays(root)
    ]
    if lines:
        say()
    for line in lines:
        show_line(line)
    say()


def _source(found: Found) -> str:
    return f"{found.what} ({found.path}:{found.line})"


# --- For programs ---


def _as_json(found: Iterable[Explained], root: str, *, every: bool) -> dict[str, object]:
    unasked = [*logins.autologins(root), *logins.nopasswd(root)] if every else []
    remote = logins.remote_displays(root) if every else []
    return {
        "services": [_service_as_json(one) for one in found],
        "unasked": [_found_as_json(one) for one in unasked],
        "remote_displays": [_found_as_json(one) for one in remote],
    }


def _service_as_json(one: Explained) -> dict[str, object]:
    abort = one.service.abort
    return {
        "service": one.service.name,
        "path": one.service.path,
        "abort": abort.message if abort else None,
        "problem": one.problem,
        "second_factor": one.factor.name.lower(),
        "warnings": one.warnings,
        "doors": [_door_as_json(entrance) for entrance in one.entrances],
    }


def _door_as_json(entrance: Entrance) -> dict[str, object]:
    door, whose = entrance
    return {
        "door": door.name,
        "whose": whose or None,
        "asks_pam": door.asks_pam,
        "obstacles": [
            {"reason": one.reason, "source": str(one.source) if one.source else None}
            for one in door.obstacles
        ],
        "notes": door.notes,
        "sentences": sentences.sentences(door, whose),
        "decisions": [_decision_as_json(one) for one in door.decisions],
    }


def _decision_as_json(decision: Decision) -> dict[str, object]:
    return {
        "who": {fact.name: fact.phrases for fact in decision.facts},
        "asked": decision.asked,
        "gets_in": decision.gets_in,
        "enough": decision.keys,
        "because": [rule.place for rule in decision.because],
        "problem": decision.problem,
        "unsure": [rule.place for rule in decision.unsure],
        "notes": decision.notes,
    }


def _found_as_json(found: Found) -> dict[str, object]:
    return {"who": found.who, "what": found.what, "path": found.path, "line": found.line}
