"""The block that pam-auth-update owns: what in it is an edit, and how that is told."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamconf import auth_update, lines
from pamconf.auth_update import KINDS, MARKERS
from pamconf.errors import FileError
from pamconf.stack import File
from pamconf.tree import Files, Texts, Tree
from tests.conftest import CHECKOUT

FIXTURES = CHECKOUT / "tests/fixtures/pam"
SYSTEMS = sorted(path for path in FIXTURES.iterdir() if (path / "etc/pam.d").is_dir())

PRIMARY, FALLBACK, ADDITIONAL, END = (marker.decode() for marker in MARKERS)
AUTH = "/etc/pam.d/common-auth"
RECORD = "/var/lib/pam/auth"
PROFILES = "/usr/share/pam-configs/"

# Line 1 is a comment, and so on.
STOCK = f"""# Settings of all services
{PRIMARY}
auth\t[success=2 default=ignore]\tpam_unix.so nullok
auth\t[success=1 default=ignore]\tpam_sss.so use_first_pass
{FALLBACK}
auth\trequisite\t\t\tpam_deny.so
auth\trequired\t\t\tpam_permit.so
{ADDITIONAL}
auth\toptional\t\t\tpam_cap.so{" "}
{END}
"""
WRITTEN = """Module: unix
[success=end default=ignore]\tpam_unix.so nullok
Module: sss
[success=end default=ignore]\tpam_sss.so use_first_pass
Module: capability
optional\t\t\tpam_cap.so
"""
UNIX, SSS, CAP = (
    line + "\n" for line in STOCK.split("\n") if "pam_" in line and "\tre" not in line
)

SHIPPED = {
    "unix": """Name: Unix authentication
Priority: 256
Auth-Type: Primary
Auth:
\t[success=end default=ignore]\tpam_unix.so nullok try_first_pass
Auth-Initial:
\t[success=end default=ignore]\tpam_unix.so nullok
Session-Type: Additional
Session:
\trequired\tpam_unix.so
""",
    "sss": """Name: SSS authentication
Conflicts: ldap, winbind
Auth-Type: Primary
Auth:
\t[success=end default=ignore]\tpam_sss.so use_first_pass
Session-Interactive-Only: yes
Session-Type: Additional
Session: optional\tpam_sss.so
""",
    "capability": "Auth-Type: Additional\nAuth-Final:\n\toptional\t\t\tpam_cap.so\n",
}


def file_of(text: str, path: str = AUTH) -> File:
    """A file with this text."""
    return File(path, lines.parse(lines.bytes_of(text)))


def machine(record: str | None = WRITTEN, **profiles: str) -> Texts:
    """A machine with this record for common-auth, and these profiles."""
    texts = {f"{PROFILES}{name}": text for name, text in profiles.items()}
    return Texts(texts if record is None else {**texts, RECORD: record})


def found(text: str, files: Files, path: str = AUTH) -> list[tuple[int, str]]:
    """The edits: line, message."""
    return [(edit.line, edit.message) for edit in auth_update.edits(file_of(text, path), files)]


# --- Stock ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", SYSTEMS, ids=[system.name for system in SYSTEMS])
@pytest.mark.parametrize("kind", KINDS)
def test_stock(system: Path, kind: str) -> None:
    """A false alarm would be raised on a machine that nobody has touched."""
    path = f"/etc/pam.d/common-{kind}"
    text = (system / path[1:]).read_text()
    assert auth_update.is_owned(file_of(text, path))
    assert found(text, Tree(system), path) == []
    edited = text.replace("pam_unix.so", "pam_tty.so").replace("[default=1]", "required")
    assert found(edited, Tree(system), path)


@pytest.mark.parametrize("files", [machine(), machine(None, **SHIPPED)], ids=["record", "profiles"])
def test_example(files: Files) -> None:
    """The examples below would show nothing."""
    assert found(STOCK, files) == []


@pytest.mark.parametrize(
    ("text", "is_owned"),
    [
        (STOCK, True),
        (f"auth required pam_unix.so\n{END}, or what was\n", True),
        ("auth required pam_unix.so\n", False),
        (f" {END}\n# x {PRIMARY}\n", False),
        ("", False),
    ],
)
def test_is_owned(text: str, is_owned: bool) -> None:
    """A file written by hand would be measured against packages, or a block not be seen."""
    assert auth_update.is_owned(file_of(text)) is is_owned


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("/etc/pam.d/sshd", machine()),
        ("/usr/lib/pam.d/common-auth", machine()),
        ("/etc/pam.d/common-session-interactive", machine()),
        (AUTH, Texts({})),
        (AUTH, Texts({"/var/lib/pam/seen": "unix\n", AUTH: STOCK})),
    ],
)
def test_nothing_to_compare_with(path: str, files: Files) -> None:
    """A file would be called edited that nothing is known about."""
    assert found("auth required pam_tty.so\n", files, path) == []
    assert found(STOCK.replace("pam_unix", "pam_tty"), files, path) == []


# --- Edits ----------------------------------------------------------------------------------------

EMPTY = "an empty line, where only profiles' rules may stand"
COMMENT = "a comment, where only profiles' rules may stand"
UNKNOWN = "this rule is in no profile"
ORDER = "pam_{} stands in another order than pam-auth-update wrote it, or once more"
OTHER = "the {} of pam_{} is other than in its profile {!r}"

Case = tuple[str, str, list[tuple[int, str]]]

# Old, new, and what is said. In both: with the record, and with nothing but profiles.
ANYHOW: list[Case] = [
    (UNIX, "", []),
    (UNIX + SSS, "", []),
    (CAP, "", []),
    ("auth\trequisite\t\t\tpam_deny.so\n", "auth optional pam_echo.so\n\n# x\n", []),
    ("# Settings", "auth required pam_env.so\n# Settings", []),
    (f"{END}\n", f"{END}\nauth optional pam_group.so\n", []),
    (f"{END}\n", END, []),
    ("\n", "\r\n", []),
    ("nullok", "nodelay [a=1 b]", []),
    (" nullok", "# none", []),
    ("success=2", "success=12", []),
    ("auth\t", "auth   ", []),
    ("pam_cap.so ", "pam_cap.so", []),
    ("auth\toptional", "optional", []),
    (CAP, f"\n{CAP}", [(9, EMPTY)]),
    (END, f" \t\r\n{END}", [(10, EMPTY)]),
    (SSS, f"#{SSS}", [(4, COMMENT)]),
    (CAP, f"auth # why\n{CAP}", [(9, UNKNOWN)]),
    (UNIX, f"auth required pam_tty.so\n{UNIX}auth\n", [(3, UNKNOWN), (5, UNKNOWN)]),
    ("pam_unix.so nullok", "pam_unix.so \\\n nullok", [(4, UNKNOWN)]),
    (CAP, "auth optional \\\n pam_cap.so\n", [(9, UNKNOWN), (10, UNKNOWN)]),
    (CAP, f"@include common-cap\n{CAP}", [(9, UNKNOWN)]),
    ("]\tpam_sss", "]\tpam_tty", [(4, UNKNOWN)]),
    ("=1 default=ignore", "=1 default=die", [(4, OTHER.format("control", "sss", "sss"))]),
    ("optional", "required", [(9, OTHER.format("control", "cap", "capability"))]),
    ("success=1", "success=ok", [(4, OTHER.format("control", "sss", "sss"))]),
    ("auth\toptional", "auth\toptional ", [(9, OTHER.format("white space", "cap", "capability"))]),
    ("=1 default", "=1  default", [(4, OTHER.format("white space", "sss", "sss"))]),
    (CAP, f" {CAP}", [(9, OTHER.format("white space", "cap", "capability"))]),
    (CAP, f"-{CAP}", [(9, OTHER.format("type", "cap", "capability"))]),
    ("auth\toptional", "account\toptional", [(9, OTHER.format("type", "cap", "capability"))]),
    (STOCK, "", [(1, "the markers of pam-auth-update's block are gone")]),
    (STOCK, UNIX + CAP, [(1, "the markers of pam-auth-update's block are gone")]),
    (f"{PRIMARY}\n", "", [(4, f"the marker {PRIMARY!r} is gone")]),
    (f"{FALLBACK}\n", f"auth {FALLBACK}\n", [(8, f"the marker {FALLBACK!r} is gone")]),
    (f"{ADDITIONAL}\n", f"\n{ADDITIONAL[:30]}\n", [(11, f"the marker {ADDITIONAL!r} is gone")]),
    (f"{END}\n", "# end\n", [(10, f"the marker {END!r} is gone")]),
    (f"{ADDITIONAL}\n{CAP}{END}\n", "x\ny\n",
     [(9, f"the marker {ADDITIONAL!r} is gone"), (9, f"the marker {END!r} is gone")]),
    (FALLBACK, f"auth {FALLBACK}\nx\n{FALLBACK}", []),  # the first is one to compare, not to write
]  # fmt: skip

# With the record it is known what follows what.
RECORDED: list[Case] = [
    (UNIX + SSS, SSS + UNIX, [(4, ORDER.format("unix"))]),
    (CAP, CAP + CAP, [(10, ORDER.format("cap"))]),
    (FALLBACK, f"{CAP}{FALLBACK}", [(10, ORDER.format("cap"))]),
    (FALLBACK, f"auth\t[default=1]\t\t\tpam_permit.so\n{FALLBACK}", [(5, UNKNOWN)]),
]
SHIPPED_ONLY: list[Case] = [
    (UNIX + SSS, SSS + UNIX, []),
    (UNIX + SSS, "auth\t[default=1]\t\t\tpam_permit.so\n", []),
    (UNIX + SSS, "auth required pam_permit.so\n",
     [(3, "the control of pam_permit is other than pam-auth-update wrote it")]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), [*ANYHOW, *RECORDED])
def test_edits(old: str, new: str, expected: list[tuple[int, str]]) -> None:
    """An edit would be missed that stops updates, or one be told that pam-auth-update keeps."""
    assert old in STOCK
    assert found(STOCK.replace(old, new), machine()) == expected


@pytest.mark.parametrize(("old", "new", "expected"), [*ANYHOW, *SHIPPED_ONLY])
def test_edits_in_an_image(old: str, new: str, expected: list[tuple[int, str]]) -> None:
    """An image that was never started would be judged otherwise than the machines made of it."""
    assert old in STOCK
    assert found(STOCK.replace(old, new), machine(None, **SHIPPED)) == expected


def test_a_record_that_is_gone() -> None:
    """Nobody would hear that pam-auth-update has given up its five files."""
    files = Texts({"/var/lib/pam/account": "", **{PROFILES + k: v for k, v in SHIPPED.items()}})
    assert found(STOCK, files) == [(2, f"pam-auth-update's record of it, {RECORD}, is gone")]
    assert found("", files) == [(1, "the markers of pam-auth-update's block are gone")]


class Locked(Texts):
    """Files of which some cannot be read."""

    def read(self, path: str) -> str:
        """See Files."""
        if path.endswith(("auth", "locked")):
            raise FileError("cannot be read: Permission denied", path=path)
        return super().read(path)


def test_what_cannot_be_read() -> None:
    """Somebody who is not root would be told of edits that are none, or of an error."""
    edited = STOCK.replace("nullok", "").replace("pam_sss", "pam_tty")
    assert found(edited, Locked({RECORD: ""})) == []
    shipped = {PROFILES + name: text for name, text in {**SHIPPED, "locked": ""}.items()}
    assert found(edited, Locked({RECORD: "", **shipped})) == [(4, UNKNOWN)]


# --- Odd records ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "rules", "expected"),
    [
        ("", "", []),
        ("", "auth required pam_a.so\n", [UNKNOWN]),
        ("Module: a\nrequired pam_a.so", "auth required pam_a.so x\n", []),
        ("required pam_a.so\n", "auth optional pam_a.so\n", ["pam-auth-update wrote it"]),
        # What is no rule matches anything at first, then what matched before.
        ("\n", "auth required pam_a.so\n", []),
        ("# why\nrequired pam_b.so\n", "x\nauth required pam_b.so\n", []),
        ("required pam_b.so\n# why\n", "auth required pam_a.so\n", [UNKNOWN]),
        ("required pam_b.so\n-\n", "auth [a=1 b] pam_a.so\n", []),
        ("required pam_b.so\n[a=]x\n", "auth [a=b] pam_a.so 1\n", [UNKNOWN]),
        # Of several jumps, one is taken out of the record, and of a line one at each rule.
        ("[a=end b=end] pam_a.so\n", "auth [a=1 b=1] pam_a.so\n", ["'p'"]),
        ("[a=1 b=end] pam_a.so\n", "auth [a=1 b=2] pam_a.so\n", ["'p'"]),
        ("a b\n[a=1 b=end] pam_a.so\n", "auth [a=1 b=2] pam_a.so\n", []),
        ("[a=end] pam_a.so [1]\n", "auth [a=1] pam_a.so [1]\n", []),
        ("a pam_end.so [x=end]\n", "auth a pam_end.so 1 ]\n", []),
        ("[a=end pam_a.so\n", "auth [a=1 pam_b.so\n", []),
    ],
)
def test_odd_records(record: str, rules: str, expected: list[str]) -> None:
    """A block would be judged otherwise than by the program that owns it."""
    if record and not record.startswith(("Module", "required")):
        record = f"Module: p\n{record}"
    text = "\n".join([PRIMARY, FALLBACK, ADDITIONAL, rules + END])
    messages = [message for _, message in found(text, machine(record))]
    assert len(messages) == len(expected)
    assert all(map(str.endswith, messages, expected)), messages


# --- Odd profiles ---------------------------------------------------------------------------------

RULE = "auth required pam_a.so\n"


@pytest.mark.parametrize(
    ("profile", "is_known"),
    [
        ("Auth-Type: Additional\nAuth: required pam_a.so\n", True),
        ("Auth-Type: Primary\nAuth:\n\n 0\n  required pam_a.so  \n", True),
        ("Auth-Type: Primary\nAuth:  optional pam_b.so\n required pam_a.so", True),
        ("Auth-Type: Primary\nAuth-Initial-Final:\n required pam_a.so\n", True),
        ("Auth-Type: Primary\nAuth: required pam_a.so\nAuth: optional pam_b.so\n", False),
        ("Auth-Type: Tertiary\nAuth: required pam_a.so\n", False),
        ("Auth-Type: Primary \nAuth: required pam_a.so\n", False),
        ("Auth: required pam_a.so\n", False),
        ("auth-type: Primary\nauth: required pam_a.so\n", False),
        ("Auth-Type: Primary\nAuth:\n # required pam_a.so\n -required pam_a.so\n", False),
        ("Auth-Type: Primary\nAuth:\n required pam_a.so\n optional pam_tally2.so\n", False),
        ("disabled: 1\nAuth-Type: Primary\nAuth:\n required pam_a.so\n", False),
        ("disabled: 0\nAuth-Type: Primary\nAuth:\n required pam_a.so\n", True),
        ("Auth-Type: Primary\nAuth: optional b.so\nConflicts: x\n required pam_a.so\n", False),
        (" required pam_a.so\n\0\udcff:\n: \n", False),
        ("", False),
    ],
)  # fmt: skip
def test_odd_profiles(profile: str, is_known: bool) -> None:
    """A rule would be called unknown that a package brings, or the other way around."""
    text = "\n".join([PRIMARY, FALLBACK, ADDITIONAL, RULE + END])
    expected = [] if is_known else [UNKNOWN]
    assert [message for _, message in found(text, machine(None, x=profile))] == expected


@pytest.mark.parametrize(
    ("name", "is_read"),
    [("x", True), (".x", True), ("#x", True), ("x~", False), ("#x#", False), ("##", True)],
)
def test_names_of_profiles(name: str, is_read: bool) -> None:
    """A profile that an editor left would count, or a real one not."""
    files = Texts({PROFILES + name: "Auth-Type: Primary\nAuth: required pam_a.so\n"})
    text = "\n".join([PRIMARY, FALLBACK, ADDITIONAL, RULE + END])
    assert bool(found(text, files)) is not is_read


QUIET, REQUIRED = "Session-noninteractive", "required\tpam_unix.so"


@pytest.mark.parametrize(
    ("profile", "is_known"),
    [
        (SHIPPED["unix"], True),
        (f"{SHIPPED['unix']}Session-Interactive-Only: yes\n", False),
        (f"Session-Interactive-Only:\n{QUIET}-Type: Additional\n{QUIET}: {REQUIRED}\n", True),
    ],
)
def test_sessions_of_nobody(profile: str, is_known: bool) -> None:
    """Rules of sessions that people sit at would be expected in those of cron."""
    rules = f"session\t{REQUIRED} \n"
    text = "\n".join([PRIMARY, FALLBACK, ADDITIONAL, rules + END])
    path = "/etc/pam.d/common-session-noninteractive"
    expected = [] if is_known else [(4, UNKNOWN)]
    assert found(text, machine(None, x=profile), path) == expected


# --- Anything -------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [f"{PRIMARY}\n", f"{FALLBACK}\n", f"{ADDITIONAL}\n", f"{END}\n", "auth ", "-auth ", "[", "]",
     "success=end", "default=1", "required ", "pam_a.so", "pam_b.so ", " ", "\t", "\n", "\n", "#",
     "\\\n", "Module: ", "Module: a\n", "Auth:", "Auth-Type: Primary\n", "Conflicts: ", ":", "\0",
     "\udcff", "\r", "x" * 1100, "@include ", "="]
)  # fmt: skip
ANYTHING = st.lists(PIECES).map("".join)


@given(ANYTHING, ANYTHING, st.booleans())
def test_anything(text: str, other: str, has_record: bool) -> None:
    """A strange file would end in a traceback, or in a line that is not there."""
    whole = f"{PRIMARY}\n{text}\n{FALLBACK}\n{ADDITIONAL}\n{text}\n{END}"
    for each in (text, whole):
        files = machine(other) if has_record else machine(None, x=other)
        for line, message in found(each, files):
            assert 1 <= line <= max(1, each.count("\n") + 1)
            assert message.splitlines() == [message]
            assert not message.endswith(".")


def test_places_in_the_block() -> None:
    """A rule would go where pam-auth-update writes, and stop it from ever writing again."""
    markers = "".join(f"{marker.decode()}\nauth required pam_x.so\n" for marker in MARKERS)
    file = File("/etc/pam.d/common-auth", lines.parse(f"# above\n{markers}".encode()))
    within = [auth_update.is_within(file, at) for at in range(len(file.entries) + 1)]
    # above; PRIMARY, rule; FALLBACK, rule: an admin's place; ADDITIONAL, rule; END, rule
    assert within == [False, False, True, True, False, False, True, True, False, False]
    plain = File("/etc/pam.d/sshd", lines.parse(b"auth required pam_x.so\n"))
    assert not auth_update.is_within(plain, 1)
