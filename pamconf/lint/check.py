"""What a check is: a function with a code, a severity, and a page of its own.

A check is a function that is given a `Subject`, and yields what it finds. Its docstring is its
page, in Markdown: what happens in practice, how to mend it, and two examples, in which `## PATH`
begins each file (a folder where it ends in a slash; mode bits may follow). What no page could show
is written in words, as `_WRITTEN` has it.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pamconf.lint.finding import Found
from pamconf.lint.subject import Subject
from pamconf.problem import Severity

Function = Callable[[Subject], Iterator[Found]]

_EXAMPLE = re.compile(r"^(Bad|Good):\n((?:\n|    .*\n?)+)", re.MULTILINE)
_FILE = re.compile(r"^## (/\S*)(?: ([0-7]{3,4}))?$")
_WRITTEN = {
    "\\r\n": "\r\n",
    "{1000 blanks}": " " * 1000,
    "{17 million blanks}": " " * 17_000_000,
}


@dataclass(frozen=True)
class ExampleFile:
    """A file of an example; a folder where the path ends in a slash."""

    path: str
    text: str
    mode: int | None = None


@dataclass(frozen=True)
class Check:
    """One check. `name` is words with dashes, `severity` how bad what it finds is, if not less."""

    code: str
    name: str
    severity: Severity
    function: Function

    @property
    def page(self) -> str:
        """What there is to know of it, in Markdown, with its examples."""
        return inspect.cleandoc(self.function.__doc__ or "")

    @property
    def summary(self) -> str:
        """The first line of its page."""
        return self.page.partition("\n")[0]

    def example(self, kind: str) -> tuple[ExampleFile, ...]:
        """Return the files of its "Bad" or its "Good" example."""
        found = {one[1]: one[2] for one in _EXAMPLE.finditer(self.page + "\n")}
        text = inspect.cleandoc(found[kind])
        for written, meant in _WRITTEN.items():
            text = text.replace(written, meant)
        return tuple(_files(text))


def check(code: str, name: str, severity: Severity) -> Callable[[Function], Check]:
    """Make a check of a function."""
    return lambda function: Check(code, name, severity, function)


def _files(text: str) -> Iterator[ExampleFile]:
    path, mode, inside = "", None, list[str]()
    for line in [*text.split("\n"), "## /"]:
        begins = _FILE.match(line)
        if not begins:
            inside.append(line + "\n")
            continue
        if path:
            yield ExampleFile(path, "".join(inside), mode)
        path, mode, inside = begins[1], int(begins[2], 8) if begins[2] else None, []
