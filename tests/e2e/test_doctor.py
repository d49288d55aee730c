"""`doorward doctor` on a real machine: each thing is broken, found, and mended as it says."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from doorward.doctor.since import STATE
from doorward.protection.applying import FOLDER

from demo.server import Syslog
from pamconf.transaction import Store, Transaction
from tests.conftest import CHECKOUT
from tests.e2e.conftest import Write
from tests.e2e.enrollee import Enrollee, account, run_as_root

SSHD, COMMON_AUTH = Path("/etc/pam.d/sshd"), Path("/etc/pam.d/common-auth")
DROP_IN = Path("/etc/ssh/sshd_config.d/00-doorward.conf")
SETTINGS = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n"
ACCESS = Path("/etc/security/access-doorward.conf")
LINE = f"auth required pam_doorward.so accessfile={ACCESS}\n"
(MODULE,) = Path("/usr/lib").glob("*-linux-gnu/security/pam_doorward.so")
PROFILE = Path("/usr/share/pam-configs/otp")

pytestmark = pytest.mark.usefixtures("sshd_answers")


class Found(NamedTuple):
    """A finding; `who` is None where it is about nobody."""

    area: str
    status: str
    who: str | None
    what: str
    mend: str | None


def look(*options: str) -> tuple[int, list[Found]]:
    """The exit code, and what root is told."""
    done = run_as_root("doctor", "--json", *options)
    assert done.stderr == ""
    areas = json.loads(done.stdout)["areas"]
    return done.returncode, [
        Found(one["area"], **each) for one in areas for each in one["findings"]
    ]


def about(area: str, who: str | None) -> list[Found]:
    """What root is told of somebody or something."""
    return [one for one in look()[1] if (one.area, one.who) == (area, who)]


def with_line(line: str = LINE) -> str:
    """Debian's rules for sshd, with one more below the password."""
    stock = (CHECKOUT / f"tests/fixtures/pam/debian-12{SSHD}").read_text()
    return stock.replace("@include common-auth\n", f"@include common-auth\n{line}")


@pytest.fixture
def alice() -> Iterator[Enrollee]:
    """Somebody with a password, enrolled."""
    with account("alice") as alice:
        password("alice")
        alice.enrol()
        yield alice


def password(name: str) -> None:
    """Give somebody a password."""
    subprocess.run(["chpasswd"], input=f"{name}:right\n", text=True, check=True)


@pytest.fixture(autouse=True)
def well(write: Write, alice: Enrollee) -> Iterator[None]:  # noqa: ARG001 - she is enrolled
    """A machine on which all is well: sshd asks for a code, and alice has one."""
    write(COMMON_AUTH, (CHECKOUT / f"tests/fixtures/pam/debian-12{COMMON_AUTH}").read_bytes())
    write(SSHD, with_line())
    write(DROP_IN, SETTINGS)
    write(ACCESS, "+ : ALL : 10.0.0.0/8\n")
    module = MODULE.read_bytes()
    yield
    MODULE.write_bytes(module)
    os.chown(MODULE, 0, 0)
    MODULE.chmod(0o644)
    MODULE.parent.chmod(0o755)
    Path(STATE).unlink(missing_ok=True)
    subprocess.run(["rm", "-rf", FOLDER], check=True)


def test_all_is_well() -> None:
    """An admin would look for mistakes where there are none."""
    code, found = look()
    assert code == 0
    assert [one for one in found if one.status in {"problem", "unseen"}] == []
    told = {(one.area, one.who): (one.status, one.what) for one in found}
    assert told["The module", str(MODULE)] == ("well", "loads, and root alone can change it")
    assert told["Services", "sshd"][0] == "well"
    assert told["Users", "alice"] == ("well", "enrolled")
    assert told["sshd", "alice"][1] == (
        "publickey (key); keyboard-interactive (password, or password and code)"
    )
    assert told["Access files", str(ACCESS)] == ("well", "nothing is wrong in it (sshd)")
    assert told["pam-auth-update", None][0] == "well"
    assert told["Rules", None][0] == "well"


def test_what_is_said_to_people() -> None:
    """A person would read JSON, or not see what is the same of many on one line."""
    with account("bob"):
        done = run_as_root("doctor")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert f"  well    {MODULE}: loads, and root alone can change it" in lines
    assert any(
        line.startswith("  note    ") and ", su, su-l, sudo, sudo-i: " in line for line in lines
    )
    assert done.stdout.index("The module") < done.stdout.index("Services")


def test_nothing_is_logged(syslog: Syslog) -> None:
    """The log would have a line each morning that nobody understands."""
    look()
    assert syslog.lines() == []


# --- Each thing broken ---


def without_module(_: Enrollee) -> None:
    """As a package's removal does."""
    MODULE.unlink()


def module_open_to_its_group(_: Enrollee) -> None:
    """As a careless umask does."""
    MODULE.chmod(0o664)


def module_of_another(alice: Enrollee) -> None:
    """As a careless copy does."""
    os.chown(MODULE, alice.uid, 0)


def folder_open_to_all(_: Enrollee) -> None:
    """Whoever can write it can put another module there."""
    MODULE.parent.chmod(0o777)


def torn_module(_: Enrollee) -> None:
    """As a full disk does."""
    MODULE.write_bytes(MODULE.read_bytes()[:9000])


def secret_that_others_can_read(alice: Enrollee) -> None:
    """As a copy by hand does."""
    alice.secret.chmod(0o644)


@pytest.mark.parametrize(
    ("break_it", "area", "who", "what"),
    [
        (without_module, "The module", MODULE, "is not there, and named by sshd: "),
        (module_open_to_its_group, "The module", MODULE, "has mode 0664: "),
        (module_of_another, "The module", MODULE, "belongs to the user of number "),
        (folder_open_to_all, "Rules", MODULE.parent, "everybody can write it"),
        (torn_module, "The module", MODULE, "does not load: "),
        (secret_that_others_can_read, "Users", "alice", ": has mode 0644, and a login takes 0600"),
    ],
)
def test_a_problem_and_its_mend(
    break_it: Callable[[Enrollee], None], area: str, who: object, what: str, alice: Enrollee
) -> None:
    """Somebody would be locked out, or an attacker in, and the doctor say nothing; or nonsense."""
    before = about(area, str(who))
    break_it(alice)
    code, found = look()
    told = [one for one in found if (one.area, one.who) == (area, str(who))]
    (problem,) = [one for one in told if one.status == "problem"]
    assert code == 1
    assert what in problem.what
    assert problem.mend
    run, command = problem.mend.split(": ", 1)
    assert run == "Run"
    subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    assert about(area, str(who)) == before


def test_an_older_module() -> None:
    """After an update logins would go on with the defects of the old one."""
    MODULE.write_bytes(MODULE.read_bytes() + b"\n")
    (_, warning) = about("The module", str(MODULE))
    assert warning.status == "warning"
    assert warning.what == "is not the one that came with this doorward"
    run_as_root("pam", "install-module")
    assert len(about("The module", str(MODULE))) == 1


def test_a_broken_secret(alice: Enrollee) -> None:
    """She would be refused at the next login, and nobody know why beforehand."""
    alice.secret.write_text("no secret!\n")
    (problem,) = about("Users", "alice")
    assert problem.status == "problem"
    assert problem.what.startswith(str(alice.secret))
    assert problem.mend == "Begin anew, and scan the new code: doorward enroll --force alice"


def test_a_secret_that_is_not_theirs(alice: Enrollee) -> None:
    """She could not log in, and what root sees there would look as it should."""
    os.chown(alice.secret, 0, 0)
    (problem,) = about("Users", "alice")
    assert problem.status == "problem"
    assert problem.what == f"{alice.secret}: Permission denied"
    assert str(problem.mend).startswith("See who owns the file")


def test_secrets_of_root(write: Write) -> None:
    """Those that users cannot read would be looked for in their homes."""
    write(
        SSHD, with_line("auth required pam_doorward.so secret=/var/lib/doorward/secrets/${USER}\n")
    )
    (warning,) = about("Users", "alice")
    assert warning.status == "warning"
    assert warning.what.endswith("and refused by sshd")
    assert warning.mend == "Run: doorward enroll alice --system"
    run_as_root("enroll", "alice", "--system", "--json")
    assert about("Users", "alice")[0].status == "well"
    Path("/var/lib/doorward/secrets/alice").chmod(0o640)
    (problem,) = about("Users", "alice")
    assert problem.mend == "Run: chmod 0600 /var/lib/doorward/secrets/alice"
    subprocess.run(["rm", "-r", "/var/lib/doorward/secrets"], check=True)


def test_options_of_the_module_count(alice: Enrollee, write: Write) -> None:
    """A file would be called too open that a login takes as it is."""
    alice.secret.chmod(0o640)
    write(SSHD, with_line("auth required pam_doorward.so allowed_perm=0640\n"))
    assert about("Users", "alice")[0].status == "well"


# --- Who is not enrolled ---


def test_who_is_not_enrolled(write: Write) -> None:
    """Whoever is locked out today would find out at the door."""
    with account("bob"), account("carol"):
        password("bob")
        (bob,) = about("Users", "bob")
        assert (bob.status, bob.mend) == ("warning", "Run: doorward enroll bob")
        assert bob.what == "not enrolled, and refused by sshd, from some places"
        assert about("Users", "carol")[0][1:4] == ("note", "carol", "not enrolled")
        write(SSHD, with_line("auth required pam_doorward.so\n"))
        assert about("Users", "bob")[0].what == "not enrolled, and refused by sshd"
        write(SSHD, with_line("auth required pam_doorward.so nullok\n"))
        (bob,) = about("Users", "bob")
        assert bob.status == "note"
        assert bob.what == "not enrolled, and let in without a code by sshd"


def test_nobody_is_enrolled(alice: Enrollee, write: Write) -> None:
    """The admin would close their session, and be locked out with all others."""
    write(SSHD, with_line("auth required pam_doorward.so\n"))
    assert about("Users", "sshd") == []
    alice.secret.unlink()
    others = [one for one in look()[1] if (one.area, one.what) == ("Users", "enrolled")]
    told = about("Users", "sshd")
    assert [one.status for one in told] == ([] if others else ["problem"])
    assert "alice" in {one.who for one in look()[1] if one.what.endswith("refused by sshd")}


@pytest.mark.parametrize(("days", "status"), [(5, "warning"), (40, "note"), (-2, "note")])
def test_a_day_that_comes(days: int, status: str, write: Write) -> None:
    """On the day after, all would be locked out who have put it off."""
    day = f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"
    write(SSHD, with_line(f"auth required pam_doorward.so nullok_until={day}\n"))
    with account("bob"):
        password("bob")
        (told,) = about("Users", "sshd")
        (bob,) = about("Users", "bob")
    assert told.status == status
    assert f"nullok_until={day} (sshd:5)" in told.what
    assert ("bob" in str(told.mend)) == (status == "warning")
    assert bob.status == ("warning" if days < 0 else "note")


# --- Settings and rules ---


def test_no_code_can_be_typed(write: Write) -> None:
    """Everybody with a password would be refused, whatever they type."""
    write(DROP_IN, "KbdInteractiveAuthentication no\n")
    code, found = look()
    told = [one for one in found if one.area == "sshd" and one.status == "problem"]
    assert code == 1
    assert [one.who for one in told] == [str(DROP_IN)]
    assert told[0].what.startswith("line 1: no code can be typed")
    assert told[0].mend == "Say 'KbdInteractiveAuthentication yes' in a file that comes before."
    assert about("sshd", "alice")[0].what == "publickey (key); password (password)"


def test_users_that_a_match_line_is_about(write: Write) -> None:
    """What holds for one would be told of all."""
    write(
        DROP_IN, f"{SETTINGS}Match User alice\n  AuthenticationMethods keyboard-interactive:pam\n"
    )
    with account("bob"):
        assert about("sshd", "alice")[0][1:4] == (
            "note",
            "alice",
            "keyboard-interactive:pam (password, or password and code)",
        )
        assert about("sshd", "bob")[0].what.startswith("publickey (key); ")


def test_an_access_file_that_nobody_can_go_by(write: Write) -> None:
    """Who is at home on the LAN would be asked for a code that they have not."""
    write(ACCESS, "+ : ALL : 10.0.0.0/8  # the office\n")
    (problem,) = about("Access files", str(ACCESS))
    assert (problem.status, problem.mend) == ("problem", "Mend this line.")
    assert problem.what.startswith("line 1: ")
    assert problem.what.endswith(": nobody skips the code (PAM602)")


def test_a_service_that_asks_in_vain(write: Write) -> None:
    """The line would be there, and the door open all the same."""
    write(SSHD, f"auth sufficient pam_unix.so\n{with_line()}")
    (problem,) = about("Services", "sshd")
    assert problem.status == "problem"
    assert problem.what == "pam_doorward is there, and one right answer will do all the same"


def test_a_profile_of_pam_auth_update(write: Write) -> None:
    """A package's update would take the rule away that its profile had put there."""
    write(
        PROFILE,
        "Name: Codes\nDefault: no\nPriority: 0\nAuth-Type: Additional\n"
        "Auth:\n\trequired\tpam_doorward.so nullok\n",
    )
    assert about("pam-auth-update", str(PROFILE))[0].status == "note"
    subprocess.run(["pam-auth-update", "--enable", "otp"], check=True)
    assert about("pam-auth-update", str(PROFILE))[0][1:4] == ("well", str(PROFILE), "is on")
    text = COMMON_AUTH.read_text()
    COMMON_AUTH.write_text(
        "".join(line for line in text.splitlines(keepends=True) if "doorward" not in line)
    )
    (problem,) = about("pam-auth-update", str(PROFILE))
    assert problem.status == "problem"
    assert problem.mend
    subprocess.run(["sh", "-c", problem.mend.removeprefix("Run: ")], check=True)
    assert about("pam-auth-update", str(PROFILE))[0].status == "well"
    subprocess.run(["pam-auth-update", "--disable", "otp"], check=True)
    assert "doorward" not in COMMON_AUTH.read_text()


def test_a_line_in_the_block_of_pam_auth_update(write: Write) -> None:
    """Packages would change logins no more, and nobody be told."""
    end = "# end of pam-auth-update config\n"
    write(COMMON_AUTH, COMMON_AUTH.read_text().replace(end, f"auth optional pam_permit.so\n{end}"))
    (warning,) = about("pam-auth-update", str(COMMON_AUTH))
    assert warning.status == "warning"
    assert "(PAM404)" in warning.what
    assert "--force" not in str(warning.mend)


# --- Changes ---


def change(seconds: float | None) -> Transaction:
    """Change sshd's rules, and wait for somebody to confirm it, or not."""
    store = Store(FOLDER)
    changes = {str(SSHD): with_line("auth required pam_doorward.so\n").encode()}
    made = store.prepare(changes, command="doorward pam enable sshd", confirm_within=seconds)
    made.apply()
    return made


def test_a_change_that_waits_and_one_that_was_cut_off() -> None:
    """It would be taken back under the admin's hands; or stay, though nobody confirmed it."""
    change(300).roll_back()
    assert about("Changes by doorward", None)[0].status == "well"
    made = change(300)
    (waits,) = [one for one in look()[1] if one.area == "Changes by doorward"]
    assert waits.status == "warning"
    assert waits.mend == "Run, from a new login: doorward pam confirm"
    made.confirm()
    assert about("Changes by doorward", None)[0].status == "well"
    change(None)
    late = change(0)
    (problem,) = [one for one in look()[1] if one.area == "Changes by doorward"]
    assert problem.status == "problem"
    assert str(problem.mend).endswith(f": sh {late.restore}")
    subprocess.run(["sh", str(late.restore)], check=True, capture_output=True)
    assert about("Changes by doorward", None)[0].status == "well"


def test_a_file_that_somebody_changed_since(write: Write) -> None:
    """An update would take back what was switched on, and nobody be told."""
    made = change(None)
    write(SSHD, with_line(""))
    (warning,) = about("Changes by doorward", str(SSHD))
    assert warning.status == "warning"
    assert warning.what.startswith(
        "has been changed by somebody since 'doorward pam enable sshd' ("
    )
    assert warning.mend == f"See what is other: diff {made.folder}/after/1 {SSHD}"
    SSHD.unlink()
    (warning,) = about("Changes by doorward", str(SSHD))
    assert warning.what.startswith("is gone since ")


# --- Since the last time ---


def since(
    *options: str,
) -> tuple[int, dict[tuple[str, str | None], tuple[str, str | None, str | None]]]:
    """The exit code, and of what has changed its kind, what it is now, and what it was."""
    done = run_as_root("doctor", "--since-last", "--json", *options)
    assert done.stderr == ""
    changes = json.loads(done.stdout)["changes"]
    return done.returncode, {
        (one["area"], one["who"]): (one["kind"], one["what"], one["before"]) for one in changes
    }


def test_an_update_takes_the_second_factor_away(write: Write) -> None:
    """Nobody would know that one password is enough again."""
    since()
    assert since() == (0, {})
    assert Path(STATE).stat().st_mode & 0o777 == 0o600
    before = "some are asked for a second factor, or by some ways"
    lost = ("worse", "no second factor: one right answer will do", before)
    write(SSHD, with_line(""))
    code, changes = since()
    assert (code, changes["Services", "sshd"]) == (1, lost)
    assert changes["Services", None][0] == "new"
    # The next morning too, for whoever has not read of it; until it is meant so, or there again.
    assert since() == (1, {("Services", "sshd"): lost})
    done = run_as_root("doctor", "--since-last")
    assert done.returncode == 1
    assert f"  worse   Services: sshd: {lost[1]} (before: {before})\n" in done.stdout
    write(SSHD, with_line())
    _, changes = since()  # other tests' people may be worse off now
    assert changes["Services", "sshd"] == ("mended", before, lost[1])


def test_it_is_meant_so(write: Write) -> None:
    """Who has switched it off on purpose would be told of it each morning."""
    since()
    write(SSHD, with_line(""))
    assert since()[0] == 1
    assert since("--accept")[0] == 0
    assert since() == (0, {})


def test_problems_come_and_go(alice: Enrollee) -> None:
    """The log would tell the same each morning, and nobody read it any more."""
    assert since()[0] == 0
    alice.secret.chmod(0o644)
    code, changes = since()
    assert (code, changes["Users", "alice"][0]) == (1, "worse")
    assert since() == (1, {})
    alice.secret.chmod(0o600)
    code, changes = since()
    assert (code, changes["Users", "alice"][0]) == (0, "mended")


def test_what_could_not_be_told_is_told_the_next_time(write: Write) -> None:
    """The news would be lost with the pipe that broke."""
    since()
    write(SSHD, with_line(""))
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            ["doorward", "doctor", "--since-last"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
        )
    assert done.returncode not in {0, 1}
    assert since()[1]["Services", "sshd"][0] == "worse"


def test_the_last_look_is_spoilt() -> None:
    """A timer would end in a defect each morning, or begin anew and forget what was lost."""
    since()
    Path(STATE).write_text("{}")
    done = run_as_root("doctor", "--since-last")
    assert done.returncode == 8
    assert f"{STATE}: no last look of the doctor's" in done.stderr
    assert "Move it away" in done.stderr


# --- Who is not root ---


def test_who_is_not_root_is_told_so(alice: Enrollee) -> None:
    """What may not be seen would be taken for well."""
    with account("bob"):
        done = alice.run("doctor", "--json")
    assert (done.returncode, done.stderr) == (5, "")
    found = [
        Found(one["area"], **each)
        for one in json.loads(done.stdout)["areas"]
        for each in one["findings"]
    ]
    unseen = {(one.area, one.mend) for one in found if one.status == "unseen"}
    assert ("Users", "Run this as root.") in unseen
    assert [one.status for one in found if one.who == "alice" and one.area == "Users"] == ["well"]
    assert [one for one in found if one.status == "problem"] == []
    assert "bob" not in {one.who for one in found if one.area == "Users"}
    done = alice.run("doctor", "--since-last")
    assert (done.returncode, done.stdout) == (5, "")
