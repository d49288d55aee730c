"""What models of modules return, from files and arguments, and where nobody can know."""

from pathlib import Path

import pytest

from pamconf import stack
from pamconf.access_who import Origin
from pamconf.accounts import Account
from pamconf.login import RIGHT, WRONG, Login, World
from pamconf.models import MODELS
from pamconf.tree import Kind, Tree

D = "/etc/pam.d"
ALICE = Account("alice", 1000, ("alice", "sudo"), 1000, "/home/alice", "/bin/sh")
NOSHELL = Account("noshell", 1001, (), 1001, "/", "")
ROOT = Account("root", 0, ("root",), 0, "/root", "/bin/sh")
SYSTEM = Account("system", 150, ())
LAN = Origin("10.0.0.1", "/dev/tty1", "x")
HERE = Origin(None, None, "x")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with alice, and room for files."""
    for folder in ("etc/security", "var/log", "proc", "sys/class/tty/console"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/passwd").write_text("alice:x:1000:1000::/home/alice:/bin/sh\n")
    (tmp_path / "etc/group").write_text("alice:x:1000:\nsudo:x:27:alice\n")
    return tmp_path


def said(
    words: str,
    root: Path = Path("/"),
    call: str = "auth",
    user: Account | None = None,
    origin: Origin | None = None,
    authtok: str | None = None,
) -> list[str]:
    """What a rule of a module and its arguments returns: a line for each way that it can go."""
    text = f"auth required {words}".encode()
    (rule,) = stack.load_from({D: b"", f"{D}/x": text}.get, "x").rules("auth")
    world = World(root, user, {"here": origin} if origin else {})
    login: Login | None = Login("x", world, call=call, authtok=authtok)
    lines = []
    while login:
        login.call, login.authtok = call, authtok
        returned = MODELS[rule.name](rule, login)
        known = [value for name, value in login.known.items() if name != "origin"]
        lines.append(": ".join([*([", ".join(known)] if known else []), returned]))
        login = login.next()
    return lines


def both(so: str, returned: str, otherwise: str, refused: str) -> list[str]:
    """The lines of what hangs on one fact."""
    return [f"{so}: {returned}", f"{otherwise}: {refused}"]


@pytest.mark.parametrize(
    ("module", "call", "returned"),
    [
        ("pam_listfile.so", "setcred", "success"),
        ("pam_localuser.so", "setcred", "success"),
        ("pam_shells.so", "session", "module_unknown"),
        ("pam_shells.so", "setcred", "success"),
        ("pam_securetty.so", "session", "module_unknown"),
        ("pam_faillock.so", "session", "module_unknown"),
        ("pam_faillock.so", "account", "success"),
        ("pam_lastlog.so", "password", "module_unknown"),
        ("pam_lastlog.so", "session", "success"),
        ("pam_timestamp.so", "session", "success"),
        ("pam_timestamp.so", "account", "module_unknown"),
        ("pam_usertype.so isregular", "setcred", "ignore"),
        ("pam_usertype.so", "auth", "service_err"),
        ("pam_exec.so /x", "setcred", "ignore"),
        ("pam_exec.so quiet TYPE=account /x", "auth", "ignore"),
        ("pam_exec.so type=session /x", "session", "ignore"),
        ("pam_exec.so", "auth", "service_err"),
        ("pam_exec.so quiet", "auth", "service_err"),
        ("pam_debug.so", "auth", "success"),
        ("pam_debug.so auth=maxtries auth=success", "auth", "maxtries"),
        ("pam_debug.so auth=nonsense auth=maxtries", "auth", "success"),
        ("pam_debug.so chauthtok=try_again", "password", "try_again"),
        ("pam_debug.so prechauthtok=abort chauthtok=try_again", "password", "abort"),
        ("pam_time.so", "auth", "module_unknown"),
        ("pam_fprintd.so", "password", "success"),
        ("pam_fprintd.so", "session", "module_unknown"),
        ("pam_kwallet5.so", "account", "module_unknown"),
        ("pam_kwallet5.so", "session", "success"),
        ("pam_gdm.so", "account", "success"),
        ("pam_ftp.so", "setcred", "ignore"),
        ("pam_ftp.so", "account", "module_unknown"),
        ("pam_userdb.so db=/x", "session", "module_unknown"),
        ("pam_userdb.so", "auth", "service_err"),
        ("pam_userdb.so db=/x use_first_pass", "auth", "authtok_recover_err"),
        ("pam_pwquality.so", "auth", "module_unknown"),
        ("pam_pwhistory.so", "auth", "module_unknown"),
        ("pam_pwhistory.so remember=0", "password", "ignore"),
        ("pam_rhosts.so", "setcred", "success"),
        ("pam_rhosts.so", "account", "module_unknown"),
        ("pam_rhosts.so", "auth", "auth_err"),
        ("pam_sepermit.so", "setcred", "ignore"),
        ("pam_sepermit.so", "session", "module_unknown"),
        ("pam_sepermit.so conf=", "auth", "service_err"),
    ],
)
def test_what_hangs_on_nothing(module: str, call: str, returned: str, root: Path) -> None:
    """A rule would be said to depend on something, or to be there for a call that it is not."""
    assert said(module, root, call) == [returned]


PROGRAM = ["/bin/x agrees (/etc/pam.d/x:1)", "/bin/x refuses (/etc/pam.d/x:1)"]
QUALITY = ("with a new password that is good enough", "with one that is too easy")
DATABASE = ("in the database /x", "not in the database /x")


@pytest.mark.parametrize(
    ("module", "call", "lines"),
    [
        ("pam_exec.so quiet type=account type=account /bin/x y", "account",
         both(PROGRAM[0], "success", PROGRAM[1], "system_err")),
        ("pam_exec.so type=open_session /bin/x", "session",
         both(PROGRAM[0], "success", PROGRAM[1], "system_err")),
        ("pam_exec.so expose_authtok", "auth", [f"{one}: service_err" for one in (RIGHT, WRONG)]),
        ("pam_timestamp.so", "auth",
         both("let in at this terminal lately", "success", "not let in here lately", "auth_err")),
        ("pam_usertype.so isregular use_uid", "auth",
         both("asked by a person", "success", "asked by an account of the system", "auth_err")),
        ("pam_kwallet5.so", "auth", both("right", "success", "wrong", "success")),
        ("pam_ftp.so users=ann", "auth",
         ["ann, right: success", "ann, wrong: success",
          "not ann, right: auth_err", "not ann, wrong: auth_err"]),
        ("pam_gdm.so", "auth",
         ["no disk's password at boot: authinfo_unavail",
          "the disk's password typed at boot, which is the account's, too: success",
          "the disk's password typed at boot, which is not the account's: success"]),
        ("pam_userdb.so db=/x", "account",
         both(DATABASE[0], "success", DATABASE[1], "user_unknown")),
        ("pam_userdb.so db=/x try_first_pass", "auth",
         [f"right, {DATABASE[0]}: success", f"right, {DATABASE[1]}: user_unknown",
          f"wrong, {DATABASE[0]}: auth_err", f"wrong, {DATABASE[1]}: user_unknown"]),
        ("pam_cracklib.so", "password", both(QUALITY[0], "success", QUALITY[1], "authtok_err")),
        ("pam_pwhistory.so remember=5", "password",
         both("with a password never used before", "success", "with one used before", "maxtries")),
        ("pam_fprintd.so", "auth",
         ["with a fingerprint enrolled, right: success",
          "with a fingerprint enrolled, wrong: maxtries",
          "without a fingerprint: authinfo_unavail"]),
    ],
)  # fmt: skip
def test_what_nobody_can_know(module: str, call: str, lines: list[str]) -> None:
    """One of two ways that a login can go would not be told of."""
    assert said(module, call=call) == lines


def test_a_password_that_was_typed_before() -> None:
    """Somebody would be asked twice for the same."""
    assert said("pam_kwallet5.so", authtok=RIGHT) == ["success"]
    assert said("pam_exec.so expose_authtok", authtok=RIGHT) == ["service_err"]
    assert said("pam_userdb.so db=/x use_first_pass", authtok=RIGHT)[0] == f"{DATABASE[0]}: success"


def test_who_comes_from_elsewhere() -> None:
    """A finger would be asked for that lies on no reader here."""
    assert said("pam_fprintd.so", origin=LAN) == ["authinfo_unavail"]
    trusted = both("from a host that no rhosts trusts", "auth_err",
                   "from a host that rhosts trusts", "success")  # fmt: skip
    assert said("pam_rhosts.so", origin=LAN) == trusted


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ("item=user sense=deny file=/etc/list", both("ann", "auth_err", "not ann", "success")),
        ("item=group sense=allow file=/etc/sudoers", both("in group sudo", "success",
                                                          "not in group sudo", "auth_err")),
        ("item=ruser sense=allow file=/etc/list",
         both("asked by somebody in /etc/list", "success",
              "asked by nobody in /etc/list", "auth_err")),
        ("item=shell sense=allow file=/etc/list",
         both("with a shell of /etc/list", "success",
              "with a shell that is not in /etc/list", "auth_err")),
        ("item=tty sense=allow file=/etc/list", ["auth_err"]),
        ("item=rhost sense=deny file=/etc/gone", ["success"]),
        ("item=user sense=deny file=/etc/gone", ["service_err"]),
        ("item=user sense=deny file=/etc/gone onerr=succeed quiet", ["success"]),
        ("item=user sense=deny file=/etc onerr=succeed", ["auth_err"]),
        ("item=user sense=deny onerr=succeed", ["success"]),
        ("item=user sense=other", ["service_err"]),
        ("item=user sense=deny onerr=maybe", ["service_err"]),
        ("item=user more=1", ["service_err"]),
        ("item=user sense=deny file= plain", ["service_err"]),
        ("item=user sense=deny file=/etc/list apply=", ["service_err"]),
        ("item=rhost sense=deny file=/etc/list apply=ann",
         both("ann", "success", "not ann", "ignore")),
        ("item=rhost sense=deny file=/etc/list apply=@sudo",
         both("in group sudo", "success", "not in group sudo", "ignore")),
        ("item=rhost sense=deny apply=ann file=/etc/list",
         both("/etc/list", "success", "not /etc/list", "ignore")),
    ],
)  # fmt: skip
def test_listfile(arguments: str, lines: list[str], root: Path) -> None:
    """A list would seem to be about others than it is, or to be read where it is not."""
    (root / "etc/list").write_text("ann\n")
    (root / "etc/sudoers").write_text("sudo\n")
    assert said(f"pam_listfile.so {arguments}", root) == lines


def test_listfile_of_places(root: Path) -> None:
    """Who comes from a place that is listed would be taken for somebody else."""
    (root / "etc/list").write_text("10.0.0.1\r\ntty1\n")
    for item in ("tty", "rhost"):
        words = f"pam_listfile.so item={item} sense=allow file=/etc/list"
        assert said(words, root, origin=LAN) == ["success"]


def test_localuser(root: Path) -> None:
    """A list of local accounts of its own would be passed over."""
    (root / "etc/local").write_text("ann:x\nno name\n")
    words = "pam_localuser.so file=/etc/"
    assert said(f"{words}local", root) == both("ann", "success", "not ann", "perm_denied")
    assert said(f"{words}gone", root) == ["service_err"]
    assert said(words, root) == ["perm_denied"]


def test_shells(root: Path) -> None:
    """Somebody whose shell is listed would seem to be kept out, or the reverse."""
    assert said("pam_shells.so", root) == ["auth_err"]
    (root / "etc/shells").write_text("/bin/sh\n")
    on, off = "with a shell of /etc/shells", "with a shell that is not in /etc/shells"
    assert said("pam_shells.so", root) == both(on, "success", off, "auth_err")
    assert said("pam_shells.so", root, user=ALICE) == ["success"]
    assert said("pam_shells.so", root, user=NOSHELL) == ["success"]


@pytest.mark.parametrize(
    ("lines", "arguments", "tty", "returned"),
    [
        (None, "", "tty9", "success"),
        ("tty1\n", "", "/dev/tty1", "success"),
        ("tty1\n", "", None, "service_err"),
        ("tty1\n", "", "tty9", "auth_err"),
        ("tty1\n", "", "ttyS0", "success"),
        ("tty1\n", "", "tty0", "success"),
        ("tty1\n", "noconsole", "tty0", "auth_err"),
    ],
)
def test_securetty(
    root: Path, lines: str | None, arguments: str, tty: str | None, returned: str
) -> None:
    """Root would seem to be let in at a terminal where they are not."""
    if lines:
        (root / "etc/securetty").write_text(lines)
    (root / "proc/cmdline").write_text("quiet console=ttyS0,115200\n")
    (root / "sys/class/tty/console/active").write_text("tty0\n")
    origin = Origin(None, tty, "x")
    words = f"pam_securetty.so {arguments}"
    assert said(words, root, user=ROOT, origin=origin) == [returned]
    assert said(words, root, user=ALICE, origin=origin) == ["success"]


def test_securetty_without_a_kernel(root: Path) -> None:
    """A disk that is looked at would count as the machine that it is mounted on; a folder, too."""
    (root / "etc/securetty").write_text("tty1\n")
    tty = Origin(None, "tty0", "x")
    assert said("pam_securetty.so", root, user=ROOT, origin=tty) == ["auth_err"]
    (root / "etc/securetty").unlink()
    (root / "etc/securetty").mkdir()
    assert said("pam_securetty.so", root, user=ROOT, origin=tty) == ["auth_err"]


def test_nologin_is_a_folder(root: Path) -> None:
    """Root would seem to be let in where the file cannot be read."""
    (root / "etc/nologin").mkdir()
    assert said("pam_nologin.so", root) == ["system_err"]


def test_sepermit(root: Path) -> None:
    """Whom a line of sepermit.conf keeps out without SELinux would seem to be let in."""
    assert said("pam_sepermit.so", root) == ["service_err"]
    path = root / "etc/security/sepermit.conf"
    path.write_text("# nobody\n\n%guest:ignore\n@sudo\nann:exclusive\n")
    off, on = "while SELinux does not enforce", "while SELinux enforces"
    guest, other = "as guest of SELinux", "not as guest of SELinux"
    assert said("pam_sepermit.so", root, user=ALICE) == [
        f"{guest}, {off}: auth_err",
        f"{guest}, {on}: ignore",
        f"{other}, {off}: auth_err",
        f"{other}, {on}: success",
    ]
    path.write_text("ann\n")
    assert said("pam_sepermit.so", root, user=ALICE) == ["ignore"]


@pytest.mark.parametrize(
    ("arguments", "conf", "user", "lines"),
    [
        ("", None, ALICE, both("not locked out", "success", "locked out", "auth_err")),
        ("authfail", None, ALICE, both("not locked out", "ignore", "locked out", "auth_err")),
        ("", None, ROOT, both("not locked out", "success", "locked out", "success")),
        ("", "even_deny_root # all\n", ROOT,
         both("not locked out", "success", "locked out", "auth_err")),
        ("", "admin_group = sudo\n", ALICE,
         both("not locked out", "success", "locked out", "success")),
        ("deny=0", None, ALICE, ["success"]),
        ("deny=5", "deny = 0\n", ALICE,
         both("not locked out", "success", "locked out", "auth_err")),
        ("local_users_only", None, SYSTEM, ["success"]),
        ("conf=/etc/gone", None, ALICE, ["service_err"]),
    ],
)  # fmt: skip
def test_faillock(
    root: Path, arguments: str, conf: str | None, user: Account, lines: list[str]
) -> None:
    """Somebody would seem to be locked out whom the settings spare, or the reverse."""
    if conf:
        (root / "etc/security/faillock.conf").write_text(f"\n# all\n{conf}")
    assert said(f"pam_faillock.so {arguments}", root, user=user) == lines


def test_lastlog(root: Path) -> None:
    """Who was away long would not be told that they are kept out."""
    assert said("pam_lastlog.so", root, user=ALICE) == ["ignore"]
    (root / "var/log/lastlog").touch()
    words = "pam_lastlog.so inactive=x inactive=0 inactive=30"
    seen, away = "not away for 30 days", "away for more than 30 days"
    assert said(words, root, user=ALICE) == both(seen, "success", away, "auth_err")
    assert said(words, root, "account", ROOT) == both(seen, "success", away, "success")


@pytest.mark.parametrize(
    ("uid", "defs", "is_system"),
    [
        (0, "", True),
        (99, "", True),
        (100, "", False),
        (150, "", True),
        (999, "", True),
        (1000, "", False),
        (65534, "", True),
        (600, "# UID_MIN 1\nuid_min = 500 # from here on\n", False),
        (150, "UID_MIN\nSYS_UID_MIN 200\n", False),
        (700, "SYS_UID_MAX 600\n", False),
        (700, "UID_MIN 4294967295\n", True),
        (700, None, True),
    ],
)
def test_usertype(root: Path, uid: int, defs: str | None, *, is_system: bool) -> None:
    """A system account would be taken for a person, or the reverse."""
    if defs is not None:
        (root / "etc/login.defs").write_text(defs)
    user = Account("one", uid, ())
    wanted = ["success", "auth_err"][:: 1 if is_system else -1]
    found = [said(f"pam_usertype.so {one}", root, user=user) for one in ("issystem", "isregular")]
    assert found == [[one] for one in wanted]


def test_usertype_of_anybody(root: Path) -> None:
    """The limit between people and the system would not be shown."""
    below, above = "with a uid below 1000", "with a uid from 1000 on"
    assert said("pam_usertype.so isregular", root) == both(above, "success", below, "auth_err")


NEVER = "!Al0000-2400"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"x;*;alice;{NEVER}\n", ["perm_denied"]),
        (f"x;*;ali*;{NEVER}", ["perm_denied"]),
        (f"x;*;bob;{NEVER}\n", ["success"]),
        (f"y;*;*;{NEVER}\n", ["success"]),
        (f"x;tty2;*;{NEVER}\n", ["success"]),
        (f"x & !y | z;tty1;*;{NEVER} # never\n", ["perm_denied"]),
        (f"x y;*;*;{NEVER}\n", ["success"]),
        (f"x;*;*;{NEVER};more\n", ["success"]),
        (f"x;*;{NEVER}\n", ["success"]),
        ("x;*;*;Al0000-2400\n", ["success"]),
        ("x;*;*;Al0000-2400", ["perm_denied"]),
        ("x;*;*;", ["perm_denied"]),
        ("x;*;*;Al0000-2400 # a comment", ["success"]),
        ("# nothing\n\n;\n", ["success"]),
        (f"x;*;*;\\\n{NEVER}\n", ["perm_denied"]),
        ("x;*;@staff;!Al0000-2400\n", both("in @staff", "perm_denied", "not in @staff", "success")),
        ("x;*;*;Wk0800-1800\n", both("at Wk0800-1800", "success", "not at Wk0800-1800",
                                     "perm_denied")),
    ],
)  # fmt: skip
def test_time(root: Path, text: str, lines: list[str]) -> None:
    """Somebody would be told that they may log in at any time."""
    (root / "etc/security/time.conf").write_text(text)
    assert said("pam_time.so conffile=", root, "account", ALICE, LAN) == lines


def test_time_of_anybody(root: Path) -> None:
    """It would not be said whom a line is about."""
    (root / "etc/times").write_text(f"x;*;ann|bo*;{NEVER}\n")
    words = "pam_time.so conffile=/etc/times"
    assert said(words, root, "account") == [
        "ann: perm_denied",
        "not ann, called bo*: perm_denied",
        "not ann, not bo*: success",
    ]
    assert said("pam_time.so conffile=/etc/gone", root, "account") == ["success"]


def test_what_there_is_at_a_path(root: Path) -> None:
    """A module would seem to read what it refuses to."""
    (root / "file").touch(0o644)
    (root / "open").touch()
    (root / "open").chmod(0o666)
    (root / "link").symlink_to("/file")
    tree = Tree(root)
    kinds = {path: tree.kind(path) for path in ("/file", "/open", "/link", "/etc", "/gone")}
    assert kinds == {
        "/file": Kind.FILE,
        "/open": Kind.OTHER,
        "/link": Kind.FILE,
        "/etc": Kind.FOLDER,
        "/gone": Kind.NOTHING,
    }
    assert tree.kind("/link", follow=False) is Kind.OTHER
    assert tree.kind("/etc/", follow=False) is Kind.FOLDER
