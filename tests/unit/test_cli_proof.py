"""`doorward.proof`: the lines that the module leaves. tests/pam/test_proof.py has it leave them."""

import pytest
from doorward.errors import NonsenseError
from doorward.proof import Proof, expect, proof_in, proven

ALICE = Proof("alice", "10.0.0.5", "code", 12.345)
AUTH, CRED = "auth 12.345 alice 10.0.0.5 code\n", "cred 13.000 alice 10.0.0.5\n"
ODD = r"auth 1.000 x\x20y fe80::1%eth0 recovery-code" + "\n"
ODD_CRED = r"cred 1.002 x\x20y fe80::1%eth0" + "\n"

PROOFS = {
    "both lines": (AUTH + CRED, ALICE),
    "others between them": (AUTH + "cred 12.400 bob 10.0.0.5\n" + ODD + CRED, ALICE),
    "accepted twice": (AUTH + CRED + CRED, ALICE),
    "asked twice": (AUTH + AUTH.replace("12.345", "12.900") + CRED, ALICE),
    "a line that was cut short": ("auth 12.1\n" + AUTH + CRED, ALICE),
    "no host": (
        "auth 0.001 alice - not-enrolled\ncred 0.001 alice -\n",
        Proof("alice", "", "not-enrolled", 0.001),
    ),
    "odd names": (ODD + ODD_CRED, Proof(r"x\x20y", "fe80::1%eth0", "recovery-code", 1.0)),
    "the second is accepted": (ODD + AUTH + CRED, ALICE),
    "nothing": ("", None),
    "asked only": (AUTH, None),
    "accepted only, by a key": (CRED, None),
    "accepted first": (CRED + AUTH, None),
    "somebody else is accepted": (AUTH + CRED.replace("alice", "bob"), None),
    "from elsewhere": (AUTH + CRED.replace("10.0.0.5", "10.0.0.50"), None),
    "from nowhere": (AUTH + CRED.replace("10.0.0.5", "-"), None),
    "unfinished": (AUTH + CRED.rstrip("\n"), None),
}


@pytest.mark.parametrize(("text", "proof"), PROOFS.values(), ids=PROOFS.keys())
def test_what_is_a_proof(text: str, proof: Proof | None) -> None:
    """A change that locks out would be kept, or one that works be rolled back."""
    assert proof_in(text.encode()) == proof


MALFORMED = [
    "auth 12.345 alice 10.0.0.5",
    "auth 12.345 alice 10.0.0.5 code more",
    "auth 12.345 alice 10.0.0.5 code ",
    "auth 12.345 alice 10.0.0.5 Code",
    "auth 12.345 alice  code",
    "auth  12.345 alice 10.0.0.5 code",
    " auth 12.345 alice 10.0.0.5 code",
    "auth\t12.345 alice 10.0.0.5 code",
    "auth 12 alice 10.0.0.5 code",
    "auth 12.3456 alice 10.0.0.5 code",
    "auth -12.345 alice 10.0.0.5 code",
    "auth 1e3.000 alice 10.0.0.5 code",
    "auth ١٢.345 alice 10.0.0.5 code",
    "AUTH 12.345 alice 10.0.0.5 code",
    "auth 12.345 al:ice 10.0.0.5 code",
    "auth 12.345 al\\x 10.0.0.5 code",
    "auth 12.345 al\\ 10.0.0.5 code",
    "auth 12.345 alice 10.0.0.5\\xZZ code",
    "auth 12.345 ålice 10.0.0.5 code",
    "auth 12.345 alice 10.0.0.5 code\r",
    "auth 12.345 alice 10.0.0.5 code\0",
    "auth 12.345 alauth 12.345 alice 10.0.0.5 code",
    "cred 12.345 alice 10.0.0.5 code",
]


@pytest.mark.parametrize("line", MALFORMED)
def test_a_line_that_is_none_proves_nothing(line: str) -> None:
    """Two halves of lines, or somebody's odd name, would pass for a login."""
    assert proof_in(f"{line}\n{CRED}".encode()) is None
    assert proof_in(f"{line}\n".encode(), needs_cred=False) is None


@pytest.mark.parametrize("line", [AUTH, CRED, ODD, ODD_CRED])
def test_a_line_that_was_cut_short_spoils_the_next_and_no_more(line: str) -> None:
    """Whoever limits the size of files for their su could put a proof together of two halves."""
    for length in range(1, len(line)):
        cut = line[:length]
        assert proof_in(f"{cut}{AUTH}{CRED}".encode()) is None
        assert proof_in(f"{AUTH}{cut}{CRED}".encode()) is None
        assert proof_in(f"{cut}{AUTH}{AUTH}{CRED}".encode()) == ALICE
        assert proof_in(f"{AUTH}{cut}{CRED}{CRED}".encode()) == ALICE


def test_a_program_that_sets_no_credentials() -> None:
    """A change of polkit's service could never be confirmed, or any login confirm it."""
    assert proof_in((CRED + AUTH).encode(), needs_cred=False) == ALICE
    assert proof_in(CRED.encode(), needs_cred=False) is None


def test_bytes_of_any_kind() -> None:
    """A file that was spoilt would be the end of the command."""
    assert proof_in(bytes(range(256)) * 3) is None
    assert proof_in(b"\xff\xfe\n" + (AUTH + CRED).encode()) == ALICE


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", ".x", "-x", "Sshd", "x" * 65, "x\n"]
)
def test_a_name_that_is_none(name: str) -> None:
    """Root would make or read a file wherever somebody likes."""
    with pytest.raises(NonsenseError):
        proven(name)
    with pytest.raises(NonsenseError):
        expect([name])
