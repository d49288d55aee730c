"""What somebody may have meant by a word that is not known."""

import difflib
from collections.abc import Iterable
from functools import lru_cache

_ALIKE = 0.7  # how much alike (difflib) a word and what was meant are


def nearest(word: str, known: Iterable[str], alike: float = _ALIKE) -> str | None:
    """Return the most similar of known words, capitals aside; None where none is similar.

    `alike` is how much alike it has to be, from 0 to 1.
    """
    return _nearest(word.lower(), frozenset(known), alike)


def meant(word: str, known: Iterable[str]) -> str | None:
    """Return the question whether it was that one, if there is one."""
    near = nearest(word, known)
    return f"Did you mean {near!r}?" if near else None


@lru_cache(maxsize=256)
def _nearest(word: str, known: frozenset[str], alike: float) -> str | None:
    lower = {one.lower(): one for one in sorted(known)}
    found = difflib.get_close_matches(word, lower, 1, alike)
    return lower[found[0]] if found else None
