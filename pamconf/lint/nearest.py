"""What somebody may have meant by a word that is not known."""

import difflib
from collections.abc import Iterable
from functools import lru_cache


def meant(word: str, known: Iterable[str]) -> str | None:
    """Return the question whether it was the most similar of known words, if one is similar."""
    near = _near(word, frozenset(known))
    return f"Did you mean '{near}'?" if near else None


@lru_cache(maxsize=256)
def _near(word: str, known: frozenset[str]) -> str | None:
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1)), None)
