"""`doorward pam lint` on a real machine: its modules, its sshd, its packages' files."""

import json
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.e2e.conftest import Write
from tests.e2e.enrollee import account, run_as_root

SSHD = Path("/etc/pam.d/sshd")
DROP_IN = Path("/etc/ssh/sshd_config.d/00-doorward.conf")
COMMON_AUTH = Path("/etc/pam.d/common-auth")
LINE = "auth required pam_doorward.so nullok\n"
SETTINGS = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n"

pytestmark = pytest.mark.usefixtures("sshd_answers")


@pytest.fixture(autouse=True)
def stock(write: Write) -> None:
    """Have the files that Debian comes with, whatever other tests have made of them."""
    for path in (SSHD, COMMON_AUTH):
        write(path, (CHECKOUT / f"tests/fixtures/pam/debian-12{path}").read_bytes())


def lint(*services: str) -> list[tuple[str, str, int | None, str]]:
    """What is found: the code, the file, the line, and what is said."""
    done = run_as_root("pam", "lint", *services, "--format", "json")
    assert done.stderr == ""
    return [
        (one["code"], one["path"], one["line"], one["message"])
        for one in json.loads(done.stdout)["findings"]
    ]


def with_line(line: str = LINE) -> str:
    """Debian's rules for sshd, with one more below the password."""
    return SSHD.read_text().replace("@include common-auth\n", f"@include common-auth\n{line}")


def test_a_machine_that_nobody_has_touched() -> None:
    """An admin would look for mistakes where there are none."""
    done = run_as_root("pam", "lint")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Nothing is wrong in ")


def test_the_steps_of_readme(write: Write) -> None:
    """What README says to do would be called wrong."""
    write(SSHD, with_line())
    assert {code for code, *_ in lint("sshd")} == {"PAM206", "PAM302", "PAM304"}
    write(DROP_IN, SETTINGS)
    assert {code for code, *_ in lint("sshd")} == {"PAM206", "PAM304"}


def test_a_module_that_does_not_load(write: Write) -> None:
    """Everybody would be refused at the next login, and nobody know why beforehand."""
    folder = next(Path("/usr/lib").glob("*-linux-gnu/security"))
    whole = (folder / "pam_permit.so").read_bytes()
    write(folder / "pam_torn.so", whole[: len(whole) // 2])
    write(folder / "pam_ends.so", b"\x7fELF")
    text = f"auth required pam_torn.so\nauth optional pam_ends.so\n{SSHD.read_text()}"
    write(SSHD, text)
    found = [one for one in lint("sshd") if one[0] == "PAM102"]
    assert [(path, line) for _, path, line, _ in found] == [(str(SSHD), 1), (str(SSHD), 2)]
    assert found[0][3].startswith("it does not load: it ends the program that loads it")
    assert found[0][3].endswith(": this rule refuses everybody")
    assert "file too short" in found[1][3]
    assert found[1][3].endswith(": this rule does nothing, and each login is logged")


def test_the_functions_of_a_real_module(write: Write) -> None:
    """A rule that refuses everybody would pass, since nobody has listed its module's functions."""
    write(SSHD, f"session required pam_doorward.so\n{SSHD.read_text()}")
    found = [one for one in lint("sshd") if one[0] == "PAM103"]
    assert found == [
        (
            "PAM103",
            str(SSHD),
            1,
            "pam_doorward has nothing for rules of type session: this rule refuses everybody",
        )
    ]


def test_sshd_itself_is_asked(write: Write) -> None:
    """A setting that sshd does not take would be found out when it is started again."""
    write(DROP_IN, "UsePAM yes\nNoSuchKeyword yes\n")
    assert lint("sshd") == [("PAM306", str(DROP_IN), 2, "Bad configuration option: NoSuchKeyword")]


def test_who_is_not_root_is_told_so(write: Write) -> None:
    """What may not be read would be taken for what is not there, a shut door for an open one."""
    write(SSHD, with_line("auth required pam_google_authenticator.so\n"))
    write(DROP_IN, SETTINGS)
    DROP_IN.parent.chmod(0o700)
    try:
        with account("alice") as alice:
            done = alice.run("pam", "lint", "sshd", "--json")
    finally:
        DROP_IN.parent.chmod(0o755)
    found = {one["code"]: one for one in json.loads(done.stdout)["findings"]}
    assert {*found} == {"PAM206", "PAM306"}
    assert found["PAM306"]["severity"] == "warning"
    assert found["PAM306"]["hint"] == "Run this as root."


def test_a_group_is_locked_out(write: Write) -> None:
    """'sshd -t' is content with it, and the group cannot log in."""
    block = "Match Group sudo\n  AuthenticationMethods publickey,keyboard-interactive:pam\n"
    write(DROP_IN, f"KbdInteractiveAuthentication no\n{block}Match all\n")
    (found,) = [one for one in lint("sshd") if one[0] == "PAM303"]
    assert found[1:3] == (str(DROP_IN), 3)
    assert found[3].startswith("whom 'Match Group sudo' is about cannot log in at all: ")


def test_a_line_in_the_block_of_pam_auth_update(write: Write) -> None:
    """Packages would change logins no more, and nobody be told."""
    text = COMMON_AUTH.read_text()
    end = "# end of pam-auth-update config\n"
    write(COMMON_AUTH, text.replace(end, LINE + end))
    number = text[: text.index(end)].count("\n") + 1
    found = [one for one in lint("sudo") if one[0] == "PAM404"]
    assert [(path, line) for _, path, line, _ in found] == [(str(COMMON_AUTH), number)]
    write(COMMON_AUTH, text.replace(end, end + LINE))
    assert "PAM404" not in {code for code, *_ in lint("sudo")}
