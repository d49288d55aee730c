"""`doorward pam enable`, `disable`, `migrate`, `undo`, `generate`, on machines that are files."""

import io
import json
import os
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from doorward.main import main
from doorward.protection.applying import apply
from doorward.protection.plan import Plan

import pamconf
from pamconf.transaction import ChangedError, Store
from pamconf.tree import Tree
from tests import examples
from tests.conftest import CHECKOUT

STOCK = CHECKOUT / "tests/fixtures/pam/debian-12-desktop"
DROP_IN = "etc/ssh/sshd_config.d/00-doorward.conf"
ACCESS = "etc/security/access-doorward.conf"
BEGIN, END = "# begin: doorward ('doorward pam disable' takes this out)", "# end: doorward"
DEBIAN = "Include /etc/ssh/sshd_config.d/*.conf\nKbdInteractiveAuthentication no\nUsePAM yes\n"
ASKS = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n"
JUMP = "auth [success=1 default=ignore] pam_unix.so\n"
ACCOUNT = "account required pam_unix.so\n"
RULE = "auth required pam_doorward.so"
BY_PAM_ACCESS = f"auth [success=1 default=ignore] pam_access.so accessfile=/{ACCESS}"
REFUSED, WRONG, PROBLEM = 13, 2, 1


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A Debian with a desktop: root, alice, who is enrolled, and bob, who is not."""
    folder = examples.machine(tmp_path, ())
    shutil.copytree(STOCK, folder, dirs_exist_ok=True)
    files = {
        "etc/ssh/sshd_config": DEBIAN,
        "etc/passwd": "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/bash\n"
        "bob:x:1001:1001::/home/bob:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\n",
        "etc/group": "root:x:0:\nsudo:x:27:alice\nalice:x:1000:\nbob:x:1001:\nno2fa:x:90:bob\n",
        "home/alice/.google_authenticator": "",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "etc/ssh/sshd_config.d").mkdir()
    for row in (STOCK / "modules.txt").read_text().splitlines():
        (folder / examples.MODULES[1:] / row.split("\t")[0]).write_text("\x7fELF")
    return folder


@dataclass(frozen=True)
class Result:
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


def run(root: Path, *arguments: str) -> Result:
    """Run a command of `doorward pam` on a machine, in this process: there are many."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(["pam", *arguments, "--root", str(root)])
    os.umask(0o022)
    return Result(status, out.getvalue(), err.getvalue())


def done(root: Path, *arguments: str) -> str:
    """Run a command that succeeds, and return what it says."""
    result = run(root, *arguments)
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    return result.stdout


def refused(root: Path, *arguments: str, status: int = REFUSED) -> str:
    """Run a command that changes nothing and fails, and return all that it says."""
    before = contents(root)
    result = run(root, *arguments)
    assert result.returncode == status, result.stdout + result.stderr
    assert contents(root) == before
    assert "Traceback" not in result.stderr
    return result.stdout + result.stderr


def contents(root: Path) -> dict[str, str]:
    """All that login files say."""
    return {
        str(path.relative_to(root)): path.read_text()
        for path in (root / "etc").rglob("*")
        if path.is_file()
    }


def block(*rules: str) -> str:
    """What stands in a service's file."""
    return "".join(f"{line}\n" for line in (BEGIN, *rules, END))


def test_sshd(root: Path) -> None:
    """The code would not be asked for second, or sshd could not ask for it."""
    before = contents(root)
    done(root, "enable", "sshd", "--nullok")
    after = contents(root)
    stock = before["etc/pam.d/sshd"]
    asked = stock.replace("common-auth\n", f"common-auth\n{block(f'{RULE} nullok')}")
    assert after.pop("etc/pam.d/sshd") == asked
    assert after.pop(DROP_IN).endswith(ASKS)
    assert after == {path: text for path, text in before.items() if path != "etc/pam.d/sshd"}
    done(root, "disable", "sshd")
    assert contents(root) == before


@pytest.mark.parametrize("name", ["lightdm", "login", "polkit-1", "su", "sudo"])
def test_in_and_out(root: Path, name: str) -> None:
    """A service's file would not be as it was once doorward is off again."""
    before = contents(root)
    done(root, "enable", name, "--nullok")
    texts = {path for path, text in contents(root).items() if block(f"{RULE} nullok") in text}
    assert f"etc/pam.d/{name}" in texts
    assert texts == {f"etc/pam.d/{name}", *(["etc/pam.d/sudo-i"] if name == "sudo" else [])}
    assert "All is so already" in done(root, "enable", name, "--nullok")
    done(root, "disable", name)
    assert contents(root) == before
    assert f"{name} is not on" in refused(root, "disable", name, status=WRONG)


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        (["--nullok-until", "2031-01-31"], [f"{RULE} nullok_until=2031-01-31"]),
        (
            ["--nullok", "--skip-from", "192.168.1.0/24"],
            [f"{RULE} nullok accessfile=/{ACCESS}"],
        ),
        (
            ["--nullok", "--skip-from", "192.168.1.0/24", "--skip-style", "pam_access"],
            [BY_PAM_ACCESS, f"{RULE} nullok"],
        ),
        (
            ["--except-group", "no2fa"],
            ["auth [success=1 default=ignore] pam_succeed_if.so quiet user ingroup no2fa", RULE],
        ),
        (
            ["--only-group", "sudo"],
            ["auth [auth_err=1 default=ignore] pam_succeed_if.so quiet user ingroup sudo", RULE],
        ),
        (
            ["--nullok", "--system-secrets"],
            [f"{RULE} nullok secret=/var/lib/doorward/secrets/${{USER}} user=root"],
        ),
    ],
)
def test_choices(root: Path, options: list[str], rules: list[str]) -> None:
    """An option would not come to what it says."""
    before = contents(root)
    (root / "var/lib/doorward/secrets").mkdir(parents=True, mode=0o700)
    done(root, "enable", "sshd", *options)
    assert block(*rules) in contents(root)["etc/pam.d/sshd"]
    done(root, "enable", "sshd", "--nullok")
    assert block(f"{RULE} nullok") in contents(root)["etc/pam.d/sshd"]
    done(root, "disable", "sshd")
    assert contents(root) == before


def explained(root: Path, *arguments: str) -> str:
    """What `explain` says of a service."""
    return done(root, "explain", *arguments)


@pytest.mark.parametrize("style", ["module", "pam_access"])
def test_who_comes_from_the_local_network(root: Path, style: str) -> None:
    """The office would be asked for codes, or the world would not."""
    networks = ["--skip-from", "192.168.1.0/24", "--skip-from", "2001:db8:1::/64"]
    done(root, "enable", "sshd", "--nullok", *networks, "--skip-style", style)
    text = contents(root)[ACCESS]
    assert text.endswith("\n+ : ALL : 192.168.1.0/24 2001:db8:1::/64\n- : ALL : ALL\n")
    said = explained(root, "sshd", "--user", "alice", "--from", "192.168.1.9")
    assert "password alone" in said
    said = explained(root, "sshd", "--user", "alice", "--from", "192.0.2.1")
    assert "password, then code" in said
    done(root, "enable", "lightdm", "--nullok", "--skip-local")
    assert "+ : ALL : LOCAL\n- : ALL : ALL\n" in contents(root)[ACCESS]
    done(root, "disable", "sshd")
    assert ACCESS in contents(root)
    done(root, "disable", "lightdm")
    assert ACCESS not in contents(root)


def test_an_access_file_of_somebodys(root: Path) -> None:
    """What an admin wrote would be overwritten."""
    (root / ACCESS).write_text("+ : alice : 10.0.0.1\n")
    said = refused(root, "enable", "sshd", "--nullok", "--skip-from", "10.0.0.0/8", status=PROBLEM)
    assert f"--access-file /{ACCESS}" in said
    done(root, "enable", "sshd", "--nullok", "--access-file", f"/{ACCESS}")
    assert f"accessfile=/{ACCESS}" in contents(root)["etc/pam.d/sshd"]
    done(root, "disable", "sshd")
    assert contents(root)[ACCESS] == "+ : alice : 10.0.0.1\n"


@pytest.mark.parametrize("enabling", [["--nullok"], ["--nullok", "--except-group", "no2fa"]])
def test_who_is_told_beforehand(root: Path, enabling: list[str]) -> None:
    """An admin would not see what a change does to whom."""
    said = done(root, "enable", "sshd", *enabling, "--dry-run")
    assert "-  By password:" in said or "-  By password" in said
    assert "sshd: alice: enrolled, asked for a code" in said
    assert "sshd: bob: not enrolled, in without a code" in said
    assert f"+{RULE} nullok" in said


def test_nobody_is_locked_out(root: Path) -> None:
    """Who has not enrolled would be locked out, without a word."""
    said = refused(root, "enable", "sshd")
    assert "refused: sshd: bob would not get in any more: not enrolled" in said
    assert "'doorward enroll bob' enrols them" in said
    said = refused(root, "enable", "sshd", "--dry-run")
    assert "nothing was changed" in said
    done(root, "enable", "sshd", "--except-group", "no2fa")


def test_while_nobody_gets_in(root: Path) -> None:
    """Who is kept out for an hour would be locked out for good, without a word."""
    (root / "etc/nologin").write_text("")
    said = refused(root, "enable", "sshd")
    assert "sshd: /etc/nologin keeps all but root out now" in said
    assert "/etc/nologin" not in done(root, "enable", "sudo", "--nullok", "--dry-run")
    (root / "etc/nologin").unlink()
    assert "bob would not get in any more" in refused(root, "enable", "sshd")


def test_accounts_that_are_not_listed(root: Path) -> None:
    """Who has an account of a directory would be locked out without a word."""
    files = root / "etc/nsswitch.conf"
    files.write_text("group: sss\npasswd: files systemd # sss\n")
    assert "warning" not in done(root, "enable", "sshd", "--nullok", "--dry-run")
    files.write_text("passwd:\tfiles [success=return] sss ldap\n")
    said = done(root, "enable", "sshd", "--nullok", "--dry-run")
    assert "warning: not all accounts of sss and ldap may be listed here" in said


def test_nobody_who_can_become_root_is_left(root: Path) -> None:
    """All admins would be shut out, and nobody could mend it."""
    (root / "home/alice/.google_authenticator").unlink()
    said = refused(root, "enable", "sudo", "lightdm")
    assert "nobody who can become root would get in any more" in said
    assert run(root, "enable", "sudo", "--i-know").returncode == 0


def test_who_has_a_key_alone(root: Path) -> None:
    """Somebody who never had a password would be asked for it all at once."""
    (root / "etc/shadow").write_text("root:*:1::::::\nalice:$y$x:1::::::\nbob:!:1::::::\n")
    (root / "home/bob/.ssh").mkdir(parents=True)
    (root / "home/bob/.ssh/authorized_keys").write_text("ssh-ed25519 AAAA\n")
    done(root, "enable", "sshd", "--nullok", "--dry-run")
    methods = ["--methods", "publickey,keyboard-interactive:pam"]
    said = refused(root, "enable", "sshd", "--nullok", *methods)
    assert "alice would not get in any more: without an SSH key" in said
    assert "bob would not get in any more: without a password" in said
    done(root, "enable", "sshd", "--nullok", *methods, "--match", "User root")
    assert contents(root)[DROP_IN].endswith(
        f"{ASKS}Match User root\n    AuthenticationMethods publickey,keyboard-interactive:pam\n"
    )


@pytest.mark.parametrize("pam", ["yes", "no"])
def test_where_sshd_takes_keys_alone(root: Path, pam: str) -> None:
    """A password would do, from anywhere, where it never did."""
    no_passwords = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
    (root / "etc/ssh/sshd_config").write_text(f"UsePAM {pam}\n{no_passwords}")
    for user in ("alice", "bob"):
        (root / f"home/{user}/.ssh").mkdir(parents=True)
        (root / f"home/{user}/.ssh/authorized_keys").write_text("ssh-ed25519 AAAA\n")
    said = refused(root, "enable", "sshd", "--nullok")
    assert "sshd: alice would get in with password and code, and do not now" in said
    assert "sshd: bob would get in with password, and do not now" in said
    assert "--methods publickey,keyboard-interactive:pam" in said
    done(root, "enable", "sshd", "--nullok", "--methods", "publickey,keyboard-interactive:pam")
    done(root, "disable", "sshd")


KEYS_ALONE = "root:*:1::::::\nalice:!:1::::::\nbob:!:1::::::\n"


@pytest.mark.parametrize(
    "line", ["AuthorizedKeysFile /etc/ssh/keys/%u", "TrustedUserCAKeys /etc/ssh/ca.pub"]
)
def test_keys_that_are_not_at_home(root: Path, line: str) -> None:
    """Who gets in by a key that sshd finds elsewhere would be locked out without a word."""
    (root / "etc/shadow").write_text(KEYS_ALONE)
    (root / "etc/ssh/sshd_config").write_text(f"{line}\n{DEBIAN}")
    said = refused(root, "enable", "sshd", "--nullok", "--methods", "keyboard-interactive:pam")
    assert "alice and bob would not get in any more: without a password" in said


def test_a_file_of_keys_that_has_none(root: Path) -> None:
    """An image's empty file would pass for a key, and its owner be locked out."""
    (root / "home/alice/.ssh").mkdir(parents=True)
    (root / "home/alice/.ssh/authorized_keys").write_text("\n# none yet\n")
    methods = ["--methods", "publickey,keyboard-interactive:pam", "--match", "User alice"]
    said = refused(root, "enable", "sshd", "--nullok", *methods)
    assert "alice would not get in any more: without an SSH key" in said


def test_sshd_without_drop_ins(root: Path) -> None:
    """Where sshd_config includes nothing, or too late, the settings would count for nothing."""
    config = root / "etc/ssh/sshd_config"
    for text in ("UsePAM yes\n", f"KbdInteractiveAuthentication no\n{DEBIAN}", ""):
        config.write_text(text)
        methods = ["--methods", "publickey,keyboard-interactive:pam", "--match", "Group root"]
        done(root, "enable", "sshd", "--nullok", *methods)
        assert DROP_IN not in contents(root)
        said = config.read_text()
        assert said.startswith(f"{BEGIN}\n{ASKS}{END}\n{text}")
        assert "Match Group root\n    AuthenticationMethods publickey" in said
        assert "password, then code" in explained(root, "sshd", "--user", "alice")
        done(root, "disable", "sshd")
        assert config.read_text() == text


def test_a_drop_in_that_comes_first(root: Path) -> None:
    """What another drop-in says would count, and nobody could type a code."""
    methods = ["--methods", "publickey,keyboard-interactive:pam", "--i-know"]
    done(root, "enable", "sshd", "--nullok", "--match", "User bob", *methods)
    first = root / "etc/ssh/sshd_config.d/00-cloud.conf"
    first.write_text("KbdInteractiveAuthentication no\n")
    done(root, "enable", "sshd", "--nullok", "--i-know")  # by password nobody gets in now
    assert DROP_IN not in contents(root)  # with what it said of bob
    assert contents(root)["etc/ssh/sshd_config"] == f"{BEGIN}\n{ASKS}{END}\n{DEBIAN}"
    assert "password, then code" in explained(root, "sshd", "--user", "alice")
    first.write_text("Match User bob\n    KbdInteractiveAuthentication yes\nMatch all\n")
    done(root, "enable", "sshd", "--nullok")
    assert contents(root)["etc/ssh/sshd_config"] == DEBIAN
    done(root, "disable", "sshd")
    assert DROP_IN not in contents(root)


@pytest.mark.parametrize("line", ["PermitRootLogin no", "AllowUsers alice"])
def test_a_drop_in_with_lines_of_an_admins(root: Path, line: str) -> None:
    """What keeps somebody out would be gone with the next change of doorward's."""
    done(root, "enable", "sshd", "--nullok")
    with (root / DROP_IN).open("a") as file:
        file.write(f"# mine\n{line}\n")
    again = ["enable", "sshd", "--nullok-until", "2031-01-31"]
    for arguments in (again, ["disable", "sshd"]):
        said = refused(root, *arguments, status=PROBLEM)
        assert f"/{DROP_IN}:6: '{line}' was not put there by doorward" in said


def test_a_match_line_that_takes_it_back(root: Path) -> None:
    """Somebody of whom a Match line says otherwise would be locked out."""
    text = f"{DEBIAN}Match User bob\n    KbdInteractiveAuthentication no\n"
    (root / "etc/ssh/sshd_config").write_text(text)
    said = refused(root, "enable", "sshd", "--nullok")
    assert "bob would not get in any more: without an SSH key" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sshd", "--nullok", "--only-group", "nowhere"], "there is no group 'nowhere'"),
        (["sshd", "--nullok", "--before-password"], "use up the tries of its owner"),
        (["sddm", "--nullok"], "no second question can be seen there"),
        (["sshd", "--nullok", "--nullok-until", "2031-01-01"], "exclude each other"),
        (["sshd", "--nullok-until", "2031-1-1"], "is no day such as"),
        (["sshd", "--skip-from", "office.example"], "is no address, and no network"),
        (["sshd", "--skip-from", "0.0.0.0/0"], "nobody would be asked for a code"),
        (["sshd", "--skip-from", "0.0.0.0/00"], "nobody would be asked for a code"),
        (["sshd", "--skip-from", "10.0.0.0/8,::/1 8000::/1"], "nobody would be asked for a code"),
        (["sshd", "--skip-from", "10.0.0.0/8\n+:ALL:ALL"], "is no address"),
        (["sshd", "--only-group", "a b"], "can be no group's name"),
        (["sshd", "--access-file", "/etc/a b"], "an absolute path"),
        (["sshd", "--methods", "publickey,totp"], "'totp' is none of"),
        (["sshd", "--methods", "publickey", "--match", "Group a\nPermitRootLogin yes"], "say 'Gr"),
        (["lightdm", "--methods", "publickey"], "are sshd's"),
        (["sshd", "--match", "Group a"], "says whom --methods is about"),
        (["nowhere"], "no service that doorward knows"),
        (["ssh"], "Did you mean 'sshd'?"),
        (["doas", "--after", "x"], "there is no service 'doas'"),
        (["chsh", "--after", "no such line"], "has no line like"),
        (["sshd", "--confirm-within", "5m"], "nobody can log in to an image"),
        (["sshd", "--confirm-within", "5w"], "is no time such as"),
    ],
)
def test_what_makes_no_sense(root: Path, arguments: list[str], said: str) -> None:
    """A mistake on the command line would end in a trace, or on the machine."""
    assert said in refused(root, "enable", *arguments, status=WRONG)


def test_one_field_for_password_and_code(root: Path) -> None:
    """At a login screen with one field nobody could type the code."""
    text = "auth required pam_unix.so\naccount required pam_unix.so\n"
    (root / "etc/pam.d/sddm").write_text(text)
    done(root, "enable", "sddm", "--nullok", "--before-password", "--i-know")
    said = contents(root)["etc/pam.d/sddm"]
    assert said == block(f"{RULE} nullok forward_pass") + text
    assert "Enrolled: password and code alone" in explained(root, "sddm")


def test_another_place_for_secrets(root: Path) -> None:
    """Who gives a code now would get in without, or be told to move what a login still needs."""
    (root / "var/lib/doorward/secrets").mkdir(parents=True, mode=0o700)
    assert "'doorward move alice --system'" in refused(root, "enable", "sudo", "--system-secrets")
    done(root, "enable", "sudo", "--nullok")
    said = refused(root, "enable", "sudo", "--nullok", "--system-secrets")
    assert "sudo: alice would not be asked for a code any more" in said
    assert "'doorward enroll --system alice' makes one" in said
    said = refused(root, "enable", "sudo", "--system-secrets")
    assert "root, alice and bob would not get in any more: not enrolled" in said
    assert "doorward move" not in said
    (root / "var/lib/doorward/secrets/alice").write_text("")
    done(root, "enable", "sudo", "--nullok", "--system-secrets")
    done(root, "disable", "sudo")


def test_what_lint_warns_of(root: Path) -> None:
    """Who comes from far away would be let in as if they sat there, and nobody be told."""
    (root / "etc/pam.d/xrdp-sesman").write_text("@include common-auth\n@include common-account\n")
    at_once = ["--nullok", "--before-password", "--i-know", "--dry-run"]
    assert "PAM506" not in done(root, "enable", "xrdp-sesman", *at_once)
    said = done(root, "enable", "xrdp-sesman", *at_once, "--skip-local")
    assert "LOCAL is everybody here: xrdp before 0.10" in said


def test_a_screen_locker(root: Path) -> None:
    """Who locks their screen could not get back: one field, and rights of their own alone."""
    (root / "etc/pam.d/i3lock").write_text("auth include login\naccount include login\n")
    said = refused(root, "enable", "login", "--nullok")
    assert "i3lock: alice would not get in any more: nothing but the password can be typed" in said
    (root / "var/lib/doorward/secrets").mkdir(parents=True, mode=0o700)
    (root / "var/lib/doorward/secrets/alice").write_text("")
    at_once = ["enable", "i3lock", "--nullok", "--before-password", "--i-know", "--json"]
    plan = json.loads(done(root, *at_once, "--system-secrets", "--dry-run"))
    assert any("cannot read root's secrets" in one["message"] for one in plan["refusals"])
    plan = json.loads(done(root, *at_once))
    assert not any("alice" in one["message"] for one in plan["refusals"])


def test_a_service_of_which_doorward_knows_nothing(root: Path) -> None:
    """Nobody could protect what doorward has not heard of; or it would be done wrong."""
    done(root, "enable", "chsh", "--nullok", "--after", "@include common-auth")
    assert f"@include common-auth\n{BEGIN}\n" in contents(root)["etc/pam.d/chsh"]
    done(root, "disable", "chsh")
    end = "end of pam-auth-update config"
    said = refused(root, "enable", "common-auth", "--nullok", "--after", "pam_unix", status=PROBLEM)
    assert f"--after '{end}'" in said
    said = refused(root, "enable", "common-auth", "--nullok", "--after", end)
    assert "sshd: alice would not get in any more: not enrolled" not in said
    assert "no code can be typed" in said
    (root / "etc/ssh/sshd_config").write_text(ASKS)
    done(root, "enable", "common-auth", "--nullok", "--after", end)
    assert contents(root)["etc/pam.d/common-auth"].endswith(block(f"{RULE} nullok"))
    said = refused(root, "enable", "sudo", "--nullok", status=PROBLEM)
    assert "sudo asks for a code already, by /etc/pam.d/common-auth:" in said


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"{JUMP}auth requisite pam_deny.so\nauth required pam_permit.so\n{ACCOUNT}", 2),
        (f"auth sufficient pam_rootok.so\nauth required pam_unix.so\n{ACCOUNT}", 2),
        (f"auth substack password-auth\nauth include postlogin\n{ACCOUNT}", 1),
    ],
)
def test_the_place_of_the_rule(root: Path, text: str, place: int) -> None:
    """A jump or a substack would lead past the rule, or land on one that refuses."""
    part = "auth sufficient pam_unix.so\nauth required pam_deny.so\n"
    (root / "etc/pam.d/password-auth").write_text(part)
    (root / "etc/pam.d/postlogin").write_text("auth optional pam_faildelay.so\n")
    (root / "etc/pam.d/cockpit").write_text(text)
    done(root, "enable", "cockpit", "--nullok")
    lines = text.splitlines(keepends=True)
    said = "".join([*lines[:place], block(f"{RULE} nullok"), *lines[place:]])
    assert contents(root)["etc/pam.d/cockpit"] == said


def test_services_that_are_links(root: Path) -> None:
    """What is on by a link to another service's file could not be changed, or taken out, again."""
    for name, to in (("sudo-i", "sudo"), ("gdm-password", "lightdm")):
        (root / "etc/pam.d" / name).unlink(missing_ok=True)
        (root / "etc/pam.d" / name).symlink_to(to)
    before = contents(root)
    said = done(root, "enable", "sudo", "--nullok")
    assert "sudo-i: alice: enrolled, asked for a code" in said
    done(root, "enable", "sudo", "--nullok-until", "2031-01-31")
    done(root, "enable", "lightdm", "gdm-password", "--nullok")
    assert contents(root)["etc/pam.d/gdm-password"].count(RULE) == 1
    done(root, "disable", "lightdm", "gdm-password", "sudo")
    assert contents(root) == before


def test_no_place_for_the_rule(root: Path) -> None:
    """A rule that nobody comes to would be put in, and look like a guard."""
    text = "auth sufficient pam_unix.so\nauth required pam_deny.so\naccount required pam_unix.so\n"
    (root / "etc/pam.d/cockpit").write_text(text)
    said = refused(root, "enable", "cockpit", "--nullok", status=PROBLEM)
    assert "no place for the rule from which everybody would be asked" in said


def test_a_block_with_a_rule_of_an_admins(root: Path) -> None:
    """A security key that somebody asks for within the block would not be asked for any more."""
    done(root, "enable", "sudo", "--nullok", "--except-group", "no2fa")
    sudo = root / "etc/pam.d/sudo"
    sudo.write_text(sudo.read_text().replace(END, f"# mine\nauth required pam_u2f.so\n{END}"))
    for arguments in (["enable", "sudo", "--nullok"], ["disable", "sudo"]):
        said = refused(root, *arguments, status=PROBLEM)
        assert "'auth required pam_u2f.so' was not put there by doorward" in said


def test_files_of_authselect(root: Path) -> None:
    """The line would be gone with the next run of authselect."""
    (root / "etc/authselect").mkdir()
    (root / "etc/authselect/cockpit").write_text("auth required pam_unix.so\n")
    (root / "etc/pam.d/cockpit").symlink_to("/etc/authselect/cockpit")
    said = refused(root, "enable", "cockpit", "--nullok", status=PROBLEM)
    assert "authselect create-profile" in said


def test_asked_twice(root: Path) -> None:
    """A code would be asked for twice, and the second time it is used up."""
    done(root, "enable", "su-l", "--nullok", "--after", "include*su")
    done(root, "enable", "su", "--nullok")
    assert BEGIN not in contents(root)["etc/pam.d/su-l"]
    (root / "etc/pam.d/cockpit").write_text("@include login\n")
    done(root, "enable", "cockpit", "--nullok")
    said = refused(root, "enable", "login", "--nullok", status=PROBLEM)
    assert "cockpit would ask for a code twice" in said


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("etc/fstab", "server:/home /home nfs defaults 0 0\n", "may come late (nfs"),
        ("etc/fstab", "/dev/sdb1 /home/alice ext4 nofail 0 2\n", "may come late (nofail"),
        (
            "etc/pam.d/common-session",
            "session optional pam_mount.so\n",
            "brings homes, and secrets in them",
        ),
        ("etc/lightdm/lightdm.conf", "[XDMCPServer]\nenabled=true\n", "PAM506"),
    ],
)
def test_doors_that_would_stand_open(root: Path, path: str, text: str, said: str) -> None:
    """Who comes before the home is mounted, or from far away, would not be asked for a code."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    arguments = ["enable", "lightdm", "--nullok", *(["--skip-local"] if "PAM506" in said else [])]
    assert said in refused(root, *arguments)
    if "PAM506" not in said:
        (root / "var/lib/doorward/secrets").mkdir(parents=True, mode=0o700)
        done(root, *arguments, "--system-secrets", "--dry-run")


def test_a_module_that_is_not_there(root: Path) -> None:
    """A line without its module refuses everybody."""
    (root / examples.MODULES[1:] / "pam_doorward.so").unlink()
    assert "pam_doorward.so is not there" in refused(root, "enable", "sshd", "--nullok")


def test_generate(root: Path) -> None:
    """Files for other tools would not be those that enable writes; or it would write some."""
    before = contents(root)
    options = ["sshd", "--nullok", "--skip-from", "10.0.0.0/8"]
    files = json.loads(done(root, "generate", *options, "--json"))
    said = done(root, "generate", *options)
    assert contents(root) == before
    done(root, "enable", *options)
    after = contents(root)
    assert {path[1:]: text for path, text in files.items()} == {
        path: text for path, text in after.items() if before.get(path) != text
    }
    assert said == "\n".join(f"==> {path} <==\n{text}" for path, text in files.items())


def test_undo_and_history(root: Path) -> None:
    """A change could not be taken back, or would take somebody's edit with it."""
    before = contents(root)
    assert "No change was made yet" in done(root, "history")
    done(root, "enable", "sshd", "--nullok")
    done(root, "undo")
    assert contents(root) == before
    states = [one["state"] for one in json.loads(done(root, "history", "--json"))]
    assert states == ["confirmed", "undone"]
    assert "there is no change to undo" in refused(root, "undo", status=WRONG)
    done(root, "enable", "sshd", "--nullok")
    with (root / "etc/pam.d/sshd").open("a") as file:
        file.write("# mine\n")
    said = refused(root, "undo")
    assert "Changed since:\n--- /etc/pam.d/sshd as changed\n" in said
    assert "\n+# mine\n" in said
    told = json.loads(run(root, "undo", "--json").stdout)
    assert told["changed"] is False
    assert "+# mine" in told["conflicts"]["/etc/pam.d/sshd"]
    assert "changed by somebody since" in refused(root, "undo", "--dry-run")
    assert "/etc/pam.d/sshd" in done(root, "status").splitlines()[1]
    done(root, "disable", "sshd")
    assert contents(root)["etc/pam.d/sshd"] == before["etc/pam.d/sshd"] + "# mine\n"


def test_what_others_had_made_of_a_file(root: Path) -> None:
    """A program could not tell which copy is of which file."""
    store = Store(Path("/var/lib/doorward/transactions"), root)
    made = store.prepare({"/etc/pam.d/sudo": b"ours\n"}, command="test", confirm_within=60)
    made.apply()
    (root / "etc/pam.d/sudo").write_text("theirs\n")
    told = json.loads(done(root, "undo", "--json"))
    assert told == {"changed": True, "transaction": made.id, "state": "rolled-back"}
    (told,) = json.loads(done(root, "history", "--json"))
    (kept,) = told["kept"]
    assert kept["file"] == "/etc/pam.d/sudo"
    assert Path(kept["copy"]).read_text() == "theirs\n"


def test_status(root: Path) -> None:
    """Nobody would know what is on, or that it was put there by hand."""
    assert "No service asks for a code" in done(root, "status")
    done(root, "enable", "sudo", "--nullok")
    (root / "etc/pam.d/cockpit").write_text(f"auth required pam_unix.so\n{RULE}\n")
    rules = json.loads(done(root, "status", "--json"))["rules"]
    found = {name: one for one in rules for name in one["services"]}
    assert found["cockpit"]["transaction"] is None
    assert found["sudo"]["options"] == ["nullok"]
    assert found["sudo"]["transaction"] == found["sudo-i"]["transaction"]
    assert "by hand" in done(root, "status")
    assert "was not put there by 'enable'" in refused(root, "disable", "cockpit", status=WRONG)


GOOGLE = "auth required pam_google_authenticator.so nullok  # two factors\n"


def test_migrate(root: Path) -> None:
    """Who changes modules would lose options, or be locked out."""
    sshd = root / "etc/pam.d/sshd"
    (root / "etc/ssh/sshd_config").write_text(ASKS)
    text = sshd.read_text().replace("common-auth\n", f"common-auth\n{GOOGLE}")
    sshd.write_text(text)
    said = refused(root, "enable", "sshd", "--nullok", status=PROBLEM)
    assert "'doorward pam migrate sshd'" in said
    done(root, "migrate", "sshd")
    assert sshd.read_text() == text.replace("pam_google_authenticator", "pam_doorward")
    done(root, "migrate", "sshd", "--back")
    assert sshd.read_text() == text
    assert "has no rule of pam_doorward" in refused(root, "migrate", "sshd", "--back", status=WRONG)
    sshd.write_text(text.replace("nullok", "nullok no_such_option"))
    assert "does not know 'no_such_option'" in refused(root, "migrate", "sshd", status=PROBLEM)
    sshd.write_text(text.replace("google_authenticator.so nullok", "doorward.so disallow_reuse"))
    said = refused(root, "migrate", "sshd", "--back", status=PROBLEM)
    assert "does not know 'disallow_reuse'" in said


def test_migrate_changes_nothing_for_anybody(root: Path) -> None:
    """Who did not get in before would be a reason not to change modules."""
    text = (root / "etc/pam.d/sshd").read_text()
    for line in (GOOGLE, GOOGLE.replace(" nullok", "")):  # sshd cannot ask; bob is not enrolled
        (root / "etc/pam.d/sshd").write_text(text.replace("common-auth\n", f"common-auth\n{line}"))
        done(root, "migrate", "sshd")
        (root / "etc/ssh/sshd_config").write_text(ASKS)


def test_migrate_what_enable_put_there(root: Path) -> None:
    """A block of doorward's would hold what disable does not know."""
    done(root, "enable", "sshd", "--nullok")
    said = refused(root, "migrate", "sshd", "--back", status=PROBLEM)
    assert "was put there by 'doorward pam enable'" in said


def test_json(root: Path) -> None:
    """A program could not tell what would be changed, or why not."""
    result = run(root, "enable", "sshd", "--json")
    assert result.returncode == REFUSED
    plan = json.loads(result.stdout)
    assert plan["changed"] is False
    assert plan["refusals"][0]["message"].startswith("sshd: bob would not get in")
    assert {one["user"] for one in plan["people"]} == {"root", "alice", "bob"}
    plan = json.loads(done(root, "enable", "sshd", "--nullok", "--json"))
    assert plan["changed"] is True
    assert plan["files"]["/etc/pam.d/sshd"] == (root / "etc/pam.d/sshd").read_text()
    assert f"+{RULE} nullok" in plan["diff"]
    assert "password alone" in str(plan["logins"]["sshd"]["now"])
    assert "password, then code" in str(plan["logins"]["sshd"]["then"])


def test_a_file_that_changes_after_it_was_shown(root: Path) -> None:
    """What an admin agreed to would be done to a file that they have not seen."""
    tree = Tree(root)
    plan = Plan(tree, ("sudo",), {"/etc/pam.d/sudo": b"ours\n"})
    assert "+ours" in plan.diff()
    (root / "etc/pam.d/sudo").write_text("theirs\n")
    with pytest.raises(ChangedError, match="somebody has changed it meanwhile"):
        apply(plan, "test", None)
    assert (root / "etc/pam.d/sudo").read_text() == "theirs\n"


@pytest.mark.parametrize("name", ["sshd", "lightdm", "sudo", "login"])
def test_as_explained(root: Path, name: str) -> None:
    """The plan would say something else than what explain says afterwards."""
    plan = json.loads(done(root, "enable", name, "--nullok", "--dry-run", "--json"))
    done(root, "enable", name, "--nullok")
    said = explained(root, name)
    assert all(sentence in said for sentence in plan["logins"][name]["then"])
    assert pamconf.load(name, root).rules("auth")
