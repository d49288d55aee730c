"""The C core of the PAM module, typed: what decides at a login decides here too.

The one place that imports the extension `doorward._core` (pam_module/ffi). C's error codes become
exceptions. Whatever holds a secret in C's memory is wiped before a function returns; what Python
then holds cannot be.
"""

import enum
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from doorward._core import ffi, lib
from doorward.errors import DoorwardError, InternalError

_HINT_BROKEN = "'doorward enroll --force' writes a new one; what the phone has then stops working."
_REFERENCE_KEYS = {
    "DISALLOW_REUSE",
    "HOTP_COUNTER",
    "RATE_LIMIT",
    "RESETTING_TIME_SKEW",
    "STEP_SIZE",
    "TIME_SKEW",
    "TOTP_AUTH",
    "WINDOW_SIZE",
    *(f"LAST{slot}" for slot in range(10)),
}


DEVICE_FIRST = str(ffi.string(lib.DEVICE_FIRST).decode("ascii"))
"""The name of the device whose secret is line 1."""

DEVICES_MAX = int(lib.DEVICES_MAX)
"""How many a file may have, the first one too."""

DEVICE_NAME_MAX = int(lib.DEVICE_NAME_MAX)
"""Characters."""

RECOVERY_CODE_BYTES = int(lib.RECOVERY_CODE_BYTES)
"""Of a recovery code that is kept hashed."""

RECOVERY_KEY_BYTES = int(lib.RECOVERY_KEY_BYTES)
"""Of the key that it is hashed with."""


class CredentialError(DoorwardError):
    """A login would refuse this secret file. `part` names what is wrong in it."""

    exit_code = 7

    def __init__(self, part: str) -> None:
        super().__init__(f"the secret file's {part} is not as it must be", hint=_HINT_BROKEN)
        self.part = part


@dataclass(frozen=True)
class RateLimit:
    """At most `attempts` in `seconds`. `history` holds those on record, in Unix time."""

    attempts: int
    seconds: int
    history: tuple[int, ...] = ()


class Algorithm(enum.StrEnum):
    """The hash in a device's codes, by its name in the file; in the order of C's otp_algorithm."""

    SHA1 = "SHA1"
    SHA256 = "SHA256"
    SHA512 = "SHA512"


@dataclass(frozen=True)
class Device:
    """What makes a user's codes, and how they are made.

    `counter` is that of the next code, None where codes are time-based; `step` is in seconds,
    `window` and `skew` are in steps, `digits` is how long a code is, and `used_steps` are the steps
    whose codes are used up, where reuse is disallowed.
    """

    name: str
    secret: bytes
    counter: int | None = None
    step: int = int(lib.DEVICE_STEP_DEFAULT)
    window: int = int(lib.DEVICE_WINDOW_DEFAULT)
    skew: int = 0
    digits: int = int(lib.DEVICE_DIGITS_MIN)
    algorithm: Algorithm = Algorithm.SHA1
    disallow_reuse: bool = True
    used_steps: tuple[int, ...] = ()


@dataclass(frozen=True)
class Credential:
    """What a secret file says.

    The first of `devices` is the file's own, known to google-authenticator-libpam too. How many
    recovery codes are left is told for the two kinds: `recovery_digits` for those of eight digits,
    `recovery_hashed` for those of which the file has the hash. `foreign_keys` are the keys that
    google-authenticator-libpam does not know.
    """

    devices: tuple[Device, ...]
    rate_limit: RateLimit | None = None
    recovery_digits: int = 0
    recovery_hashed: int = 0
    foreign_keys: tuple[str, ...] = ()

    @property
    def first(self) -> Device:
        """The file's own device."""
        return self.devices[0]

    @property
    def recovery_codes(self) -> int:
        """How many recovery codes are left, of both kinds."""
        return self.recovery_digits + self.recovery_hashed


@dataclass(frozen=True)
class Verdict:
    """What a reply came to: `reason` is None where the door opens, else the log's word for it.

    `text` is the file as it must be written now, `code_length` how many characters at the reply's
    end were the code, `device` whose code it was, and `recovery` whether it was a recovery code.
    """

    reason: str | None
    text: bytes
    code_length: int = 0
    device: str | None = None
    recovery: bool = False


@dataclass(frozen=True)
class AccessVerdict:
    """Whether a login skips the code, and what is wrong in the file: its line and why, or None."""

    skips: bool
    problem: tuple[int, str] | None


def base32_encode(data: bytes) -> str:
    """RFC 4648 base32 in capitals, without padding."""
    size = len(data) * 8 // 5 + 2
    out = ffi.new("char[]", size)
    length = lib.base32_encode(data, len(data), out, size)
    if length < 0:
        raise InternalError("base32 needs more room than it was given")
    return _string(out)


def base32_decode(text: str) -> bytes:
    """Reads base32 as leniently as a login reads line 1 of the file; raises CredentialError."""
    encoded = os.fsencode(text)
    out = ffi.new("uint8_t[]", max(len(encoded), 1))
    length = lib.base32_decode(encoded, len(encoded), out, len(out))
    if length < 0:
        raise CredentialError("secret")
    return bytes(ffi.buffer(out, length))


def otp_code(
    secret: bytes, counter: int, digits: int = 6, algorithm: Algorithm = Algorithm.SHA1
) -> str:
    """The HOTP code (RFC 4226) of a counter; for TOTP (RFC 6238) the counter is time // step."""
    key = ffi.new("struct otp_key *")
    lib.otp_init(key, list(Algorithm).index(algorithm), secret, len(secret))
    code = lib.otp_code(key, counter & 0xFFFF_FFFF_FFFF_FFFF, digits)
    lib.otp_wipe(key)
    return f"{code:0{digits}}"


def credential_parse(text: bytes) -> Credential:
    """Reads a secret file; raises CredentialError just where a login would refuse it."""
    with _credential(text) as c:
        listed = ffi.new("struct device[]", lib.DEVICES_MAX)
        count = _checked(c, lib.device_list(c, listed))
        return Credential(
            devices=tuple(_device(c, listed + at) for at in range(count)),
            rate_limit=_rate_limit(c),
            recovery_digits=_recovery_digits(c),
            recovery_hashed=_checked(c, lib.recovery_count_hashed(c)),
            foreign_keys=_foreign_keys(text),
        )


def credential_set(text: bytes, key: str, value: str) -> bytes:
    """The file with `" KEY value`: in place of the old line, or as its second line."""
    with _credential(text) as c:
        _checked(c, lib.credential_set(c, key.encode("ascii"), value.encode("ascii")))
        return _text(c)


def credential_unset(text: bytes, *keys: str) -> bytes:
    """The file without these keys' lines; `DEVICE name` is the key of all that a device has."""
    with _credential(text) as c:
        for key in keys:
            lib.credential_unset(c, key.encode("ascii"))
        return _text(c)


def credential_set_recovery(text: bytes, codes: Sequence[str], key: bytes | None = None) -> bytes:
    """The file with these recovery codes and no others.

    With a key (RECOVERY_KEY_BYTES random ones) they are sixteen characters of base32 each, and only
    their hashes are kept; without one they are eight digits each.
    """
    encoded = [ffi.new("char[]", code.encode("ascii")) for code in codes]
    with _credential(text) as c:
        array = ffi.new("const char *[]", encoded)
        _checked(c, lib.recovery_set(c, array, len(encoded), ffi.NULL if key is None else key))
        return _text(c)


def verify(
    text: bytes,
    reply: str,
    now: int,
    *,
    with_prefix: bool = False,
    learn_skew: bool = True,
    disallow_reuse: bool = False,
) -> Verdict:
    """Decides on a reply at a time (Unix seconds) as a login does; raises CredentialError."""
    with _credential(text) as c:
        encoded = ffi.new("char[]", os.fsencode(reply))
        request = ffi.new("struct verify_request *")
        request.reply = encoded
        request.now = now
        request.readings = lib.VERIFY_AS_ANY
        request.with_prefix = with_prefix
        request.learn_skew = learn_skew
        request.disallow_reuse = disallow_reuse
        answer, reached = ffi.new("struct verify_answer *"), ffi.new("bool *")
        error = lib.rate_limit_count(c, ffi.new("struct rate *"), now, reached)
        if not error:
            error = lib.VERIFY_RATE_LIMITED if reached[0] else lib.verify_reply(c, request, answer)
        if error == lib.VERIFY_NO_MATCH and answer.counter_missed:
            lib.verify_advance_counter(c)
        if error:
            return Verdict(_string(lib.verify_reason(error)), _text(c))
        recovery = bool(answer.recovery)
        device = None if recovery else _string(answer.device.name)
        return Verdict(None, _text(c), answer.code_len, device, recovery)


def access_skips(
    text: bytes, user: str, host: str, in_group: Callable[[str], bool | None]
) -> AccessVerdict:
    """Whether the access file `text` lets a user in from a host without a code.

    `in_group` says whether the user is in a group, and None where there is no such group; what it
    raises counts as a lookup that failed.
    """
    context = ffi.new_handle(in_group)
    name, address = ffi.new("char[]", os.fsencode(user)), ffi.new("char[]", os.fsencode(host))
    login = ffi.new("struct access_login *")
    login.user, login.host = name, address
    login.membership, login.context = lib.group_membership, context
    problem = ffi.new("struct access_problem *")
    skips = bool(lib.access_skips(text, len(text), login, problem))
    return AccessVerdict(skips, (problem.line, _string(problem.what)) if problem.line else None)


@dataclass(frozen=True)
class Options:
    """What the module makes of its arguments.

    `refused` is the first (from 0) that is unknown or has a bad value: everybody is refused then,
    and nothing else counts. `access_file` is that of accessfile=. `passes_unenrolled` says whether
    nullok, or nullok_until on that day, lets pass who has no secret; `until` is the last such day,
    YYYY-MM-DD, and `until_end` when it is over, in Unix time. `secret` is where secret files are,
    which may have `allowed_perm`, and belong to whose rights are used if `strict_owner`; these are
    the rights of `user`, None for who logs in.
    """

    refused: int | None
    access_file: str | None = None
    passes_unenrolled: bool = False
    until: str | None = None
    until_end: int | None = None
    secret: str = "~/.google_authenticator"  # noqa: S105 - a path
    allowed_perm: int = 0o600
    strict_owner: bool = True
    user: str | None = None


def options(arguments: Sequence[str], now: int) -> Options:
    """Read a rule's arguments as the module does; `now` is the Unix time."""
    texts = [ffi.new("char[]", os.fsencode(one)) for one in arguments]
    argv = ffi.new("const char *[]", texts)
    parsed = ffi.new("struct options *")
    refused = lib.options_parse(parsed, len(texts), argv)
    if refused >= 0:
        return Options(refused)
    until = _path_or_none(parsed.nullok_until)
    return Options(
        None,
        _path_or_none(parsed.access_file),
        bool(lib.options_pass_unenrolled(parsed, now, 0)),
        until,
        int(parsed.nullok_end) if until else None,
        os.fsdecode(ffi.string(parsed.secret)),
        int(parsed.allowed_perm),
        bool(parsed.strict_owner),
        _path_or_none(parsed.user),
    )


def secret_path(template: str, user: str, home: str | None) -> str | None:
    """The path that `secret=template` means for a user; None where a login would find none."""
    size = 4096
    path = ffi.new("char[]", size)
    home_or_null = ffi.NULL if home is None else ffi.new("char[]", os.fsencode(home))
    error = lib.options_secret_path(
        os.fsencode(template), os.fsencode(user), home_or_null, path, size
    )
    return None if error else os.fsdecode(ffi.string(path))


@ffi.def_extern(error=lib.ACCESS_NOT_KNOWN, onerror=lambda *_: None)  # type: ignore[untyped-decorator]
def group_membership(context: object, group: object) -> int:
    """C's question to access_skips()'s in_group."""
    in_group: Callable[[str], bool | None] = ffi.from_handle(context)
    answer = in_group(os.fsdecode(ffi.string(group)))
    if answer is None:
        return int(lib.ACCESS_NO_GROUP)
    return int(lib.ACCESS_MEMBER if answer else lib.ACCESS_NO_MEMBER)


@contextmanager
def _credential(text: bytes) -> Iterator[ffi.CData]:
    c = ffi.new("struct credential *")
    try:
        _checked(c, lib.credential_init(c, text, len(text)))
        yield c
    finally:
        lib.credential_wipe(c)


def _checked(c: ffi.CData, result: int) -> int:
    if result == lib.CREDENTIAL_NO_MEMORY:
        raise MemoryError
    if result < 0:
        raise CredentialError(_string(c.fault))
    return result


def _path_or_none(text: ffi.CData) -> str | None:
    """Return what is a path or a name, whatever its bytes; None of NULL."""
    return None if text == ffi.NULL else os.fsdecode(ffi.string(text))


def _string(text: ffi.CData) -> str:
    return str(ffi.string(text).decode("ascii"))


def _text(c: ffi.CData) -> bytes:
    return bytes(ffi.buffer(c.text, c.len))


def _device(c: ffi.CData, d: ffi.CData) -> Device:
    name = _string(d.name)
    try:
        return _device_read(c, d, name)
    except CredentialError as error:
        if name == DEVICE_FIRST:
            raise
        raise CredentialError(f"{error.part} of the device '{name}'") from error


def _device_read(c: ffi.CData, d: ffi.CData, name: str) -> Device:
    secret = ffi.new("uint8_t[]", lib.CREDENTIAL_SECRET_MAX)
    length = _checked(c, lib.device_secret(c, d, secret))
    counter = _checked(c, lib.device_counter(c, d))
    if not counter and not lib.device_is_time_based(c, d):
        raise CredentialError("kind of code (TOTP_AUTH or HOTP_COUNTER)")
    used_steps = _used_steps(c, d)
    return Device(
        name=name,
        secret=bytes(ffi.buffer(secret, length)),
        counter=counter or None,
        step=_checked(c, lib.device_step(c, d)),
        window=_checked(c, lib.device_window(c, d)),
        skew=lib.device_skew(c, d),
        digits=_checked(c, lib.device_digits(c, d)),
        algorithm=list(Algorithm)[_checked(c, lib.device_algorithm(c, d))],
        disallow_reuse=used_steps is not None,
        used_steps=used_steps or (),
    )


def _used_steps(c: ffi.CData, d: ffi.CData) -> tuple[int, ...] | None:
    length = ffi.new("size_t *")
    value = lib.device_get(c, d, b"DISALLOW_REUSE", length)
    if not value:
        return None
    at, end, step = ffi.new("const char **", value), value + length[0], ffi.new("int64_t *")
    steps = []
    while _checked(c, lib.device_next_used_step(c, at, end, step)):
        steps.append(step[0])
    return tuple(steps)


def _rate_limit(c: ffi.CData) -> RateLimit | None:
    limit = ffi.new("struct rate_limit *")
    if not _checked(c, lib.rate_limit_read(c, limit)):
        return None
    return RateLimit(limit.rate.attempts, limit.rate.seconds, tuple(limit.times[0 : limit.count]))


def _recovery_digits(c: ffi.CData) -> int:
    begin, end, code = ffi.new("size_t *"), ffi.new("size_t *"), ffi.new("int64_t *")
    count = 0
    while lib.recovery_next_digits(c, end[0], begin, end, code):
        count += 1
    return count


def _foreign_keys(text: bytes) -> tuple[str, ...]:
    lines = text.decode("ascii", errors="replace").splitlines()[1:]
    keys = (line[2:].split(maxsplit=1)[:1] for line in lines if line.startswith('" '))
    return tuple(sorted({key[0] for key in keys if key} - _REFERENCE_KEYS))
