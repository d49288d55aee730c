"""What the core promises whoever calls it, and no caller of ours relies on."""

import pytest
from doorward._core import ffi, lib


@pytest.mark.parametrize(("length", "room"), [(3, 5), (3, 0), (2**62, 2**63)])
def test_base32_is_never_written_past_the_end(length: int, room: int) -> None:
    """A longer secret would write over what lies behind."""
    out = ffi.new("char[]", b"as it was")
    assert lib.base32_encode(b"abc", length, out, room) < 0
    assert ffi.string(out) == b"as it was"


def test_an_error_that_is_none_has_a_name() -> None:
    """A login that is refused for it would be logged with no reason, or crash."""
    assert ffi.string(lib.verify_reason(1)) == b"internal-error"


def test_recovery_codes_without_memory_are_an_error() -> None:
    """A program that goes on would write a file that is not whole."""
    c = ffi.new("struct credential *")
    assert lib.credential_init(c, b"MZXW6\n", 6) == 0
    assert lib.recovery_set(c, ffi.NULL, 2**59, ffi.NULL) == lib.CREDENTIAL_NO_MEMORY
    assert bytes(ffi.buffer(c.text, c.len)) == b"MZXW6\n"
    lib.credential_wipe(c)


@pytest.mark.parametrize("template", [b"", b"x", b"${USER}"])
def test_a_path_is_never_written_past_the_end(template: bytes) -> None:
    """A path without room, be it empty, would write over what lies behind."""
    path = ffi.new("char[]", b"as it was")
    assert lib.options_secret_path(template, b"alice", ffi.NULL, path, 0) < 0
    assert ffi.string(path) == b"as it was"


@pytest.mark.parametrize("home", [None, b"", b"rel", b"."])
def test_a_home_that_is_no_absolute_path_is_none(home: bytes | None) -> None:
    """The file would be looked for in whatever folder a program runs in."""
    path = ffi.new("char[]", 64)
    known = ffi.NULL if home is None else ffi.new("char[]", home)
    assert lib.options_secret_path(b"~/secret", b"alice", known, path, 64) < 0
    assert lib.options_secret_path(b"/x/${USER}", b"alice", known, path, 64) == 0


@pytest.mark.parametrize(
    ("line", "sign"),
    [
        (b'" HOTP_COUNTER 99999999999999999999', -1),
        (b'" HOTP_COUNTER 1\n" DEVICE !', -1),
        (b'" TOTP_AUTH', 0),
    ],
    ids=["full", "malformed", "none"],
)
def test_what_is_no_counter_does_not_move_on(line: bytes, sign: int) -> None:
    """It would overflow, and old codes fit again; or a file that is broken be written."""
    text = b"MZXW6\n" + line + b"\n"
    c = ffi.new("struct credential *")
    assert lib.credential_init(c, text, len(text)) == 0
    result = lib.verify_advance_counter(c)
    assert (result > 0) - (result < 0) == sign
    assert bytes(ffi.buffer(c.text, c.len)) == text
    lib.credential_wipe(c)
