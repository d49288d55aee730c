"""Recovery codes: as many as were asked for, all different, and kept as their kind is."""

import re

import pytest
from doorward.enrolment.recovery import recovery_codes_new, with_recovery_codes
from doorward.native import credential_parse, verify

TEXT = b'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n" TOTP_AUTH\n'


@pytest.mark.parametrize(
    ("compatible", "form"), [(True, r"[1-9][0-9]{7}"), (False, r"[A-Z2-7]{4}(-[A-Z2-7]{4}){3}")]
)
def test_codes(*, compatible: bool, form: str) -> None:
    """Ten codes are ten, each as it should look, and not the last ten."""
    codes = recovery_codes_new(10, compatible=compatible)
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(form, code) for code in codes)
    assert not set(codes) & set(recovery_codes_new(10, compatible=compatible))


@pytest.mark.parametrize("compatible", [True, False])
def test_they_are_in_the_file(*, compatible: bool) -> None:
    """Each opens the door once, those of another kind are gone, and none goes with the others."""
    codes = recovery_codes_new(3, compatible=compatible)
    before = with_recovery_codes(TEXT, recovery_codes_new(5, compatible=not compatible))
    text = with_recovery_codes(before, codes)
    parsed = credential_parse(text)
    assert (parsed.recovery_digits, parsed.recovery_hashed) == ((3, 0) if compatible else (0, 3))
    for code in codes:
        assert (code.encode() in text) == compatible
        verdict = verify(text, code, 10**9)
        assert (verdict.reason, verdict.recovery) == (None, True)
        assert verify(verdict.text, code, 10**9).reason == "wrong-code"
        text = verdict.text
    assert with_recovery_codes(text, []) == TEXT
