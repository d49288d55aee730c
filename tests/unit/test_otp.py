"""One-time codes and base32, against the RFCs' vectors and against pyotp."""

import base64
import hashlib
from typing import Any

import pyotp
import pytest
from doorward.native import (
    Algorithm,
    CredentialError,
    base32_decode,
    base32_encode,
    otp_code,
)
from hypothesis import given
from hypothesis import strategies as st

RFC4226_SECRET = b"12345678901234567890"
RFC4226_CODES = (
    "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split()  # noqa: SIM905
)  # RFC 4226, appendix D: counters 0 to 9
RFC6238_SECRETS = {  # RFC 6238, appendix B, as corrected by its erratum 2866: as long as the hash
    Algorithm.SHA1: RFC4226_SECRET,
    Algorithm.SHA256: b"12345678901234567890123456789012",
    Algorithm.SHA512: b"1234567890123456789012345678901234567890123456789012345678901234",
}
RFC6238_CODES = [  # RFC 6238, appendix B: Unix time, and the code by each algorithm
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]
HASHES: dict[Algorithm, Any] = {
    Algorithm.SHA1: hashlib.sha1,
    Algorithm.SHA256: hashlib.sha256,
    Algorithm.SHA512: hashlib.sha512,
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


@pytest.mark.parametrize(
    ("algorithm", "time", "code"),
    [
        (algorithm, time, code)
        for time, *codes in RFC6238_CODES
        for algorithm, code in zip(Algorithm, codes, strict=True)
    ],
)
def test_totp_vectors(algorithm: Algorithm, time: int, code: str) -> None:
    """No phone's code would fit, or none of eight digits, of another hash, or after 2038."""
    assert otp_code(RFC6238_SECRETS[algorithm], time // 30, 8, algorithm) == code


@given(
    secret=st.binary(min_size=14, max_size=200),  # pyotp takes no shorter one
    counter=st.integers(min_value=0, max_value=2**64 - 1),
    digits=st.integers(min_value=6, max_value=8),
    algorithm=st.sampled_from(Algorithm),
)
def test_codes_are_those_of_pyotp(
    secret: bytes, counter: int, digits: int, algorithm: Algorithm
) -> None:
    """Some secret or counter would make another code than every other implementation."""
    encoded = base64.b32encode(secret).decode()
    theirs = pyotp.HOTP(encoded, digits=digits, digest=HASHES[algorithm]).at(counter)
    assert otp_code(secret, counter, digits, algorithm) == theirs


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
    ["mzxw6ytboi", "MZXW 6YTB OI", "MZXW-6YTB-OI", "\tMZXW6YTBOI\r", "MZXW\n6YTBOI", "MZXW6YTB0I"],
)
def test_base32_as_people_type_it(text: str) -> None:
    """A secret typed in with spaces, dashes, in small letters or with 0 for O would be refused."""
    assert base32_decode(text) == b"foobar"


@pytest.mark.parametrize("text", ["MZXW6YQ=", "MZXW9", "MZXW6YQ!", "\ufeffMZXW6", "MZ\0XW"])
def test_base32_invalid(text: str) -> None:
    """A secret with a character lost would be taken for another one."""
    with pytest.raises(CredentialError):
        base32_decode(text)
