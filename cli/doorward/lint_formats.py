"""What `doorward pam lint` found, as people and as programs read it."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import click

from doorward.excerpt import counted, say_place
from doorward.table import show_line
from doorward.terminal import say, say_json
from pamconf.lines import printable
from pamconf.lint import Check, Finding
from pamconf.problem import Severity
from pamconf.sentences import FOLDER

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_NAMED = 3
"""More services than this are counted, not named."""

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True)
class Report:
    """What was found in how many services below a root, by which checks."""

    root: str
    services: Sequence[str]
    findings: Sequence[Finding]
    checks: Mapping[str, Check]

    def path(self, finding: Finding) -> str:
        """Return the path of a finding's file on this machine."""
        return finding.place.path if self.root == "/" else f"{self.root}{finding.place.path}"


def show_text(report: Report) -> None:
    """Print it for people: each with its line, a caret, and how to mend it."""
    for one in report.findings:
        place = one.place
        where = f"{report.path(one)}:{place.line}:{place.column}" if place.line else None
        head = f"{where or report.path(one)}: {one.severity}: {one.code} {one.name}"
        show_line(head + _about(one), _STYLES[one.severity])
        if place.line:
            say_place(one.text, place.column, place.width)
        show_line(f"    {one.message}.")
        show_line(f"    {one.hint}")
        say()
    said = counted(one.severity for one in report.findings) or "Nothing is wrong"
    say(f"{said} in {len(report.services)} service{'s' * (len(report.services) != 1)}.")
    if report.findings:
        worst = min(report.findings, key=lambda one: [*Severity].index(one.severity))
        say(f"'doorward pam lint --explain {worst.code}' explains it.")


def _about(one: Finding) -> str:
    """Name the services that something concerns, unless it stands in their own file."""
    if one.place.path in {f"{FOLDER}{name}" for name in one.services}:
        return ""
    more = len(one.services) - _NAMED
    named = ", ".join(one.services[:_NAMED])
    return f" ({named} and {more} more)" if more > 0 else f" ({named})"


def show_json(report: Report) -> None:
    """Print it as JSON of our own."""
    say_json(
        {
            "services": list(report.services),
            "findings": [
                {
                    "code": one.code,
                    "name": one.name,
                    "severity": one.severity,
                    "path": report.path(one),
                    "line": one.place.line,
                    "column": one.place.column if one.place.line else None,
                    "width": one.place.width if one.place.line else None,
                    "text": one.text if one.place.line else None,
                    "message": one.message,
                    "hint": one.hint,
                    "services": list(one.services),
                }
                for one in report.findings
            ],
        }
    )


def show_github(report: Report) -> None:
    """Print it as commands of GitHub's workflows, which mark the lines of a pull request."""
    for one in report.findings:
        place = one.place
        fields = {"file": _relative(report.path(one))}
        if place.line:
            fields |= {
                "line": str(place.line),
                "col": str(place.column),
                "endColumn": str(place.column + place.width),
            }
        fields["title"] = f"{one.code} {one.name}"
        told = ",".join(f"{name}={_escaped(text, ':,')}" for name, text in fields.items())
        text = _escaped(f"{one.message}. {one.hint}")
        click.echo(f"::{_COMMANDS[one.severity]} {told}::{text}")


def _escaped(text: str, more: str = "") -> str:
    """Write what would end a command, or one of its fields, as %XX."""
    return "".join(f"%{ord(char):02X}" if char in f"%{more}" else char for char in printable(text))


def _relative(path: str) -> str:
    """Return a path as seen from here, if it is below: a repository's own files are named so."""
    here = Path.cwd()
    whole = Path(path).absolute()
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else path


def show_sarif(report: Report) -> None:
    """Print it as SARIF 2.1.0, the standard format of results of static analysis."""
    rules = [_sarif_rule(one) for one in report.checks.values()]
    places = {code: at for at, code in enumerate(report.checks)}
    driver = {"name": "doorward pam lint", "rules": rules}
    results = [_sarif_result(one, report, places[one.code]) for one in report.findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    click.echo(json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=2))


def _sarif_rule(check: Check) -> dict[str, object]:
    return {
        "id": check.code,
        "name": check.name,
        "shortDescription": {"text": check.summary},
        "help": {"text": check.page, "markdown": check.page},
        "defaultConfiguration": {"level": _LEVELS[check.severity]},
    }


def _sarif_result(one: Finding, report: Report, index: int) -> dict[str, object]:
    path = Path(_relative(report.path(one)))
    uri = path.as_uri() if path.is_absolute() else quote(os.fsencode(path))
    physical: dict[str, object] = {"artifactLocation": {"uri": uri}}
    if one.place.line:
        physical["region"] = {
            "startLine": one.place.line,
            "startColumn": one.place.column,
            "endColumn": one.place.column + one.place.width,
        }
    return {
        "ruleId": one.code,
        "ruleIndex": index,
        "level": _LEVELS[one.severity],
        "message": {"text": f"{one.message}. {one.hint}"},
        "locations": [{"physicalLocation": physical}],
    }


FORMATS: Mapping[str, Callable[[Report], None]] = {
    "text": show_text,
    "json": show_json,
    "sarif": show_sarif,
    "github": show_github,
}
"""By the names that --format takes."""


def show_page(check: Check) -> None:
    """Print all that there is to know of a check."""
    show_line(f"{check.code} {check.name} ({check.severity})", "bold")
    say()
    for line in check.page.splitlines():
        say(line)
