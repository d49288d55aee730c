"""`doorward doctor`: what it finds below another root, how it is told, and what has changed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from doorward.commands.doctor import exit_code
from doorward.doctor import report, since
from doorward.doctor.finding import FAILED, Area, Examined, Finding, Status, examine
from doorward.doctor.host import Host
from doorward.doctor.since import Change, Kind, Look, Seen
from doorward.errors import FileError

from pamconf.errors import UnreadableError
from pamconf.lint.check import ExampleFile
from tests import examples
from tests.conftest import CHECKOUT

MODULE = f"{examples.MODULES}/pam_doorward.so"
LINE = "auth required pam_doorward.so accessfile=/etc/security/lan.conf\n"
UNIX, ACCOUNT = "auth required pam_unix.so\n", "account required pam_unix.so\n"
SSHD = ExampleFile("/etc/pam.d/sshd", UNIX + LINE + ACCOUNT)
SETTINGS = ExampleFile(
    "/etc/ssh/sshd_config",
    "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n"
    "PubkeyAuthentication no\nPermitRootLogin no\n",
)
LAN = ExampleFile("/etc/security/lan.conf", "+ : ALL : 10.0.0.0/8\n")
WELL = (SSHD, SETTINGS, LAN)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "doorward", "doctor", *map(str, arguments)],
        capture_output=True,
        check=False,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def looked_at(root: Path) -> tuple[int, dict[str, list[dict[str, str | None]]]]:
    """The exit code, and what is found of each area."""
    done = run("--root", root, "--json")
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["root"] == str(root)
    return done.returncode, {one["area"]: one["findings"] for one in told["areas"]}


# --- Below another root ---


def test_a_machine_on_which_all_is_well(tmp_path: Path) -> None:
    """An admin would look for mistakes where there are none."""
    code, found = looked_at(examples.machine(tmp_path, WELL))
    assert code == 0
    assert {one["status"] for area in found.values() for one in area} == {"well", "note"}
    assert found["The module"] == [
        {"status": "well", "who": MODULE, "what": "is there", "mend": None}
    ]
    assert ("well", "sshd") in {(one["status"], one["who"]) for one in found["Services"]}
    assert [(one["who"], one["what"]) for one in found["sshd"]] == [
        ("root", "cannot log in by sshd"),
        ("alice", "keyboard-interactive (password, or password and code)"),
    ]
    assert [one["what"] for one in found["Access files"]] == ["nothing is wrong in it (sshd)"]


@pytest.mark.parametrize("stock", ["debian-12", "debian-12-desktop", "debian-13-desktop"])
def test_stock_machines(stock: str, tmp_path: Path) -> None:
    """Every area has something to say of a machine as a distribution makes it, and ends well."""
    root = tmp_path / "root"
    shutil.copytree(CHECKOUT / "tests/fixtures/pam" / stock, root)
    code, found = looked_at(root)
    assert code in {0, 1}
    assert all(found.values())
    assert [one["status"] for one in found["Services"] if not one["who"]] == ["warning"]


@pytest.mark.parametrize(
    ("files", "area", "who", "status", "what"),
    [
        (
            [SSHD, SETTINGS, ExampleFile(LAN.path, "+ : ALL : office.example\n")],
            "Access files",
            LAN.path,
            "problem",
            "line 1: ",
        ),
        ([SSHD, SETTINGS], "Access files", SSHD.path, "problem", "line 2: /etc/security/lan.conf"),
        (
            [SSHD, ExampleFile(SETTINGS.path, "UsePAM no\n"), LAN],
            "sshd",
            SETTINGS.path,
            "problem",
            "line 1: UsePAM no: ",
        ),
        (
            [SSHD, ExampleFile(SETTINGS.path, "UsePAM maybe\n"), LAN],
            "sshd",
            SETTINGS.path,
            "problem",
            "line 1: ",
        ),
        (
            [ExampleFile(SSHD.path, SSHD.text.replace("lan.conf", "lan.conf nullok"))],
            "Access files",
            SSHD.path,
            "problem",
            "line 2: /etc/security/lan.conf",
        ),
        (
            [ExampleFile(SSHD.path, f"{UNIX}auth required /opt/pam_doorward.so\n{ACCOUNT}")],
            "Rules",
            SSHD.path,
            "problem",
            "line 2: /opt/pam_doorward.so is not there",
        ),
        (
            [ExampleFile(SSHD.path, f"auth sufficient pam_unix.so\n{LINE}{ACCOUNT}"), LAN],
            "Services",
            "sshd",
            "problem",
            "pam_doorward is there, and one right answer will do all the same",
        ),
        (
            [ExampleFile(SSHD.path, UNIX + ACCOUNT)],
            "Services",
            "sshd",
            "note",
            "no second factor: one right answer will do",
        ),
        (
            [*WELL, ExampleFile(MODULE, "\x7fELF", 0o664)],
            "The module",
            MODULE,
            "problem",
            "has mode 0664: others than root can change what logs them in",
        ),
        (
            [ExampleFile(SSHD.path, f"{UNIX}auth required pam_doorward.so nulok\n{ACCOUNT}")],
            "Rules",
            SSHD.path,
            "problem",
            "line 2: pam_doorward does not know 'nulok': everybody is refused (PAM601)",
        ),
        (
            [
                ExampleFile(
                    "/usr/share/pam-configs/otp", "Name: x\nAuth:\n\trequired pam_doorward.so"
                )
            ],
            "pam-auth-update",
            "/usr/share/pam-configs/otp",
            "note",
            "is off",
        ),
    ],
)
def test_what_is_found(
    files: Sequence[ExampleFile], area: str, who: str, status: str, what: str, tmp_path: Path
) -> None:
    """A door would stand otherwise than meant, and the doctor say nothing."""
    code, found = looked_at(examples.machine(tmp_path, files))
    told = [one for one in found[area] if one["who"] == who and str(one["what"]).startswith(what)]
    assert [one["status"] for one in told] == [status]
    assert status != "problem" or (code == 1 and told[0]["mend"])


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    """Everybody would be refused at the next login, and nobody know why beforehand."""
    root = examples.machine(tmp_path, WELL)
    (root / MODULE[1:]).unlink()
    _, found = looked_at(root)
    (told,) = found["The module"]
    assert told["status"] == "problem"
    assert told["what"] == "is not there, and named by sshd: who logs in there is refused"
    assert "PAM101" not in str(found["Rules"])
    (root / "etc/pam.d/sshd").write_text(UNIX + ACCOUNT)
    assert looked_at(root)[1]["The module"][0]["status"] == "note"


def test_a_module_for_another_machine(tmp_path: Path) -> None:
    """A module that was copied from another machine would refuse everybody."""
    root = examples.machine(tmp_path, WELL)
    for name, machine in (("pam_permit", b"\x3e\0"), ("pam_doorward", b"\xb7\0")):
        path = root / examples.MODULES[1:] / f"{name}.so"
        path.write_bytes(b"\x7fELF\2\1\1" + bytes(9) + b"\3\0" + machine)
    (told,) = looked_at(root)[1]["The module"]
    assert (told["status"], told["what"]) == (
        "problem",
        "is for another architecture than this libpam",
    )


def test_settings_that_sshd_does_not_take(tmp_path: Path) -> None:
    """What has nothing to do with them would not be looked at either."""
    files = [SSHD, ExampleFile(SETTINGS.path, "UsePAM maybe\n"), LAN]
    _, found = looked_at(examples.machine(tmp_path, files))
    told = {one["who"]: one for one in found["Services"]}
    assert told["sshd"]["status"] == "warning"
    assert str(told["sshd"]["what"]).startswith("could not be followed: ")
    assert [(one["status"], one["who"]) for one in found["Access files"]] == [("well", LAN.path)]
    assert [one["status"] for one in found["sshd"]] == ["problem", "warning"]


def test_no_machine(tmp_path: Path) -> None:
    """A folder that is none would be called well."""
    code, found = looked_at(tmp_path)
    assert code in {0, 5}
    failed = {area for area, told in found.items() if "could not be looked at" in str(told)}
    assert {"The module", "Services", "Rules"} <= failed
    assert "there are no services below" in str(found["Services"])


def test_a_change_cannot_be_told_of_another_machine(tmp_path: Path) -> None:
    """An image would be compared with this machine, and its look kept as this one's."""
    done = run("--since-last", "--root", examples.machine(tmp_path, WELL))
    assert (done.returncode, done.stdout) == (2, "")
    assert "leave --root out" in done.stderr


# --- How it is told ---


def finding(status: Status, who: str = "", what: str = "is so", **more: str) -> Finding:
    """A finding."""
    return Finding(status, who, what, **more)


def test_an_area_that_fails_hides_no_other() -> None:
    """One broken file would hide all that is wrong beside it."""

    def fails(_: Host) -> Iterator[Finding]:
        yield finding(Status.WELL, "a")
        raise UnreadableError("cannot be read\nat all", hint="Run this as root.", path="/x")

    def works(_: Host) -> Iterator[Finding]:
        yield finding(Status.PROBLEM, "b")

    first, second = examine(Host(), [Area("one", fails), Area("two", works)])
    assert first.findings[1] == Finding(
        Status.WARNING if os.geteuid() == 0 else Status.UNSEEN,
        "",
        "could not be looked at: /x: cannot be read",
        "Run this as root.",
        topic=FAILED,
    )
    assert second.findings == (finding(Status.PROBLEM, "b"),)


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([], 0),
        ([Status.WELL, Status.NOTE], 0),
        ([Status.WARNING], 0),
        ([Status.WARNING, Status.UNSEEN], 5),
        ([Status.UNSEEN, Status.PROBLEM], 1),
    ],
)
def test_exit_codes(statuses: Sequence[Status], code: int) -> None:
    """A script would take a broken machine, or one that it has not seen, for a good one."""
    assert exit_code([Examined("x", tuple(map(finding, statuses)))]) == code


def test_what_people_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty users of whom the same is to be said would be twenty lines."""
    found = [
        Examined(
            "Users",
            (
                finding(Status.WELL, "alice", "enrolled", mend="nothing"),
                finding(Status.WARNING, "bob", "refused", mend="doorward enroll bob"),
                finding(Status.WELL, "carol", "enrolled"),
                finding(Status.WARNING, "dave", "refused", mend="doorward enroll dave"),
                finding(Status.UNSEEN, "", "others"),
            ),
        )
    ]
    report.show(found)
    report.show_count(found)
    report.show_count([])
    assert capsys.readouterr().out == (
        "Users\n"
        "  well    alice, carol: enrolled\n"
        "  warning bob, dave: refused\n"
        "          doorward enroll bob\n"
        "          doorward enroll dave\n"
        "  unseen  others\n"
        "\n"
        "2 warnings, 1 unseen.\n"
        "All is well.\n"
    )


# --- What has changed ---


def seen(status: Status, what: str = "is so", who: str = "sshd", well: str = "") -> Seen:
    """A finding as it was kept."""
    return Seen("Services", who, "", 1, status, what, what, well)


def now(*findings: Finding) -> list[Examined]:
    """What is found now."""
    return [Examined("Services", findings)]


def change(kind: Kind, told: str | None, before: str | None, mend: str | None = None) -> Change:
    """A change of sshd's."""
    return Change(kind, "Services", "sshd", told, before, mend)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([seen(Status.WELL)], [finding(Status.WELL, "sshd")], []),
        ([seen(Status.PROBLEM)], [finding(Status.PROBLEM, "sshd", mend="m")], []),
        # An update takes the second factor away: the line is gone, and nothing is wrong by itself.
        (
            [seen(Status.WELL, "asks", well="asks")],
            [finding(Status.NOTE, "sshd", "asks not", mend="m")],
            [change(Kind.WORSE, "asks not", "asks", "m")],
        ),
        # The next day.
        (
            [seen(Status.NOTE, "asks not", well="asks")],
            [finding(Status.NOTE, "sshd", "asks not", mend="m")],
            [change(Kind.WORSE, "asks not", "asks", "m")],
        ),
        # It was there in vain first, and then gone: that is no mend.
        (
            [seen(Status.PROBLEM, "in vain", well="asks")],
            [finding(Status.NOTE, "sshd", "asks not")],
            [change(Kind.WORSE, "asks not", "asks")],
        ),
        (
            [seen(Status.NOTE, "asks not", well="asks")],
            [finding(Status.WELL, "sshd", "asks")],
            [change(Kind.MENDED, "asks", "asks not")],
        ),
        (
            [seen(Status.NOTE, "asks not")],
            [finding(Status.WELL, "sshd", "asks", mend="m")],
            [change(Kind.CHANGED, "asks", "asks not")],
        ),
        (
            [seen(Status.WARNING)],
            [finding(Status.PROBLEM, "sshd", "is worse", mend="m")],
            [change(Kind.WORSE, "is worse", "is so", "m")],
        ),
        (
            [seen(Status.PROBLEM)],
            [finding(Status.WARNING, "sshd", "is better", mend="m")],
            [change(Kind.MENDED, "is better", "is so")],
        ),
        (
            [seen(Status.WELL)],
            [finding(Status.WELL, "sshd", "is otherwise", mend="m")],
            [change(Kind.CHANGED, "is otherwise", "is so")],
        ),
        (
            [seen(Status.WARNING)],
            [finding(Status.WARNING, "sshd", "is otherwise", mend="m")],
            [change(Kind.CHANGED, "is otherwise", "is so", "m")],
        ),
        # What changes each time by itself is not compared.
        ([seen(Status.WELL, "right")], [finding(Status.WELL, "sshd", "0.1 s", state="right")], []),
        ([], [finding(Status.NOTE, "sshd", mend="m")], [change(Kind.NEW, "is so", None)]),
        ([], [finding(Status.PROBLEM, "sshd", mend="m")], [change(Kind.NEW, "is so", None, "m")]),
        ([seen(Status.NOTE)], [], [change(Kind.GONE, None, "is so")]),
        ([seen(Status.PROBLEM)], [], [change(Kind.MENDED, None, "is so")]),
        # That there is nothing to say is no news.
        ([], [finding(Status.WELL)], []),
        ([seen(Status.WELL, who="")], [], []),
        # Where nobody could look, nothing is known to be gone.
        ([seen(Status.WELL)], [finding(Status.WELL, "", "failed", topic=FAILED)], []),
    ],
)
def test_what_has_changed(
    before: Sequence[Seen], after: Sequence[Finding], expected: Sequence[Change]
) -> None:
    """What has changed would not be told, or the same each morning."""
    assert since.changes(Look(1, tuple(before)), now(*after)) == expected


def test_the_first_look() -> None:
    """All that is well would be told as news."""
    found = now(finding(Status.WELL, "a"), finding(Status.NOTE, "b"), finding(Status.WARNING, "c"))
    assert [(one.kind, one.who) for one in since.changes(None, found)] == [(Kind.NEW, "c")]


def test_what_is_kept() -> None:
    """What was well once would be forgotten, though nobody accepted it; or never be accepted."""
    last = Look(1, (seen(Status.WELL, "asks", well="asks"),))
    lost = now(finding(Status.NOTE, "sshd", "asks not"))
    kept = since.look(lost, 2, last, accept=False)
    assert kept == Look(2, (seen(Status.NOTE, "asks not", well="asks"),))
    assert since.look(lost, 3, kept, accept=False).seen == kept.seen
    assert since.look(lost, 3, kept, accept=True).seen == (seen(Status.NOTE, "asks not"),)
    blind = now(finding(Status.WARNING, "", "failed", topic=FAILED))
    assert since.look(blind, 3, kept, accept=True).seen == kept.seen
    assert since.look(blind, 3, None, accept=False).seen == ()


def test_two_of_the_same() -> None:
    """One of two problems of the same file would be taken for both."""
    two = now(finding(Status.PROBLEM, "sshd", "a"), finding(Status.PROBLEM, "sshd", "b"))
    kept = since.look(two, 1, None, accept=False)
    one = now(finding(Status.PROBLEM, "sshd", "a"))
    assert since.changes(kept, two) == []
    assert since.changes(kept, one) == [change(Kind.MENDED, None, "b")]


def test_a_look_is_written_and_read() -> None:
    """What was kept would mean something else the next time."""
    look = Look(1_795_666_381, (seen(Status.WELL, 'a "b"\n\udc80', well="x"), seen(Status.NOTE)))
    assert since.read(since.written(look)) == look
    assert since.read(since.written(Look(1, ()))) == Look(1, ())
    assert since.read(b'{"version": 2}') is None


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b"[]", b"null", b'{"version": 1, "time": 1, "seen": [{"area": "x"}]}', b"\xff"],
)
def test_a_look_that_is_none(text: bytes) -> None:
    """The timer would end in a defect each morning."""
    with pytest.raises(FileError, match=r"^/x: no last look"):
        since.read(text, "/x")


def test_a_look_that_is_not_there() -> None:
    """The first time would end in an error."""
    assert since.load("/no/such/folder/doctor.json") is None


def test_what_people_read_of_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """The journal would not say what has changed, or hide how much is not well."""
    found = now(finding(Status.PROBLEM, "sshd", "in vain"))
    changes = [
        change(Kind.WORSE, "in vain", "asks", "do that"),
        Change(Kind.CHANGED, "sshd", "alice", "key", "password"),
        Change(Kind.CHANGED, "sshd", "bob", "key", "password"),
        Change(Kind.GONE, "Users", "carol", None, "enrolled"),
        Change(Kind.NEW, "The clock", "", "is off", None),
    ]
    report.show_changes(changes, Look(1_000_000, ()), found)
    report.show_changes([], Look(1_000_000, ()), [])
    report.show_changes([], None, [])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Since 1970-01-12 ")
    assert lines[1:7] == [
        "  worse   Services: sshd: in vain (before: asks)",
        "          do that",
        "  changed sshd: alice, bob: key (before: password)",
        "  gone    Users: carol: no more: enrolled",
        "  new     The clock: is off",
        "1 problem now; 'doorward doctor' has all of them.",
    ]
    assert lines[7].startswith("Nothing has changed since 1970-01-12 ")
    assert lines[8:] == ["All is well now.", "This is the first look", "All is well now."]
