"""One-time codes and base32, against the RFCs' vectors and against pyotp."""

import base64

import pyotp
import pytest
from doorward.native import CredentialError, base32_decode, base32_encode, otp_code
from hypothesis import given
from hypothesis import strategies as st

RFC4226_SECRET = b"12345678901234567890"
RFC4226_CODES = (
    "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split()  # noqa: SIM905
)  # RFC 4226, appendix D: counters 0 to 9
RFC6238_CODES = {  # RFC 6238, appendix B, SHA-1: Unix time to code
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
RFC4648_VECTORS = {  # RFC 4648, section 10
    b"": "",
    b"f": "MY",
    b"fo": "MZXQ",
    b"foo": "MZXW6",
    b"foob": "MZXW6YQ",
    b"fooba": "MZXW6YTB",
    b"foobar": "MZXW6YTBOI",
}


@pytest.mark.parametrize(("counter", "code"), list(enumerate(RFC4226_CODES)))
def test_hotp_vectors(counter: int, code: str) -> None:
    """No phone's code would fit."""
    assert otp_code(RFC4226_SECRET, counter) == code


@pytest.mark.parametrize(("time", "code"), list(RFC6238_CODES.items()))
def test_totp_vectors(time: int, code: str) -> None:
    """No phone's code would fit, or none of eight digits, or none after 2038."""
    assert otp_code(RFC4226_SECRET, time // 30, digits=8) == code


@given(
    secret=st.binary(min_size=14, max_size=200),  # pyotp takes no shorter one
    counter=st.integers(min_value=0, max_value=2**64 - 1),
    digits=st.integers(min_value=6, max_value=8),
)
def test_codes_are_those_of_pyotp(secret: bytes, counter: int, digits: int) -> None:
    """Some secret or counter would make another code than every other implementation."""
    theirs = pyotp.HOTP(base64.b32encode(secret).decode(), digits=digits).at(counter)
    assert otp_code(secret, counter, digits) == theirs


@pytest.mark.parametrize(("data", "text"), list(RFC4648_VECTORS.items()))
def test_base32_vectors(data: bytes, text: str) -> None:
    """Secrets would be read or shown wrong."""
    assert base32_encode(data) == text
    assert base32_decode(text) == data


@given(data=st.binary(max_size=300))
def test_base32_round_trip(data: bytes) -> None:
    """A secret that is shown could not be typed in again, or not by every tool."""
    text = base32_encode(data)
    assert text == base64.b32encode(data).decode().rstrip("=")
    assert base32_decode(text) == data


@pytest.mark.parametrize(
    "text",
    ["mzxw6ytboi", "MZXW 6YTB OI", "MZXW-6YTB-OI", "\tMZXW6YTBOI\r", "MZXW6YTB0I"],
)
def test_base32_as_people_type_it(text: str) -> None:
    """A secret typed in with spaces, dashes, in small letters or with 0 for O would be refused."""
    assert base32_decode(text) == b"foobar"


@pytest.mark.parametrize("text", ["MZXW6YQ=", "MZXW9", "MZXW6YQ!", "\ufeffMZXW6", "MZ\0XW"])
def test_base32_invalid(text: str) -> None:
    """A secret with a character lost would be taken for another one."""
    with pytest.raises(CredentialError):
        base32_decode(text)
