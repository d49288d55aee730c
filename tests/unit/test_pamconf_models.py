"""What the models of modules say, as the table of a login's decisions shows it."""

import os
from pathlib import Path

import pytest

from pamconf import explain, sentences, stack
from pamconf.access_who import Origin
from pamconf.accounts import Account
from pamconf.control import RETURNS
from pamconf.errors import UnreadableError
from pamconf.explain import Decision
from pamconf.login import Login, World
from pamconf.models import MODELS, second_factor
from pamconf.places import places

D = "/etc/pam.d"
ALICE = Account("alice", 1000, ("alice", "sudo"))
UNIX = "auth required pam_unix.so\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with alice and a group for root's helpers."""
    (tmp_path / "etc/security").mkdir(parents=True)
    (tmp_path / "etc/passwd").write_text("alice:x:1000:1000::/home/alice:/bin/sh\n")
    (tmp_path / "etc/group").write_text("alice:x:1000:\nsudo:x:27:alice\n")
    return tmp_path


def decisions(
    text: str, world: World | None = None, call: str = "auth", name: str = "sshd"
) -> tuple[Decision, ...]:
    """What becomes of logins by these rules."""
    service = stack.load_from({D: b"", f"{D}/{name}": text.encode()}.get, name)
    return explain.explain(service, world, calls=[call])


def table(text: str, world: World | None = None, call: str = "auth") -> list[str]:
    """The same, a line for each: who: what is asked: the keys, or refused."""
    lines = []
    for one in decisions(text, world, call):
        who = ", ".join(" or ".join(fact.phrases) for fact in one.facts)
        keys = " or ".join("+".join(key) or "nothing" for key in one.keys) or "refused"
        lines.append(f"{who}: {', '.join(one.asked)}: {keys}")
    return lines


BOTH = "enrolled: password, code: password+code"
TOTP = "auth required pam_google_authenticator.so"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (UNIX, [": password: password"]),
        ("auth required pam_unix.so use_first_pass", [": : refused"]),
        (UNIX * 2, [": password: password"]),
        (UNIX + TOTP, [BOTH, "not enrolled: password, code: refused"]),
        (f"{UNIX}{TOTP} nullok", [BOTH, "not enrolled: password: password"]),
        (
            f"{TOTP} forward_pass\nauth required pam_unix.so use_first_pass",
            [
                "enrolled: password and code: password and code",
                "not enrolled: password and code: refused",
            ],
        ),
        (
            f"{UNIX}{TOTP} try_first_pass",
            ["enrolled: password: password", "not enrolled: password: refused"],
        ),
        (f"{TOTP} use_first_pass", [": : refused"]),
        (
            "auth required pam_oath.so",
            ["enrolled: code: code", "not enrolled: code: refused"],
        ),
        (
            "auth required pam_u2f.so",
            ["enrolled: security key: security key", "not enrolled: : refused"],
        ),
        (
            "auth required pam_u2f.so nouserok",
            ["enrolled: security key: security key", "not enrolled: : nothing"],
        ),
        (f"auth sufficient pam_u2f.so\n{UNIX}",
         ["enrolled: security key: password or security key",
          "not enrolled: password: password"]),
    ],
)  # fmt: skip
def test_what_is_asked(text: str, lines: list[str]) -> None:
    """Somebody would count on a code that nobody is asked for."""
    assert table(text) == lines


@pytest.mark.parametrize("module", sorted(MODELS))
@pytest.mark.parametrize("call", ["auth", "setcred", "account", "session", "close_session"])
def test_every_model_says_something_that_pam_knows(module: str, call: str, root: Path) -> None:
    """A login would come to a return that libpam has no name for."""
    service = stack.load_from({D: b"", f"{D}/x": f"auth required {module}.so".encode()}.get, "x")
    (rule,) = service.rules("auth")
    assert MODELS[module](rule, Login("x", World(root), call=call)) in RETURNS


@pytest.mark.parametrize(
    ("call", "returned"),
    [("setcred", "success"), ("account", "module_unknown"), ("auth", "auth_err")],
)
def test_a_model_that_is_made_of_another(call: str, returned: str) -> None:
    """A module whose access file lets somebody pass would ask them all the same."""
    service = stack.load_from({D: b"", f"{D}/x": TOTP.encode()}.get, "x")
    (rule,) = service.rules("auth")
    login = Login("x", call=call, fixed={"second factor": "not enrolled"})
    assert MODELS["pam_google_authenticator"](rule, login) == returned
    assert second_factor.code(rule, Login("x"), skipped=True) == "ignore"


@pytest.mark.parametrize(
    ("path", "arguments", "lines"),
    [
        (None, "", ["refused"]),
        (None, "successok", ["nothing"]),
        ("etc/nologin", "", ["refused"]),
        ("etc/nologin", "successok", [..., "with a uid below 1: nothing"]),
        ("etc/no", "file=/etc/no successok", ["with a uid from 1 on: refused", ...]),
        ("etc/nologin", "file=/etc/no successok", ["nothing"]),
    ],
)  # fmt: skip
def test_nologin(root: Path, path: str | None, arguments: str, lines: list[object]) -> None:
    """A machine that is going down would seem to let people in, or the reverse."""
    if path:
        (root / path).write_text("going down\n")
    found = table(f"auth required pam_nologin.so {arguments}", World(root))
    assert len(found) == len(lines)
    for line, wanted in zip(found, lines, strict=True):
        assert wanted is ... or line.replace(": : ", ": ").removeprefix(": ") == wanted


LAN, OUT, HERE = "from 10.0.0.0/8", "from elsewhere", "at the machine itself"
SKIP = (
    "auth [success=1 default=ignore] pam_access.so accessfile=/etc/lan\nauth required pam_deny.so\n"
)
SKIP += "auth required pam_permit.so\n"


@pytest.mark.parametrize(
    ("file", "lines"),
    [
        ("+ : ALL : 10.0.0.0/8\n- : ALL : ALL\n", [f"{LAN}: in", f"{OUT} or {HERE}: refused"]),
        ("+ : ALL : 10.0.0.0/8 LOCAL\n- : ALL : ALL\n",
         [f"{LAN} or {HERE}: in", f"{OUT}: refused"]),
        ("+ : ALL : 10.0.0.0/8\n", [": in"]),
        ("+ : ALL : 10.0.0.0/8\n- : ALL : ALL", [": in"]),
        ("", [": in"]),
        (None, [": in"]),
        ("+ : carol : ALL\n- : ALL : ALL\n", ["carol: in", "not carol: refused"]),
        ("+ : alice@host (sudo) : 10.1.2.3\n- : ALL EXCEPT root : 203.0.113.0/24\n", None),
        ("+ : (sudo) : ALL\n- : ALL : ALL\n", ["in group sudo: in", "not in group sudo: refused"]),
    ],
)  # fmt: skip
def test_access(root: Path, file: str | None, lines: list[str] | None) -> None:
    """An admin would take a file that lets everybody in for one that lets the LAN in."""
    if file is not None:
        (root / "etc/lan").write_text(file)
    service = stack.load_from({D: b"", f"{D}/new": SKIP.encode()}.get, "new")
    world = World(root)
    world = World(root, places=places(service, world))
    found = [
        f"{', '.join(' or '.join(fact.phrases) for fact in one.facts)}: "
        f"{'in' if one.gets_in else 'refused'}"
        for one in explain.explain(service, world, calls=["auth"])
    ]
    assert lines is None or found == lines


def test_access_without_a_file_of_its_own(root: Path) -> None:
    """What stands in access.d would be forgotten."""
    text = "account required pam_access.so"
    world = World(root, ALICE)
    assert table(text, world, "account") == [": : nothing"]
    (root / "etc/security/access.d").mkdir()
    (root / "etc/security/access.d/x.conf").write_text("- : alice : ALL\n")
    assert table(text, world, "account") == [": : refused"]
    (root / "etc/security/access.conf").write_text("+ : alice : ALL\n")
    assert table(text, world, "account") == [": : nothing"]
    (one,) = decisions("account required pam_access.so accessfile=/etc", world, "account")
    assert one.gets_in
    assert "lets everybody in" in one.notes[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sshd", [LAN, "from 192.0.2.7", OUT]),
        ("sudo", [HERE]),
        ("lightdm", [HERE]),
        ("new", [LAN, "from 192.0.2.7", OUT, HERE]),
    ],
)
def test_places(root: Path, name: str, expected: list[str]) -> None:
    """A place that a file names would not be looked at, or one that nobody can come from."""
    (root / "etc/lan").write_text(
        "+ : ALL : 10.0.0.0/8 192.0.2.7 LOCAL\n- : ALL : 203.0.113.0/24\n"
    )
    text = "auth required pam_totp.so accessfile=/etc/lan\nauth required pam_unix.so\n"
    text += "account required pam_access.so accessfile=/etc/gone\n"
    service = stack.load_from({D: b"", f"{D}/{name}": text.encode()}.get, name)
    found = places(service, World(root))
    wanted = [one for one in found if one != "from 203.0.113.0/24"]
    assert wanted == expected
    if name == "sshd":
        assert found[LAN].rhost == "10.0.0.1"
        assert found["from 192.0.2.7"].rhost == "192.0.2.7"
        assert found[OUT].rhost == "198.51.100.7"
        assert found[OUT].tty == "ssh"
    else:
        assert found[HERE] == Origin(None, ":0" if name == "lightdm" else "tty1", name)


REMOTE = World("/", places={"x": Origin("192.0.2.7", "ssh", "sshd")})
LOCAL = World("/", places={"x": Origin(None, None, "sshd")})


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("user = alice", "success"),
        ("login = bob", "auth_err"),
        ("user != alice", "auth_err"),
        ("name in bob:alice", "success"),
        ("user notin bob:alice", "auth_err"),
        ("user =~ a*", "success"),
        ("user glob b*", "auth_err"),
        ("user !~ b*", "success"),
        ("user ingroup sudo", "success"),
        ("user ingroup wheel:sudo", "success"),
        ("user notingroup sudo", "auth_err"),
        ("user notingroup no-such-group", "success"),
        ("uid >= 1000", "success"),
        ("uid ge 0x3e9", "auth_err"),
        ("uid < 1000", "auth_err"),
        ("uid <= 1000", "success"),
        ("uid > 1000", "auth_err"),
        ("uid eq 1000", "success"),
        ("uid ne 1000", "auth_err"),
        ("uid eq 1001", "auth_err"),
        ("uid >= many", "service_err"),
        ("UID GE 1000", "success"),
        ("user lt 5", "service_err"),
        ("service = sshd", "success"),
        ("service in login:su", "auth_err"),
        ("rhost = 192.0.2.7", "success"),
        ("rhost =~ 10.*", "auth_err"),
        ("tty = ssh", "success"),
        ("colour = blue", "service_err"),
        ("user is alice", "service_err"),
        ("user =", "service_err"),
        ("", "success"),
        ("quiet user = alice audit uid >= 1000 debug", "success"),
        ("user = alice uid < 1000", "auth_err"),
        ("user = bob nonsense", "auth_err"),
        ("user = alice nonsense", "service_err"),
    ],
)
def test_succeed_if(condition: str, holds: str) -> None:
    """A rule that singles somebody out would be taken to be about others."""
    text = f"auth required pam_succeed_if.so {condition}"
    world = World("/", ALICE, REMOTE.places)
    (one,) = decisions(text, world)
    assert one.gets_in == (holds == "success")
    service = stack.load_from({D: b"", f"{D}/sshd": text.encode()}.get, "sshd")
    (rule,) = service.rules("auth")
    assert MODELS["pam_succeed_if"](rule, Login("sshd", world)) == holds


@pytest.mark.parametrize(
    ("condition", "in_", "out"),
    [
        ("user = alice", "alice", "not alice"),
        ("user in alice:carol", "alice", "not alice, not carol"),
        ("user =~ a*", "with user =~ a*", "without user =~ a*"),
        ("user ingroup sudo", "in group sudo", "not in group sudo"),
        ("shell = /bin/sh", "with shell = /bin/sh", "without shell = /bin/sh"),
        ("gid eq 100", "with gid eq 100", "without gid eq 100"),
        ("ruser = root", "with ruser = root", "without ruser = root"),
        ("user innetgr admins", "with user innetgr admins", "without user innetgr admins"),
        ("uid ge 1000", "with a uid from 1000 on", "with a uid below 1000"),
        ("use_uid user = root", "with root as the caller", "without root as the caller"),
        ("use_uid user ingroup sudo", "with a caller in sudo", "without a caller in sudo"),
        ("use_uid user ingroup gone", None, ""),
        ("use_uid uid ge 1", "without a caller whose uid is below 1",
         "with a caller whose uid is below 1"),
        ("use_uid service = su", None, ""),
    ],
)  # fmt: skip
def test_succeed_if_of_anybody(root: Path, condition: str, in_: str | None, out: str) -> None:
    """One half of the people would not be told of."""
    found = {
        gets_in: [
            ", ".join(" or ".join(fact.phrases) for fact in one.facts)
            for one in decisions(f"auth required pam_succeed_if.so {condition}", World(root))
            if one.gets_in == gets_in
        ]
        for gets_in in (True, False)
    }
    assert found[True][:1] == ([] if in_ is None else [in_])
    assert out in found[False]


def test_succeed_if_at_the_machine() -> None:
    """A login without a remote host would be taken for one from a host without a name."""
    assert decisions("auth required pam_succeed_if.so rhost =", LOCAL)[0].gets_in is False
    assert decisions("auth required pam_succeed_if.so tty != ssh", LOCAL)[0].gets_in
    third = World("/", places={"x": Origin(None, "3", "login")})
    assert decisions("auth required pam_succeed_if.so tty lt 5 tty gt 2", third)[0].gets_in


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ("", ["asked by a member of root: yes", "asked by no member of root: no"]),
        ("group=sudo", ["asked by a member of sudo: yes", "asked by no member of sudo: no"]),
        ("group=sudo deny", ["asked by a member of sudo: no", "asked by no member of sudo: yes"]),
        ("group=sudo trust", ["asked by a member of sudo: yes", "asked by no member of sudo: no"]),
        ("group=gone", [": no"]),
        ("group=gone deny", [": yes"]),
        ("root_only group=gone", ["with a uid from 1 on: yes", "with a uid below 1: no"]),
    ],
)
def test_wheel(root: Path, arguments: str, lines: list[str]) -> None:
    """Somebody would count on a group that su does not look at."""
    with (root / "etc/group").open("a") as file:
        file.write("root:x:0:\n")
    text = f"auth required pam_wheel.so {arguments}\nauth required pam_permit.so\n"
    found = [
        f"{', '.join(' or '.join(fact.phrases) for fact in one.facts)}: "
        f"{'yes' if one.gets_in else 'no'}"
        for one in decisions(text, World(root), name="su")
    ]
    assert found == lines


def test_wheel_is_the_group_where_there_is_one(root: Path) -> None:
    """Root's own group would be looked at in place of wheel."""
    (root / "etc/group").write_text("wheel:x:10:\n")
    first, _ = decisions("auth required pam_wheel.so trust", World(root), name="su")
    assert first.facts[0].phrases == ("asked by a member of wheel",)


def test_root_asks(root: Path) -> None:
    """It would not be seen that root becomes anybody without a password."""
    text = f"auth sufficient pam_rootok.so\n{UNIX}"
    assert table(text, World(root)) == [
        "asked by another user: password: password",
        "asked by root: : nothing",
    ]


SSS = "auth sufficient pam_unix.so\nauth required pam_sss.so use_first_pass\n"


def test_accounts_of_a_directory(root: Path) -> None:
    """A wrong password would look like a right one for whom the directory knows."""
    assert table(SSS, World(root)) == [": password: password"]
    assert table(SSS, World(root, ALICE)) == [": password: password"]
    only_local = f"auth requisite pam_localuser.so\n{SSS}"
    assert table(only_local, World(root)) == [
        "with a local account: password: password",
        "with an account of a directory: : refused",
    ]
    assert table(only_local, World(root, Account("carol", 5000, ()))) == [": : refused"]
    assert table("account required pam_sss.so", World(root), "account") == [
        "with a local account: : refused",
        "with an account of a directory: : nothing",
    ]


def test_an_access_file_that_cannot_be_read(root: Path) -> None:
    """Everybody would be said to be let in, where only nobody knows."""
    os.mkfifo(root / "etc/security/access.conf")
    with pytest.raises(UnreadableError):
        decisions("auth required pam_access.so", World(root))


def test_a_service_knows_where_it_is_from(root: Path) -> None:
    """Who asks about an image would be answered by this machine's files."""
    (root / "etc/pam.d").mkdir()
    (root / "etc/security/lan.conf").write_text("+ : ALL : 10.0.0.0/8\n- : ALL : ALL\n")
    skip = "auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf\n"
    (root / "etc/pam.d/sshd").write_text(f"{UNIX}{skip}{TOTP}\naccount required pam_permit.so\n")
    told = [sentences.sentence(one) for one in stack.load("sshd", root).explain()]
    assert told[0].startswith("From 10.0.0.0/8: password alone")
