"""sshd's configuration: lines, patterns, what counts for a connection, and how it may log in.

The real sshd is asked in tests/e2e; here are the cases that one wants to read, and all branches.
"""

import stat
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamconf.accounts import Account
from pamconf.errors import FileError, PamconfError, ToolError, UsageError
from pamconf.sshd import (
    DEFAULTS,
    PATH,
    Answer,
    BadConfigError,
    Connection,
    Effective,
    PamAuth,
    Setting,
    Source,
    Way,
    admission,
    ask,
    connect,
    consult,
    effective,
    load,
    match,
    parse,
    query,
    render,
    ways,
    words,
)
from pamconf.tree import Texts

ANN = Account("ann", 1000, ("ann", "wheel"))
ROOT = Account("root", 0, ("root",))
FROM_LAN = Connection("ann", ANN, "10.1.2.3", local_address="10.0.0.1")


def counts(text: str, connection: Connection = FROM_LAN, **included: str) -> Effective:
    """What counts for a connection; `included` are files of sshd_config.d, without .conf."""
    more = {f"/etc/ssh/sshd_config.d/{name}.conf": text for name, text in included.items()}
    return effective(load(Texts({PATH: text, **more})), connection)


# --- Lines ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "keyword", "arguments"),
    [
        ("UsePAM yes\n", "UsePAM", ("yes",)),
        (" \tUsePAM=yes # no\r\n", "UsePAM", ("yes",)),
        ("UsePAM = yes", "UsePAM", ("yes",)),
        ("UsePAM == yes", "UsePAM", ("=", "yes")),
        ('"UsePAM" "yes"', "UsePAM", ("yes",)),
        ('Use"PAM" yes', "UsePAM", ("yes",)),
        ("=UsePAM yes", "UsePAM", ("yes",)),
        (
            r"""Banner 'a b' "c\"d" e\ f g\x 'h\'i' "j" "'k'" l"m n"o""",
            "Banner",
            ("a b", 'c"d', "e f", "g\\x", "h'i", "j", "'k'", "lm no"),
        ),
        ("AllowUsers a#b c #d", "AllowUsers", ("a#b", "c")),
        ("Banner x\f", "Banner", ("x",)),
        ("# UsePAM yes", "", ()),
        ("", "", ()),
        ("   \n", "", ()),
        ('"UsePAM yes', "", ()),
        ('="UsePAM yes', "", ()),
    ],
)
def test_words(line: str, keyword: str, arguments: tuple[str, ...]) -> None:
    """A line would be read in another way than sshd does."""
    for read in parse(line, "f"):
        assert (read.keyword, read.arguments, read.problem) == (keyword, arguments, "")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("UsePAM", "no argument"),
        ("UsePAM =", "no argument"),
        ("Banner 'a", "quote"),
        ('Banner a"b', "quote"),
        ("Banner 'a' \"b", "quote"),
        ("UsePAM yes\0", "NUL"),
    ],
)
def test_lines_that_stop_sshd(line: str, problem: str) -> None:
    """We would explain logins of an sshd that does not start."""
    (read,) = parse(f"{line}\n", "f")
    assert problem in read.problem
    with pytest.raises(BadConfigError, match=problem) as caught:
        load(Texts({PATH: f"# above\n\n\t{line}\n"}))
    assert (caught.value.path, caught.value.line, caught.value.column) == (PATH, 3, 2)


@given(st.text(st.sampled_from("aU \t\r\n\f\"'\\#=,!\0\udcff"), max_size=40))
def test_parsing_loses_nothing(text: str) -> None:
    """An edit would change bytes that it has nothing to do with, or a file not be read at all."""
    lines = parse(text, "f")
    assert render(lines) == text
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))


def test_folding() -> None:
    """A letter that Unicode takes for another would name a keyword."""
    assert words.folded("USE\u212aÄ") == "use\u212aÄ"


# --- Patterns -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "matches"),
    [
        ("ann", True),
        ("a?n", True),
        ("a*", True),
        ("**", True),
        ("Ann", None),
        ("bob,ann", True),
        ("!ann", False),
        ("!bob", None),
        ("*,!ann", False),
        ("!ann,*", False),
        ("", None),
        ("[a]nn", None),
        ("ann,", True),
        (f"ann,{'x' * 1023}", None),
        (f"ann,{'x' * 1022}", True),
    ],
)
def test_list(patterns: str, matches: bool | None) -> None:
    """A Match block would hold for somebody else than with sshd."""
    assert match.in_list("ann", patterns) is matches


def test_patterns_are_of_bytes() -> None:
    """A name with an umlaut would match other patterns than with sshd."""
    assert match.wildcard("ä", "??")
    assert not match.wildcard("ä", "?")


@pytest.mark.parametrize(
    ("address", "patterns", "matches"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.4", None),
        ("10.1.2.3", "10.1.*", True),
        ("10.1.2.3", "!10.0.0.0/8,*", False),
        ("10.1.2.3", "*,!10.1.2.3", False),
        ("10.1.2.3", "0.0.0.0/0", True),
        ("10.1.2.3", "::/0", None),
        ("10.0.0.1", "10.1", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db8::1", "2001:DB8:0::1", True),
        ("::ffff:10.1.2.3", "10.0.0.0/8", None),
        ("fe80::1%1", "fe80::/10", None),
        ("10.1.2.3", "10.0.0.0/x", None),
        ("10.1.2.3", "10.0.0.0/129", None),
        ("10.1.2.3", f"{'1' * 64}", None),
        ("nonsense", "*", None),
        ("", "*", None),
        ("a\0b", "*", None),
        (None, "10.0.0.0/8,*", None),
    ],
)
def test_addresses(address: str | None, patterns: str, matches: bool | None) -> None:
    """The LAN would be taken for the internet, or the other way round."""
    assert match.in_addresses(address, patterns) is matches


@pytest.mark.parametrize("patterns", ["10.1.2.3/8", "10.0.0.0/33", "", "10.1.2.3,", "!", "::1/64"])
def test_addresses_that_stop_sshd(patterns: str) -> None:
    """We would take what sshd does not start with."""
    with pytest.raises(ValueError, match="address"):
        match.in_addresses(None, patterns)


BOX = Connection("ann", ANN, "10.1.2.3", "Box.lan", "10.0.0.1", 2222, "red")
NOWHERE = Connection("ann")


@pytest.mark.parametrize(
    ("criteria", "connection", "holds"),
    [
        ("all", NOWHERE, True),
        ("All # comment", NOWHERE, True),
        ('all ""', NOWHERE, True),
        ("user ann", NOWHERE, True),
        ("User=ann", BOX, True),
        ('user "ann"', BOX, True),
        ("user ann # bob", BOX, True),
        ('user ann ""', BOX, True),
        ("user bob", BOX, False),
        ("user !bob", BOX, False),
        ("group wheel", BOX, True),
        ("group *,!wheel", BOX, False),
        ("group *", NOWHERE, False),
        ("host *.LAN", BOX, True),
        ("host 10.*", FROM_LAN, True),
        ("host *", NOWHERE, False),
        ("address 10.0.0.0/8", BOX, True),
        ("address *", NOWHERE, False),
        ("localaddress 10.0.0.1", BOX, True),
        ("localaddress *", NOWHERE, False),
        ("localport 2222", BOX, True),
        ("localport 22", BOX, False),
        ("rdomain r*", BOX, True),
        ("rdomain *", NOWHERE, False),
        ("user ann localport 2222", BOX, True),
        ("user ann localport 22", BOX, False),
    ],
)
def test_match(criteria: str, connection: Connection, holds: bool) -> None:
    """Settings would count for a connection that sshd has others for."""
    read = counts(f"Match {criteria}\nPasswordAuthentication no\n", connection)
    assert read.yes("PasswordAuthentication") is not holds


@pytest.mark.parametrize(
    "criteria",
    [
        "# nothing",
        "user",
        "user # nobody",
        "all user ann",
        "user ann all",
        "canonical x",
        "invalid-user x",
        "address 10.0.0.1/8",
        "localport http-or-so",
        "localport 65536",
        f"localport {'9' * 5000}",
        'user ann "" x',
        "user 'a\"b'",
    ],
)
def test_match_that_stops_sshd(criteria: str) -> None:
    """We would take what sshd does not start with."""
    with pytest.raises(BadConfigError):
        counts(f"Match {criteria}\n")


def test_port_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Match LocalPort ssh` would not be understood."""
    monkeypatch.setattr("socket.getservbyname", lambda *_: 22)
    read = counts("Match localport ssh\nPasswordAuthentication no\n")
    assert not read.yes("PasswordAuthentication")


# --- What counts ----------------------------------------------------------------------------------


def value(read: Effective, keyword: str) -> tuple[str, str]:
    """A value, and the line's place without the folder."""
    setting = read[keyword]
    return setting.value, str(setting.source or "built in").replace("/etc/ssh/", "")


def test_defaults() -> None:
    """A file that says nothing would be taken for Debian's."""
    read = counts("# nothing\nX11Forwarding no\n")
    assert {keyword: setting.value for keyword, setting in read.settings.items()} == DEFAULTS
    assert {setting.source for setting in read.settings.values()} == {None}


@pytest.mark.parametrize(
    ("text", "keyword", "expected"),
    [
        ("UsePAM yes\nUsePAM no\n", "UsePAM", ("yes", "sshd_config:1")),
        (
            "ChallengeResponseAuthentication no\nKbdInteractiveAuthentication yes\n",
            "KbdInteractiveAuthentication",
            ("no", "sshd_config:1"),
        ),
        (
            "permitrootlogin WITHOUT-password",
            "PermitRootLogin",
            ("prohibit-password", "sshd_config:1"),
        ),
        (
            "PasswordAuthentication no\nMatch User ann\nPasswordAuthentication yes\n",
            "PasswordAuthentication",
            ("yes", "sshd_config:3"),
        ),
        (
            "Match User ann\nPasswordAuthentication yes\nMatch All\nPasswordAuthentication no\n",
            "PasswordAuthentication",
            ("yes", "sshd_config:2"),
        ),
        (
            "Match User bob\nPasswordAuthentication no\n",
            "PasswordAuthentication",
            ("yes", "built in"),
        ),
        ("Match all\nUsePAM yes\nUseDNS yes\n", "UsePAM", ("yes", "sshd_config:2")),
        (
            "Match User ann\nAuthenticationMethods any\nMatch all\nAuthenticationMethods none\n",
            "AuthenticationMethods",
            ("any", "sshd_config:2"),
        ),
        (
            "AuthenticationMethods publickey,password publickey:x\n",
            "AuthenticationMethods",
            ("publickey,password publickey:x", "sshd_config:1"),
        ),
        (
            "DSAAuthentication no\nMatch all\nDSAAuthentication yes\n",
            "PubkeyAuthentication",
            ("yes", "sshd_config:3"),
        ),
    ],
)
def test_first_value_wins(text: str, keyword: str, expected: tuple[str, str]) -> None:
    """An admin would be sent to a line that does nothing."""
    assert value(counts(text), keyword) == expected


def test_include() -> None:
    """Drop-ins would be read in another order, or a Match in one go on after it."""
    read = counts(
        "Include sshd_config.d/*.conf ~/none none\n"
        "PasswordAuthentication yes\nPermitEmptyPasswords yes\n",
        a="KbdInteractiveAuthentication no\nMatch User ann\nPermitRootLogin no\n",
        b="PasswordAuthentication no\nInclude /etc/ssh/sshd_config.d/c.conf\n",
        c="GSSAPIAuthentication yes\nPasswordAuthentication yes\n",
    )
    assert value(read, "PasswordAuthentication") == ("no", "sshd_config.d/b.conf:1")
    assert value(read, "PermitRootLogin") == ("no", "sshd_config.d/a.conf:3")
    assert value(read, "PermitEmptyPasswords") == ("yes", "sshd_config:3")
    assert value(read, "GSSAPIAuthentication") == ("yes", "sshd_config.d/c.conf:1")


@pytest.mark.parametrize(("user", "holds"), [("ann", True), ("bob", False)])
def test_include_in_match(user: str, holds: bool) -> None:
    """What a block includes would count for others too."""
    read = counts(
        f"Match User {user}\nInclude sshd_config.d/a.conf\nPermitEmptyPasswords yes\n",
        a="PasswordAuthentication no\nMatch User ann\nPermitRootLogin no\n"
        "Match all\nHostbasedAuthentication yes\n",
    )
    assert read.yes("PasswordAuthentication") is not holds
    assert (read["PermitRootLogin"].value == "no") is holds
    assert read.yes("HostbasedAuthentication") is holds
    assert read.yes("PermitEmptyPasswords") is holds


def test_lists() -> None:
    """A user would be let in or kept out by lines that do not count."""
    read = counts(
        "AllowUsers ann bob\nAllowUsers carl@10.*\nDenyGroups x\nMatch User ann\nDenyGroups y\n"
    )
    assert read.lists == {
        "AllowUsers": tuple(
            Setting(name, Source(PATH, line))
            for name, line in [("ann", 1), ("bob", 1), ("carl@10.*", 2)]
        ),
        "DenyGroups": (Setting("y", Source(PATH, 5)),),
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("UsePAM yes no", 1),
        ("UsePAM #", 1),
        ("UsePAM maybe", 1),
        ("PermitRootLogin maybe", 1),
        ('AllowUsers ""', 1),
        ("AllowUsers ann@10.1.2.3/8", 1),
        ("DenyGroups ''", 1),
        ("AuthenticationMethods #", 1),
        ("AuthenticationMethods any publickey", 1),
        ("AuthenticationMethods publickey any", 1),
        ("AuthenticationMethods any any", 1),
        ("AuthenticationMethods any\nAuthenticationMethods any", 2),
        ("AuthenticationMethods publickey\nAuthenticationMethods any", 2),
        ("AuthenticationMethods nonsense", 1),
        ("AuthenticationMethods publickey,", 1),
        ("AuthenticationMethods hostbased", 1),
        ("PasswordAuthentication no\nAuthenticationMethods publickey,password", 2),
        ("AuthenticationMethods publickey\nMatch User ann\nAuthenticationMethods any", 3),
        ("Match User ann\nUsePAM yes", 2),
        ("Match User bob\nDSAAuthentication yes", 2),
        ('Include ""', 1),
        ("Include #", 1),
        (f"Include {PATH}", None),
    ],
)
def test_what_stops_sshd(text: str, line: int | None) -> None:
    """We would explain logins of an sshd that does not start."""
    with pytest.raises(BadConfigError) as caught:
        counts(text)
    assert (caught.value.path, caught.value.line) == (PATH, line)


@pytest.mark.parametrize(
    "text",
    [
        "Match User bob\nAuthenticationMethods publickey any",  # sshd looks when it holds
        "Match User bob\nAuthenticationMethods any any",
        "AllowUsers #",
        "AuthenticationMethods 'publickey:a b'",
        "PubkeyAuthentication no\nAuthenticationMethods publickey none",
        "Match User ann\nPubkeyAuthentication no\nAuthenticationMethods publickey",
    ],
)
def test_what_does_not_stop_sshd(text: str) -> None:
    """We would call a configuration broken that sshd runs with."""
    counts(text)


def test_missing_file() -> None:
    """A missing file would be an empty one."""
    with pytest.raises(FileError):
        load(Texts({}))


KEYWORDS = ["Match", "Include", "UsePAM", "AllowUsers", "AuthenticationMethods", "PermitRootLogin"]
ARGUMENTS = [
    "User",
    "all",
    "Address",
    "yes",
    "any",
    "ann@",
    "10.1.2.3/8",
    "!",
    "*",
    "publickey",
    PATH,
]
ODD = ["=", '"', "'", "#", "\\", ",", "\0", "\udcff", "'publickey:a b'", "password,none"]


@given(st.lists(st.sampled_from([*KEYWORDS, *ARGUMENTS, *ODD, *[" ", "\n"] * 4]), max_size=30))
def test_any_text(pieces: list[str]) -> None:
    """Something else than an error that an admin understands would come out of a file."""
    try:
        read = counts("".join(pieces))
    except PamconfError:
        return
    assert ways(read)


# --- Who may try ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "allowed", "line"),
    [
        ("", True, None),
        ("AllowUsers ann", True, 1),
        ("AllowUsers bob a*", True, 1),
        ("AllowUsers bob\nAllowUsers carl", False, 1),
        ("AllowUsers !ann", False, 1),
        ("AllowUsers ann@10.0.0.0/8", True, 1),
        ("AllowUsers ann@192.168.0.0/16", False, 1),
        ("AllowUsers ann@!10.0.0.0/8,*", False, 1),
        ("AllowUsers ann@*.lan,!10.1.2.3", False, 1),
        ("AllowUsers ann@*.3,!*.2.3", False, 1),
        ("DenyUsers bob\nDenyUsers ann", False, 2),
        ("DenyUsers ann\nAllowUsers ann", False, 1),
        ("DenyGroups wheel", False, 1),
        ("DenyGroups x\nAllowGroups x wh*", True, 2),
        ("AllowGroups staff", False, 1),
        ("AllowUsers ann\nDenyGroups staff", True, 1),
        ("AllowUsers ann\nAllowGroups wheel", True, 2),
    ],
)
def test_admission(text: str, allowed: bool, line: int | None) -> None:
    """We would not see that sshd keeps somebody out, whatever they type."""
    verdict = admission(counts(text))
    assert verdict.allowed is allowed
    assert (verdict.source.line if verdict.source else None) == line


def test_admission_of_odd_users() -> None:
    """A user that is not there, in no group or from nowhere would be let in."""
    groupless = Connection("eve", Account("eve", 7, ()), "10.1.2.3")
    assert not admission(counts("", Connection("nobody"))).allowed
    assert admission(counts("", groupless)).allowed
    assert not admission(counts("DenyGroups x", groupless)).allowed
    assert not admission(counts("AllowUsers ann@*", Connection("ann", ANN))).allowed


# --- Ways -----------------------------------------------------------------------------------------


def possible(read: Effective) -> list[str]:
    """The ways that can be gone."""
    return [str(way) for way in ways(read) if way.possible]


def way(read: Effective, name: str) -> Way:
    """One of the ways."""
    (found,) = [way for way in ways(read) if str(way) == name]
    return found


def test_debian() -> None:
    """That a code cannot be typed with Debian's own settings would not be seen."""
    read = counts("UsePAM yes\nKbdInteractiveAuthentication no\n")
    assert possible(read) == ["publickey", "password"]
    (step,) = way(read, "password").steps
    assert step.pam_auth is PamAuth.PASSWORD
    (step,) = way(read, "keyboard-interactive").steps
    assert [str(obstacle.source) for obstacle in step.obstacles] == [f"{PATH}:2"]
    assert way(read, "publickey").pam_account


def test_no_pam() -> None:
    """That a password logs in with no code would not be seen."""
    read = counts("UsePAM no\n")
    assert possible(read) == ["publickey", "password"]
    (step,) = way(read, "password").steps
    assert step.pam_auth is PamAuth.UNUSED
    assert not way(read, "password").pam_account
    (step,) = way(read, "keyboard-interactive").steps
    assert step.obstacles[0].reason == "UsePAM no"


def test_key_then_prompts() -> None:
    """The order of methods would be lost, or a key be said to run PAM's auth lines."""
    read = counts("UsePAM yes\nAuthenticationMethods publickey,keyboard-interactive:pam password\n")
    assert possible(read) == ["publickey,keyboard-interactive:pam", "password"]
    first, second = way(read, "publickey,keyboard-interactive:pam").steps
    assert (first.pam_auth, second.pam_auth) == (PamAuth.UNUSED, PamAuth.PROMPTS)
    assert (second.method, second.device) == ("keyboard-interactive", "pam")


@pytest.mark.parametrize(
    "text",
    [
        "UsePAM no\nAuthenticationMethods keyboard-interactive:pam",
        "UsePAM yes\nAuthenticationMethods keyboard-interactive:bsdauth",
        "UsePAM yes\nAuthenticationMethods publickey:pam",
        "UsePAM yes\nMatch User ann\nPasswordAuthentication no\nAuthenticationMethods password",
        "UsePAM yes\nDenyUsers ann",
    ],
)
def test_locked_out(text: str) -> None:
    """`sshd -t` finds nothing wrong with these, and nobody gets in."""
    assert possible(counts(text)) == []


@pytest.mark.parametrize(
    ("permit", "open_"),
    [
        ("yes", ["publickey", "password", "keyboard-interactive"]),
        ("prohibit-password", ["publickey"]),
        ("forced-commands-only", ["publickey"]),
        ("no", []),
    ],
)
def test_root(permit: str, open_: list[str]) -> None:
    """Root would be said to get in where sshd asks and always refuses."""
    read = counts(f"UsePAM yes\nPermitRootLogin {permit}\n", Connection("root", ROOT))
    assert possible(read) == open_
    notes = way(read, "publickey").steps[0].notes
    assert bool(notes) is (permit == "forced-commands-only")


def test_nothing_asked() -> None:
    """That an empty password logs in unasked would not be seen."""
    read = counts("UsePAM yes\nPermitEmptyPasswords yes\n")
    assert "none" in possible(read)
    assert way(read, "none").steps[0].pam_auth is PamAuth.PASSWORD


def test_kerberos() -> None:
    """That Kerberos answers for a password before PAM does would not be said."""
    read = counts("UsePAM yes\nKerberosAuthentication yes\n")
    assert "Kerberos" in way(read, "password").steps[0].notes[0]
    assert way(read, "publickey").steps[0].notes == ()


def test_unknown_method() -> None:
    """A method of a newer sshd would end the explanation."""
    settings = {name: Setting(default) for name, default in DEFAULTS.items()}
    settings["AuthenticationMethods"] = Setting("telepathy publickey")
    read = Effective(FROM_LAN, MappingProxyType(settings))
    assert possible(read) == ["publickey"]
    assert not read.enabled("telepathy")


# --- The real sshd --------------------------------------------------------------------------------


def fake(folder: Path, script: str) -> str:
    """A program that stands in for sshd."""
    program = folder / "sshd"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def dump(**values: str) -> str:
    """What `sshd -T` writes, as commands for a shell."""
    all_values = {name.lower(): default for name, default in DEFAULTS.items()}
    all_values |= {"permitrootlogin": "without-password", **values}
    return "\n".join(f"echo '{keyword} {value}'" for keyword, value in all_values.items())


def test_query(tmp_path: Path) -> None:
    """Values would not be sshd's, or their lines be lost."""
    config = tmp_path / "config"
    config.write_text("PasswordAuthentication no\nAllowUsers ann\nAllowUsers bob\n")
    script = dump(passwordauthentication="no") + "\necho allowusers ann\necho allowusers bob"
    answer = query(FROM_LAN, config=str(config), sshd=fake(tmp_path, script))
    assert answer.asked
    assert answer.warnings == ()
    assert answer.effective["PasswordAuthentication"] == Setting("no", Source(str(config), 1))
    assert [entry.source for entry in answer.effective.lists["AllowUsers"]] == [
        Source(str(config), 2),
        Source(str(config), 3),
    ]


def test_query_differs(tmp_path: Path) -> None:
    """That our reader is wrong would be hidden, and an admin be sent to the wrong line."""
    config = tmp_path / "config"
    config.write_text("PasswordAuthentication no\nAllowUsers ann\n")
    answer = query(FROM_LAN, config=str(config), sshd=fake(tmp_path, dump(usepam="yes")))
    assert answer.effective["PasswordAuthentication"] == Setting("yes")
    assert answer.effective["UsePAM"] == Setting("yes")
    assert answer.effective.lists["AllowUsers"] == ()
    assert len(answer.warnings) == 3


def test_query_takes_more_than_we_do(tmp_path: Path) -> None:
    """A newer sshd's configuration would not be explained at all."""
    config = tmp_path / "config"
    config.write_text("Match Telepathy yes\n")
    answer = query(FROM_LAN, config=str(config), sshd=fake(tmp_path, dump(usepam="yes")))
    assert answer.asked
    assert answer.effective["UsePAM"] == Setting("yes")
    assert "Telepathy".lower() in answer.warnings[0]


def test_query_elsewhere(tmp_path: Path) -> None:
    """This machine's sshd would be asked about another root."""
    (tmp_path / "etc/ssh").mkdir(parents=True)
    (tmp_path / "etc/ssh/sshd_config").write_text("UsePAM yes\n")
    answer = query(FROM_LAN, root=tmp_path, sshd="/bin/false")
    assert not answer.asked
    assert answer.warnings == ()
    assert answer.effective.yes("UsePAM")


def test_query_without_sshd(tmp_path: Path) -> None:
    """That nobody was asked would not be said."""
    config = tmp_path / "config"
    config.write_text("UsePAM yes\n")
    answer = query(FROM_LAN, config=str(config), sshd=str(tmp_path / "sshd"))
    assert not answer.asked
    assert "no " in answer.warnings[0]
    assert answer.effective.yes("UsePAM")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'config line 1: bad' >&2; exit 255", "config line 1: bad"),
        ("exit 3", "exit status 3"),
        ("sleep 5", "could not be asked"),
    ],
)
def test_query_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    """An sshd that says no, or hangs, would be taken for one that agrees."""
    monkeypatch.setattr(ask, "_SECONDS_MAX", 1)
    with pytest.raises(ToolError, match=said):
        query(FROM_LAN, sshd=fake(tmp_path, script))


@pytest.mark.parametrize(
    "said",
    [
        "/etc/ssh/x.conf: line 7: Bad configuration option: NoSuch",
        "/etc/ssh/x.conf line 7: Bad configuration option: NoSuch.",
        "first\n/etc/ssh/x.conf: line 7: Bad configuration option: NoSuch\r\nlast",
    ],
)
def test_query_names_the_line_that_sshd_objects_to(tmp_path: Path, said: str) -> None:
    """An admin would be told that sshd failed, but not where."""
    with pytest.raises(BadConfigError) as raised:
        query(FROM_LAN, sshd=fake(tmp_path, f"cat >&2 <<'.'\n{said}\n.\nexit 255"))
    assert (raised.value.path, raised.value.line) == ("/etc/ssh/x.conf", 7)
    assert raised.value.message == "Bad configuration option: NoSuch"


def test_consult(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is not root, or whose sshd does not run, would be told nothing at all."""
    (tmp_path / "etc/ssh").mkdir(parents=True)
    (tmp_path / "etc/ssh/sshd_config").write_text("UsePAM yes\n")
    answer = consult(FROM_LAN, root=tmp_path)
    assert (answer.asked, answer.warnings) == (False, ())

    def fails(*_: object, **__: object) -> Answer:
        raise ToolError("sshd -T failed.")

    monkeypatch.setattr(ask, "query", fails)
    answer = consult(FROM_LAN, root=tmp_path)
    assert answer.effective.yes("UsePAM")
    assert not answer.asked
    assert answer.warnings == ("sshd -T failed: this is by our own reading of its files",)


def test_dump() -> None:
    """A value with a character that Python takes for a line's end would be cut."""
    said = ask.parse_dump("usepam yes\nallowusers a\fb\nallowusers\u2028\n")
    assert said == {"usepam": ["yes"], "allowusers": ["a\fb"], "allowusers\u2028": [""]}


def test_specification() -> None:
    """Sshd would be asked about another connection."""
    assert ask.specification(BOX) == (
        "user=ann,host=Box.lan,addr=10.1.2.3,laddr=10.0.0.1,lport=2222,rdomain=red"
    )
    assert ask.specification(NOWHERE) == "user=ann,lport=22"
    for user in ("a,b", "a\0b"):
        with pytest.raises(UsageError):
            ask.specification(Connection(user))


def test_connect(tmp_path: Path) -> None:
    """Another root's users would be this machine's."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("ann:x:1000:10::/:/bin/sh\n")
    (tmp_path / "etc/group").write_text("ann:x:10:\n")
    assert connect("ann", "10.1.2.3", root=tmp_path) == Connection(
        "ann", Account("ann", 1000, ("ann",)), "10.1.2.3"
    )
