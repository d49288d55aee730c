"""`doorward pam explain`: what people see of a machine's logins."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

STOCK = Path(__file__).parents[1] / "fixtures" / "pam"
LINE = "auth required pam_doorward.so nullok accessfile=/etc/security/lan.conf\n"
CONFIG = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "doorward", "pam", "explain", *map(str, arguments)],
        capture_output=True,
        check=False,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine of Debian 12, whose sshd asks for a code from outside its network."""
    shutil.copytree(STOCK / "debian-12-desktop", tmp_path, dirs_exist_ok=True)
    sshd = (STOCK / "debian-12/etc/pam.d/sshd").read_text()
    password = "@include common-auth\n"
    assert password in sshd
    (tmp_path / "etc/pam.d/sshd").write_text(sshd.replace(password, password + LINE))
    for folder in ("ssh", "security"):
        (tmp_path / "etc" / folder).mkdir(exist_ok=True)
    (tmp_path / "etc/ssh/sshd_config").write_text(CONFIG)
    (tmp_path / "etc/security/lan.conf").write_text("+ : ALL : 192.168.1.0/24\n- : ALL : ALL\n")
    (tmp_path / "etc/passwd").write_text(
        "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n"
    )
    (tmp_path / "etc/group").write_text("root:x:0:\nalice:x:1000:\nstaff:x:50:alice\n")
    return tmp_path


def table(output: str) -> list[list[str]]:
    """The rows of what was printed, their columns parted by two blanks or more."""
    rows = [
        [cell.strip() for cell in line.split("  ") if cell.strip()] for line in output.split("\n")
    ]
    return [row for row in rows if row]


def as_json(*arguments: object) -> Any:  # noqa: ANN401 - JSON
    """What the command prints for programs."""
    done = run(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_sshd_that_asks_for_a_code_from_outside(root: Path) -> None:
    """An admin would not learn who is asked for what, from where, and by which line."""
    done = run("sshd", "--root", root)
    assert (done.returncode, done.stderr) == (0, "")
    assert table(done.stdout) == [
        ["sshd"],
        ["By publickey, anybody: key alone; PAM's auth rules are not run."],
        [
            (
                "By password, anybody: refused, because of PasswordAuthentication no"
                " (/etc/ssh/sshd_config:3)."
            )
        ],
        ["By keyboard-interactive:"],
        ["root: refused, because of PermitRootLogin prohibit-password."],
        [
            (
                "Others, from 192.168.1.0/24: password alone"
                " (sshd:5, accessfile=/etc/security/lan.conf)."
            )
        ],
        [
            (
                "Others, from elsewhere, enrolled: password, then code"
                " (sshd:5, accessfile=/etc/security/lan.conf)."
            )
        ],
        ["Others, from elsewhere, not enrolled: password alone, because of nullok in sshd:5."],
        ["Who", "Is asked", "Gets in", "Because of"],
        ["by publickey"],
        ["anybody", "key", "yes"],
        ["by password"],
        ["anybody", "-", "no", "PasswordAuthentication no (/etc/ssh/sshd_config:3)"],
        ["by keyboard-interactive"],
        ["root", "-", "no", "PermitRootLogin prohibit-password"],
        ["others, from 192.168.1.0/24", "password", "yes", "sshd:5"],
        ["others, from elsewhere, enrolled", "password, code", "yes", "sshd:5"],
        ["others, from elsewhere, not enrolled", "password", "yes", "sshd:5"],
        ["Files without a folder are in /etc/pam.d."],
    ]


@pytest.mark.parametrize("host", ["10.0.0.300", "10.0.0", ":::", "fe80::1::2"])
def test_an_address_that_is_none(root: Path, host: str) -> None:
    """Who has misspelt an address would be told what becomes of a host of that name."""
    done = run("sshd", "--root", root, "--from", host)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"'{host}' is no address" in done.stderr


def test_a_service_that_is_not_there(root: Path) -> None:
    """A misspelt service would be explained as if it were there."""
    done = run("ssdh", "--root", root)
    assert done.returncode == 0
    assert "Note: there is no service 'ssdh': libpam goes by the rules of 'other'\n" in done.stdout


def doors(explained: Any) -> dict[str, list[tuple[object, ...]]]:  # noqa: ANN401 - JSON
    """What is asked at each door, and whether somebody gets in."""
    (service,) = explained["services"]
    return {
        door["door"]: [(one["asked"], one["gets_in"]) for one in door["decisions"]]
        for door in service["doors"]
        if door["whose"] != "root"
    }


def test_somebody_from_somewhere(root: Path) -> None:
    """A question about one person would be answered with all people and places."""
    inside = as_json("sshd", "--root", root, "--user", "alice", "--from", "192.168.1.7")
    assert doors(inside)["keyboard-interactive"] == [(["password"], True)]
    outside = as_json("sshd", "--root", root, "--from", "192.168.2.7")
    assert doors(outside)["keyboard-interactive"] == [
        (["password", "code"], True),
        (["password"], True),
    ]


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        ("+ : alice : 192.168.1.0/24\n", [["password"]]),
        ("+ : (staff) : 192.168.1.0/24\n", [["password"]]),
        ("+ : (gone) : 192.168.1.0/24\n", [["password", "code"], ["password"]]),
        ("+ : ALL : 192.168.1.0/024\n", [["password", "code"], ["password"]]),
        (None, [["password", "code"], ["password"]]),
    ],
)
def test_the_access_file_is_read_as_at_a_login(
    root: Path, file: str | None, asked: list[list[str]]
) -> None:
    """Somebody would be said to skip the code whom the module asks, or the reverse."""
    path = root / "etc/security/lan.conf"
    path.unlink()
    if file:
        path.write_text(file)
    for user in (["--user", "alice"], []):
        found = as_json("sshd", "--root", root, "--from", "192.168.1.7", *user)
        rows = [row[0] for row in doors(found)["keyboard-interactive"]]
        assert rows[: len(asked)] == asked
    if file is None or "024" in file:
        assert any("lan.conf" in note for door in found["services"][0]["doors"]
                   for one in door["decisions"] for note in one["notes"])  # fmt: skip


def test_every_service(root: Path) -> None:
    """A door without a second factor would not be listed, or one that asks nothing."""
    (root / "etc/lightdm").mkdir(exist_ok=True)
    (root / "etc/lightdm/lightdm.conf").write_text("[Seat:*]\nautologin-user=alice\n")
    explained = as_json("--all", "--root", root)
    names = [one["service"] for one in explained["services"]]
    assert {"sshd", "lightdm", "su", "login"} <= {*names}
    assert not any(name.startswith("common-") for name in names)
    assert [one["who"] for one in explained["unasked"]] == [["alice"]]
    shown = run("--all", "--root", root).stdout
    where = "[Seat:*] autologin-user=alice (/etc/lightdm/lightdm.conf:2)"
    assert f"\nalice: nothing is asked, by {where}\n" in shown


def factors(root: Path) -> dict[str, str]:
    """What the overview says of each service."""
    text = run("--all", "--root", root).stdout.split("\n\n")[0]
    rows = [line.split("  ", 1) for line in text.split("\n")[1:]]
    return {name: factor for factor, names in rows for name in names.strip().split(", ")}


def test_the_overview(root: Path) -> None:
    """Nobody would see at once which doors want a second factor."""
    account = "account required pam_permit.so\n"
    codes = "auth required pam_unix.so\nauth required pam_doorward.so\n"
    texts = {"all-codes": codes, "shut": "auth required pam_deny.so\n"}
    for name, text in texts.items():
        (root / "etc/pam.d" / name).write_text(text + account)
    many = "".join(f"auth optional pam_{number}.so\n" for number in range(13))
    (root / "etc/pam.d/many").write_text(many + account)
    found = factors(root)
    assert found["all-codes"] == "from everybody"
    assert found["sshd"] == "from some, or by some ways"
    assert found["login"] == found["sudo"] == "from nobody: one answer will do"
    assert found["lightdm-greeter"] == "from nobody: nothing is asked"
    assert found["shut"] == "nobody gets in"
    assert found["cron"] == found["passwd"] == "nobody logs in by it"
    assert found["many"] == "could not be followed"
    said = run("--all", "--root", root).stdout
    assert "Note: many could not be followed: many: a login can go more than" in said
    for name, factor in (("shut", "shut"), ("many", "unknown"), ("sshd", "some")):
        rows = as_json("--all", "--root", root)["services"]
        assert next(one for one in rows if one["service"] == name)["second_factor"] == factor


def test_services_to_which_the_same_happens(root: Path) -> None:
    """A machine's table would be pages of the same."""
    shown = run("--all", "--root", root).stdout
    assert "\nlightdm, login, other, polkit-1, sudo, sudo-i\n  anybody" in shown
    assert "\nchfn, su, su-l\n" in shown
    assert "chfn:7, su:6\n" in shown


def test_several_of_which_the_same_is_told(root: Path) -> None:
    """Whoever names three services would read the same three times."""
    shown = run("login", "su", "sudo", "--root", root).stdout
    assert shown.startswith("login, sudo\n  Anybody: password alone (common-auth:17).\n\nWho ")
    assert shown.count("\nsu\n") == 1


def test_remote_displays(root: Path) -> None:
    """Somebody in front of an X terminal far away would pass as one at the machine, unheard."""
    (root / "etc/lightdm").mkdir(exist_ok=True)
    (root / "etc/lightdm/lightdm.conf").write_text("[XDMCPServer]\nenabled=true\n")
    said = (
        "as if at the machine itself, by [XDMCPServer] enabled=true (/etc/lightdm/lightdm.conf:2)"
    )
    assert said in run("--all", "--root", root).stdout
    (found,) = as_json("--all", "--root", root)["remote_displays"]
    assert found["line"] == 2


def test_somebody_at_every_service(root: Path) -> None:
    """A question about one person would be answered with all people."""
    alice = as_json("--all", "--root", root, "--user", "alice")["services"]
    assert not any("user" in fact for one in alice for door in one["doors"]
                   for row in door["decisions"] for fact in row["who"])  # fmt: skip


@pytest.mark.parametrize(
    ("config", "whose"),
    [
        ("PermitRootLogin yes\n", [None, None, None]),
        ("", [None, None, "root", "others"]),
        ("AuthenticationMethods publickey\n", [None]),
        ("Match User root\nAuthenticationMethods publickey\n", [None, *["others"] * 2]),
    ],
)
def test_root_beside_others(root: Path, config: str, whose: list[object]) -> None:
    """A setting for root alone would look like everybody's, or go unseen."""
    (root / "etc/ssh/sshd_config").write_text(CONFIG + config)
    (service,) = as_json("sshd", "--root", root)["services"]
    assert [door["whose"] for door in service["doors"]] == whose
    (service,) = as_json("sshd", "--root", root, "--user", "root")["services"]
    assert {door["whose"] for door in service["doors"]} == {None}


def test_what_an_access_file_says_of_root_alone(root: Path) -> None:
    """Rows of others would be about root."""
    (root / "etc/security/lan.conf").write_text("- : root : ALL\n+ : ALL : 192.168.1.0/24\n")
    shown = run("sshd", "--root", root).stdout
    assert "others, root" not in shown
    assert "others, not root" not in shown
    assert "others, from 192.168.1.0/24, not in group root " in shown


def test_settings_that_hang_on_who_it_is(root: Path) -> None:
    """What holds for most would be taken for what holds for all."""
    config = "Match User bob Address 10.0.0.0/8\nPubkeyAuthentication no\nMatch LocalPort 22\n"
    (root / "etc/ssh/sshd_config").write_text(f"{CONFIG}AllowUsers carol\n{config}")
    notes = [line for line in run("sshd", "--root", root).stdout.split("\n") if "Note" in line]
    assert notes == [
        "Note: 'AllowUsers carol' (/etc/ssh/sshd_config:4) may change this: ask with --user",
        (
            "Note: 'Match User bob Address 10.0.0.0/8' (/etc/ssh/sshd_config:5) may change this:"
            " ask with --user and --from"
        ),
    ]


def test_few_notes(root: Path) -> None:
    """What is worth reading would be lost among what goes without saying."""
    common = root / "etc/pam.d/common-account"
    common.write_text("account required pam_access.so\n" + common.read_text())
    (root / "etc/security/access.conf").write_text("+ : ALL : LOCAL\n- : ALL : ALL\n")
    shown = run("login", "su", "sudo", "lightdm", "--root", root).stdout
    assert "Note" not in shown


COLOURS = {"32": "password, code", "33": "password ", "31": "- "}


@pytest.mark.parametrize("colours", [True, False])
def test_colours(root: Path, *, colours: bool) -> None:
    """A terminal would show all doors alike, or colours to whoever wants none."""
    settings = {"TERM": "xterm", **({} if colours else {"NO_COLOR": "1"})}
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    shown = pexpect.run(
        f"{sys.executable} -m doorward pam explain sshd --root {root}",
        env=kept | settings,
        encoding="utf-8",
    )
    for number, asked in COLOURS.items():
        rows = [line for line in str(shown).split("\n") if f"\x1b[{number}m" in line]
        assert bool(rows) == colours
        assert all(asked in row or "key " in row for row in rows)
    assert "\x1b" not in run("sshd", "--root", root).stdout


def test_rules_that_surprise(root: Path) -> None:
    """A door that stands open, or that nobody gets through, would look like any other."""
    for name, text in {
        "open": "auth optional pam_unix.so\nauth required pam_permit.so\n",
        "either": "auth sufficient pam_unix.so\nauth required pam_google_authenticator.so\n",
        "new": "auth required pam_new.so\n",
        "gone": "@include nowhere\n",
    }.items():
        account = "account required pam_permit.so\n"
        (root / "etc/pam.d" / name).write_text(text + account)
    shown = {name: run(name, "--root", root).stdout for name in ("open", "either", "new", "gone")}
    assert "anybody  password  yes, whatever is typed" in shown["open"]
    assert "with code, or with password" in shown["either"]
    assert "Note: nobody has described pam_new.so (/etc/pam.d/new:1)" in shown["new"]
    assert "Nobody gets in: /etc/pam.d/nowhere: no such file" in shown["gone"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Name a service, or say --all"),
        (["sshd", "--all"], 2, "Name a service, or say --all"),
        (["sshd", "--user", "nobody-there"], 10, "there is no user 'nobody-there'"),
    ],
)
def test_what_cannot_be_answered(root: Path, arguments: list[str], code: int, said: str) -> None:
    """A question that makes no sense would get an answer."""
    done = run(*arguments, "--root", root)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_sshd_config(root: Path) -> None:
    """A mistake in a file would look like a defect of doorward's."""
    (root / "etc/ssh/sshd_config").write_text("UsePAM maybe\n")
    done = run("sshd", "--root", root)
    assert done.returncode == 1
    assert done.stderr.startswith("doorward: error: /etc/ssh/sshd_config:1")


def test_this_machine() -> None:
    """It would work in images alone."""
    (service,) = as_json("other")["services"]
    assert service["doors"][0]["asks_pam"]
