"""Changing a line of a file of pam.d, and no other."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pamconf import UsageError, edit, lines
from pamconf.stack import File

SSHD = """\
# PAM configuration for the Secure Shell service

@include common-auth
account    required     pam_nologin.so
session [success=ok ignore=ignore module_unknown=ignore default=bad]        pam_selinux.so close
session    required     pam_loginuid.so   # no newline"""

RULE = "auth required pam_doorward.so nullok"


def file(text: str) -> File:
    """A file with this text."""
    return File("/etc/pam.d/sshd", lines.parse(text.encode()))


def text(changed: File) -> str:
    """Its text again."""
    return changed.content.decode()


def test_insert_after() -> None:
    """The code would be asked before the password, or a byte of somebody's file be lost."""
    changed = edit.insert(file(SSHD), RULE, after=edit.include("common-auth"))
    assert text(changed) == SSHD.replace("common-auth\n", f"common-auth\n{RULE}\n")
    assert edit.insert(changed, RULE.replace(" ", "\t"), at_end=True) is changed
    assert text(edit.remove(changed, edit.module("pam_doorward", "auth"))) == SSHD


def test_insert_in_the_style_of_the_lines_around() -> None:
    """A file that somebody aligned would not be so any more."""
    aligned = edit.insert(file(SSHD), f"-{RULE}", before=edit.module("pam_nologin"))
    assert "\n-auth      required     pam_doorward.so nullok\naccount    req" in text(aligned)
    tabs = edit.insert(file("auth\trequired\t\tpam_unix.so\n"), RULE, at_end=True)
    assert text(tabs).endswith("\nauth\trequired\t\tpam_doorward.so nullok\n")
    long = "session [success=ok default=bad] pam_x.so"
    spread = edit.insert(file(SSHD), long, after=edit.module("pam_nologin"))
    assert "\nsession    [success=ok default=bad] pam_x.so\nsession [" in text(spread)


def test_insert_where_there_is_little() -> None:
    """A file without a last newline would have two rules on one line."""
    assert text(edit.insert(file(SSHD), RULE, at_end=True)).endswith(
        "pam_loginuid.so   # no newline\nauth       required     pam_doorward.so nullok\n"
    )
    assert text(edit.insert(file(""), RULE, at_end=True)) == f"{RULE}\n"
    joined = file("auth \\\n required pam_unix.so\n")
    assert text(edit.insert(joined, RULE, at_end=True)).endswith(f"\n{RULE}\n")


def test_replace() -> None:
    """A change of options would move the rule, or touch another."""
    changed = edit.replace(
        file(SSHD), edit.module("pam_nologin"), "account requisite pam_nologin.so"
    )
    assert text(changed) == SSHD.replace("required     pam_nologin", "requisite    pam_nologin")
    again = edit.replace(changed, edit.module("pam_nologin"), "account requisite pam_nologin.so")
    assert again is changed


def test_what_matches() -> None:
    """A rule of another type, or a file of the same name, would be taken for the one meant."""
    both = file("auth include pam_x\nauth required pam_x.so\nsession substack pam_x\n@include a\n")
    assert text(edit.remove(both, edit.module("pam_x", "session"))) == text(both)
    assert "required" not in text(edit.remove(both, edit.module("pam_x")))
    assert "substack" not in text(edit.remove(both, edit.include("pam_x", "session")))
    assert "auth include" in text(edit.remove(both, edit.include("pam_x", "session")))


@pytest.mark.parametrize(
    "rule", ["", "# auth required pam_x.so", "auth required", f"{RULE}\n{RULE}", f"{RULE} \\"]
)
def test_what_is_no_rule(rule: str) -> None:
    """A broken line would be written into a file that decides about logins."""
    with pytest.raises(UsageError, match="not one whole rule"):
        edit.insert(file(SSHD), rule, at_end=True)


def test_where_there_is_no_place() -> None:
    """A rule would land where nobody wanted it."""
    with pytest.raises(UsageError, match="there is no such rule"):
        edit.insert(file(SSHD), RULE, after=edit.module("pam_unix"))
    with pytest.raises(UsageError, match="at the end"):
        edit.insert(file(SSHD), RULE)
    with pytest.raises(UsageError, match="at the end"):
        edit.insert(file(SSHD), RULE, at_end=True, before=edit.module("pam_nologin"))


def test_a_line_that_would_swallow_the_new_one() -> None:
    """A rule would be put in, and be a part of another line."""
    for unfinished in ("auth required pam_unix.so \\", "\\", "auth required pam_unix.so ["):
        with pytest.raises(UsageError, match="would spoil this"):
            edit.insert(file(unfinished), RULE, at_end=True)


def fields(content: File) -> list[list[str]]:
    """What libpam reads of it."""
    return [[said.text for said in entry.fields] for entry in content.entries if entry.fields]


@example("\\")
@given(st.text(alphabet=st.sampled_from("auth required\tpam_x.so\n#[]=\\")))
def test_nothing_else_changes(before: str) -> None:
    """Bytes that nobody spoke of would change, or mean something else than before."""
    try:
        changed = edit.insert(file(before), RULE, at_end=True)
    except UsageError:
        unfinished = any(entry.unfinished for entry in file(before).entries)
        assert unfinished or not before.endswith("\n")  # an open bracket takes in the newline
        return
    assert text(changed).startswith(before)
    back = edit.remove(changed, edit.module("pam_doorward"))
    assert text(back).rstrip("\n") == before.rstrip("\n")
    assert fields(back) == fields(file(before))
