"""Blocks between two comments: put in, found, and taken out again without a trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamconf import PamconfError, UsageError, blocks, edit, lines
from pamconf.blocks import Marks
from pamconf.stack import File

MARKS = Marks("# begin: a question", "# end: a question")
RULES = ("auth [success=1 default=ignore] pam_access.so", "auth required pam_code.so nullok")
BLOCK = "# begin: a question\n" + "".join(f"{rule}\n" for rule in RULES) + "# end: a question\n"
PATH = "/etc/pam.d/sshd"


def file(text: str) -> File:
    """A file of pam.d with this text."""
    return File(PATH, lines.parse(text.encode()))


def test_rules_go_in_and_out() -> None:
    """What was put in could not be taken out, or not without touching somebody's lines."""
    text = "@include common-auth\n# mine\naccount required pam_unix.so"
    changed = edit.insert_block(file(text), RULES, MARKS, at=1)
    assert changed.content.decode() == text.replace("# mine", f"{BLOCK}# mine")
    assert [entry.line for entry in changed.entries] == [1, 2, 3, 4, 5, 6, 7]
    assert edit.without_block(changed, MARKS).content.decode() == text
    assert edit.without_block(file(text), MARKS).content.decode() == text


def test_a_file_without_its_last_newline() -> None:
    """The block's first line would become a part of the line before it."""
    changed = edit.insert_block(file("auth required pam_unix.so"), RULES, MARKS, at=1)
    assert changed.content.decode() == f"auth required pam_unix.so\n{BLOCK}"
    assert edit.insert_block(file(""), RULES, MARKS, at=0).content.decode() == BLOCK


@pytest.mark.parametrize("text", ["auth required pam_unix.so \\", "auth required pam_unix.so \\\n"])
def test_a_line_that_would_swallow_the_block(text: str) -> None:
    """A backslash at the end of the file would join the block to somebody's rule."""
    with pytest.raises(UsageError):
        edit.insert_block(file(text), RULES, MARKS, at=1)


def test_not_twice() -> None:
    """A code would be asked for twice."""
    with pytest.raises(UsageError, match="is there already"):
        edit.insert_block(file(BLOCK), RULES, MARKS, at=0)


@pytest.mark.parametrize(
    "text",
    [
        "# begin: a question\nauth required pam_unix.so\n",
        "auth required pam_unix.so\n# end: a question\n",
        "# end: a question\n# begin: a question\n",
        BLOCK + BLOCK,
    ],
)
def test_torn_blocks(text: str) -> None:
    """Lines of somebody's would go with a block of which nobody knows where it ends."""
    with pytest.raises(PamconfError, match="are not there once each") as caught:
        blocks.without(text.encode(), MARKS, PATH)
    assert caught.value.hint
    assert f"{PATH}:" in str(caught.value)


def test_what_is_in_a_block() -> None:
    """Nobody could tell whether somebody has changed what stands there."""
    found = blocks.find(f"x\n  {BLOCK}y\n".encode(), MARKS, PATH)
    assert found is not None
    assert found.lines == tuple(rule.encode() for rule in RULES)
    assert blocks.find(b"x\n", MARKS, PATH) is None


@given(st.lists(st.binary(max_size=8).filter(lambda one: b"\n" not in one)), st.integers(0, 9))
def test_out_again(texts: list[bytes], at: int) -> None:
    """Bytes of a file would change by what was only put in and taken out."""
    content = b"".join(text + b"\n" for text in texts)
    place = sum(len(text) + 1 for text in texts[:at])
    there = blocks.insert(content, ["x"], MARKS, PATH, at=place)
    assert there != content
    assert blocks.without(there, MARKS, PATH) == content


def test_another_module_in_a_rule() -> None:
    """Options or blanks of a line would change with its module, or another line would."""
    text = (
        "auth\trequired \\\n  /lib/security/pam_old.so pam_old.so  # pam_old.so\nauth a pam_x.so\n"
    )
    changed = edit.rename_module(file(text), 1, "pam_new.so")
    assert changed.content.decode() == text.replace("/lib/security/pam_old.so", "pam_new.so")
    with pytest.raises(UsageError, match="begins in line 2"):
        edit.rename_module(file(text), 2, "pam_new.so")
    with pytest.raises(UsageError, match="begins in line 1"):
        edit.rename_module(file("@include x\n"), 1, "pam_new.so")
    with pytest.raises(UsageError, match="would spoil"):
        edit.rename_module(file("auth required required\n"), 1, "pam_new.so")
