"""What can go wrong, and where."""


class PamconfError(Exception):
    """An error that an admin can understand.

    `message` is one line without a full stop at its end, `hint` a sentence or two on what to try.
    Where it is about a place in a file, `path`, `line` and `column` (both from 1) name it, and
    `text` is that line.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        path: str | None = None,
        line: int | None = None,
        column: int | None = None,
        text: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.path = path
        self.line = line
        self.column = column
        self.text = text

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part)
        head = f"{place}: {self.message}" if place else self.message
        if self.text is None or self.column is None:
            return head
        return f"{head}\n{excerpt(self.text, self.column)}"


class FileError(PamconfError):
    """A file could not be read."""


class UnreadableError(FileError):
    """A file is there, or may be, but what is in it is not known.

    Who runs this may not read it, or it is a pipe, a device, or larger than any of its kind.
    """


class ToolError(PamconfError):
    """A program that is asked for the truth (sshd) is missing, or failed."""


class UsageError(PamconfError):
    """What was asked for makes no sense: a rule that is not there, a name that is none."""


def excerpt(text: str, column: int, width: int = 1) -> str:
    """Return a line of a file, indented, with carets under `width` columns from `column` on.

    Tabs before the caret stay tabs, so that it stands right however wide they are shown.
    """
    lead = "".join("\t" if char == "\t" else " " for char in text[: column - 1])
    return f"    {text}\n    {lead}{'^' * max(1, width)}"
