"""`doorward pam access`: what people see of the two readings of an access file."""

import grp
import json
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from pamconf import accounts

LAN = "+ : ALL : 10.0.0.0/8\n- : ALL : ALL\n"
BROKEN = b"+ : alice : 10.0.0.0/024\n - : \xff\x1b[2J : ALL\n- : ALL : ALL"


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "doorward", "pam", "access", *map(str, arguments)],
        capture_output=True,
        check=False,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An access file to be written."""
    return tmp_path / "access.conf"


def test_a_good_file(file: Path) -> None:
    """A script would take a good file for a bad one."""
    file.write_text(LAN)
    run = _run("check", file)
    assert (run.returncode, run.stdout, run.stderr) == (0, "Nothing is wrong.\n", "")


def test_both_readings_are_shown(file: Path) -> None:
    """An admin would not see where it is, what comes of it, or how to mend it."""
    file.write_bytes(BROKEN)
    run = _run("check", file)
    assert (run.returncode, run.stderr) == (1, "")
    assert run.stdout.startswith(
        f"{file}:1:13: error: pam_access: /024 is read as /20\n"
        "    + : alice : 10.0.0.0/024\n"
        "                ^^^^^^^^^^^^\n"
        "    Write /20, or what was meant, in plain decimals.\n"
        f"{file}:1:1: error: doorward: an origin is "
    )
    assert "\x1b" not in run.stdout
    assert f"{file}:2:1: error: pam_access: the line begins with a blank" in run.stdout
    assert "\n     - : \\udcff\\x1b[2J : ALL\n    ^\n" in run.stdout
    assert f"{file}:2:1: error: doorward: a blank before the first field\n" in run.stdout
    assert f"{file}:3:14: error: pam_access: the last line has no newline" in run.stdout
    assert run.stdout.endswith("\n6 errors\n")


def test_one_reading_alone(file: Path) -> None:
    """A file that is for one of the two could never be checked without errors."""
    file.write_text("+ : ALL : 0.0.0.0/0")
    assert _run("check", file).returncode == 1
    assert _run("check", file, "--only", "doorward").stdout == "Nothing is wrong.\n"
    file.write_text("- : ALL EXCEPT root : @machines\n+ : ALL : ALL\n")
    assert _run("check", file, "--only", "pam_access").returncode == 0
    assert _run("check", file, "--only", "doorward").returncode == 1


def test_a_warning_is_no_error(file: Path) -> None:
    """A script would refuse files for what only may be wrong."""
    file.write_text("- : root : ALL\n+ : bob : ALL\n")
    run = _run("check", file)
    assert (run.returncode, run.stdout.splitlines()[-1]) == (0, "1 warning")


def test_a_long_line_is_clipped(file: Path) -> None:
    """The terminal would fill with one line, and the caret be lost."""
    file.write_text("#" * 9000 + "+ : ALL : ALL\n")
    assert max(map(len, _run("check", file).stdout.splitlines())) < 250


def test_another_root(tmp_path: Path) -> None:
    """The groups, and the file, would be this machine's."""
    for name, text in {
        "passwd": "alice:x:1000:1000::/:/bin/sh\n",
        "group": "alice:x:1000:\nteam:x:5000:alice\n",
        "access.conf": "+ : (team) : 10.0.0.0/8\n+ : team : LOCAL\n- : ALL : ALL\n",
    }.items():
        (tmp_path / "etc").mkdir(exist_ok=True)
        (tmp_path / "etc" / name).write_text(text)
    test = ("test", "/etc/access.conf", "--root", tmp_path, "--user", "alice", "--from", "10.1.1.1")
    run = _run(*test, "--json")
    told = json.loads(run.stdout)
    assert told["pam_access"]["granted"]
    assert told["doorward"]["skips"]
    check = _run("check", "/etc/access.conf", "--root", tmp_path, "--nodefgroup")
    assert "there is a group of that name, and no user" in check.stdout
    nobody = _run(*test[:4], "--user", "bob")
    assert (nobody.returncode, nobody.stdout) == (10, "")
    assert f"there is no user 'bob' below {tmp_path}" in nobody.stderr


def test_a_group_that_another_root_lacks(tmp_path: Path) -> None:
    """A group that is not there asks for the code, whoever it is."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("alice:x:1000:1000::/:/bin/sh\n")
    (tmp_path / "etc/access.conf").write_text("+ : ALL EXCEPT (none) : ALL\n")
    run = _run("test", "/etc/access.conf", "--root", tmp_path, "--user", "alice", "--json")
    assert not json.loads(run.stdout)["doorward"]["skips"]


def test_check_in_json(file: Path) -> None:
    """A program could not tell what is wrong."""
    file.write_text("+ : ALL : 0.0.0.0/0\n- : ALL : ALL\n")
    run = _run("check", file, "--json")
    told = json.loads(run.stdout)
    assert (run.returncode, told["file"]) == (1, str(file))
    (problem,) = told["problems"]
    assert problem.pop("message")
    assert problem.pop("hint")
    assert problem == {
        "reader": "pam_access",
        "line": 1,
        "column": 11,
        "width": 9,
        "severity": "error",
        "kind": "misread",
    }


NO_NAMES = (
    "an origin is ALL, LOCAL, an address, or a network such as 10.0.0.0/8; no names, no terminals, "
    "and comments stand on lines of their own"
)
LOCAL_WARNING = (
    "    there is no remote host: LOCAL matches, networks do not, and the origin is called 'tty1'"
)
# A file, options that say where root comes from, and lines of what is said.
LOGINS = [
    (
        LAN,
        ["--from", "10.1.2.3"],
        [
            "pam_access: lets in, by line 1",
            "    + : ALL : 10.0.0.0/8",
            "doorward: skips the code, by line 1",
            "    + : ALL : 10.0.0.0/8",
        ],
    ),
    (
        LAN,
        ["--from", "192.0.2.7"],
        [
            "pam_access: refuses, by line 2",
            "    - : ALL : ALL",
            "doorward: asks for the code, by line 2",
            "    - : ALL : ALL",
        ],
    ),
    (
        "+ : nobody : ALL\n",
        ["--from", "::1"],
        [
            "pam_access: lets in: no line matches",
            "    whom no line matches is let in",
            "doorward: asks for the code: no line matches",
        ],
    ),
    (
        "+ : root : tty1\n- : ALL : ALL\n",
        ["--tty", "/dev/tty1"],
        [
            "pam_access: lets in, by line 1",
            "    + : root : tty1",
            LOCAL_WARNING,
            "doorward: asks for the code, by line 1",
            "    + : root : tty1",
            f"    {NO_NAMES}",
        ],
    ),
]


@pytest.mark.parametrize(("text", "login", "said"), LOGINS)
def test_test(file: Path, text: str, login: list[str], said: list[str]) -> None:
    """An admin would be told of another decision, or another line, than at the login."""
    file.write_text(text)
    run = _run("test", file, "--user", "root", *login)
    assert (run.returncode, run.stderr, run.stdout.splitlines()) == (0, "", said)


def test_test_in_json(file: Path) -> None:
    """As above, of a program."""
    file.write_text(LAN)
    run = _run("test", file, "--user", "root", "--from", "10.1.2.3", "--json")
    assert json.loads(run.stdout) == {
        "pam_access": {"granted": True, "line": 1, "warnings": [], "remarks": []},
        "doorward": {"skips": True, "line": 1, "problem": None},
    }


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["check", "missing.conf"], 8, "missing.conf: No such file or directory\n"),
        (["check", "/etc"], 8, "/etc is a folder\nhint: pam_access takes it for an empty file"),
        (["test", "/dev/null", "--user", "no-such-user"], 10, "the passwd database does not know"),
        (["chek"], 2, "No such command 'chek'"),
    ],
)
def test_errors(arguments: list[str], code: int, message: str) -> None:
    """Somebody would not know what to try next."""
    run = _run(*arguments)
    assert (run.returncode, run.stdout) == (code, "")
    assert run.stderr.startswith(f"doorward: error: {message}")


@pytest.fixture(scope="module")
def group() -> str:
    """A group of this machine's that no user is called as."""
    users = {entry.pw_name for entry in pwd.getpwall()}
    return next(entry.gr_name for entry in grp.getgrall() if entry.gr_name not in users)


def test_separators_of_the_module(file: Path) -> None:
    """A file that pam_access reads well by its options would seem full of mistakes."""
    file.write_text("+|root,alice|10.0.0.0/8\n-|ALL|ALL\n")
    separators = ("--fieldsep", "|", "--listsep", ",")
    assert _run("check", file).returncode == 1
    done = _run("check", file, *separators)
    assert (done.returncode, done.stdout) == (0, "Nothing is wrong.\n")
    login = ("test", file, "--user", "root", "--from", "10.1.2.3", *separators)
    assert _run(*login).stdout == ("pam_access: lets in, by line 1\n    +|root,alice|10.0.0.0/8\n")
    assert json.loads(_run(*login, "--json").stdout) == {
        "pam_access": {"granted": True, "line": 1, "warnings": [], "remarks": []}
    }


def test_nodefgroup(file: Path, group: str) -> None:
    """A group without parentheses would be said to match, or the mistake not be found."""
    file.write_text(f"- : {group} : ALL\n+ : ALL : ALL\n")
    assert _run("check", file, "--only", "pam_access").stdout == "Nothing is wrong.\n"
    done = _run("check", file, "--nodefgroup")
    assert ":1:5: warning: pam_access: there is a group of that name" in done.stdout
    assert f"    Write ({group}).\n" in done.stdout
    file.write_text("- : root : ALL\n+ : ALL : ALL\n")
    done = _run("test", file, "--user", "root", "--nodefgroup")
    assert done.stdout.startswith("pam_access: refuses, by line 1\n")


def test_bare_groups_of_somebody(file: Path) -> None:
    """Whether the option is set would make no difference to a login."""
    name = next(entry.pw_name for entry in pwd.getpwall() if _other_group(entry.pw_name))
    file.write_text(f"- : {_other_group(name)} : ALL\n+ : ALL : ALL\n")
    login = ("test", file, "--user", name)
    assert "pam_access: refuses, by line 1\n" in _run(*login).stdout
    assert "pam_access: lets in, by line 2\n" in _run(*login, "--nodefgroup").stdout


def _other_group(user: str) -> str | None:
    account = accounts.find(user)
    groups = account.groups if account else ()
    return next((one for one in groups if one != user), None)


def test_options_that_doorward_has_not(file: Path) -> None:
    """An admin would think that accessfile= can be told of separators."""
    file.write_text(LAN)
    done = _run("check", file, "--only", "doorward", "--fieldsep", "|")
    assert (done.returncode, done.stdout) == (2, "")
    assert "are pam_access's alone" in done.stderr
