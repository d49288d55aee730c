"""The URI that goes into a phone: one character off, and no code ever fits."""

import pyotp
import pytest
from doorward.enrolment.account import Account
from doorward.enrolment.otpauth import Entry, entry_names
from doorward.errors import DoorwardError
from doorward.native import Algorithm, Device

SECRET = b"12345678901234567890"  # RFC 4226, appendix D
BASE32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
SLASHED = "ACME%20%2F%20K%C3%B6ln%20%26%20Co"
ALICE = Account("alice", 1000, 1000, "/home/alice")


@pytest.mark.parametrize(
    ("entry", "uri"),
    [
        (
            Entry("bastion", "alice@bastion", Device("main", SECRET)),
            (
                "otpauth://totp/bastion:alice%40bastion"
                f"?secret={BASE32}&issuer=bastion&digits=6&period=30"
            ),
        ),
        (
            Entry("ACME / Köln & Co", "a b+c?#%", Device("main", SECRET, step=60)),
            (
                f"otpauth://totp/{SLASHED}:a%20b%2Bc%3F%23%25"
                f"?secret={BASE32}&issuer={SLASHED}&digits=6&period=60"
            ),
        ),
        (
            Entry("bastion", "alice", Device("main", SECRET, counter=7)),
            f"otpauth://hotp/bastion:alice?secret={BASE32}&issuer=bastion&digits=6&counter=7",
        ),
        (
            Entry("bastion", "alice", Device("x", SECRET, digits=8, algorithm=Algorithm.SHA256)),
            (
                f"otpauth://totp/bastion:alice?secret={BASE32}&issuer=bastion"
                "&algorithm=SHA256&digits=8&period=30"
            ),
        ),
    ],
)
def test_uri(entry: Entry, uri: str) -> None:
    """The URI is exact to the character, and pyotp reads back what was meant."""
    assert entry.uri == uri
    parsed = pyotp.parse_uri(uri)
    device = entry.device
    assert (parsed.name, parsed.issuer, parsed.digits) == (entry.label, entry.issuer, device.digits)
    assert parsed.byte_secret() == SECRET
    assert parsed.digest().name == device.algorithm.lower()
    if isinstance(parsed, pyotp.TOTP):
        assert parsed.interval == device.step
    else:
        assert isinstance(parsed, pyotp.HOTP)
        assert parsed.initial_count == device.counter


def test_names_default_to_host_and_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --issuer and --label the app shows where the account is."""
    monkeypatch.setattr("os.uname", lambda: type("Uname", (), {"nodename": "bastion"}))
    assert entry_names(ALICE, "main", None, None) == ("bastion", "alice@bastion")
    assert entry_names(ALICE, "tablet", None, None) == ("bastion", "alice@bastion (tablet)")
    assert entry_names(ALICE, "tablet", "ACME", "me") == ("ACME", "me")


@pytest.mark.parametrize("name", ["a:b", "a\nb", "\x1b[31m", "\u202egnp", "ä" * 51, "\udc80"])
def test_names_that_apps_take_apart_or_terminals_obey(name: str) -> None:
    """A colon, a control character or an endless name is refused before anything is done."""
    for names in ((name, None), (None, name)):
        with pytest.raises(DoorwardError, match="cannot be an issuer or a label"):
            entry_names(ALICE, "main", *names)
