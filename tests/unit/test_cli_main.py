"""The frame around every command: help at once, one line for an error, never a traceback."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence

import click
import pytest
from doorward import errors, main
from doorward.commands import pam

from pamconf.lines import printable

HEAVY = ("cffi", "ctypes", "doorward._core", "pyotp", "qrcode", "rich")


def _doorward(
    *arguments: str, before: Callable[[], None] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "doorward", *arguments],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env=os.environ | environment,
        preexec_fn=before,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], []])
def test_help_imports_nothing_heavy(arguments: Sequence[str]) -> None:
    """What takes time to import is imported by the commands that need it."""
    script = (
        "import sys\n"
        "from doorward.main import main\n"
        f"main({[*arguments]!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, encoding="utf-8"
    )
    assert run.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("group", "arguments"), [(main.group, []), (pam.command, ["pam"])])
def test_help_lists_every_command(group: click.Group, arguments: Sequence[str]) -> None:
    """What --help lists without importing it is there, and has help of its own."""
    listed = _doorward(*arguments, "--help").stdout
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        assert command.help
        assert name in listed


def test_started_by_who_ignores_its_children() -> None:
    """A program that fails would be taken for one that has done its work: a watchdog, say."""
    script = (
        "import subprocess\n"
        "from doorward.main import main\n"
        "main(['completion', 'bash'])\n"
        "print(subprocess.run(['false']).returncode)\n"
    )
    command = ["env", "--ignore-signal=CHLD", sys.executable, "-c", script]
    run = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
    assert run.stdout.splitlines()[-1] == "1"


def test_version() -> None:
    """The version is the installed package's."""
    run = _doorward("--version")
    assert run.returncode == 0
    assert run.stdout.startswith("doorward ")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["enrol"], "No such command 'enrol'", "'doorward --help' shows how it is used."),
        (
            ["enroll", "--window", "0"],
            "Invalid value for '--window': 0 is not in the range 1<=x<=100",
            "'doorward enroll --help' shows how it is used.",
        ),
        (
            ["enroll", "--rate-limit", "3"],
            "Invalid value for '--rate-limit': '3' is neither N/SECONDS nor 'none'",
            "'doorward enroll --help' shows how it is used.",
        ),
        (
            ["enrol"],
            "No such command 'enrol'; did you mean 'enroll'?",
            "'doorward --help' shows how it is used.",
        ),
        (
            ["enroll", "--rate-limit", "3/3601"],
            "Invalid value for '--rate-limit': '3/3601': SECONDS is from 1 to 3600",
            "'doorward enroll --help' shows how it is used.",
        ),
        (
            ["pam", "acess"],
            "No such command 'acess'; did you mean 'access'?",
            "'doorward pam --help' shows how it is used.",
        ),
        (
            ["show", "--qr", "code.jpg"],
            "Invalid value for '--qr': the name must end in .png or .svg",
            "'doorward show --help' shows how it is used.",
        ),
    ],
)
def test_usage_errors(arguments: list[str], message: str, hint: str) -> None:
    """A wrong command line is one line and a hint, on standard error, and exit code 2."""
    run = _doorward(*arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(f"doorward: error: {message}")
    assert run.stderr.endswith(f"\nhint: {hint}\n")


@pytest.mark.parametrize(
    ("raised", "code", "line"),
    [
        (errors.LockedError("busy", hint="wait"), 9, "doorward: error: busy\nhint: wait\n"),
        (PermissionError(13, "Permission denied", "/x"), 8, "doorward: error: /x: Permission"),
        (KeyError("x"), 70, "doorward: error: this should not have happened: KeyError: 'x'\n"),
        (KeyboardInterrupt(), 130, "\ndoorward: error: interrupted; nothing was changed\n"),
        (errors.FileError("a\x1b[2Jb\nc\u202e"), 8, "doorward: error: a\\x1b[2Jb\\nc\\u202e\n"),
    ],
)
def test_errors(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    code: int,
    line: str,
) -> None:
    """Whatever is raised in a command ends as one line, with its exit code."""

    @click.command()
    def command() -> None:
        raise raised

    monkeypatch.setattr(main.group, "get_command", lambda *_: command)
    assert main.main(["anything"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(line)
    assert "Traceback" not in captured.err


def test_exit_codes_are_each_ones_own() -> None:
    """A script can tell by the exit code what happened: no two kinds share one unknowingly."""
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.DoorwardError)
    ]
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert errors.__doc__ is not None
    table = {line.split()[0] for line in errors.__doc__.splitlines() if line[:4].strip().isdigit()}
    assert {str(code) for code in codes} <= table


def test_closed_standard_output() -> None:
    """A result that nobody could see is not produced."""
    run = _doorward("status", before=lambda: os.close(1))
    assert run.returncode == errors.OutputError.exit_code
    assert run.stderr == "doorward: error: the standard output is closed; nothing was done\n"


def test_full_standard_output() -> None:
    """An answer that cannot be written is an error, said once."""

    def full() -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)

    run = _doorward("completion", "zsh", before=full)
    assert run.returncode == errors.FileError.exit_code
    assert run.stderr == "doorward: error: No space left on device\n"


def test_a_reader_that_went_away() -> None:
    """`doorward … | true` says nothing at all."""

    def broken() -> None:
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)

    assert _doorward("completion", "zsh", before=broken).stderr == ""


def test_locale_without_the_characters() -> None:
    """Where the locale has no such characters an answer is still an answer."""
    run = _doorward("status", "Jürgen", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert run.returncode == errors.AccountError.exit_code
    assert run.stderr.startswith("doorward: error: the passwd database does not know a user 'J")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    """The script for each shell calls back to doorward."""
    run = _doorward("completion", shell)
    assert run.returncode == 0
    assert "_DOORWARD_COMPLETE" in run.stdout


def test_completion_of_commands_and_users() -> None:
    """Commands are completed, and so are the users of the machine."""

    def completed(words: str) -> list[str]:
        run = _doorward(
            _DOORWARD_COMPLETE="bash_complete",
            COMP_WORDS=words,
            COMP_CWORD=str(len(words.split()) - 1),
        )
        return run.stdout.splitlines()

    assert completed("doorward un") == ["plain,unenroll"]
    assert "plain,root" in completed("doorward status roo")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain ü 漢", "plain ü 漢"), ("\x1b[31m\x07", "\\x1b[31m\\x07"), ("\udc80", "\\udc80")],
)
def test_printable(text: str, shown: str) -> None:
    """Nothing that steers a terminal gets through, and nothing readable is lost."""
    assert printable(text) == shown
