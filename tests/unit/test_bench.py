"""What the bench makes of its measurements."""

import pytest

from bench.measure import Line, Table
from bench.report import markdown
from bench.rows import DOORWARD, GOOGLE, PLAIN, REWRITE
from bench.timer import Login, check


def login(result: int = 0, prompts: int = 1, rewritten: int = 0) -> Login:
    """A login of which this came."""
    return Login(result, prompts, rewritten, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("other", [login(result=7), login(prompts=0), login(rewritten=1)])
def test_what_is_measured_is_checked(other: Login) -> None:
    """Refusals, which are fast, would be taken for logins."""
    check(DOORWARD, PLAIN, [login()])
    check(DOORWARD, REWRITE, [login(rewritten=1)])
    with pytest.raises(RuntimeError, match="right code, nothing to write"):
        check(DOORWARD, PLAIN, [login(), other])


@pytest.mark.parametrize(
    ("limit", "more_is_better", "met"),
    [(1.5, False, "yes"), (1.4, False, "no"), (1.5, True, "yes"), (1.6, True, "no")],
)
def test_ratios_are_of_the_same_round(limit: float, more_is_better: bool, met: str) -> None:
    """A machine that slows down would change the ratio, or a miss be called a hit."""
    line = Line("a line", limit, more_is_better)
    for speed in (1, 10, 100):
        line.add(DOORWARD, [1, 3 * speed, 1000])
        line.add(GOOGLE, [2 * speed])
    (row,) = (
        one for one in markdown("", [Table("a table", [line])]).splitlines() if "| a line" in one
    )
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    sign = "≥" if more_is_better else "≤"
    assert cells == [
        *("a line", "30.0", "20.0", ""),
        *("1.50", "1.50 to 1.50", f"{sign} {limit:.2f}", met),
    ]
