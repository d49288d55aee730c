"""The text of a new secret file: what google-authenticator writes, to the byte."""

import pytest
from doorward.enrolment import secret_file
from doorward.enrolment.secret_file import Settings, recovery_codes_new, secret_file_text
from doorward.errors import InternalError
from doorward.native import credential_parse, credential_set
from hypothesis import given
from hypothesis import strategies as st

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(
    ("settings", "used_step", "codes", "lines"),
    [
        (Settings(), None, [], ['" RATE_LIMIT 3 30', '" DISALLOW_REUSE', '" TOTP_AUTH']),
        (
            Settings(),
            58_000_000,
            ["12345678", "87654321"],
            [
                '" RATE_LIMIT 3 30',
                '" DISALLOW_REUSE 58000000',
                '" TOTP_AUTH',
                "12345678",
                "87654321",
            ],
        ),
        (
            Settings(step=60, window=17, rate_limit=(100, 3600)),
            1,
            [],
            [
                '" RATE_LIMIT 100 3600',
                '" WINDOW_SIZE 17',
                '" STEP_SIZE 60',
                '" DISALLOW_REUSE 1',
                '" TOTP_AUTH',
            ],
        ),
        (Settings(rate_limit=None), None, [], ['" DISALLOW_REUSE', '" TOTP_AUTH']),
    ],
)
def test_text(
    settings: Settings, used_step: int | None, codes: list[str], lines: list[str]
) -> None:
    """The lines are the reference's, in its order, and defaults are not written."""
    text = secret_file_text(SECRET, settings, used_step, codes)
    assert text.decode("ascii") == "".join(f"{line}\n" for line in [SECRET, *lines])


@given(
    settings=st.builds(
        Settings,
        step=st.integers(1, 60),
        window=st.integers(1, 100),
        rate_limit=st.none() | st.tuples(st.integers(1, 100), st.integers(1, 3600)),
    ),
    count=st.integers(0, 10),
)
def test_every_choice_means_itself(settings: Settings, count: int) -> None:
    """Whatever may be chosen is what the module reads; secret_file_text() checks it itself."""
    parsed = credential_parse(secret_file_text(SECRET, settings, None, recovery_codes_new(count)))
    assert (parsed.step, parsed.window) == (settings.step, settings.window)
    assert parsed.recovery_codes == count


def test_a_text_that_means_something_else_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the parser to read the text otherwise than it was meant, it would never be written."""

    def parse_otherwise(text: bytes) -> object:
        return credential_parse(credential_set(text, "WINDOW_SIZE", "5"))

    monkeypatch.setattr(secret_file, "credential_parse", parse_otherwise)
    with pytest.raises(InternalError):
        secret_file_text(SECRET, Settings(), None, [])


def test_recovery_codes_differ() -> None:
    """Ten codes are ten, of eight digits, none with a leading zero, and not the last ten."""
    codes = recovery_codes_new(10)
    assert len(set(codes)) == len(codes)
    assert all(10_000_000 <= int(code) <= 99_999_999 for code in codes)
    assert set(codes) != set(recovery_codes_new(10))
