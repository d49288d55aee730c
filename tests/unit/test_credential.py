"""The secret file's parser and writer: what they read, and that they change nothing else."""

import contextlib

import pytest
from doorward.native import (
    CredentialError,
    RateLimit,
    credential_parse,
    credential_set,
    credential_set_recovery,
)
from hypothesis import given
from hypothesis import strategies as st

SECRET = b"2SH3V3GDW7ZNMGYE\n"
TOTP = b'" TOTP_AUTH\n'

REFUSED = {
    "secret": [
        b"\n" + TOTP,
        b"!!!!\n" + TOTP,
        b"A\n" + TOTP,
        b"{{{{\n" + TOTP,
        b"\xef\xbb\xbf" + SECRET + TOTP,
        b"A" * 1640 + b"\n" + TOTP,
    ],
    "size": [b"", b"A" * 65537],
    "NUL byte": [SECRET + b"\0\n" + TOTP],
    "STEP_SIZE": [SECRET + TOTP + b'" STEP_SIZE %s\n' % v for v in (b"", b"0", b"61", b"3x")],
    "WINDOW_SIZE": [SECRET + TOTP + b'" WINDOW_SIZE %s\n' % v for v in (b"", b"0", b"101", b"-1")],
    "RATE_LIMIT": [
        SECRET + TOTP + b'" RATE_LIMIT %s\n' % value
        for value in (
            b"",
            b"3",
            b"0 30",
            b"101 30",
            b"3 0",
            b"3 3601",
            b"3 30 x",
            b"3 30 ",
            b"3 x",
            b"3x30",
            b"3 30 1x",
            b"3 30" + 1024 * b" 1",
        )
    ],
    "DISALLOW_REUSE": [
        SECRET + TOTP + b'" DISALLOW_REUSE %s\n' % v for v in (b"x", b"1 2x", b"1,2")
    ],
    "DEVICE": [SECRET + TOTP + b'" DEVICE %s SECRET MZXW6\n' % v for v in (b"", b"!x", b"/")],
    "RECOVERY": [
        SECRET + TOTP + b'" RECOVERY %s\n' % v for v in (b"", b"!", b"A" * 26 + b" !" + b"A" * 51)
    ],
    "HOTP_COUNTER": [SECRET + b'" HOTP_COUNTER 99999999999999999999\n'],
    "kind of code (TOTP_AUTH or HOTP_COUNTER)": [SECRET, SECRET + b'" HOTP_COUNTER 0\n'],
}


def test_everything_is_read() -> None:
    """Status and enrolment would say something else than a login does."""
    credential = credential_parse(
        SECRET
        + b'" RATE_LIMIT 3 30 100 200\n" WINDOW_SIZE 17\n" STEP_SIZE 60\n" DISALLOW_REUSE 7 8\n'
        + b'" TIME_SKEW -4\n" FUTURE thing\n'
        + TOTP
        + b"12345678\n87654321\n"
    )
    first = credential.first
    assert first.counter is None
    assert credential.rate_limit == RateLimit(3, 30, (100, 200))
    assert (first.window, first.step, first.skew) == (17, 60, -4)
    assert first.disallow_reuse
    assert first.used_steps == (7, 8)
    assert credential.recovery_codes == 2
    assert credential.foreign_keys == ("FUTURE",)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b" \t\n", b"\t\n"])
def test_a_line_ends_as_editors_end_it(end: bytes) -> None:
    """A file from an editor that does it otherwise would be refused, or an option be overlooked."""
    credential = credential_parse(SECRET + TOTP + b'" STEP_SIZE 60' + end)
    assert credential.first.step == 60
    credential = credential_parse(SECRET + TOTP + b'" DISALLOW_REUSE' + end)
    assert credential.first.disallow_reuse
    credential = credential_parse(SECRET + TOTP + b"12345678" + end.strip(b" \t"))
    assert credential.recovery_codes == 1


@pytest.mark.parametrize("code", [b"12345678x", b"1234567", b"123456789"])
def test_what_only_looks_like_an_option_or_a_code_is_none(code: bytes) -> None:
    """A word in a comment would change how codes are checked, or open the door."""
    credential = credential_parse(SECRET + TOTP + b'" STEP_SIZED 60\n' + code + b"\n")
    assert credential.first.step == 30
    assert credential.recovery_codes == 0


def test_a_tab_parts_numbers_as_a_blank_does() -> None:
    """A list that was written by hand would refuse its owner."""
    credential = credential_parse(
        SECRET + TOTP + b'" RATE_LIMIT\t3\t30\t100\n" DISALLOW_REUSE 7\t8\n'
    )
    assert credential.rate_limit == RateLimit(3, 30, (100,))
    assert credential.first.used_steps == (7, 8)


def test_a_counter_goes_before_time() -> None:
    """Such a file would be called time-based, and its phone's codes not fit."""
    credential = credential_parse(SECRET + b'" HOTP_COUNTER 5\n' + TOTP)
    assert credential.first.counter == 5


@pytest.mark.parametrize(
    ("part", "text"), [(part, text) for part, texts in REFUSED.items() for text in texts]
)
def test_what_a_login_refuses(part: str, text: bytes) -> None:
    """A file that no login takes would be called fine, or the message would name another part."""
    with pytest.raises(CredentialError) as caught:
        credential_parse(text)
    assert caught.value.part == part


lines = st.one_of(
    st.just('" TOTP_AUTH'),
    st.builds('" KEY {}'.format, st.text("abc 123\t", max_size=8)),
    st.builds('" {}'.format, st.text("KEY ", max_size=6)),
    st.integers(min_value=0, max_value=10**9).map(str),
    st.text('abc"# \t', max_size=8),
)
files = st.builds(
    lambda body, end: "\n".join(["2SH3V3GDW7ZNMGYE", *body]) + end,
    st.lists(lines, max_size=12),
    st.sampled_from(["", "\n", "\r\n", "\n\n"]),
).map(str.encode)


@given(text=files, value=st.text("0123456789 ", max_size=12).map(str.strip))
def test_setting_a_key_changes_nothing_else(text: bytes, value: str) -> None:
    """A rewrite would lose or damage what it does not know."""
    after = credential_set(text, "KEY", value)
    ours = [line for line in after.splitlines() if is_key(line)]
    others = [line for line in after.splitlines() if not is_key(line) and line]
    assert ours == [f'" KEY {value}'.encode()]
    assert others == [line for line in text.splitlines() if not is_key(line) and line]
    assert credential_set(after, "KEY", value) == after


def test_a_key_on_the_first_line_is_replaced_there() -> None:
    """A file without a secret would be written over from before its beginning."""
    assert credential_set(b'" KEY 1\nrest\n', "KEY", "2") == b'" KEY 2\nrest\n'


def is_key(line: bytes) -> bool:
    """Whether a line is `" KEY` with or without a value."""
    return line.startswith(b'" KEY') and line[5:6] in (b"", b" ", b"\t")


codes = st.lists(
    st.integers(min_value=10_000_000, max_value=99_999_999).map(str), max_size=10, unique=True
)


@given(text=files, new=codes)
def test_recovery_codes_replace_all_old_ones(text: bytes, new: list[str]) -> None:
    """An old code would still open the door, or a new one would not be read."""
    after = credential_set_recovery(text + b"\n" + TOTP, new)
    assert credential_parse(after).recovery_codes == len(new)
    assert credential_set_recovery(after, new) == after
    if not new:
        assert [line for line in after.splitlines() if line] == without_codes(text + b"\n" + TOTP)


def test_recovery_codes_start_on_a_line_of_their_own() -> None:
    """The first one would become a part of the secret."""
    assert credential_set_recovery(SECRET.strip(), ["12345678"]) == SECRET + b"12345678\n"


def test_recovery_codes_may_be_all_that_is_left() -> None:
    """What stands before an empty file's beginning would be looked at."""
    assert credential_set_recovery(b'" RECOVERY AAAA\n', ["12345678"]) == b"12345678\n"


@pytest.mark.parametrize("code", ["", "ABCDEFGHIJKLMNO", "ABCDEFGHIJKLMNO!", "ABCDEFGHIJKLMNOPQ"])
def test_what_is_no_recovery_code_is_not_hashed(code: str) -> None:
    """Its owner would keep a code that opens nothing."""
    with pytest.raises(CredentialError):
        credential_set_recovery(SECRET, ["ABCDEFGHIJKLMNOP", code], bytes(16))


def without_codes(text: bytes) -> list[bytes]:
    """A file's lines but for recovery codes, found the slow way, and empty ones.

    Quoted and empty lines are passed; what comes after any other line is none.
    """
    first, *lines = text.splitlines()
    kept, reading = [first], True
    for line in filter(None, lines):
        stripped = line.lstrip(b" \t")
        is_code = stripped.isdigit() and 10**7 <= int(stripped) < 10**8
        if line.startswith(b'"') or not (reading and is_code):
            kept.append(line)
            reading = reading and line.startswith(b'"')
    return kept


@given(data=st.binary(max_size=400))
def test_no_file_does_anything_but_be_read_or_refused(data: bytes) -> None:
    """Some file would crash a login."""
    with contextlib.suppress(CredentialError):
        credential_parse(data)
