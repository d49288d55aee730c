"""What somebody may have meant by a word that is not known."""

import difflib
from collections.abc import Iterable


def meant(word: str, known: Iterable[str]) -> str | None:
    """Return the question whether it was the most similar of known words, if one is similar."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f"Did you mean '{near[0]}'?" if near else None
