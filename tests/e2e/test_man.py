"""The man pages, as mandoc reads them."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

PAGES = sorted((CHECKOUT / "docs/man").iterdir())


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_mandoc_has_nothing_to_say(page: Path) -> None:
    """Somebody's man would show half a page, or escapes in place of words."""
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", str(page)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
