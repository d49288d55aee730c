"""Login stacks, read from files that are on no disk, and gone through."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pamconf
from pamconf import FileError, PamconfError, Rule, Service, UsageError, control, lines, stack

D = "/etc/pam.d"


def service(name: str = "sshd", /, **files: str) -> Service:
    """A service that is read from these files of /etc/pam.d; `_` is `-` in their names."""
    texts = {f"{D}/{name.replace('_', '-')}": text.encode() for name, text in files.items()}
    return stack.load_from(lambda path: b"" if path == D else texts.get(path), name)


def always(value: str) -> Callable[[Rule], str]:
    """Every module returns that."""
    return lambda _: value


def by_module(**values: str) -> Callable[[Rule], str]:
    """A module returns what stands at its name here, or success."""
    return lambda rule: values.get(rule.name, "success")


def test_a_service_as_debian_has_it() -> None:
    """Nothing that is on every machine would be understood."""
    sshd = service(
        sshd="# PAM\n@include common-auth\nauth required pam_doorward.so nullok\n",
        common_auth="auth\t[success=1 default=ignore]\tpam_unix.so nullok\n"
        "auth\trequisite\tpam_deny.so\n-auth optional pam_cap.so\n",
    )
    rules = sshd.rules("auth")
    assert [rule.name for rule in rules] == ["pam_unix", "pam_deny", "pam_cap", "pam_doorward"]
    assert [rule.place for rule in rules[:1]] == [f"{D}/common-auth:1"]
    assert [rule.silent for rule in rules] == [False, False, True, False]
    assert rules[0].control["success"] == 1
    assert rules[0].control["auth_err"] == "ignore"
    assert rules[3].arguments == ("nullok",)
    assert sshd.path == f"{D}/sshd"
    outcome = sshd.run("auth", by_module(pam_deny="auth_err"))
    assert outcome.status == "success"
    assert [visit.rule.name for visit in outcome.visits] == ["pam_unix", "pam_cap", "pam_doorward"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("auth", "nothing follows the type"),
        ("auth required", "no module is named"),
        ("auht required pam_unix.so", "no type of rules: 'auht'"),
        ("auth include gone", "/etc/pam.d/gone: no such file"),
        ("auth include unfinished", "/etc/pam.d/unfinished: given up at line 2: "),
        ("auth substack sshd", "more than 15 substacks within each other"),
    ],
)
def test_a_rule_that_always_fails(text: str, fault: str) -> None:
    """A broken line would be thought to do what it was meant to do."""
    broken = service(sshd=f"{text}\n", unfinished="\nauth required \\")
    assert fault in str(broken.rules("auth")[-1].fault)
    assert broken.run("auth", always("success")).status == "perm_denied"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("auth required pam_permit.so \\", "ends in a backslash"),
        ("@include gone", "/etc/pam.d/gone: no such file"),
        ("@include", "libpam crashes"),
        ("auth include", "libpam crashes"),
        ("auth required []", "libpam crashes"),
        ("auth required /lib/?.so", "libpam crashes"),
        ("auth include sshd", "includes itself"),
        ("auth include part", "includes itself"),
    ],
)
def test_a_service_that_libpam_gives_up(text: str, why: str) -> None:
    """A file that locks everybody out would look as if it let somebody in."""
    given_up = service(sshd=f"auth sufficient pam_permit.so\n{text}", part="auth include sshd\n")
    assert given_up.abort is not None
    assert why in given_up.abort.message
    assert given_up.run("auth", always("success")).status == "abort"


def test_a_service_without_a_file() -> None:
    """Whoever has no file would seem to have no rules, and nobody to refuse them."""
    fallback = service("gone", other="auth required pam_deny.so\n")
    assert fallback.path is None
    assert fallback.is_other("auth")
    assert [rule.name for rule in fallback.rules("auth")] == ["pam_deny"]
    assert fallback.run("account", always("success")).status == "perm_denied"
    nothing = service("gone")
    assert nothing.abort is not None
    assert nothing.run("auth", always("success")).problem == nothing.abort.message


def test_other_itself() -> None:
    """`other`, asked for by name, has each of its rules twice."""
    assert len(service("other", other="auth required pam_deny.so\n").rules("auth")) == 2


PAM_CONF = b"""\
SSHD auth required pam_unix.so
other auth required pam_deny.so
login auth required pam_gone.so
sshd
sshd account include /etc/part
login auth required pam_unix.so # and comments

"""


def test_pam_conf() -> None:
    """A machine without a folder of services would seem to have none."""
    files = {stack.PAM_CONF: PAM_CONF, "/etc/part": b"account required pam_permit.so\n"}
    sshd = stack.load_from(files.get, "sshd")
    assert [rule.name for rule in sshd.rules("auth")] == ["pam_unix", ""]
    assert [rule.name for rule in sshd.rules("account")] == ["pam_permit"]
    assert [rule.name for rule in stack.load_from(files.get, "su").rules("auth")] == ["pam_deny"]
    assert stack.load_from(lambda _: None, "sshd").abort is not None


def test_too_much() -> None:
    """A few files that include each other would take all memory."""
    files = {f"part{n}": f"auth substack part{n + 1}\n" * 9 for n in range(9)}
    with pytest.raises(PamconfError, match="more than 50000 rules"):
        service("part0", **files, part9="auth required pam_permit.so\n")
    deep = {f"part{n}": f"auth include part{n + 1}\n" for n in range(30)}
    with pytest.raises(PamconfError, match="include each other"):
        service("part0", **deep)


def test_too_much_for_nothing() -> None:
    """Files without a single rule would be read for hours, or until there is no stack left."""
    wide = {f"part{n}": f"auth include part{n + 1}\n" * 9 for n in range(7)}
    with pytest.raises(PamconfError, match="more than 200000 lines") as caught:
        service("part0", **wide, part7="# nothing\n" * 1000)
    assert caught.value.hint
    deep = {
        f"part{n}": f"auth {'include' if n % 20 else 'substack'} part{n + 1}\n" for n in range(300)
    }
    with pytest.raises(PamconfError, match="more than 60 files within each other"):
        service("part0", **deep)


def test_questions_that_make_no_sense() -> None:
    """A slip of a program would be answered with something that looks like an answer."""
    with pytest.raises(UsageError, match="no type of rules: 'auht'"):
        service(sshd="").rules("auht")
    with pytest.raises(UsageError, match="no call: 'auht'"):
        service(sshd="").run("auht", always("success"))


PART = "auth requisite pam_c.so\naccount required pam_e.so\nauth required pam_d.so\n"


@pytest.mark.parametrize(
    ("rules", "returns", "status"),
    [
        ("required pam_a.so", {"pam_a": "ignore"}, "perm_denied"),
        ("required pam_a.so|required pam_b.so", {"pam_a": "auth_err"}, "auth_err"),
        ("[success=bad] pam_a.so", {}, "perm_denied"),
        ("required pam_a.so|required pam_b.so|required pam_c.so",
         {"pam_a": "new_authtok_reqd", "pam_b": "new_authtok_reqd", "pam_c": "acct_expired"},
         "acct_expired"),
        ("required pam_a.so|required pam_b.so", {"pam_a": "maxtries", "pam_b": "maxtries"},
         "maxtries"),
        ("required pam_a.so|required pam_b.so", {"pam_b": "new_authtok_reqd"}, "new_authtok_reqd"),
        ("requisite pam_a.so|required pam_b.so", {"pam_a": "maxtries"}, "maxtries"),
        ("sufficient pam_a.so|required pam_b.so", {"pam_b": "auth_err"}, "success"),
        ("[default=bad] pam_a.so|required pam_b.so", {"pam_a": "ignore"}, "perm_denied"),
        ("[success=9 default=ignore] pam_a.so|required pam_b.so", {}, "perm_denied"),
        ("[success=1 default=ignore] pam_a.so|required pam_b.so|required pam_c.so",
         {"pam_b": "auth_err"}, "success"),
        ("required pam_a.so|[default=reset] pam_b.so", {"pam_a": "auth_err"}, "perm_denied"),
        ("required pam_a.so|optional pam_b.so", {"pam_a": "new_authtok_reqd"}, "new_authtok_reqd"),
        ("required pam_a.so|required pam_b.so", {"pam_b": "incomplete"}, "incomplete"),
        ("requisite pam_a.so|required pam_b.so",
         {"pam_a": "auth_err", "pam_b": "perm_denied"}, "auth_err"),
        ("substack part|required pam_b.so", {"pam_c": "auth_err"}, "auth_err"),
        ("[success=1 default=ignore] pam_a.so|substack part|required pam_b.so",
         {"pam_c": "auth_err"}, "success"),
    ],
)  # fmt: skip
def test_what_a_stack_comes_to(rules: str, returns: dict[str, str], status: str) -> None:
    """Who gets in would be told wrongly."""
    text = "".join(f"auth {rule}\n" for rule in rules.split("|"))
    made = service(sshd=text, part=PART)
    outcome = made.run("auth", by_module(**returns))
    assert outcome.status == status
    assert outcome.visits[-1].why


def test_setcred_takes_the_path_of_auth() -> None:
    """The second call would be thought to go where its own answers lead."""
    made = service(
        sshd="auth [success=1 default=ignore] pam_a.so\nauth required pam_b.so\n"
        "auth required pam_c.so\n"
    )
    auth = made.run("auth", always("success"))
    assert made.run("setcred", by_module(pam_a="cred_err"), auth).status == "success"
    assert made.run("setcred", by_module(pam_c="cred_err"), auth).status == "cred_err"
    assert made.run("setcred", by_module(pam_c="ignore"), auth).status == "perm_denied"
    assert [visit.index for visit in auth.visits] == [0, 2]
    waiting = made.run("auth", always("incomplete"))
    assert made.run("setcred", always("success"), waiting).status == "abort"
    assert waiting.decided == waiting.visits[0]


@pytest.mark.parametrize(
    ("text", "flaw", "offset"),
    [
        ("sucess=ok", "a return value is expected", 0),
        ("success", "'=' is expected", 7),
        ("success=oops", "an action is expected", 8),
        ("success=ok default=", "an action is expected", 19),
        ("default=0", "a jump goes over one rule at least", 8),
    ],
)
def test_a_control_that_cannot_be_read(text: str, flaw: str, offset: int) -> None:
    """A typing error would be thought to be what was meant, or be pointed at wrongly."""
    parsed = control.parse(text)
    assert parsed.flaw is not None
    assert flaw in parsed.flaw.message
    assert parsed.flaw.offset == offset
    assert set(parsed.values()) == {"bad"}
    assert len(parsed) == 32


def test_controls_at_their_edges() -> None:
    """What libpam reads in its own way would be read as somebody may have meant it."""
    assert control.parse("default=ignore success=ok")["success"] == "ok"
    assert control.parse("default=ignoresuccess=ok")["success"] == "ok"
    assert control.parse("success=4294967295")["success"] == "ok"  # a C int: -1
    assert control.parse("success=4294967288")["success"] == -8
    assert control.parse("success=4294967290 default=ok")["success"] == "ok"  # -6: not set
    assert control.parse("REQUISITE").keyword == "requisite"
    assert control.parse("Include").includes


def test_services_of_pam_conf(tmp_path: Path) -> None:
    """A machine that has no folder of services would have none."""
    (tmp_path / "etc").mkdir()
    assert pamconf.services(tmp_path) == []
    text = "su auth required a.so\nSSHD auth required a.so\n# x\nsu account required a.so\n"
    (tmp_path / "etc/pam.conf").write_text(text)
    assert pamconf.services(tmp_path) == ["sshd", "su"]
    assert pamconf.services(tmp_path, ["/gone"]) == []


def test_fields_know_their_places() -> None:
    """A caret would stand under something else."""
    (entry,) = lines.parse(b"auth \\\n# between\n\t[ success=ok ] p\xc3\xa4m.so  last # x\n")
    assert [(field.text, field.line, field.column) for field in entry.fields] == [
        ("auth", 1, 1),
        (" success=ok ", 3, 3),
        ("päm.so", 3, 17),
        ("last", 3, 25),
    ]
    assert entry.fields[1].bracketed


def test_a_long_line_is_read_as_two() -> None:
    """A rule behind a thousand blanks would be overlooked, as by whoever reads the file."""
    padded = b"# harmless".ljust(lines.BUFFER - 1) + b"auth sufficient pam_permit.so\n"
    assert [entry.fields != () for entry in lines.parse(padded)] == [False, True]
    joined = b"auth required ".ljust(lines.BUFFER - 2) + b"\\\nauth optional pam_permit.so\n"
    assert [entry.unfinished for entry in lines.parse(joined)] == [True, False]


@given(st.lists(st.sampled_from([b"auth ", b"required ", b"[a=b] ", b"\\", b"#", b"\n", b"x.so",
                                 b"\0", b"\xff", b"@include ", b"[", b"]", b"-", b"a" * 600]))
       .map(b"".join) | st.binary())  # fmt: skip
def test_every_byte_is_kept(content: bytes) -> None:
    """Somebody's file would come back changed, or not be read at all."""
    assert lines.render(lines.parse(content)) == content
    loaded = stack.load_from({D: b"", f"{D}/x": content}.get, "x")
    for type_ in lines.TYPES:
        loaded.run({"session": "session"}.get(type_, type_), always("success"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An image with a few services."""
    folder = tmp_path / "etc/pam.d"
    folder.mkdir(parents=True)
    (folder / "sshd").write_text("auth include /etc/pam.d/part\n@include folder\n")
    (folder / "Upper").write_text("")
    (folder / "sshd.dpkg-old").write_text("")
    (folder / "folder").mkdir()
    (folder / "login").symlink_to("/etc/pam.d/./up/../pam.d/sshd")
    (folder / "up").symlink_to("../pam.d")
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("gone/../part")
    (folder / "part").write_text("auth required pam_unix.so\n")
    return tmp_path


def test_an_image(root: Path) -> None:
    """A look into an image would show this machine's own files."""
    assert pamconf.services(root) == ["login", "part", "sshd"]
    for name in ("sshd", "/x/LOGIN"):
        loaded = pamconf.load(name, root)
        assert [rule.place for rule in loaded.rules("auth")] == [f"{D}/part:1"]
        assert loaded.files[f"{D}/part"].content == b"auth required pam_unix.so\n"
    for name in ("loop", "nowhere", "n" * 300):
        assert pamconf.load(name, root).abort is not None


def test_this_machine(root: Path) -> None:
    """A folder of one's own would not be looked in."""
    loaded = pamconf.load("part", confdirs=[str(root / "etc/pam.d")])
    assert [rule.name for rule in loaded.rules("auth")] == ["pam_unix"]


def test_what_cannot_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that only root may read would seem to be missing, and `other` to stand in for it."""

    def refuse(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileError, match="Permission denied") as caught:
        pamconf.load("sshd", root)
    assert caught.value.hint == "Run this as root."
    assert pamconf.services(root, [f"{D}/sshd", "/gone"]) == []
    with pytest.raises(FileError, match="symbolic links"):
        pamconf.services(root, [f"{D}/loop"])
    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(FileError, match="Permission denied"):
        pamconf.services(root)


def test_an_error_points_at_its_place() -> None:
    """An admin would have to count lines and columns."""
    error = PamconfError("no", hint="Try.", path="/x", line=3, column=6, text="\tauth bad")
    assert str(error) == "/x:3:6: no\n        \tauth bad\n    \t    ^".replace(
        "        \t", "    \t"
    )
    assert str(PamconfError("no")) == "no"
