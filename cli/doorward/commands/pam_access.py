"""`doorward pam access`: what an access file says to pam_access, and what to doorward."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from doorward.commands import options
from doorward.commands.values import checked_host
from doorward.errors import FileError
from doorward.excerpt import counted, say_place
from doorward.names import groups_of, names_of
from doorward.native import access_skips
from doorward.terminal import say, say_json
from pamconf import access_check, access_strict, accounts
from pamconf.access import FIELD_SEPARATORS, LIST_SEPARATORS, AccessFile, parse, render
from pamconf.access_strict import StrictDecision
from pamconf.access_who import Decision, Origin, who
from pamconf.lines import text_of
from pamconf.problem import Problem, Severity
from pamconf.tree import Tree

_PROBLEMS = 1  # the exit code
_SHOWN = 90  # characters of a line
_PAM_ACCESS, _DOORWARD = "pam_access", "doorward"


def _module_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of pam_access itself, by which only that one reads."""
    for name, metavar, text in (
        ("--fieldsep", "CHARACTERS", "What parts fields, as the module's option says it."),
        ("--listsep", "CHARACTERS", "What parts users, and origins, as its option says it."),
    ):
        command = click.option(name, metavar=metavar, help=text)(command)
    return click.option(
        "--nodefgroup", is_flag=True, help="Only (name) is a group, as with its option."
    )(command)


@click.group()
def command() -> None:
    """Check a file of access.conf(5), and ask it who is let in.

    Two read such files. pam_access lets in whom no line matches, and passes over a line that it
    cannot read (Linux-PAM 1.5.2). For doorward's accessfile= a line says who skips the code; with
    no match, or one line that it cannot read, everybody is asked.
    """


@command.command(
    epilog="""\b
Examples:
  doorward pam access check /etc/security/access-doorward.conf
  doorward pam access check --only doorward new.conf
  doorward pam access check --json /etc/security/access.conf
  doorward pam access check --fieldsep '|' --listsep , new.conf
"""
)
@click.argument("file")
@click.option(
    "--only", type=click.Choice([_PAM_ACCESS, _DOORWARD]), help="As this one reads it alone."
)
@_module_options
@options.root_option
@options.json_option
@click.pass_context
def check(
    ctx: click.Context,
    *,
    file: str,
    only: str | None,
    fieldsep: str | None,
    listsep: str | None,
    nodefgroup: bool,
    root: str,
    as_json: bool,
) -> None:
    """Say what is wrong in FILE, what comes of it, and how to mend it.

    With options of pam_access's, as pam_access reads it alone. Ends with 1 where there is an error,
    else with 0.
    """
    if _are_given(fieldsep, listsep, nodefgroup):
        if only == _DOORWARD:
            raise click.UsageError("--fieldsep, --listsep and --nodefgroup are pam_access's alone.")
        only = _PAM_ACCESS
    read = _read(file, root, fieldsep, listsep)
    is_group = partial(accounts.is_group_alone, root=root) if nodefgroup else None
    found = {
        _PAM_ACCESS: access_check.check(read, group_alone=is_group),
        _DOORWARD: access_strict.check(read, access_skips),
    }
    problems = [
        (by, one) for by, all_of_it in found.items() if only in (None, by) for one in all_of_it
    ]
    problems.sort(key=lambda problem: problem[1].line)
    if as_json:
        say_json({"file": file, "problems": [{"reader": by} | asdict(one) for by, one in problems]})
    else:
        _show(read, problems)
    if any(one.severity is Severity.ERROR for _, one in problems):
        ctx.exit(_PROBLEMS)


@command.command(
    epilog="""\b
Examples:
  doorward pam access test access.conf --user alice --from 10.1.2.3
  doorward pam access test access.conf --user alice --tty tty1      at the machine itself
"""
)
@click.argument("file")
@click.option("--user", metavar="NAME", required=True, help="Who logs in.")
@click.option(
    "--from",
    "rhost",
    metavar="HOST",
    callback=checked_host,
    help="From which host.  [default: none]",
)
@click.option("--tty", metavar="NAME", default="", help="At which terminal.")
@_module_options
@options.root_option
@options.json_option
def test(
    *,
    file: str,
    user: str,
    rhost: str | None,
    tty: str,
    fieldsep: str | None,
    listsep: str | None,
    nodefgroup: bool,
    root: str,
    as_json: bool,
) -> None:
    """Say what becomes of a login by FILE, and which line decides.

    Groups, netgroups and hosts are looked up on this machine; with --root, groups there, and no
    hosts. With options of pam_access's, it is asked as pam_access reads it alone.
    """
    read, groups = _read(file, root, fieldsep, listsep), groups_of(user, root)
    origin = Origin(rhost, tty)
    theirs = who(read, groups.user, groups, origin, names_of(root), nodefgroup=nodefgroup)
    ours = None
    if not _are_given(fieldsep, listsep, nodefgroup):
        ours = access_strict.decide(read, access_skips, groups.user, rhost or "", groups.has)
    if as_json:
        told = {_PAM_ACCESS: _theirs_as_json(theirs)}
        say_json(told | ({_DOORWARD: asdict(ours)} if ours else {}))
        return
    _show_theirs(read, theirs)
    if ours:
        _show_ours(read, ours)


def _are_given(fieldsep: str | None, listsep: str | None, nodefgroup: bool) -> bool:
    return nodefgroup or fieldsep is not None or listsep is not None


def _read(path: str, root: str, fieldsep: str | None, listsep: str | None) -> AccessFile:
    """Read a file; with --root, a path is one as a program sees it that runs there."""
    try:
        real = Path(path) if root == "/" else Tree(root).real(path)
        return parse(
            text_of(real.read_bytes()),
            path,
            FIELD_SEPARATORS if fieldsep is None else fieldsep,
            LIST_SEPARATORS if listsep is None else listsep,
        )
    except IsADirectoryError as error:
        raise FileError(
            f"{path} is a folder",
            hint="pam_access takes it for an empty file, and lets everybody in.",
        ) from error


def _show(file: AccessFile, problems: list[tuple[str, Problem]]) -> None:
    lines = _lines(file)
    for reader, one in problems:
        say(f"{file.path}:{one.line}:{one.column}: {one.severity}: {reader}: {one.message}")
        say_place(lines[one.line - 1], one.column, one.width)
        say(f"    {one.hint}")
    say(counted(one.severity for _, one in problems) or "Nothing is wrong.")


def _show_theirs(file: AccessFile, decision: Decision) -> None:
    does = "lets in" if decision.granted else "refuses"
    _show_decision(file, _PAM_ACCESS, does, _line(decision))
    for note in (*decision.warnings, *decision.remarks):
        say(f"    {note}")


def _show_ours(file: AccessFile, decision: StrictDecision) -> None:
    does = "skips the code" if decision.skips else "asks for the code"
    _show_decision(file, _DOORWARD, does, decision.line)
    if decision.problem:
        say(f"    {decision.problem}")


def _show_decision(file: AccessFile, reader: str, does: str, line: int | None) -> None:
    if line is None:
        say(f"{reader}: {does}: no line matches")
    else:
        say(f"{reader}: {does}, by line {line}")
        say(f"    {_lines(file)[line - 1][:_SHOWN]}")


def _theirs_as_json(decision: Decision) -> dict[str, object]:
    return {
        "granted": decision.granted,
        "line": _line(decision),
        "warnings": decision.warnings,
        "remarks": decision.remarks,
    }


def _line(decision: Decision) -> int | None:
    return decision.rule.number if decision.rule else None


def _lines(file: AccessFile) -> list[str]:
    return render(file).split("\n")
