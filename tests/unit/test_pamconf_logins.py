"""Who logs in, or becomes root, with nobody asking: displays, consoles, sudo."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamconf.accounts import Account
from pamconf.logins import (
    Found,
    applies,
    autologins,
    consoles,
    displays,
    nopasswd,
    remote_displays,
    sudoers,
)
from pamconf.tree import Texts, Tree

Places = list[tuple[tuple[str, ...], str, int]]


def places(found: list[Found]) -> Places:
    """Who, where."""
    return [(each.who, each.path, each.line) for each in found]


def test_of_a_root(tmp_path: Path) -> None:
    """A root's own files would not be read, or an empty one be an error."""
    for look in (autologins, nopasswd, remote_displays):
        assert look(tmp_path) == []
    etc = tmp_path / "etc"
    (etc / "lightdm").mkdir(parents=True)
    (etc / "lightdm/lightdm.conf").write_text(
        "[Seat:*]\nautologin-user=ann\n[XDMCPServer]\nenabled=true\n"
    )
    (etc / "sudoers").write_text("ann ALL=(ALL) NOPASSWD: ALL\n")
    (etc / "inittab").write_text("1:2345:respawn:/sbin/agetty -a ann tty1\n")
    assert [each.what for each in autologins(tmp_path)] == [
        "[Seat:*] autologin-user=ann",
        "/sbin/agetty -a ann tty1",
    ]
    assert remote_displays(tmp_path) == [
        Found("[XDMCPServer] enabled=true", ("ALL",), "/etc/lightdm/lightdm.conf", 4)
    ]
    assert nopasswd(tmp_path) == [Found("NOPASSWD: ALL", ("ann",), "/etc/sudoers", 1)]


# --- Displays -------------------------------------------------------------------------------------

LIGHTDM, DROP_IN = "/etc/lightdm/lightdm.conf", "/etc/lightdm/lightdm.conf.d/a.conf"
SHIPPED = "/usr/share/lightdm/lightdm.conf.d/50.conf"
GDM, SDDM = "/etc/gdm3/daemon.conf", "/etc/sddm.conf"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({LIGHTDM: "[Seat:*]\n#autologin-user=ann\nautologin-user=\n"}, []),
        ({LIGHTDM: "[Seat:*]\n autologin-user = ann \n"}, [(("ann",), LIGHTDM, 2)]),
        ({LIGHTDM: "[SeatDefaults]\nautologin-guest=true\n"}, [(("guest",), LIGHTDM, 2)]),
        ({LIGHTDM: "[Seat:*]\nautologin-guest=false\nnonsense\n"}, []),
        ({LIGHTDM: "[LightDM]\nautologin-user=ann\n"}, []),
        ({SHIPPED: "[Seat:*]\nautologin-user=ann\n"}, [(("ann",), SHIPPED, 2)]),
        (
            {
                DROP_IN: "[Seat:*]\nautologin-user=ann\n",
                LIGHTDM: "[Seat:*]\nautologin-user=\n[Seat:1]\nautologin-user=bob\n",
            },
            [(("bob",), LIGHTDM, 4)],
        ),
        ({GDM: "[daemon]\nAutomaticLoginEnable=True\nAutomaticLogin=ann\n"}, [(("ann",), GDM, 3)]),
        ({GDM: "[daemon]\nTimedLogin=ann\nTimedLoginEnable=1\n"}, [(("ann",), GDM, 2)]),
        ({GDM: "[daemon]\nAutomaticLogin=ann\n"}, []),
        ({GDM: "[daemon]\nAutomaticLoginEnable=true\nAutomaticLogin=\n"}, []),
        ({GDM: "[daemon]\nAutomaticLoginEnable=false\nAutomaticLogin=ann\n"}, []),
        ({SDDM: "[Autologin]\nUser=ann\nSession=plasma\n"}, [(("ann",), SDDM, 2)]),
        ({SDDM: "[Autologin]\nUser=\n", "/etc/sddm.conf.d/x": "[Autologin]\nUser=ann\n"}, []),
        ({SDDM: "[General]\n"}, []),
    ],
)
def test_displays(texts: dict[str, str], expected: Places) -> None:
    """A screen that lets in whoever sits down would be missing, or one be told that does not."""
    assert places(displays.autologins(Texts(texts))) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({LIGHTDM: "[VNCServer]\nenabled=1\n[XDMCPServer]\nenabled=false\n"}, [(LIGHTDM, 2)]),
        ({DROP_IN: "[XDMCPServer]\nenabled=true\n", LIGHTDM: "[XDMCPServer]\nenabled=no\n"}, []),
        ({LIGHTDM: "[Seat:*]\nenabled=true\n"}, []),
        ({GDM: "[xdmcp]\nEnable=true\n"}, [(GDM, 2)]),
        ({GDM: "[xdmcp]\nEnable=false\n"}, []),
    ],
)
def test_remote_displays(texts: dict[str, str], expected: list[tuple[str, int]]) -> None:
    """A login from the internet would look like one at the machine, and nobody say so."""
    found = displays.remote_displays(Texts(texts))
    assert [(each.path, each.line) for each in found] == expected


# --- Consoles -------------------------------------------------------------------------------------

UNITS, SHIPPED_UNITS = "/etc/systemd/system", "/usr/lib/systemd/system"
TTY1, SERIAL = f"{UNITS}/getty@tty1.service.d/x.conf", f"{UNITS}/serial-getty@.service"
TEMPLATE = f"{SHIPPED_UNITS}/getty@.service"
PLAIN = "[Service]\nExecStart=-/sbin/agetty -o '-p -- \\\\u' --noclear %I $TERM\n"
CONTINUED = """\
[Service]
ExecStart=/sbin/agetty \\
  --autologin \\
  ann

ExecStart=/sbin/agetty -a bob
"""
INITTAB = """\
# x
#1:2:respawn:/sbin/agetty -a ann tty1
x
2:2:respawn:/sbin/agetty -aann tty2
3:2:off:/sbin/agetty -a ann tty3
4:2:respawn:/sbin/agetty tty4
"""
AUTOLOGIN = "[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin ann --noclear %I $TERM\n"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({TEMPLATE: PLAIN}, []),
        ({TEMPLATE: PLAIN, TTY1: AUTOLOGIN}, [(("ann",), TTY1, 3)]),
        ({TTY1: AUTOLOGIN}, [(("ann",), TTY1, 3)]),
        (
            {TEMPLATE: AUTOLOGIN, TTY1: PLAIN.replace("=-", "=\nExecStart=-")},
            [(("ann",), TEMPLATE, 3)],
        ),
        ({TEMPLATE: AUTOLOGIN, f"{UNITS}/getty@.service": PLAIN}, []),
        ({TTY1: AUTOLOGIN, f"{UNITS}/getty@tty1.service.d/y.conf": "[Service]\nExecStart=\n"}, []),
        (
            {TTY1: AUTOLOGIN, f"{SHIPPED_UNITS}/getty@tty1.service.d/x.conf": PLAIN},
            [(("ann",), TTY1, 3)],
        ),
        (
            {f"{UNITS}/getty@.service.d/a.conf": AUTOLOGIN, TTY1: "; x\n[Unit]\nExecStart=\n"},
            [(("ann",), f"{UNITS}/getty@.service.d/a.conf", 3)],
        ),
        ({SERIAL: CONTINUED}, [(("ann",), SERIAL, 2), (("bob",), SERIAL, 6)]),
        (
            {f"{UNITS}/console-getty.service.d/x.conf": AUTOLOGIN},
            [(("ann",), f"{UNITS}/console-getty.service.d/x.conf", 3)],
        ),
        ({f"{UNITS}/ssh.service": AUTOLOGIN}, []),
        ({"/etc/inittab": INITTAB}, [(("ann",), "/etc/inittab", 4)]),
    ],
)
def test_consoles(texts: dict[str, str], expected: Places) -> None:
    """A console that logs in whoever presses a key would be missing, or the wrong line be told."""
    assert places(consoles.autologins(Texts(texts))) == expected


@pytest.mark.parametrize(
    ("command", "user"),
    [
        ("-/sbin/agetty --autologin ann tty1", "ann"),
        ("/sbin/agetty --autologin=ann tty1", "ann"),
        ("/sbin/agetty --autol ann tty1", "ann"),
        ("/sbin/agetty tty1 115200 -a ann", "ann"),
        ("/sbin/agetty -Jaann tty1", "ann"),
        ("/sbin/agetty -l 'a b' -a ann", "ann"),
        ("/sbin/mingetty --autologin ann tty1", "ann"),
        ("/sbin/agetty -l -a ann", None),
        ("/sbin/agetty --unheard-of -a ann", None),
        ("/sbin/agetty 'open -a ann", "ann"),
        ("/bin/login -f ann", None),
        ("", None),
    ],
)
def test_getty(command: str, user: str | None) -> None:
    """Options would be read in another way than agetty does."""
    assert consoles.logged_in(command) == user


# --- sudo -----------------------------------------------------------------------------------------


def free(text: str, **included: str) -> list[tuple[str, tuple[str, ...], int]]:
    """What, who and line; `included` are files of sudoers.d."""
    more = {f"/etc/sudoers.d/{name}": text for name, text in included.items()}
    found = sudoers.nopasswd(Texts({"/etc/sudoers": text, **more}))
    return [(each.what, each.who, each.line) for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann ALL=(ALL) ALL", []),
        ("ann ALL=(ALL:ALL) NOPASSWD: ALL", [("NOPASSWD: ALL", ("ann",), 1)]),
        (
            "%sudo ALL=NOPASSWD:/bin/a,/bin/b -x,PASSWD:/bin/c",
            [("NOPASSWD: /bin/a, /bin/b -x", ("%sudo",), 1)],
        ),
        (
            "ann,!bob , %#7 box, lan = SETENV: NOPASSWD : /bin/a",
            [("NOPASSWD: /bin/a", ("ann", "!bob", "%#7"), 1)],
        ),
        ("#1000 ALL = NOPASSWD: ALL # always", [("NOPASSWD: ALL", ("#1000",), 1)]),
        ("%:nix\\ x ALL = NOPASSWD: ALL", [("NOPASSWD: ALL", ("%:nix x",), 1)]),
        ('"a b" ALL = NOPASSWD: ALL', [("NOPASSWD: ALL", ("a b",), 1)]),
        ("ann fe80::1 = NOPASSWD: /bin/a : ALL = /bin/b", [("NOPASSWD: /bin/a", ("ann",), 1)]),
        ("ann a = /bin/a : b = NOPASSWD: /bin/b", [("NOPASSWD: /bin/b", ("ann",), 1)]),
        (
            'ann ALL = CWD=/x TIMEOUT="5" NOPASSWD: sha224:aa+/= /bin/a',
            [("NOPASSWD: /bin/a", ("ann",), 1)],
        ),
        (
            "ann ALL = NOPASSWD: ^/bin/(a|b), [0-9]:$",
            [("NOPASSWD: ^/bin/(a|b), [0-9]:$", ("ann",), 1)],
        ),
        ("\n# x \\\nann ALL = \\\n NOPASSWD: ALL", [("NOPASSWD: ALL", ("ann",), 3)]),
        ("# ann ALL = NOPASSWD: ALL", []),
        ("ann ALL = /bin/a # NOPASSWD: ALL", []),
        ("Defaults !authenticate", [("Defaults !authenticate", ("ALL",), 1)]),
        (
            "Defaults:ann,bob env_reset, ! authenticate",
            [("Defaults:ann,bob !authenticate", ("ann", "bob"), 1)],
        ),
        ("Defaults!/bin/a !authenticate", [("Defaults!/bin/a !authenticate", ("ALL",), 1)]),
        ('Defaults x="a,!authenticate", authenticate', []),
        ('Defaults exempt_group = "wheel"', [('Defaults exempt_group = "wheel"', ("%wheel",), 1)]),
        (
            "User_Alias A = ann, !B : B = bob, carl\nA ALL=NOPASSWD: ALL",
            [("NOPASSWD: ALL", ("ann", "!bob", "!carl"), 2)],
        ),
        ("User_Alias A = B : B = A\n!A ALL=NOPASSWD: ALL", [("NOPASSWD: ALL", ("!A",), 2)]),
        ("Cmnd_Alias X = /bin/a\nann ALL=NOPASSWD: X", [("NOPASSWD: X", ("ann",), 2)]),
        ("User_Alias A B\nann", []),
        ("ann ALL NOPASSWD: ALL", [("ann ALL NOPASSWD: ALL", ("ALL",), 1)]),
        ("ann ALL = NOPASSWD:", [("ann ALL = NOPASSWD:", ("ALL",), 1)]),
        ("Defaults: !authenticate", []),  # a scope
        ("Defaults:, !authenticate", [("Defaults:, !authenticate", ("ALL",), 1)]),
        ("User_Alias = NOPASSWD", [("User_Alias = NOPASSWD", ("ALL",), 1)]),
    ],
)
def test_sudoers(text: str, expected: list[tuple[str, tuple[str, ...], int]]) -> None:
    """Somebody whom sudo asks nothing would be missing, or somebody be told whom it asks."""
    assert free(text) == expected


def test_sudoers_includes() -> None:
    """A drop-in would be missed, or one be read that sudo passes over."""
    rule = "{} ALL = NOPASSWD: ALL\n"
    found = free(
        "#includedir /etc/sudoers.d\n@include sudoers.d/x.y\n@include /none\n" + rule.format("z"),
        **{name: rule.format(name[0]) for name in ("b", "a", "c.dpkg-old", "d~", "x.y")},
    )
    assert [who for _, who, _ in found] == [("a",), ("b",), ("x",), ("z",)]


def test_sudoers_that_include_themselves() -> None:
    """Reading would never end."""
    (found, *more) = free("ann ALL = NOPASSWD: ALL\n@include /etc/sudoers\n")
    assert found[1] == ("ann",)
    assert len(more) < 200


@pytest.mark.parametrize(
    ("who", "is_meant"),
    [
        (("ann",), True),
        (("bob",), False),
        (("ALL", "!ann"), False),
        (("!ann", "ALL"), True),
        (("!!ann",), True),
        (("%wheel",), True),
        (("wheel",), False),
        (("#1000",), True),
        (("+net",), True),
        ((), False),
    ],
)
def test_applies(who: tuple[str, ...], is_meant: bool) -> None:
    """A rule would be told as somebody's that is not theirs."""
    assert applies(who, Account("ann", 1000, ("wheel",))) is is_meant


# --- Anything -------------------------------------------------------------------------------------

SUDO = ["ann", "ALL", "=", "NOPASSWD:", "Defaults", "!", "authenticate", "User_Alias", "A"]
OTHERS = ["[Seat:*]", "autologin-user=", "[Service]", "ExecStart=", "agetty", "-a", "@include"]
ODD = ["\\", "\\\n", "\n", "\n", " ", " ", ",", ":", '"', "#", "(", ")", "^", "\0", "\udcff"]
PIECES = st.sampled_from([*SUDO, *OTHERS, *ODD])


@pytest.mark.parametrize(
    ("look", "path"),
    [
        (sudoers.nopasswd, "/etc/sudoers"),
        (displays.autologins, LIGHTDM),
        (displays.remote_displays, GDM),
        (consoles.autologins, SERIAL),
        (consoles.autologins, "/etc/inittab"),
    ],
)
@given(pieces=st.lists(PIECES, max_size=25))
def test_any_text(look: Callable[[Texts], list[Found]], path: str, pieces: list[str]) -> None:
    """A strange file would end the search for others."""
    for found in look(Texts({path: "".join(pieces)})):
        assert found.path == path


def test_unreadable_files(tmp_path: Path) -> None:
    """A link to nowhere would end the search for others."""
    folder = tmp_path / "etc/lightdm/lightdm.conf.d"
    folder.mkdir(parents=True)
    (folder / "a.conf").symlink_to("nowhere")
    (folder / "b.conf").write_text("[Seat:*]\nautologin-user=ann\n")
    (found,) = displays.autologins(Tree(tmp_path))
    assert found.who == ("ann",)
