"""`doorward pam lint`: what is wrong in login stacks, and how to mend it."""

import click

import pamconf
from doorward import lint_formats, pam_checks
from doorward.commands import options
from doorward.errors import as_doorward_error
from doorward.explained import load_named, services
from doorward.table import show_table
from doorward.terminal import report
from pamconf.errors import PamconfError, UsageError
from pamconf.lint import Check, lint, without_parts
from pamconf.problem import Severity

_PROBLEMS = 1  # the exit code
_FALLS = "; libpam would go by 'other' for it"  # where there is no such service
_HEADINGS = ("Code", "Severity", "Name", "What it finds")


@click.command(
    epilog="""\b
Examples:
  doorward pam lint                             every service of the machine
  doorward pam lint sshd sudo
  doorward pam lint --root /mnt/image --format sarif > pam.sarif
  doorward pam lint --explain PAM204
"""
)
@click.argument("names", metavar="[SERVICE]...", nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice([*lint_formats.FORMATS]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.option("--explain", "code", metavar="CODE", help="Say all about one check, and end.")
@click.option("--list", "listed", is_flag=True, help="List all checks, and end.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@options.root_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    names: tuple[str, ...],
    form: str,
    code: str | None,
    listed: bool,
    as_json: bool,
    root: str,
) -> None:
    """Say what is wrong at SERVICE, or at every service, in practice, and how to mend it.

    The rules are read and followed as libpam does. sshd's own settings are looked at too, and so
    are access files, the rights of files, and modules, which are loaded to see whether they do.
    Nothing is changed. A comment `# pamconf: ignore PAM007` on the line above silences a check.
    Ends with 1 where there is an error, else with 0.
    """
    if listed:
        show_table(_HEADINGS, map(_row, pam_checks.ALL.values()))
        return
    if code is not None:
        lint_formats.show_page(_check(code))
        return
    if names:
        found, failed = [load_named(name, root, _FALLS) for name in dict.fromkeys(names)], 0
    else:
        found, failed = _all_of(root)
    findings = lint(found, pam_checks.machine(root), pam_checks.ALL.values())
    read = [one.name for one in found]
    print_report = lint_formats.FORMATS["json" if as_json else form]
    print_report(lint_formats.Report(root, read, findings, pam_checks.ALL))
    is_bad = any(one.severity is Severity.ERROR for one in findings)
    ctx.exit(failed or (_PROBLEMS if is_bad else 0))


def _row(one: Check) -> tuple[str, str, str, str]:
    return one.code, str(one.severity), one.name, one.summary


def _all_of(root: str) -> tuple[list[pamconf.Service], int]:
    """Return all services that can be read, and an exit code if there are others, told of here."""
    found, failed = [], 0
    for name in services(root):
        try:
            found.append(pamconf.load(name, root))
        except PamconfError as failure:  # one service must not hide all others
            error = as_doorward_error(failure)
            report(error)
            failed = error.exit_code
    return without_parts(found), failed


def _check(code: str) -> Check:
    try:
        return pam_checks.ALL[code.upper()]
    except KeyError:
        raise UsageError(
            f"there is no check {code!r}", hint="'doorward pam lint --list' has them all."
        ) from None
