"""What checks find beyond their pages' examples, and what they keep quiet about."""

import grp
import os
import random
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pamconf
from pamconf import lines, loading, simulate, stack
from pamconf.control import ACTIONS, RETURNS
from pamconf.doors import SOMEBODY
from pamconf.errors import ToolError, UnreadableError, UsageError
from pamconf.lines import TYPES
from pamconf.lint import CHECKS, Finding, Machine, lint, reach, without_parts
from pamconf.lint.check import ExampleFile
from pamconf.lint.finding import at_argument, at_rule
from pamconf.problem import Severity
from pamconf.signatures import SIGNATURES
from pamconf.tree import Tree
from tests import examples
from tests.pam import stacks

UNIX = "auth required pam_unix.so\n"
TOTP = "auth required pam_google_authenticator.so\n"
ACCOUNT = "account required pam_unix.so\n"
LAN = "auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf\n"
LOST = "auth [success=1 default=ignore] pam_unix.so\n"
OATH = "auth requisite pam_oath.so window=30 digits=6\n"
DENIED = "item=user sense=deny file=/etc/passwd onerr=fail"
JUMPS = """auth [success=3 default=ignore] pam_unix.so
auth [success=1 default=ignore] pam_sss.so use_first_pass
auth requisite pam_deny.so
"""
DENY = f"{examples.MODULES}/pam_deny.so"
GOOD_SSHD = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n"


class Made:
    """A machine in a folder, and what is found on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def root(self, files: Mapping[str, str | tuple[str, int]]) -> Path:
        """Make the machine; a text may have mode bits behind it."""
        made = [
            ExampleFile(path, *((what,) if isinstance(what, str) else what))
            for path, what in files.items()
        ]
        return examples.machine(self.folder, made)

    def findings(self, text: str, service: str = "sshd", **more: str) -> list[Finding]:
        """What is found in a service's rules."""
        files = {f"/{path.replace('__', '/')}": content for path, content in more.items()}
        root = self.root({f"/etc/pam.d/{service}": text, **files})
        return lint([pamconf.load(service, root)], Machine(root))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A machine to be made."""
    return Made(tmp_path)


def codes(findings: list[Finding]) -> list[str]:
    """Their codes."""
    return [one.code for one in findings]


# --- Silence, order, and one finding for many services ---


@pytest.mark.parametrize(
    ("comment", "is_silent"),
    [
        ("# pamconf: ignore PAM203\n", True),
        ("  #pamconf:ignore pam001, PAM203\n", True),
        ("# pamconf: ignore PAM203 PAM001\n", True),
        ("# pamconf: ignore PAM20\n", False),
        ("# pamconf: ignore PAM203\n\n", False),
        ("# do not: pamconf: ignore PAM203\n", False),
    ],
)
def test_a_comment_above_silences_a_check(made: Made, comment: str, is_silent: bool) -> None:
    """What is meant so would be told of for ever, or what is not be kept quiet."""
    found = made.findings(f"{comment}auth sufficient pam_unix.so\n{TOTP}{ACCOUNT}")
    assert ("PAM203" in codes(found)) != is_silent


def test_a_comment_at_the_top_is_for_the_file(made: Made) -> None:
    """What is about no line could not be silenced."""
    text = f"# pamconf: ignore PAM401\n{UNIX}{ACCOUNT}"
    root = made.root({"/etc/pam.d/sshd": (text, 0o666), "/etc/pam.d/su": (UNIX + ACCOUNT, 0o666)})
    found = lint([pamconf.load(name, root) for name in ("sshd", "su")], Machine(root))
    assert [(one.code, one.place.path, one.place.line) for one in found] == [
        ("PAM401", "/etc/pam.d/su", None)
    ]


def test_an_included_line_is_told_of_once(made: Made) -> None:
    """A mistake in common-auth would be shown once for each of thirty services."""
    files = {
        f"/etc/pam.d/{name}": f"@include common\n{ACCOUNT}" for name in ("sshd", "su", "login")
    }
    root = made.root(files | {"/etc/pam.d/common": "auth [sucess=ok] pam_unix.so\n"})
    found = lint([pamconf.load(name, root) for name in ("su", "login", "sshd")], Machine(root))
    (one,) = [finding for finding in found if finding.code == "PAM001"]
    assert one.services == ("su", "login", "sshd")
    assert (one.place.line, one.place.column) == (1, 7)
    assert one.text == "auth [sucess=ok] pam_unix.so"


def test_a_comment_above_a_line_that_goes_on(made: Made) -> None:
    """What is found in a line that goes on could not be silenced: no comment can stand there."""
    text = f"auth required pam_unix.so \\\n nulok\n{ACCOUNT}"
    assert codes(made.findings(text)) == ["PAM104"]
    assert codes(made.findings(f"# pamconf: ignore PAM104\n{text}")) == []


def test_parts_of_services(made: Made) -> None:
    """A file that is there to be included would be held to be a door that stands open."""
    files = {
        "/etc/pam.d/two-factor": TOTP.strip() + " nullok\n",
        "/etc/pam.d/sshd": f"{UNIX}@include two-factor\n{ACCOUNT}",
        "/etc/pam.d/su": UNIX + ACCOUNT,
        "/etc/pam.d/su-l": "auth include su\naccount include su\n",
    }
    root = made.root(files)
    services = without_parts([pamconf.load(name, root) for name in pamconf.services(root)])
    assert [one.name for one in services] == ["other", "sshd", "su", "su-l"]
    assert "PAM201" not in codes(lint(services))


def test_what_is_no_plain_file(made: Made) -> None:
    """A pipe would keep the check from its end, a device fill the memory."""
    files = {
        "/etc/pam.d/sshd": UNIX + LAN + TOTP + ACCOUNT,
        "/etc/pam.d/su": f"{UNIX}{ACCOUNT}account required pam_access.so\n",
        "/etc/ssh/x": "",
    }
    root = made.root(files)
    for name in ("ssh/sshd_config", "security/lan.conf", "security/access.conf"):
        (root / "etc" / name).parent.mkdir(exist_ok=True)
        os.mkfifo(root / "etc" / name)
    found = lint([pamconf.load(name, root) for name in ("sshd", "su")])
    assert {(one.code, one.place.path, one.severity) for one in found} >= {
        ("PAM306", "/etc/ssh/sshd_config", Severity.WARNING),
        ("PAM400", "/etc/security/lan.conf", Severity.WARNING),
        ("PAM400", "/etc/security/access.conf", Severity.WARNING),
    }
    os.mkfifo(root / "etc/pam.d/pipe")
    with pytest.raises(UnreadableError):
        pamconf.load("pipe", root)
    os.mkfifo(root / examples.MODULES[1:] / "pam_pipe.so")
    (root / "etc/pam.d/su").write_text(f"auth required pam_pipe.so\n{ACCOUNT}")
    assert "PAM102" in codes(lint([pamconf.load("su", root)]))


def test_services_of_another_machine(made: Made) -> None:
    """Files of one machine would be held against the rules of another."""
    root = made.root({"/etc/pam.d/su": UNIX + ACCOUNT})
    assert lint([pamconf.load("su", root)]) == []
    with pytest.raises(UsageError, match="su is from below"):
        lint([pamconf.load("su", root)], Machine(root / "etc"))


def test_all_of_pam_conf_can_be_read(tmp_path: Path) -> None:
    """A machine without /etc/pam.d would not be looked at."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/pam.conf").write_text("sshd auth [sucess=ok] pam_unix.so\n")
    (one,) = [
        one
        for one in lint([pamconf.load("sshd", tmp_path)], Machine(tmp_path))
        if one.code == "PAM001"
    ]
    assert (one.place.path, one.place.line, one.place.column) == ("/etc/pam.conf", 1, 12)


def test_a_machine_without_services(tmp_path: Path) -> None:
    """Where nothing can be read, nobody would be told that nobody gets in."""
    (tmp_path / "etc/pam.d").mkdir(parents=True)
    (one,) = lint([pamconf.load("sshd", tmp_path)], Machine(tmp_path))
    assert (one.code, one.place.path, one.text) == ("PAM006", "/etc/pam.d/sshd", "")


def test_the_place_of_a_rule_that_stands_nowhere() -> None:
    """A rule that a program made would end the check of all others."""
    (rule,) = stack.load_from({"/etc/pam.d": b"", "/etc/pam.d/x": UNIX.encode()}.get, "x").rules(
        "auth"
    )
    made_up = stack.Rule(
        "auth", rule.control, "pam_x.so", (), silent=False, path="", line=0, column=1
    )
    assert at_rule(made_up).width == 1
    assert at_argument(rule, 5) == at_rule(rule)


# --- Lines as such ---


@pytest.mark.parametrize(
    ("control", "message"),
    [
        ("[success=2]", "it jumps over 2 rules, but 1 rule follows: that fails, and refuses"),
        ("[success=9]", "it jumps over 9 rules, but 1 rule follows: that fails, and refuses"),
        ("[success=4294967289]", "a jump over -7 rules always fails"),
    ],
)
def test_jumps_that_lead_nowhere(made: Made, control: str, message: str) -> None:
    """An admin would not see how far it is to go."""
    found = made.findings(f"auth {control} pam_unix.so\n{UNIX}{ACCOUNT}")
    assert message in [one.message for one in found if one.code == "PAM003"]


def test_a_jump_from_the_last_rule(made: Made) -> None:
    """'0 rules follow' is not what people say."""
    found = made.findings(f"{UNIX}auth [success=1] pam_unix.so\n{ACCOUNT}")
    assert "it jumps over 1 rules, but no rules follow: that fails, and refuses" in [
        one.message for one in found
    ]


def test_a_jump_to_just_behind_the_last_rule_is_good(made: Made) -> None:
    """A jump that ends the stack would be called a mistake."""
    found = made.findings(f"auth [success=1 default=ignore] pam_unix.so\n{UNIX}{ACCOUNT}")
    assert "PAM003" not in codes(found)


def test_a_flaw_that_is_no_word(made: Made) -> None:
    """A hint would be made of nothing."""
    found = made.findings(f"auth [=ok] pam_unix.so\n{ACCOUNT}")
    assert "pam.conf(5) has the words that can stand here." in [one.hint for one in found]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("auth", "A rule is a type, a control, a module, and its arguments: pam.conf(5)."),
        ("auth required", "A rule is a type, a control, a module, and its arguments: pam.conf(5)."),
        ("seession optional pam_x.so", "Did you mean 'session'?"),
    ],
)
def test_incomplete_rules(made: Made, line: str, hint: str) -> None:
    """A line that refuses everybody would be taken for one that does nothing."""
    found = [one for one in made.findings(f"{line}\n{UNIX}{ACCOUNT}") if one.code == "PAM004"]
    assert [one.hint for one in found] == [hint]


def test_a_long_remark_is_only_a_warning(made: Made) -> None:
    """A remark that does nothing would be called an error."""
    text = f"{UNIX.strip()} # {'x' * 994}\t#{'x' * 20}\n{ACCOUNT}"
    found = [one for one in made.findings(text) if one.code == "PAM007"]
    assert [one.severity for one in found] in ([Severity.WARNING], [Severity.ERROR])
    blank = made.findings(f"#{'x' * 1022}# {'x' * 20}\n{UNIX}{ACCOUNT}")
    assert [one.severity for one in blank] == [Severity.WARNING]


def test_a_fallback_that_is_not_reached(made: Made) -> None:
    """What distributions put there to be safe would be called dead."""
    text = f"auth sufficient pam_permit.so\nauth requisite pam_deny.so\n{ACCOUNT}"
    assert codes(made.findings(text, "autologin")) == []


def test_a_service_that_is_switched_off(made: Made) -> None:
    """What somebody did on purpose would be called two mistakes."""
    text = f"auth requisite pam_deny.so\n@include common\n{ACCOUNT}"
    root = made.root({"/etc/pam.d/login": text, "/etc/pam.d/common": UNIX})
    assert codes(lint([pamconf.load("login", root)])) == []


def test_a_line_that_was_never_finished(made: Made) -> None:
    """A service that is given up would have another finding for the same line."""
    assert codes(made.findings(f"{UNIX}{ACCOUNT}{UNIX.strip()} \\")) == ["PAM006"]


def test_the_words_of_a_longer_rule_are_its_own(made: Made) -> None:
    """An argument on a line of its own would be taken for a rule."""
    text = f"auth required pam_unix.so \\\n  nullok \\\n  debug\n{ACCOUNT}"
    assert codes(made.findings(text)) == []


# --- Modules ---


@pytest.mark.parametrize(
    ("rule", "severity", "end"),
    [
        ("auth required pam_none.so", Severity.ERROR, "this rule refuses everybody"),
        (
            "-auth required pam_none.so",
            Severity.ERROR,
            "this rule refuses everybody; the dash only keeps that out of the log",
        ),
        (
            "auth optional pam_none.so",
            Severity.WARNING,
            "this rule does nothing, and each login is logged",
        ),
        (
            "auth [module_unknown=1 default=ignore] pam_none.so",
            Severity.WARNING,
            "this rule only jumps over 1",
        ),
        ("auth optional /opt/pam_none.so", Severity.WARNING, "and each login is logged"),
    ],
)
def test_modules_that_are_not_there(made: Made, rule: str, severity: Severity, end: str) -> None:
    """An admin would not know what comes of it."""
    found = [one for one in made.findings(f"{rule}\n{UNIX}{ACCOUNT}") if one.code == "PAM101"]
    assert [one.severity for one in found] == [severity]
    assert found[0].message.endswith(end)


@pytest.mark.parametrize("action", [*ACTIONS, "1"])
def test_what_a_missing_module_does(made: Made, action: str) -> None:
    """A rule that refuses everybody would be called harmless, or the other way round."""
    found = made.findings(f"auth [default={action}] pam_none.so\n{UNIX}{UNIX}{ACCOUNT}")
    service = pamconf.load("sshd", made.folder / "machine")
    outcome = service.run(
        "auth", lambda rule: "module_unknown" if rule.name == "pam_none" else "success"
    )
    (one,) = [one for one in found if one.code == "PAM101"]
    assert (one.severity is Severity.ERROR) == (outcome.status != "success")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("pam_gogle_authenticator", "pam_google_authenticator"),
        ("pam_unx", "pam_unix"),
        ("pam_duo", None),
        ("pam_apparmor", None),
        ("pam_yubico", None),
        ("pam_pkcs11", None),
    ],
)
def test_which_module_may_be_meant(made: Made, name: str, meant: str | None) -> None:
    """An admin would be led to a module that lets everybody in."""
    found = made.findings(f"auth required {name}.so\n{ACCOUNT}")
    (one,) = [one for one in found if one.code == "PAM101"]
    assert one.hint == (
        f"Did you mean '{meant}'?" if meant else "Install what it is part of, or take the line out."
    )


def test_modules_of_another_architecture(made: Made) -> None:
    """On a machine that has libraries of two, every module would be said not to load."""
    mine, other = "\x7fELF\2\1" + "\0" * 12 + "\x3e\0", "\x7fELF\1\1" + "\0" * 12 + "\3\0"
    other_folder = "/usr/lib/i386-linux-gnu"
    files = {
        "/usr/bin/passwd": mine,
        "/usr/lib/x86_64-linux-gnu/libpam.so.0": mine,
        f"{other_folder}/libpam.so.0": other,
        f"{other_folder}/security/pam_unix.so": other,
        f"{other_folder}/security/pam_only_there.so": other,
        "/etc/pam.d/su": f"{UNIX}auth required pam_only_there.so\n{ACCOUNT}",
    }
    root = made.root(files)
    machine = Machine(root)
    assert machine.folders == ("/usr/lib/x86_64-linux-gnu/security",)
    assert [one.place.line for one in lint([pamconf.load("su", root)]) if one.code == "PAM101"] == [
        2
    ]


def test_a_dash_and_no_harm(made: Made) -> None:
    """What distributions write for modules that may not be there would be called a mistake."""
    text = f"-auth optional pam_none.so\n{UNIX}{ACCOUNT}-session optional pam_systemd2.so\n"
    assert codes(made.findings(text)) == []


def test_the_architecture_in_a_path(made: Made) -> None:
    """Old lines with $ISA would be called wrong."""
    assert codes(made.findings(f"auth required $ISA/pam_unix.so\n{ACCOUNT}")) == []


def test_without_any_folder_of_modules(tmp_path: Path) -> None:
    """In an image of configuration alone, every module would be missing."""
    (tmp_path / "etc/pam.d").mkdir(parents=True)
    (tmp_path / "etc/pam.d/sshd").write_text(UNIX + ACCOUNT)
    assert lint([pamconf.load("sshd", tmp_path)], Machine(tmp_path)) == []


@pytest.mark.parametrize(
    ("folder", "links"),
    [("usr/lib64/security", {"lib64": "usr/lib64"}), ("lib/security", {})],
)
def test_folders_of_modules(tmp_path: Path, folder: str, links: Mapping[str, str]) -> None:
    """Modules would be looked for where Debian alone has them, or found twice."""
    (tmp_path / folder).mkdir(parents=True)
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    (found,) = loading.folders(Machine(tmp_path).files)
    assert found.lstrip("/") == folder


def test_a_type_that_a_module_lacks_but_nobody_minds(made: Made) -> None:
    """What changes nothing would be called an error."""
    (one,) = made.findings(f"{UNIX}account optional pam_google_authenticator.so\n{ACCOUNT}")
    assert (one.code, one.severity) == ("PAM103", Severity.WARNING)


def test_a_module_that_is_none_but_nobody_minds(made: Made) -> None:
    """As above, of one that does not load."""
    path = f"{examples.MODULES}/pam_mail.so"
    root = made.root({"/etc/pam.d/su": f"auth optional pam_mail.so\n{UNIX}{ACCOUNT}", path: "x"})
    (one,) = lint([pamconf.load("su", root)], Machine(root))
    assert (one.code, one.severity) == ("PAM102", Severity.WARNING)


def test_a_folder_in_a_modules_place(made: Made) -> None:
    """What cannot be read would end the check of everything."""
    root = made.root(
        {"/etc/pam.d/su": f"auth required /opt/pam_x.so\n{ACCOUNT}", "/opt/pam_x.so/": ""}
    )
    assert "PAM102" in codes(lint([pamconf.load("su", root)], Machine(root)))


def test_modules_are_really_loaded(tmp_path: Path) -> None:
    """A module that lacks a library, or is for another machine, would pass for a good one."""
    bad = tmp_path / "pam_bad.so"
    bad.write_text("\x7fELF, but no more")
    libc = next(
        line.split()[-1]
        for line in Path("/proc/self/maps").read_text().splitlines()
        if "/libc.so.6" in line or "/libc-2" in line
    )
    found = loading.load([libc, str(bad), str(tmp_path / "none")])
    assert found[libc] == loading.Loaded()
    assert "file too short" in str(found[str(bad)].error) or "invalid ELF" in str(
        found[str(bad)].error
    )
    assert "No such file" in str(found[str(tmp_path / "none")].error)


def test_modules_that_misbehave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that prints would spoil what is said of all, one that hangs keep all from its end."""
    monkeypatch.setattr(loading, "_SECONDS_OF_A_MODULE", 1)
    paths = []
    for name, does in (
        ("prints", 'puts("{}")'),
        ("hangs", "for (;;) pause()"),
        ("exits", "_exit(0)"),
    ):
        source = f"""#include <stdio.h>
            #include <unistd.h>
            __attribute__((constructor)) static void begin(void) {{ {does}; }}
            int pam_sm_authenticate(void) {{ return 0; }}"""
        paths.append(str(tmp_path / f"pam_{name}.so"))
        command = ["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", paths[-1]]
        subprocess.run(command, input=source, check=True, text=True)
    prints, hangs, exits = loading.load(paths).values()
    assert prints == loading.Loaded(None, frozenset({"auth"}))
    assert hangs.error == "it hangs when it is loaded"
    assert exits.error == "it ends the program that loads it"


def test_what_others_can_change_is_not_loaded(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can write a module could have root run it, by asking for a check."""
    path = f"{examples.MODULES}/pam_unix.so"
    root = made.root({"/etc/pam.d/su": UNIX + ACCOUNT, path: ("\x7fELF", 0o666)})
    asked: list[str] = []
    monkeypatch.setattr(Machine, "is_this", property(lambda _: True))

    def load(paths: Iterable[str]) -> Mapping[str, loading.Loaded]:
        asked.extend(paths)
        return {}

    monkeypatch.setattr(loading, "load", load)
    assert codes(lint([pamconf.load("su", root)], Machine(root))) == ["PAM401"]
    assert asked == [DENY]


def test_nothing_can_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would know that it was not tried."""
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    with pytest.raises(ToolError, match="could not be loaded"):
        loading.load(["/x"])
    assert loading.load([]) == {}


def test_what_was_loaded_counts(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """What libpam finds in a module would count less than what a list says."""
    root = made.root({"/etc/pam.d/su": f"{UNIX}{TOTP}auth required pam_mail.so\n{ACCOUNT}"})
    names = {"pam_unix": {"auth"}, "pam_google_authenticator": set[str](), "pam_mail": {"auth"}}
    said = {
        f"{examples.MODULES}/{name}.so": loading.Loaded(None, frozenset(types))
        for name, types in names.items()
    }
    said[DENY] = loading.Loaded(None, frozenset(TYPES))
    said[f"{examples.MODULES}/pam_mail.so"] = loading.Loaded("no libmail.so.1")
    monkeypatch.setattr(Machine, "is_this", property(lambda _: True))
    monkeypatch.setattr(
        loading, "load", lambda paths: {path: said.get(path, said[DENY]) for path in paths}
    )
    found = lint([pamconf.load("su", root)], Machine(root))
    told = {(one.code, one.place.line) for one in found if one.code in {"PAM102", "PAM103"}}
    assert told == {("PAM102", 3), ("PAM103", 4)}
    assert "it does not load: no libmail.so.1: this rule refuses everybody" in [
        one.message for one in found
    ]


# --- What becomes of logins ---


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"auth optional pam_unix.so\nauth required pam_permit.so\n{ACCOUNT}", ["PAM202"]),
        (f"auth sufficient pam_access.so\n{UNIX}{ACCOUNT}", ["PAM202", "PAM501"]),
        # What is meant so: by who asks, by a host that is trusted, by a group, for anonymous users.
        (f"auth sufficient pam_rootok.so\n{UNIX}{ACCOUNT}", []),
        (f"auth sufficient pam_rhosts.so\n{UNIX}{ACCOUNT}", []),
        (f"auth sufficient pam_succeed_if.so user ingroup sudo\n{UNIX}{ACCOUNT}", []),
        (f"auth sufficient pam_ftp.so\n{UNIX}{ACCOUNT}", []),
        (f"auth sufficient pam_succeed_if.so user in bob:alice\n{UNIX}{ACCOUNT}", []),
        # What lets in all others, nearly all, or everybody.
        (f"auth sufficient pam_succeed_if.so user != root\n{UNIX}{ACCOUNT}", ["PAM202"]),
        (f"auth sufficient pam_succeed_if.so uid >= 1000\n{UNIX}{ACCOUNT}", ["PAM202"]),
        (f"auth sufficient pam_succeed_if.so user notingroup sudo\n{UNIX}{ACCOUNT}", ["PAM202"]),
        (f"auth sufficient pam_localuser.so\n{UNIX}{ACCOUNT}", ["PAM202"]),
        (f"auth sufficient pam_usertype.so isregular\n{UNIX}{ACCOUNT}", ["PAM202"]),
        (f"auth sufficient pam_faillock.so preauth\n{UNIX}{ACCOUNT}", ["PAM202"]),
        (f"auth sufficient pam_listfile.so {DENIED}\n{UNIX}{ACCOUNT}", ["PAM202"]),
        ("auth required pam_permit.so\naccount required pam_permit.so\n", ["PAM202"]),
        (f"{UNIX}auth optional pam_google_authenticator.so\n{ACCOUNT}", ["PAM210"]),
        (f"{UNIX}auth sufficient pam_google_authenticator.so nullok\n{ACCOUNT}", ["PAM210"]),
        (f"{UNIX}auth [success=ok default=ignore] pam_u2f.so\n{ACCOUNT}", ["PAM210"]),
        (f"{UNIX}auth required pam_oath.so alwaysok\n{ACCOUNT}", ["PAM210"]),
        (f"{UNIX}auth required pam_u2f.so alwaysok\n{ACCOUNT}", ["PAM210"]),
        # A password that need not be right.
        (f"{LOST}auth required pam_permit.so\n{TOTP}{ACCOUNT}", ["PAM210", "PAM211"]),
        (f"auth optional pam_unix.so\n{TOTP}{ACCOUNT}", ["PAM210", "PAM211"]),
        (f"{TOTP}auth sufficient pam_unix.so\n{ACCOUNT}", ["PAM210", "PAM211"]),
        (f"{TOTP}{ACCOUNT}", ["PAM211"]),
        (f"{UNIX}auth optional pam_duo.so\n{ACCOUNT}", ["PAM101", "PAM210"]),
        (f"{UNIX}auth required pam_duo.so\n{ACCOUNT}", ["PAM101"]),
        # Who is not root, in no group, or asked as another.
        (f"auth sufficient pam_rootok.so\nauth required pam_permit.so\n{ACCOUNT}", ["PAM202"]),
        (f"auth sufficient pam_wheel.so deny trust group=sudo\n{UNIX}{ACCOUNT}", ["PAM202"]),
        (f"auth sufficient pam_wheel.so trust group=sudo\n{UNIX}{ACCOUNT}", []),
        (f"auth sufficient pam_succeed_if.so use_uid uid >= 1000\n{UNIX}{ACCOUNT}", ["PAM202"]),
        (f"auth sufficient pam_succeed_if.so use_uid uid = 0\n{UNIX}{ACCOUNT}", []),
        (f"auth sufficient pam_succeed_if.so ruser != root\n{UNIX}{ACCOUNT}", ["PAM202"]),
        # Those whom the rules name.
        (f"auth sufficient pam_succeed_if.so user =~ guest-*\n{UNIX}{ACCOUNT}", []),
        (f"auth sufficient pam_succeed_if.so user =~ *\n{UNIX}{ACCOUNT}", ["PAM202"]),
        (f"auth sufficient pam_succeed_if.so uid = 1005\n{UNIX}{ACCOUNT}", []),
        (f"auth sufficient pam_succeed_if.so gid = 100\n{UNIX}{ACCOUNT}", []),
        (f"auth sufficient pam_succeed_if.so user innetgr kiosks\n{UNIX}{ACCOUNT}", []),
        # Either of two, which PAM208 tells of.
        (f"auth sufficient pam_google_authenticator.so\n{UNIX}{ACCOUNT}", ["PAM208"]),
        # A key, or else a code.
        (f"{UNIX}auth sufficient pam_u2f.so cue\n{TOTP}{ACCOUNT}", []),
        # A code and the password in one, for the next module.
        (f"{OATH}auth required pam_unix.so use_first_pass\n{ACCOUNT}", []),
    ],
)
def test_doors_that_stand_open(made: Made, text: str, found: list[str]) -> None:
    """An open door would not be seen, or one that is meant so be called a mistake."""
    assert sorted(set(codes(made.findings(text, "login"))) - {"PAM502"}) == found


def test_a_module_that_is_handed_in(made: Made) -> None:
    """Doors would be looked after that the modules of Linux-PAM guard, and no others."""
    text = f"auth sufficient pam_permit.so\nauth required pam_mine.so\n{ACCOUNT}"
    root = made.root({"/etc/pam.d/mine": text, f"{examples.MODULES}/pam_mine.so": "\x7fELF"})
    services = [pamconf.load("mine", root)]
    assert codes(lint(services, Machine(root))) == ["PAM008"]
    mine = Machine(root, second_factors=frozenset({"pam_mine"}))
    assert sorted(codes(lint(services, mine))) == ["PAM008", "PAM202", "PAM203"]


def test_a_door_by_some_match_line_alone(made: Made) -> None:
    """Who comes from there would be asked for nothing, not even a key."""
    config = f"{GOOD_SSHD}PermitRootLogin no\n"
    config += "AuthenticationMethods publickey,keyboard-interactive:pam\n"
    config += (
        "Match Address 127.0.0.0/8\nAuthenticationMethods publickey keyboard-interactive:pam\n"
    )
    rules = f"{TOTP.strip()} nullok\nauth required pam_permit.so\n{ACCOUNT}"
    found = made.findings(rules, etc__ssh__sshd_config=config)
    (one,) = [one for one in found if one.code == "PAM202"]
    assert "Match Address 127.0.0.0/8" in one.message
    config = config.partition("Match")[0]
    assert "PAM202" not in codes(made.findings(rules, etc__ssh__sshd_config=config))


@pytest.mark.parametrize(
    ("above", "code"),
    [
        (JUMPS, "PAM204"),
        ("auth sufficient pam_unix.so\nauth required pam_sss.so use_first_pass\n", "PAM203"),
    ],
)
def test_some_accounts_are_never_asked(made: Made, above: str, code: str) -> None:
    """The accounts of the machine itself, its admins', would need no code, and nobody know."""
    found = made.findings(f"{above}{TOTP}auth required pam_permit.so\n{ACCOUNT}", "login")
    (one,) = [one for one in found if one.code in {"PAM203", "PAM204"}]
    assert (one.code, one.place.line) == (code, 1)
    assert "who logs in with a local account" in one.message


@pytest.mark.parametrize(
    ("above", "hint"),
    [
        ("auth sufficient pam_unix.so\n", "Make it 'required'."),
        (
            "auth sufficient pam_unix.so\nauth required pam_deny.so\n",
            "Say '[success=1 default=ignore]' instead of 'sufficient'.",
        ),
        ("auth include part\n", "Include the file as a 'substack', which ends there alone."),
        (
            "auth sufficient pam_unix.so\nauth substack base\n",
            "Say '[success=1 default=ignore]' instead of 'sufficient'.",
        ),
        ("auth [success=1 default=ignore] pam_unix.so\n", "Say 'ignore' instead of 1."),
        (
            "auth [success=2 default=ignore] pam_unix.so\nauth requisite pam_deny.so\n",
            "Let it jump over fewer rules.",
        ),
    ],
)
def test_hints_lock_nobody_out(made: Made, above: str, hint: str) -> None:
    """Who does as they are told would be refused at the next login."""
    files = {
        "/etc/pam.d/login": f"{above}{TOTP}auth required pam_permit.so\n{ACCOUNT}",
        "/etc/pam.d/part": "auth sufficient pam_unix.so\nauth required pam_deny.so\n",
        "/etc/pam.d/base": "auth required pam_env.so\nauth required pam_unix.so\n",
    }
    found = lint([pamconf.load("login", made.root(files))])
    (one,) = [one for one in found if one.code in {"PAM203", "PAM204"}]
    assert one.hint == hint


@pytest.mark.parametrize(
    "rule",
    [
        "pam_access.so accessfile=/etc/prefix",
        "pam_access.so accessfile=/etc/domain",
        "pam_access.so accessfile=/etc/tty",
        "pam_succeed_if.so rhost =~ 10.*",
        "pam_succeed_if.so rhost in 10.0.0.1:10.0.0.2",
        "pam_succeed_if.so rhost = bastion.example.org",
        "pam_succeed_if.so user ingroup somewhere-else",
    ],
)
def test_who_comes_from_where_nobody_looked(made: Made, rule: str) -> None:
    """A door would be said to be shut that lets in by its rules, from a place that they name."""
    name = "login" if "tty" in rule else "remote"
    files = {
        f"/etc/pam.d/{name}": f"{UNIX}auth optional pam_sss.so\n{ACCOUNT}account required {rule}\n",
        "/etc/prefix": "+ : ALL : 192.168.\n- : ALL : ALL\n",
        "/etc/domain": "+ : ALL : .example.org\n- : ALL : ALL\n",
        "/etc/tty": "+ : ALL : tty2 tty3\n- : ALL : ALL\n",
    }
    assert "PAM207" not in codes(lint([pamconf.load(name, made.root(files))]))


@pytest.mark.parametrize(
    "rule",
    [
        "pam_succeed_if.so rhost =~ 192.168.*",
        "pam_access.so accessfile=/etc/prefix",
        "pam_access.so accessfile=/etc/domain",
    ],
)
def test_who_comes_from_there_is_let_in(made: Made, rule: str) -> None:
    """A whole network would need no password, and nobody be told."""
    files = {
        "/etc/pam.d/sshd": f"auth sufficient {rule}\n{UNIX}{TOTP}{ACCOUNT}",
        "/etc/prefix": "+ : ALL : 192.168.\n- : ALL : ALL\n",
        "/etc/domain": "+ : ALL : .example.org\n- : ALL : ALL\n",
    }
    assert "PAM202" in codes(lint([pamconf.load("sshd", made.root(files))]))


def test_a_screen_locker_has_no_account_rules(made: Made) -> None:
    """What never asks for them would be said to let in nobody."""
    assert codes(made.findings(UNIX, "vlock")) == []
    assert "PAM207" in codes(made.findings(UNIX, "login"))


def test_a_module_that_is_unknown_may_most_often_have_no_say(made: Made) -> None:
    """Fedora's gdm would be said to ask nobody for a code."""
    control = "[success=done ignore=ignore default=bad]"
    for module in ("pam_selinux_permit.so", "pam_unheard_of.so"):
        found = made.findings(f"auth {control} {module}\n{UNIX}{TOTP}{ACCOUNT}", "gdm-password")
        assert "PAM203" not in codes(found)


@pytest.mark.parametrize(
    ("skip", "match"),
    [
        ("pam_succeed_if.so user ingroup sftponly", "Match Group sftponly"),
        ("pam_succeed_if.so user = backup", "Match User backup"),
        (
            "pam_access.so accessfile=/etc/security/lan.conf",
            "Match Address 192.168.1.0/24",
        ),
    ],
)
def test_whom_a_match_line_is_about_may_need_no_code(made: Made, skip: str, match: str) -> None:
    """They would be said to be refused, since others are asked for a code."""
    block = "KbdInteractiveAuthentication no\nPasswordAuthentication yes\n"
    files = {
        "/etc/pam.d/sshd": f"{UNIX}auth [success=1 default=ignore] {skip}\n{TOTP}{ACCOUNT}",
        "/etc/ssh/sshd_config": f"{GOOD_SSHD}PermitRootLogin no\n{match}\n{block}",
        "/etc/group": "sftponly:x:99:\n",
        "/etc/security/lan.conf": "+ : ALL : 192.168.1.0/24\n- : ALL : ALL\n",
    }
    found = lint([pamconf.load("sshd", made.root(files))])
    assert not {"PAM302", "PAM207"} & {*codes(found)}


def test_methods_that_a_match_line_leaves_off(made: Made) -> None:
    """What may be meant so would be called an error, at no line."""
    config = f"{GOOD_SSHD}Match Group sudo\nPubkeyAuthentication no\n"
    config += "KbdInteractiveAuthentication no\n"
    (one,) = made.findings(UNIX + ACCOUNT, etc__ssh__sshd_config=config)
    assert (one.code, one.severity, one.place.line) == ("PAM303", Severity.WARNING, 4)


@pytest.mark.parametrize("name", ["", "/", "x/..", "."])
def test_names_of_no_service(made: Made, name: str) -> None:
    """A folder would be taken for a service in which nothing is wrong."""
    with pytest.raises(UsageError, match="no name of a service"):
        pamconf.load(name, made.root({}))


@pytest.mark.parametrize(
    "rules",
    [
        UNIX + "auth required pam_deny.so\n",
        "auth required pam_unix.so use_first_pass\n" + TOTP,
        "auth requisite pam_succeed_if.so user ingroup misspelt\n" + UNIX,
    ],
)
def test_nobody_gets_in_by_pam(made: Made, rules: str) -> None:
    """Everybody without a key would be locked out of sshd, and nobody know before."""
    found = made.findings(rules + ACCOUNT, etc__ssh__sshd_config=GOOD_SSHD)
    (one,) = [one for one in found if one.code == "PAM207"]
    assert one.message.startswith("by keyboard-interactive nobody gets in: refused here")


def test_a_jump_over_one_of_two_codes(made: Made) -> None:
    """A second factor that nobody comes to would pass for one, beside another."""
    u2f = "auth required pam_u2f.so\n"
    found = made.findings(f"{UNIX}{TOTP}auth [success=1 default=die] pam_permit.so\n{u2f}{ACCOUNT}")
    assert [(one.code, one.place.line) for one in found if one.code == "PAM204"] == [("PAM204", 3)]


def test_a_code_that_stands_first(made: Made) -> None:
    """Where nobody gets in, no rule above can be to blame."""
    found = made.findings(f"{TOTP}auth requisite pam_deny.so\n{ACCOUNT}")
    assert "PAM203" not in codes(found)
    assert "PAM204" not in codes(found)


@pytest.mark.parametrize(
    ("rule", "is_found"),
    [
        ("auth [success=1 default=ignore] pam_succeed_if.so user notingroup none", True),
        ("auth [success=ignore default=1] pam_succeed_if.so user ingroup none", True),
        ("auth [success=ignore default=1] pam_succeed_if.so user ingroup none:sudo", False),
        ("auth sufficient pam_succeed_if.so user notingroup none", True),
        ("auth sufficient pam_succeed_if.so user ingroup none", False),
        ("auth required pam_succeed_if.so user notingroup none", False),
        ("auth [success=1 default=ignore] pam_succeed_if.so quiet user notingroup sudo", False),
        ("auth [success=1 default=ignore] pam_succeed_if.so quiet user = alice", False),
        (
            "auth [success=1 default=ignore] pam_succeed_if.so user = bob user notingroup none",
            False,
        ),
        ("auth [success=ignore default=1] pam_succeed_if.so uid > 9 user ingroup none", True),
    ],
)
def test_groups_that_are_not_there(made: Made, rule: str, is_found: bool) -> None:
    """A group that was never made would open the door, or be told of where it does no harm."""
    found = made.findings(f"{UNIX}{rule}\n{TOTP}{ACCOUNT}")
    assert ("PAM205" in codes(found)) == is_found
    assert not {"PAM203", "PAM204"} & {*codes(found)}


def test_a_wrong_password_that_ends_in_nothing(made: Made) -> None:
    """A refusal that no rule has decided would end the check of everything."""
    text = f"auth [success=1 default=ignore] pam_unix.so\nauth [default=ignore] pam_deny.so\n{TOTP}"
    assert "PAM206" not in codes(made.findings(f"auth sufficient pam_unix.so\n{ACCOUNT}"))
    assert "PAM206" not in codes(made.findings(text + ACCOUNT))


def test_services_that_log_nobody_in(made: Made) -> None:
    """Cron would be told that it asks for nothing."""
    assert codes(made.findings(f"auth required pam_permit.so\n{ACCOUNT}", "cron")) == []


# --- sshd ---


def test_no_password_and_no_pam(made: Made) -> None:
    """Whoever has a line that asks for a code would not know that it is never run."""
    config = "UsePAM no\nPasswordAuthentication no\n"
    found = made.findings(UNIX + TOTP + ACCOUNT, etc__ssh__sshd_config=config)
    assert [one.message for one in found if one.code == "PAM301"] == [
        "UsePAM no: the rules for sshd are not run, and no code is asked"
    ]


def test_what_is_built_in_has_no_line(made: Made) -> None:
    """A line would be named that is not there."""
    found = made.findings(UNIX + TOTP + ACCOUNT, etc__ssh__sshd_config="")
    assert [(one.code, one.place.path, one.place.line) for one in found] == [
        ("PAM301", "/etc/ssh/sshd_config", None)
    ]


def test_no_code_where_a_match_line_says_password(made: Made) -> None:
    """The line to change would be said to be one that is as it should be."""
    methods = "Match User bob\nAuthenticationMethods publickey,password\n"
    config = GOOD_SSHD.replace("Authentication no", "Authentication yes") + methods
    found = made.findings(UNIX + TOTP + ACCOUNT, etc__ssh__sshd_config=config)
    (one,) = [one for one in found if one.code == "PAM302"]
    assert (one.place.line, one.hint) == (
        5,
        "Say 'keyboard-interactive:pam' there instead of 'password'.",
    )


@pytest.mark.parametrize(
    ("match", "is_found"),
    [
        ("Match User alice", True),
        ("Match User !bob,a*", True),
        ("Match Group sudo", True),
        ("Match Address 192.168.0.0/16", True),
        ("Match Address 10.*", True),
        ("Match Host *.example.org", True),
        ("Match LocalAddress 10.0.0.1", True),
        ("Match LocalPort 2222", True),
        ("Match LocalPort ssh", True),
        ("Match RDomain blue", True),
        ("Match User *", True),
        ("Match User alice Address 10.0.0.0/8", True),
        ("Match Address 10.0.0.0/8,!10.0.0.0/8", False),
        ("Match LocalPort nothing", False),
    ],
)
def test_each_match_line_has_its_turn(
    made: Made, monkeypatch: pytest.MonkeyPatch, match: str, is_found: bool
) -> None:
    """Whom a Match line is about would be locked out, and nobody see it."""

    def port(name: str, _protocol: str) -> int:  # whatever /etc/services has here, if it is there
        if name != "ssh":
            raise OSError(name)
        return 22

    monkeypatch.setattr("socket.getservbyname", port)
    config = (
        f"UsePAM yes\n{match}\n    AuthenticationMethods password\n    PasswordAuthentication no\n"
    )
    found = made.findings(UNIX + ACCOUNT, etc__ssh__sshd_config=config)
    assert ("PAM303" in codes(found)) == is_found


def test_match_all_is_about_everybody(made: Made) -> None:
    """It would be told of twice, once as of somebody special."""
    found = made.findings(
        UNIX + ACCOUNT, etc__ssh__sshd_config=f"{GOOD_SSHD}Match all\nX11Forwarding no\n"
    )
    assert found == []


def test_a_match_line_in_an_included_file(made: Made) -> None:
    """What stands in sshd_config.d would not be looked at."""
    files = {
        "/etc/pam.d/sshd": UNIX + ACCOUNT,
        "/etc/ssh/sshd_config": f"Include /etc/ssh/sshd_config.d/*.conf\n{GOOD_SSHD}",
        "/etc/ssh/sshd_config.d/x.conf": "Match Group sudo\nAuthenticationMethods password\n",
    }
    root = made.root(files)
    (one,) = lint([pamconf.load("sshd", root)], Machine(root))
    assert (one.code, one.place.path, one.place.line) == (
        "PAM303",
        "/etc/ssh/sshd_config.d/x.conf",
        2,
    )


def test_a_newer_sshd(made: Made) -> None:
    """An image of next year would be said to have an sshd that does not start."""
    config = f"{GOOD_SSHD}Match version OpenSSH_10*\nX11Forwarding no\n"
    (one,) = made.findings(UNIX + TOTP + ACCOUNT, etc__ssh__sshd_config=config)
    assert (one.code, one.severity, one.place.line) == ("PAM306", Severity.WARNING, 4)


def test_root_is_looked_at_too(made: Made) -> None:
    """Root would be locked out by what is good for all others."""
    config = GOOD_SSHD + "AuthenticationMethods publickey,keyboard-interactive:pam\n"
    found = made.findings(UNIX + TOTP + ACCOUNT, etc__ssh__sshd_config=config)
    assert [(one.severity, one.message) for one in found] == [
        (Severity.WARNING, "root cannot log in at all: PermitRootLogin prohibit-password")
    ]
    config += "PermitRootLogin no\n"
    assert made.findings(UNIX + TOTP + ACCOUNT, etc__ssh__sshd_config=config) == []


def test_methods_that_are_all_off(made: Made) -> None:
    """Nobody could log in, and the line that does it not be named."""
    config = "UsePAM yes\nPubkeyAuthentication no\nPasswordAuthentication no\n"
    config += "KbdInteractiveAuthentication no\nHostbasedAuthentication no\n"
    found = made.findings(UNIX + ACCOUNT, etc__ssh__sshd_config=config)
    assert {one.code for one in found} == {"PAM303"}


def test_whom_sshd_denies(made: Made) -> None:
    """Who is kept out on purpose would be called locked out."""
    config = GOOD_SSHD + "AllowUsers bob\n"
    assert codes(made.findings(UNIX + ACCOUNT, etc__ssh__sshd_config=config)) == []


def test_without_a_root_account(made: Made) -> None:
    """An image without accounts could not be checked."""
    config = GOOD_SSHD + "AuthenticationMethods publickey,keyboard-interactive:pam\n"
    found = made.findings(UNIX + ACCOUNT, etc__ssh__sshd_config=config, etc__passwd="")
    assert found == []


def test_sshd_cannot_be_asked(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where sshd cannot be asked, the other checks would be lost too, or nobody be told."""
    from pamconf.sshd import ask  # noqa: PLC0415

    def fails(*_: object, **__: object) -> None:
        raise ToolError("sshd -T failed")

    config = GOOD_SSHD.replace("yes", "no")
    files = {"/etc/pam.d/sshd": UNIX + TOTP + ACCOUNT, "/etc/ssh/sshd_config": config}
    root = made.root(files)
    monkeypatch.setattr(ask, "query", fails)
    found = lint([pamconf.load("sshd", root)], Machine(root))
    assert [(one.code, one.severity) for one in found] == [
        ("PAM306", Severity.NOTE),
        ("PAM301", Severity.ERROR),
    ]
    assert found[0].message == "sshd -T failed: this is by our own reading of its files"


def test_sshd_takes_what_our_reader_does_not(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyword of a newer sshd would end the check of everything."""
    from pamconf import sshd  # noqa: PLC0415

    config = sshd.load(Machine(made.root({"/etc/ssh/sshd_config": GOOD_SSHD})).files)
    connection = sshd.Connection(SOMEBODY.name, SOMEBODY)
    answer = sshd.Answer(sshd.effective(config, connection), asked=True)
    monkeypatch.setattr("pamconf.sshd.consult", lambda *_, **__: answer)
    found = made.findings(UNIX + TOTP + ACCOUNT, etc__ssh__sshd_config="Match Planet earth\n")
    assert codes(found) == ["PAM304"]


# --- Who can change files ---


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "message"),
    [
        (0o644, 0, 0, None),
        (0o664, 0, 0, None),
        (0o664, 0, 27, "the group of number 27 can write it"),
        (0o644, 1000, 0, "it belongs to the user of number 1000, not to root"),
        (0o646, 0, 0, "everybody can write it"),
    ],
)
def test_who_can_write_a_file(
    made: Made, monkeypatch: pytest.MonkeyPatch, mode: int, uid: int, gid: int, message: str | None
) -> None:
    """Somebody could change the rules, or a file be called open that is not."""
    root = made.root({"/etc/pam.d/su": (UNIX + ACCOUNT, mode)})
    own(monkeypatch, su=(uid, gid))
    found = lint([pamconf.load("su", root)], Machine(root))
    assert [one.message for one in found] == ([f"/etc/pam.d/su: {message}"] if message else [])


def test_groups_have_names_here(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """An admin would have to look up the number; one that has no name would end the check."""
    root = made.root({"/etc/pam.d/su": (UNIX + ACCOUNT, 0o664)})
    monkeypatch.setattr(Machine, "is_this", property(lambda _: True))
    monkeypatch.setattr(loading, "load", lambda _: {})
    known = next(entry for entry in grp.getgrall() if entry.gr_gid)
    for gid, name in ((known.gr_gid, known.gr_name), (54321, "of number 54321")):
        with monkeypatch.context() as patch:
            own(patch, su=(0, gid))
            found = lint([pamconf.load("su", root)], Machine(root))
        assert [one.message for one in found] == [f"/etc/pam.d/su: the group {name} can write it"]


def own(monkeypatch: pytest.MonkeyPatch, **owners: tuple[int, int]) -> None:
    """Have files of these names belong to a uid and a gid, and all others to root."""
    real = Path.stat

    def owned(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        facts = real(path, follow_symlinks=follow_symlinks)
        return os.stat_result((*facts[:4], *owners.get(path.name, (0, 0)), *facts[6:]))

    monkeypatch.setattr(Path, "stat", owned)


def test_modules_that_others_can_change(made: Made) -> None:
    """Whoever can change a module has every login."""
    path = f"{examples.MODULES}/pam_unix.so"
    root = made.root({"/etc/pam.d/su": UNIX + ACCOUNT, path: ("\x7fELF", 0o666)})
    found = lint([pamconf.load("su", root)], Machine(root))
    assert [(one.code, one.place.line) for one in found] == [("PAM401", 1)]


def test_a_shared_folder_is_no_shared_file(made: Made) -> None:
    """A bit that protects what is in a folder would be taken for one that protects a file."""
    root = made.root({"/etc/pam.d/su": (UNIX + ACCOUNT, 0o1666)})
    assert codes(lint([pamconf.load("su", root)], Machine(root))) == ["PAM401"]
    (root / "etc/pam.d/su").chmod(0o644)
    (root / "etc/pam.d").chmod(0o1777)
    assert codes(lint([pamconf.load("su", root)], Machine(root))) == []


def test_what_else_logins_go_by(made: Made) -> None:
    """Somebody could change a login by what no rule names."""
    program = "auth required pam_exec.so /opt/ask\n"
    files: dict[str, str | tuple[str, int]] = {
        "/etc/pam.d/sshd": UNIX + program + ACCOUNT + "account required pam_access.so\n",
        "/etc/ssh/sshd_config": ("Include /etc/ssh/x.conf\n" + GOOD_SSHD, 0o666),
        "/etc/ssh/x.conf": ("# nothing\n", 0o666),
        "/etc/security/access.conf": "+ : root : ALL\n",
        "/etc/security/access.d/x.conf": ("- : ALL : ALL\n", 0o666),
        "/opt/ask": ("#!/bin/sh\n", 0o777),
        "/srv/theirs/su": UNIX + ACCOUNT,
    }
    root = made.root(files)
    (root / "srv/theirs").chmod(0o777)
    (root / examples.MODULES[1:]).chmod(0o777)
    (root / "etc/security").chmod(0o777)
    (root / "etc/pam.d/su").symlink_to("/srv/theirs/su")
    found = lint([pamconf.load(name, root) for name in ("sshd", "su")], Machine(root))
    assert sorted(one.message for one in found if one.code in {"PAM401", "PAM402"}) == [
        "/etc/security/access.d/x.conf: everybody can write it",
        "/etc/security: everybody can write it",
        "/etc/ssh/sshd_config: everybody can write it",
        "/etc/ssh/x.conf: everybody can write it",
        "/opt/ask: everybody can write it",
        "/srv/theirs: everybody can write it",
        f"{examples.MODULES}: everybody can write it",
    ]


def test_links_that_lead_nowhere(made: Made) -> None:
    """A loop of links would end the check of everything."""
    root = made.root({"/etc/pam.d/su": UNIX + ACCOUNT, "/etc/security/x": ""})
    rule = "account required pam_access.so accessfile=/etc/security/loop\n"
    (root / "etc/security/loop").symlink_to("loop")
    (root / "etc/pam.d/su").write_text(UNIX + ACCOUNT + rule)
    assert "PAM501" in codes(lint([pamconf.load("su", root)], Machine(root)))
    assert Machine(root).real_folder("/etc/security/loop") == ""


def test_commands_are_for_the_right_machine(made: Made) -> None:
    """Who copies a hint would change this machine instead of the image, or run what a file says."""
    root = made.root({"/etc/pam.d/a;b": (UNIX + ACCOUNT, 0o666)})
    (one,) = lint([pamconf.load("a;b", root)], Machine(root))
    assert one.hint == f"Run: chown root: '{root}/etc/pam.d/a;b'; chmod go-w '{root}/etc/pam.d/a;b'"


def test_hints_keep_an_owner(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does as they are told would take the folder from the account that reads it, or a home."""
    text = f"{UNIX}{TOTP.strip()} secret=/s/${{USER}} user=keeper\n{ACCOUNT}"
    root = made.root({"/etc/pam.d/su": text})
    (one,) = [one for one in lint([pamconf.load("su", root)]) if one.code == "PAM403"]
    assert one.hint == f"Run: install -d -m 0700 -o keeper {root}/s"
    (root / "s").mkdir(mode=0o700)
    (root / "s").chmod(0o757)
    (one,) = [one for one in lint([pamconf.load("su", root)]) if one.code == "PAM403"]
    assert one.hint == f"Run: chown keeper: {root}/s; chmod go-w {root}/s"
    program = "auth required pam_exec.so /home/alice/ask\n"
    root = made.root({"/etc/pam.d/su": program + UNIX + ACCOUNT, "/home/alice/ask": ""})
    own(monkeypatch, alice=(1000, 1000))
    (one,) = [one for one in lint([pamconf.load("su", root)]) if one.code == "PAM401"]
    assert one.hint == "Move the file to a folder of root's."


def test_a_folder_that_may_not_be_looked_at(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not root would be told that the folder is not there."""
    text = f"{UNIX}{TOTP.strip()} secret=/s/${{USER}} user=root\n{ACCOUNT}"
    root = made.root({"/etc/pam.d/su": text, "/s/": ("", 0o700)})
    follow = Tree.follow

    def refuse(tree: Tree, path: str) -> Path:
        if path == "/s":
            raise PermissionError(13, "Permission denied")
        return follow(tree, path)

    monkeypatch.setattr(Tree, "follow", refuse)
    (one,) = lint([pamconf.load("su", root)])
    assert (one.code, one.place.path, one.hint) == ("PAM400", "/s", "Run this as root.")


def test_the_files_of_second_factors(made: Made) -> None:
    """Whoever can write it would give themself a second factor of somebody else's."""
    oath = "auth required pam_oath.so usersfile=/etc/users.oath\n"
    u2f = "auth required pam_u2f.so authfile=/etc/keys\nauth required pam_u2f.so authfile=keys\n"
    files: dict[str, str | tuple[str, int]] = {
        "/etc/pam.d/su": UNIX + oath + u2f + ACCOUNT,
        "/etc/users.oath": ("", 0o666),
        "/etc/keys": ("", 0o666),
    }
    found = lint([pamconf.load("su", made.root(files))])
    assert [one.place.line for one in found if one.code == "PAM402"] == [2, 3]


def test_lists_that_others_can_change(made: Made) -> None:
    """Whoever can change a list of users is on it."""
    rule = "auth required pam_listfile.so item=user sense=allow file=/etc/users onerr=fail\n"
    root = made.root({"/etc/pam.d/su": rule + UNIX + ACCOUNT, "/etc/users": ("alice\n", 0o666)})
    assert "PAM402" in codes(lint([pamconf.load("su", root)], Machine(root)))


@pytest.mark.parametrize(
    ("arguments", "mode", "message"),
    [
        ("secret=/s/${USER} user=root nullok", None, "with nullok nobody is asked for a code"),
        ("secret=/s/${USER} user=root", None, "everybody is refused"),
        ("secret=/s/${USER} user=root", 0o700, None),
        ("secret=/s/all user=root", 0o700, None),
        ("secret=/s/${USER}/${USER} user=root", 0o700, None),
        ("secret=${HOME}/.s", None, None),
        ("", None, None),
        ("secret=/s/${USER} user=root", 0o777, "can be changed by others"),
        ("secret=/s/${USER}", 0o700, "cannot be entered by who logs in"),
        ("secret=/s/${USER}", 0o711, None),
        ("secret=/s/${USER} user=keeper", 0o700, "cannot be entered by keeper"),
        ("secret=/s/${USER} user=keeper", 0o711, None),
        ("secret=/s/${USER} user=nobody-there", 0o700, "there is none: everybody is refused"),
        ("secret=/s/${USER} user=root", 0o1777, "everybody can make files in it"),
        ("secret=/s/${USER} user=4321", 0o700, "cannot be entered by 4321"),
    ],
)
def test_folders_of_secrets(
    made: Made, arguments: str, mode: int | None, message: str | None
) -> None:
    """Everybody would be refused, or nobody asked, and the admin not know why."""
    text = f"{UNIX}{TOTP.strip()} {arguments}\n{ACCOUNT}"
    root = made.root({"/etc/pam.d/su": text} | ({"/s/": ("", mode)} if mode else {}))
    found = [one for one in lint([pamconf.load("su", root)], Machine(root)) if one.code == "PAM403"]
    assert [str(message) in one.message for one in found] == ([True] if message else [])


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "may"),
    [
        (0o100, 900, 0, True),
        (0o055, 900, 900, False),
        (0o010, 0, 900, True),
        (0o101, 0, 900, False),
        (0o001, 0, 0, True),
    ],
)
def test_who_may_enter(
    made: Made, monkeypatch: pytest.MonkeyPatch, mode: int, uid: int, gid: int, may: bool
) -> None:
    """The rights of an owner, a group and others would be mixed up."""
    text = f"{UNIX}{TOTP.strip()} secret=/s/${{USER}} user=keeper\n{ACCOUNT}"
    root = made.root({"/etc/pam.d/su": text, "/s/": ("", mode)})
    own(monkeypatch, s=(uid, gid))
    found = lint([pamconf.load("su", root)], Machine(root))
    assert [one.message for one in found] == (
        [] if may else ["/s cannot be entered by keeper, so that everybody is refused"]
    )


# --- Access files ---


def test_an_access_file_that_is_a_folder(made: Made) -> None:
    """pam_access takes it for an empty file."""
    text = UNIX + LAN + TOTP + ACCOUNT
    root = made.root({"/etc/pam.d/su": text, "/etc/security/lan.conf/": ""})
    found = lint([pamconf.load("su", root)], Machine(root))
    assert "/etc/security/lan.conf is a folder: everybody is let through" in [
        one.message for one in found
    ]


@pytest.mark.parametrize(
    ("rule", "files", "found"),
    [
        # The file that Linux-PAM comes with, and what it is good for.
        ("account required pam_access.so", {"access.conf": "# nothing\n"}, []),
        ("account required pam_access.so", {"access.conf": "+ : bob : ALL\n"}, ["PAM502"]),
        ("auth [success=1 default=ignore] pam_access.so", {"access.conf": "#\n"}, ["PAM502"]),
        ("auth sufficient pam_access.so", {"access.conf": "#\n"}, ["PAM502"]),
        # The last of several files is the one that has to end in a refusal.
        (
            "account required pam_access.so",
            {"access.conf": "+ : bob : ALL\n", "access.d/x.conf": "- : ALL : ALL\n"},
            [],
        ),
        (
            "account required pam_access.so nodefgroup",
            {"access.conf": "+ : sudo : ALL\n+ : (sudo) alice : ALL\n- : ALL : ALL\n"},
            ["PAM505"],
        ),
        (
            "account required pam_access.so fieldsep=\N{DEGREE SIGN}",
            {"access.conf": "- : ALL : ALL\n"},
            [],
        ),
        ("account required pam_access.so", {"access.conf": "+ : all : LOCAL\n- : ALL : ALL\n"}, []),
    ],
)
def test_access_files(made: Made, rule: str, files: Mapping[str, str], found: list[str]) -> None:
    """Everybody would be let through, or a file that is as it should be called a mistake."""
    text = UNIX + ACCOUNT + f"{rule}\n{TOTP}"
    paths = {f"/etc/security/{name}": content for name, content in files.items()}
    root = made.root({"/etc/pam.d/login": text} | paths)
    told = lint([pamconf.load("login", root)], Machine(root))
    assert sorted({one.code for one in told if one.code.startswith("PAM50")}) == found


LOCAL = "+ : ALL : LOCAL\n- : ALL : ALL\n"


@pytest.mark.parametrize(
    ("service", "rule", "lines", "severity"),
    [
        ("sudo", LAN, LOCAL, Severity.WARNING),
        ("xrdp-sesman", LAN, LOCAL, Severity.WARNING),
        ("login", LAN, LOCAL, None),
        ("sshd", LAN, LOCAL, None),
        ("sudo", LAN, "+ : ALL : 10.0.0.0/8\n- : ALL : ALL\n", None),
        ("sudo", "account required pam_access.so accessfile=/etc/security/lan.conf\n", LOCAL, None),
        ("sudo", "auth required pam_access.so accessfile=/etc/security/lan.conf\n", LOCAL, None),
        ("gdm-password", LAN, LOCAL, Severity.ERROR),
        ("sudo", LAN, "- : ALL : ALL EXCEPT LOCAL\n", Severity.WARNING),
        ("sudo", LAN, "+ : ALL : ALL EXCEPT LOCAL\n- : ALL : ALL\n", None),
        ("sudo", LAN, "+ : root : LOCAL\n- : ALL : ALL\n", None),
        ("sudo", LAN, "+ : ALL : ALL\n", None),
    ],
)
def test_local_is_everybody(
    made: Made, service: str, rule: str, lines: str, severity: Severity | None
) -> None:
    """Who comes from far away would skip the code."""
    gdm = "[xdmcp]\nEnable=true\n"
    root = made.root(
        {
            f"/etc/pam.d/{service}": UNIX + rule + TOTP + ACCOUNT,
            "/etc/security/lan.conf": lines,
            "/etc/gdm3/custom.conf": gdm,
        }
    )
    found = lint([pamconf.load(service, root)], Machine(root))
    told = [one.severity for one in found if one.code == "PAM506"]
    assert told == ([severity] if severity else [])


def test_whose_screens_are_served(made: Made) -> None:
    """One display manager would be blamed for what another one does."""
    files = {
        "/etc/pam.d/gdm-password": UNIX + LAN + TOTP + ACCOUNT,
        "/etc/pam.d/subversion": UNIX + LAN + TOTP + ACCOUNT,
        "/etc/security/lan.conf": LOCAL,
        "/etc/lightdm/lightdm.conf": "[XDMCPServer]\nenabled=true\n",
        "/etc/gdm3/custom.conf": "[xdmcp]\nEnable=true\n",
    }
    root = made.root(files)
    found = lint([pamconf.load(name, root) for name in ("gdm-password", "subversion")])
    served = "[xdmcp] Enable=true (/etc/gdm3/custom.conf:2) serves other machines"
    assert [one.message for one in found if one.code == "PAM506"] == [
        f"LOCAL is everybody here: {served}"
    ]


# --- Anything ---

PIECES = st.sampled_from(
    ["auth ", "account ", "-session ", "@include ", "include ", "substack ", "x", "sshd",
     "required ",
     "sufficient ", "[success=", "1", "0", "die", " default=ignore] ", "pam_unix.so", "pam_u2f.so ",
     "pam_access.so ", "pam_succeed_if.so ", "pam_doorward.so ", "pam_google_authenticator.so ",
     "accessfile=", "/etc/x", "secret=/", "${USER}", " user=", "root", "nullok ", "notingroup ",
     "+ : ", "ALL ", ": ", "EXCEPT ", "LOCAL\n", "10.0.0.0/8\n", "Match ", "Group ", "Address ",
     "UsePAM no\n", "AuthenticationMethods ", "publickey,", "Include ", "\\\n", "\n", "\n", "\r\n",
     " ", "\t", "#", "# pamconf: ignore PAM001\n", "\0", "\x85", "\udcff", "é", "z" * 1100]
)  # fmt: skip
ANYTHING = st.lists(PIECES, max_size=40).map("".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ANYTHING, ANYTHING, ANYTHING)
def test_anything(tmp_path: Path, rules: str, config: str, access: str) -> None:
    """A file that somebody made a mistake in would end in a traceback instead of its line."""
    root = tmp_path / "machine"
    for path, text in (
        ("etc/pam.d/sshd", rules),
        ("etc/pam.d/x", rules[::-1]),
        ("etc/ssh/sshd_config", config),
        ("etc/x", access),
        ("etc/security/access.conf", access),
        (f"{examples.MODULES[1:]}/pam_unix.so", "\x7fELF"),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(lines.bytes_of(text))
    services = [pamconf.load(name, root) for name in ("sshd", "x", "none")]
    for one in lint(services, Machine(root)):
        assert len(one.message.splitlines()) == 1
        assert one.hint
        number, place = one.place.line, one.place
        assert number is None or place.column + place.width <= max(2, len(one.text) + 1)


# --- What is reached ---


def answer(maker: random.Random, rule: stack.Rule) -> str:
    """What a module may return."""
    values = {"auth": "auth_err", "account": "auth_err", "session": "session_err"}
    if rule.name == "pam_deny":
        return values.get(rule.type, "authtok_err")
    return "success" if rule.name == "pam_permit" else maker.choice(RETURNS)


def jump_over(rules: Sequence[stack.Rule], at: int) -> int:
    """How many rules a jump can go over, by trying."""
    return next(over for over in range(len(rules) + 1) if simulate.jump(rules, at, over + 1)[1])


def test_nothing_is_called_unreachable_that_libpam_comes_to(tmp_path: Path) -> None:
    """A rule that asks for a code would be called dead, and taken out."""
    compared = 0
    for seed in range(1500):
        maker = random.Random(seed)  # noqa: S311 - the same ones each time
        made = stacks.stack(maker, str(tmp_path))
        texts = {f"{tmp_path}/{name}": text.encode() for name, text in made.files.items()}
        service = stack.load_from(({str(tmp_path): b""} | texts).get, "t", (str(tmp_path),))
        for type_ in () if service.abort else TYPES:
            rules = service.rules(type_)
            dead = {at for first, last in reach.unreached(rules) for at in range(first, last + 1)}
            outcome = service.run(type_, partial(answer, maker))
            there = [rules[at].enters or jump_over(rules, at) for at in range(len(rules))]
            assert there == [
                rule.enters or most
                for rule, most in zip(rules, simulate.following(rules), strict=True)
            ]
            assert not dead & {visit.index for visit in outcome.visits}
            compared += len(outcome.visits)
    assert compared > 3000


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("auth sufficient pam_permit.so\nauth required a.so\nauth required b.so\n", [(1, 2)]),
        ("auth requisite pam_deny.so\nauth required a.so\n", [(1, 1)]),
        ("auth required pam_deny.so\nauth required a.so\n", []),
        ("auth required pam_deny.so\nauth sufficient pam_permit.so\nauth required a.so\n", []),
        ("auth [success=1 default=1] a.so\nauth required b.so\nauth required c.so\n", [(1, 1)]),
        ("auth [default=die] a.so\nauth required b.so\n", [(1, 1)]),
        ("auth [default=reset] a.so\nauth required b.so\n", []),
        ("auth substack x\nauth required b.so\n", [(2, 2)]),
        ("auth\nauth required b.so\n", []),
    ],
)
def test_what_is_reached(text: str, runs: list[tuple[int, int]]) -> None:
    """What is never run would pass for a guard."""
    files = {
        "/etc/pam.d": b"",
        "/etc/pam.d/t": text.encode(),
        "/etc/pam.d/x": b"auth requisite pam_deny.so\nauth required c.so\n",
    }
    rules = stack.load_from(files.get, "t").rules("auth")
    assert [*reach.unreached(rules)] == runs


def test_checks_know_all_modules_that_have_models() -> None:
    """A module that explain follows would have misspelt arguments that lint does not see."""
    assert {*Machine().models} == {*SIGNATURES}
    assert [*CHECKS]
