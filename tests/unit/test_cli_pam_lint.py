"""`doorward pam lint`: what people and programs see of what is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from doorward import native, pam_checks
from doorward.native import Options

from pamconf.lint.check import ExampleFile
from tests import examples
from tests.unit.test_docs import module_options

UNIX = "auth required pam_unix.so\n"
ACCOUNT = "account required pam_unix.so\n"
BAD = f"{UNIX}auth required pam_doorward.so nulok\n{ACCOUNT}"


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "doorward", "pam", "lint", *map(str, arguments)],
        capture_output=True,
        check=False,
        cwd=cwd,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def machine(folder: Path, sshd: str, *more: ExampleFile) -> Path:
    """Make a machine with one service, sshd, beside `other`."""
    return examples.machine(folder, (ExampleFile("/etc/pam.d/sshd", sshd), *more))


def test_nothing_is_wrong(tmp_path: Path) -> None:
    """A script would take a good machine for a bad one."""
    done = run("--root", machine(tmp_path, UNIX + ACCOUNT))
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "Nothing is wrong in 2 services.\n",
        "",
    )


def test_what_is_said_to_people(tmp_path: Path) -> None:
    """An admin would not see where it is, what comes of it, or how to mend it."""
    root = machine(tmp_path, BAD)
    done = run("sshd", "--root", root)
    assert (done.returncode, done.stderr) == (1, "")
    assert (
        f"{root}/etc/pam.d/sshd:2:31: error: PAM601 refused-option\n"
        "    auth required pam_doorward.so nulok\n"
        "                                  ^^^^^\n"
        "    pam_doorward does not know 'nulok': everybody is refused.\n"
        "    Did you mean 'nullok'?\n"
    ) in done.stdout
    assert done.stdout.endswith(
        "\n2 errors in 1 service.\n'doorward pam lint --explain PAM207' explains it.\n"
    )


def test_services_of_an_included_line_are_named(tmp_path: Path) -> None:
    """An admin would not know which doors it is about."""
    names = ("a", "b", "c", "d", "e")
    files = [ExampleFile(f"/etc/pam.d/{name}", f"@include common-x\n{ACCOUNT}") for name in names]
    root = machine(tmp_path, ACCOUNT, *files, ExampleFile("/etc/pam.d/common-x", "auth [x] y.so\n"))
    done = run("--root", root)
    assert "PAM001 unreadable-control (a, b, c and 2 more)\n" in done.stdout
    few = run("a", "b", "--root", root)
    assert "PAM001 unreadable-control (a, b)\n" in few.stdout


def test_a_warning_alone_is_no_failure(tmp_path: Path) -> None:
    """A script would stop where nobody is shut out."""
    root = machine(tmp_path, f"auth optional pam_none.so\n{UNIX}{ACCOUNT}")
    done = run("sshd", "--root", root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 warning in 1 service.\n" in done.stdout


def test_what_steers_a_terminal_is_not_printed(tmp_path: Path) -> None:
    """A file that somebody sent could take over the terminal of who checks it."""
    root = machine(tmp_path, f"auth required pam_\x1b[2J.so a\x07\n{ACCOUNT}")
    for form in ("text", "json", "sarif", "github"):
        done = run("--root", root, "--format", form)
        assert done.returncode == 1
        assert not {"\x1b", "\x07"} & {*done.stdout}


def test_json_is_json(tmp_path: Path) -> None:
    """Who knows --json from the other commands would be told that there is no such option."""
    root = machine(tmp_path, BAD)
    assert run("--root", root, "--json").stdout == run("--root", root, "--format", "json").stdout


def test_json(tmp_path: Path) -> None:
    """A program would not find what people are shown."""
    root = machine(tmp_path, BAD)
    found = json.loads(run("sshd", "--root", root, "--format", "json").stdout)
    assert found["services"] == ["sshd"]
    assert found["findings"][-1] == {
        "code": "PAM601",
        "name": "refused-option",
        "severity": "error",
        "path": f"{root}/etc/pam.d/sshd",
        "line": 2,
        "column": 31,
        "width": 5,
        "text": "auth required pam_doorward.so nulok",
        "message": "pam_doorward does not know 'nulok': everybody is refused",
        "hint": "Did you mean 'nullok'?",
        "services": ["sshd"],
    }


def test_json_of_a_whole_file(tmp_path: Path) -> None:
    """A program would look in a line that has nothing to do with it."""
    root = machine(tmp_path, UNIX + ACCOUNT)
    (root / "etc/pam.d/sshd").chmod(0o666)
    (found,) = json.loads(run("sshd", "--root", root, "--format", "json").stdout)["findings"]
    assert (found["line"], found["column"], found["width"]) == (None, None, None)


def test_sarif(tmp_path: Path) -> None:
    """What shows results of analysis would show nothing, or in the wrong place."""
    root = machine(tmp_path, BAD)
    done = run("sshd", "--root", "machine", "--format", "sarif", cwd=root.parent)
    sarif = json.loads(done.stdout)
    assert sarif["version"] == "2.1.0"
    (one,) = sarif["runs"]
    rules = one["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [*pam_checks.ALL]
    assert all(rule["help"]["markdown"] and rule["shortDescription"]["text"] for rule in rules)
    result = one["results"][-1]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "PAM601"
    assert (result["level"], result["message"]["text"]) == (
        "error",
        "pam_doorward does not know 'nulok': everybody is refused. Did you mean 'nullok'?",
    )
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "machine/etc/pam.d/sshd"},
                "region": {"startLine": 2, "startColumn": 31, "endColumn": 36},
            }
        }
    ]


def test_sarif_of_a_whole_file(tmp_path: Path) -> None:
    """A line 0 is none that a reader of SARIF takes."""
    root = machine(tmp_path, UNIX + ACCOUNT)
    (root / "etc/pam.d/sshd").chmod(0o666)
    sarif = json.loads(run("sshd", "--root", root, "--format", "sarif").stdout)
    place = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": f"file://{root}/etc/pam.d/sshd"}}


def test_github(tmp_path: Path) -> None:
    """A pull request would not be marked, or a file's text run commands in a workflow."""
    root = machine(tmp_path, f"{UNIX}auth required pam_doorward.so a%b,c:d\n{ACCOUNT}")
    (root / "etc/pam.d/other").chmod(0o666)
    done = run("--root", "machine", "--format", "github", cwd=root.parent)
    assert done.stdout.splitlines()[-1] == (
        "::error file=machine/etc/pam.d/sshd,line=2,col=31,endColumn=38,"
        "title=PAM601 refused-option::pam_doorward does not know 'a%25b,c:d': everybody is refused."
        " pam_doorward(8) has all of its options."
    )
    assert done.stdout.startswith(
        "::error file=machine/etc/pam.d/other,title=PAM401 writable-by-others::"
    )


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """A file with an odd name would end in a traceback, in whatever form."""
    root = machine(tmp_path, UNIX + ACCOUNT)
    (root / "etc/pam.d" / os.fsdecode(b"x\xff\xe9")).write_text("auth [x] y.so\n")
    for form in ("text", "json", "sarif", "github"):
        done = run("--root", "machine", "--format", form, cwd=root.parent)
        assert (done.returncode, done.stderr) == (1, "")


def test_one_service_does_not_hide_all_others(tmp_path: Path) -> None:
    """A file that is too much would keep all others from being looked at."""
    root = machine(tmp_path, BAD)
    (root / "etc/pam.d/many").write_text("auth substack a\n" * 3)
    (root / "etc/pam.d/a").write_text("auth include b\n" * 9)
    (root / "etc/pam.d/b").write_text("auth required pam_unix.so\n" * 3000)
    done = run("--root", root)
    assert "PAM601" in done.stdout
    assert done.returncode == 1
    assert "doorward: error: /etc/pam.d/b" in done.stderr


def test_where_there_is_nothing(tmp_path: Path) -> None:
    """A pipeline that looks in the wrong folder would be content for ever."""
    done = run("--root", tmp_path)
    assert (done.returncode, done.stdout) == (8, "")
    assert f"there are no services below {tmp_path}" in done.stderr
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/pam.conf").write_text(f"sshd {UNIX}sshd {ACCOUNT}su auth [x] y.so\n")
    done = run("--root", f"{tmp_path}/")
    assert done.returncode == 1
    assert f"{tmp_path}/etc/pam.conf:3:10: error: PAM001 unreadable-control (su)" in done.stdout
    assert done.stdout.count("in 2 services.") == 1


def test_one_check_is_explained() -> None:
    """What stands in the docs could not be read on the machine itself."""
    done = run("--explain", "pam204")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("PAM204 jump-over-code (error)\n\nA jump goes over the rule")
    assert "\nBad:\n\n    ## /etc/pam.d/sshd\n" in done.stdout


def test_all_checks_are_listed() -> None:
    """Nobody would know what is looked at."""
    done = run("--list")
    assert (done.returncode, done.stderr) == (0, "")
    assert [row.split()[0] for row in done.stdout.splitlines()[1:]] == [*pam_checks.ALL]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--explain", "PAM999"), "there is no check 'PAM999'"),
        (("sshdd",), "there is no service 'sshdd'; libpam would go by 'other' for it"),
    ],
)
def test_what_is_not_there(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """A misspelt service would be found to be in order."""
    done = run(*arguments, "--root", machine(tmp_path, UNIX + ACCOUNT))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"doorward: error: {said}\n" in done.stderr


def test_the_nearest_service_is_named(tmp_path: Path) -> None:
    """An admin would look through a folder for what it is called."""
    done = run("sshdd", "--root", machine(tmp_path, UNIX + ACCOUNT))
    assert "hint: Did you mean 'sshd'?\n" in done.stderr


# --- What pam_doorward goes by ---


def findings(folder: Path, options: str, lan: str | None = None) -> list[tuple[str, int, str]]:
    """What is found with a line of pam_doorward's, without notes."""
    files = [] if lan is None else [ExampleFile("/etc/security/lan.conf", lan)]
    text = f"{UNIX}auth required pam_doorward.so {options}\n{ACCOUNT}"
    done = run("sshd", "--root", machine(folder, text, *files), "--format", "json")
    found = json.loads(done.stdout)["findings"]
    return [(one["code"], one["line"], one["message"]) for one in found if one["code"] > "PAM6"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("nullok", None),
        ("nullok_until=2030-02-30", "'2030-02-30' is no value of nullok_until"),
        ("grace_period=", "'' is no value of grace_period"),
        ("nullok=yes", "pam_doorward does not know 'nullok='"),
        ("debug secret", "pam_doorward does not know 'secret'"),
    ],
)
def test_options(tmp_path: Path, options: str, message: str | None) -> None:
    """Everybody would be refused, and the admin find out at the next login."""
    found = findings(tmp_path, options)
    assert found == ([("PAM601", 2, f"{message}: everybody is refused")] if message else [])


def test_access_files_of_ours(tmp_path: Path) -> None:
    """Nobody, or everybody, would skip the code."""
    option = "accessfile=/etc/security/lan.conf"
    missing = "/etc/security/lan.conf: cannot be read: No such file or directory"
    assert findings(tmp_path, option) == [("PAM602", 2, f"{missing}: nobody skips the code")]
    assert findings(tmp_path, option, "+ : ALL : 10.0.0.0/8\n") == []
    assert findings(tmp_path, f"nullok {option}", "- : root : ALL\n+ : ALL : ALL\n") == []
    assert findings(tmp_path, option, "+ : ALL : ALL\n") == [
        ("PAM603", 2, "by /etc/security/lan.conf everybody skips the code")
    ]


def test_an_access_file_that_nobody_can_look_into(tmp_path: Path) -> None:
    """Who may not read it would be told that everybody is asked for the code."""
    text = f"{UNIX}auth required pam_doorward.so accessfile=/etc/security/lan.conf\n{ACCOUNT}"
    root = machine(tmp_path, text, ExampleFile("/etc/security/", ""))
    os.mkfifo(root / "etc/security/lan.conf")
    found = json.loads(run("sshd", "--root", root, "--json").stdout)["findings"]
    codes = {one["code"]: one["path"] for one in found}
    assert codes["PAM400"] == f"{root}/etc/security/lan.conf"
    assert "PAM602" not in codes


def test_a_login_at_the_machine_may_skip_it_always(tmp_path: Path) -> None:
    """What is meant so, at a screen that nobody else can reach, would be called a mistake."""
    text = f"{UNIX}auth required pam_doorward.so accessfile=/etc/security/lan.conf\n{ACCOUNT}"
    files = (
        ExampleFile("/etc/pam.d/lightdm", text),
        ExampleFile("/etc/security/lan.conf", "+ : ALL : LOCAL\n"),
    )
    done = run("lightdm", "--root", examples.machine(tmp_path, files))
    assert (done.returncode, done.stdout) == (0, "Nothing is wrong in 1 service.\n")


def test_all_options_are_known_by_name() -> None:
    """Who has misspelt one would be told of another, or of none."""
    assert {name.rstrip("=") for name in pam_checks.OPTIONS} == module_options()


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((), Options(None, None, passes_unenrolled=False)),
        (("nullok",), Options(None, None, passes_unenrolled=True)),
        (("accessfile=/a", "accessfile=/b"), Options(None, "/b")),
        (
            ("nullok", "nullok_until=1970-01-02"),
            Options(None, passes_unenrolled=True, until="1970-01-02", until_end=2 * 86400),
        ),
        (
            ("nullok", "nullok_until=1970-01-01"),
            Options(None, passes_unenrolled=False, until="1970-01-01", until_end=86400),
        ),
        (
            ("secret=/s/${USER}", "allowed_perm=0640", "no_strict_owner"),
            Options(None, secret="/s/${USER}", allowed_perm=0o640, strict_owner=False),
        ),
        (("debug", "nulok"), Options(1)),
        (("accessfile=rel",), Options(0)),
    ],
)
def test_options_are_read_by_the_module_s_own_code(
    arguments: tuple[str, ...], options: Options
) -> None:
    """Explain and lint would say otherwise than the login."""
    assert native.options(arguments, 86400 + 3600) == options
