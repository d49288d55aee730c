"""Recovery codes: each is good for one login without a device."""

import secrets
from collections.abc import Sequence

from doorward import native

_GROUP = 4  # characters between two dashes


def recovery_codes_new(count: int, *, compatible: bool = False) -> list[str]:
    """Make so many different recovery codes.

    Each is 80 bits as ``XXXX-XXXX-XXXX-XXXX``; where it has to be `compatible` with
    google-authenticator, eight digits, the first of them not 0.
    """
    if compatible:
        numbers = secrets.SystemRandom().sample(range(10_000_000, 100_000_000), count)
        return [str(number) for number in numbers]
    return [_grouped(secrets.token_bytes(native.RECOVERY_CODE_BYTES)) for _ in range(count)]


def with_recovery_codes(text: bytes, codes: Sequence[str]) -> bytes:
    """Return the secret file with these recovery codes and no others.

    It has those of eight digits as they are, since google-authenticator wants them so; of others it
    has the hashes alone.
    """
    if all(code.isdigit() for code in codes):
        return native.credential_set_recovery(text, codes)
    key = secrets.token_bytes(native.RECOVERY_KEY_BYTES)
    return native.credential_set_recovery(text, codes, key)


def _grouped(code: bytes) -> str:
    text = native.base32_encode(code)
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
