"""What a login leaves in the program's memory, at its prompts and once pam_end has returned.

A program that asks for codes may run for weeks, dump core or be swapped out, and what malloc(3)
hands out next may be sent somewhere. All memory that can be written is searched, for whole codes
and for pieces of what is longer, since free(3) writes over the beginning of what it gets.
"""

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from doorward._core import ffi, lib

from tests.pam.conftest import NOW, SECRET, code_at, enrol
from tests.pam.login import Login, Setting, reference_module

CODE = code_at()
RECOVERY_CODES = ("91827364", "57382910", "64738291", "19283746", "82736455")
PASSWORD = "a pass phrase so long that what is allocated after it does not write over all of it"
PAGE = os.sysconf("SC_PAGE_SIZE")
PIECE = 8  # bytes
MAPPING_MAX = 1 << 30  # bytes: only AddressSanitizer's notes on memory are larger


def pieces(data: bytes) -> set[bytes]:
    """What of some data cannot be there by chance."""
    found = {data[at : at + PIECE] for at in range(0, len(data) - PIECE + 1, 4)}
    return {piece for piece in found if len(set(piece)) > PIECE // 2}


def key_forms() -> Iterator[bytes]:
    """The secret as bytes, and all that HMAC makes of it: RFC 2104's pads, and their hashes."""
    key = base64.b32decode(SECRET)
    for pad in (0, 0x36, 0x5C):
        padded = bytes(byte ^ pad for byte in key)
        yield padded
        yield b"".join(padded[at : at + 4][::-1] for at in range(0, len(key), 4))  # as SHA-1 reads
    state = ffi.new("struct otp_key *")
    lib.otp_init(state, lib.OTP_SHA1, key, len(key))
    yield bytes(ffi.buffer(state))


OF_THE_FILE = {
    "the secret in base32": pieces(SECRET.encode()),
    "the secret": set().union(*map(pieces, key_forms())),
    "a recovery code": {code.encode() for code in RECOVERY_CODES},
}
OF_THE_USER = {
    "the code": {CODE.encode()},
    "the password": pieces(PASSWORD.encode()),
}


def writable_memory(pid: int) -> Iterator[tuple[str, bytes]]:
    """The name and the content of each mapping of a process that it can write.

    What was never touched is left out: proc_pid_pagemap(5).
    """
    with (
        Path(f"/proc/{pid}/mem").open("rb") as memory,
        Path(f"/proc/{pid}/pagemap").open("rb") as pages,
    ):
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            addresses, rights, _, _, _, *name = line.split()
            begin, end = (int(address, 16) // PAGE for address in addresses.split("-"))
            if "w" not in rights or (end - begin) * PAGE > MAPPING_MAX:
                continue
            entries = memoryview(os.pread(pages.fileno(), (end - begin) * 8, begin * 8)).cast("Q")
            touched = (page for page, entry in enumerate(entries, begin) if entry >> 62)
            content = b"".join(os.pread(memory.fileno(), PAGE, page * PAGE) for page in touched)
            yield name[0] if name else "anonymous", content


def left_behind(pid: int, wanted: dict[str, set[bytes]]) -> set[tuple[str, str]]:
    """What of all that is wanted lies in a process's memory, and in which mapping."""
    return {
        (what, mapping)
        for mapping, content in writable_memory(pid)
        for what, words in wanted.items()
        if any(word in content for word in words)
    }


HOST = "192.0.2.7"
GRACE = Setting(args=["grace_period=3600"], rhost=HOST)
SHARED = Setting(args=["use_first_pass"], authtok=PASSWORD + CODE)

# The login, what else its file says, the replies, and what the module returns.
LOGINS: dict[str, tuple[Setting, str, list[str], str]] = {
    "right code": (Setting(), "", [CODE], "PAM_SUCCESS"),
    "wrong code": (Setting(), "", ["000000"], "PAM_AUTH_ERR"),
    "recovery code": (Setting(), "", [RECOVERY_CODES[0]], "PAM_SUCCESS"),
    "code of another time": (Setting(time=NOW + 9000), "", [CODE], "PAM_AUTH_ERR"),
    "code in the password": (SHARED, "", [], "PAM_SUCCESS"),
    "wrong code in the password": (
        Setting(args=["try_first_pass"], authtok=f"{PASSWORD}000000"),
        "",
        [CODE],
        "PAM_SUCCESS",
    ),
    "password forwarded": (
        Setting(args=["forward_pass"]),
        "",
        [PASSWORD + CODE],
        "PAM_SUCCESS",
    ),
    "host remembered": (GRACE, "", [CODE], "PAM_SUCCESS"),
    "no code needed": (GRACE, f'" LAST0 {HOST} {NOW - 5}', [], "PAM_SUCCESS"),
    "rate limit": (Setting(), f'" RATE_LIMIT 1 30 {NOW}', [], "PAM_AUTH_ERR"),
    "malformed file": (Setting(), '" WINDOW_SIZE x', [CODE], "PAM_AUTH_ERR"),
}


@pytest.mark.parametrize(
    ("setting", "line", "replies", "verdict"), LOGINS.values(), ids=LOGINS.keys()
)
def test_nothing_is_left_behind(
    home: Path, confdir: Path, setting: Setting, line: str, replies: list[str], verdict: str
) -> None:
    """Whoever gets to see the program's memory could log in."""
    enrol(home, '" DISALLOW_REUSE', *filter(None, [line]), *RECOVERY_CODES)
    with Login(confdir, setting) as login:
        for reply in replies:
            assert login.next_prompt() is not None
            assert left_behind(login.pid, OF_THE_FILE) == set()
            login.reply(reply)
        assert login.next_prompt() is None
        assert login.result().module == verdict
        assert left_behind(login.pid, OF_THE_FILE | OF_THE_USER) == set()


def test_the_search_finds_what_the_reference_keeps(home: Path, confdir: Path) -> None:
    """The test above would pass whatever there is, since it looks in the wrong places."""
    enrol(home, '" DISALLOW_REUSE', *RECOVERY_CODES)
    setting = Setting(
        args=["try_first_pass"], authtok=f"{PASSWORD} {CODE} ", module=reference_module()
    )
    with Login(confdir, setting) as login:
        assert login.next_prompt() is not None
        found = left_behind(login.pid, OF_THE_FILE | OF_THE_USER)
        assert {what for what, _ in found} == OF_THE_FILE.keys() | OF_THE_USER.keys()
