"""The strict reading of access files, by the reader that the PAM module has."""

import pytest
from doorward.native import access_skips

from pamconf.access import parse
from pamconf.access_strict import StrictDecision, StrictReader, check, decide
from pamconf.problem import Severity

READER: StrictReader = access_skips

# A file, and what it says of alice from 10.1.2.3, who is in the group staff.
DECISIONS = [
    ("", StrictDecision(skips=False, line=None)),
    ("# + : ALL : ALL\n\n+ : bob : ALL", StrictDecision(skips=False, line=None)),
    ("+ : ALL : 10.0.0.0/8", StrictDecision(skips=True, line=1)),
    ("- : bob : ALL\n- : staff : ALL\n+ : ALL : ALL\n", StrictDecision(skips=False, line=2)),
    ("\n- : ALL EXCEPT alice : ALL\n+ : (staff) : ALL", StrictDecision(skips=True, line=3)),
]


@pytest.mark.parametrize(("text", "expected"), DECISIONS)
def test_decisions(text: str, expected: StrictDecision) -> None:
    """The wrong line would be blamed for a login."""
    assert decide(parse(text), READER, "alice", "10.1.2.3", lambda group: group == "staff") == (
        expected
    )


def test_a_line_that_is_amiss_decides() -> None:
    """An admin would look at the lines that match, while another one asks everybody."""
    decision = decide(parse("+ : ALL : ALL\n+ : ALL : host"), READER, "alice", "", lambda _: None)
    assert (decision.skips, decision.line) == (False, 2)
    assert decision.problem
    assert "an origin is ALL" in decision.problem


def test_a_group_that_does_not_exist_asks() -> None:
    """A file would pass for good that asks whom it seems to let through."""
    text = "+ : (nobodys) : ALL\n+ : ALL : ALL\n"
    decision = decide(parse(text), READER, "alice", "::1", lambda _: None)
    assert (decision.skips, decision.line) == (False, 1)


def test_every_line_that_is_amiss_is_named() -> None:
    """Somebody would mend a file a line at a time, and be told of the next one at each."""
    text = "+ : ALL : ALL\n - : é : ALL\n# x\n+ : ALL\n+ : (nobodys) : 10.0.0.0/8"
    found = check(parse(text), READER)
    assert [(one.line, one.column, one.width) for one in found] == [(2, 1, 12), (4, 1, 7)]
    assert {one.severity for one in found} == {Severity.ERROR}
