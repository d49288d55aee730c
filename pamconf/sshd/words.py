r"""sshd_config's lines and words.

    line     = keyword [blanks] ["="] arguments [comment]
    keyword  = a word as `next_word` cuts it, in any case
    argument = characters, "quoted" or 'quoted', with \", \', \\ and, outside quotes, "\ "
    comment  = "#" at the start of a word, to the end of the line

(servconf.c:process_server_config_line_depth, misc.c:strdelim and argv_split of OpenSSH 9.2.)
"""

import re
from dataclasses import dataclass

_BLANKS = " \t\r\n"
_BETWEEN = {" ", "\t"}
_QUOTES = {'"', "'"}
_SPACE = "\\ "  # but for quotes, this is a blank within a word
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_DELIMITER = re.compile(r'[ \t\r\n"=]')
_PIECE = re.compile(r"""\\['"\\ ]|.""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file.

    `text` is all of it, its end included. `keyword` is as written, and empty where there is none
    (a comment, a blank line); `rest` is what follows it, cut into `arguments`. `problem` says what
    keeps sshd from starting, if anything does.
    """

    path: str
    number: int
    text: str
    keyword: str = ""
    rest: str = ""
    arguments: tuple[str, ...] = ()
    problem: str = ""

    @property
    def name(self) -> str:
        """The keyword, in small letters."""
        return folded(self.keyword)


def parse(text: str, path: str) -> tuple[Line, ...]:
    """Cut a file into lines. Never fails: a line that sshd would not take has its `problem`."""
    return tuple(_line(path, at, found) for at, found in enumerate(_LINE.findall(text), 1))


def render(lines: tuple[Line, ...]) -> str:
    """Return the text that `parse` was given."""
    return "".join(line.text for line in lines)


def folded(text: str) -> str:
    """Return a text with A-Z made small, and no other letter (strcasecmp(3) in the C locale)."""
    return text.encode("utf-8", "surrogateescape").lower().decode("utf-8", "surrogateescape")


def _line(path: str, number: int, text: str) -> Line:
    line = text.removesuffix("\n").lstrip(" \t\r")
    line = line[:1] + line[1:].rstrip(f"{_BLANKS}\f")
    if "\0" in line:
        return Line(path, number, text, problem="a NUL byte, after which sshd goes on elsewhere")
    keyword, rest = next_word(line)
    if not keyword:  # it may begin with a quote or `=`
        keyword, rest = next_word(rest)
    if not keyword or keyword.startswith("#"):
        return Line(path, number, text)
    if not rest:
        return Line(path, number, text, keyword, problem=f"no argument after {keyword!r}")
    arguments = split(rest)
    if arguments is None:
        return Line(path, number, text, keyword, rest, problem="a quote that is not closed")
    return Line(path, number, text, keyword, rest, arguments)


def next_word(text: str | None) -> tuple[str | None, str | None]:
    """Cut the first word off; return it and the rest, each None where there is no more.

    A word ends at a blank, or at one `=` with blanks around it. A double quote, wherever it comes,
    lets it go on to the next one. Where that is missing, all is given up (misc.c:strdelim).
    """
    found = _DELIMITER.search(text) if text is not None else None
    if text is None or found is None:
        return text, None
    head, tail = text[: found.start()], text[found.end() :]
    if found[0] == '"':
        quoted, closed, tail = tail.partition('"')
        return (head + quoted, tail.lstrip(_BLANKS)) if closed else (None, None)
    tail = tail.lstrip(_BLANKS)
    if found[0] != "=" and tail.startswith("="):
        tail = tail[1:].lstrip(_BLANKS)
    return head, tail


def split(text: str) -> tuple[str, ...] | None:
    """Cut arguments apart, as a shell would; return None where a quote is not closed.

    (misc.c:argv_split, which stops at a comment.)
    """
    words: list[str] = []
    word: str | None = None
    quote = ""
    for piece in _PIECE.findall(text):
        if quote:
            if piece == quote:
                quote = ""
            else:
                word = f"{word}{piece if piece == _SPACE else piece[-1]}"
        elif piece in _QUOTES:
            quote, word = piece, word or ""
        elif piece in _BETWEEN:
            words += [] if word is None else [word]
            word = None
        elif piece == "#" and word is None:
            break
        else:
            word = f"{word or ''}{piece[-1]}"
    if quote:
        return None
    return (*words, word) if word is not None else tuple(words)
