"""sshd's settings for a login that asks more than one question: a drop-in, or its own file.

The first value of a keyword counts, so they come first: in a file that sshd reads before others of
its folder, or, where it reads none, at the top of sshd_config. A Match line is for all that follows
it in its file, so it stands last in that file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from doorward.errors import DoorwardError
from doorward.protection.choices import MARKS, WRITTEN, is_ours
from pamconf import blocks, sshd
from pamconf.blocks import Marks
from pamconf.errors import FileError, PamconfError
from pamconf.tree import Tree

DROP_IN = "/etc/ssh/sshd_config.d/00-doorward.conf"

_ON_REQUEST = {"authenticationmethods", "match"}
_MATCH_MARKS = Marks("# begin: doorward's Match lines", "# end: doorward's Match lines")
_ASKS = ("UsePAM yes", "KbdInteractiveAuthentication yes", "PasswordAuthentication no")


@dataclass(frozen=True)
class SshdChoices:
    """What beside the code is asked for: AuthenticationMethods, for all or within Match lines."""

    methods: str | None = None
    matches: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """Return what counts for everybody."""
        said = (
            (f"AuthenticationMethods {self.methods}",) if self.methods and not self.matches else ()
        )
        return (*_ASKS, *said)

    def match_lines(self) -> tuple[str, ...]:
        """Return what stands below Match lines, which go last."""
        said = f"    AuthenticationMethods {self.methods}"
        return tuple(line for one in self.matches for line in (f"Match {one}", said))


def enabled(tree: Tree, choices: SshdChoices) -> Mapping[str, bytes | None]:
    """Return the files with which sshd asks through PAM.

    Raises FileError without sshd_config, DoorwardError where the drop-in has others' lines in it.
    """
    _check_nobody_elses(tree)
    whole = "".join(f"{line}\n" for line in (*choices.lines(), *choices.match_lines()))
    drop_in: dict[str, bytes | None] = {DROP_IN: (WRITTEN + whole).encode()}
    main = tree.read(sshd.PATH).encode("utf-8", "surrogateescape")
    bare = _without_blocks(main)
    if _reads_drop_in(tree.changed({**drop_in, sshd.PATH: bare})):
        return {**drop_in, **({sshd.PATH: bare} if bare != main else {})}
    content = blocks.insert(bare, choices.lines(), MARKS, sshd.PATH, at=0)
    if choices.matches:
        at = len(content)
        content = blocks.insert(content, choices.match_lines(), _MATCH_MARKS, sshd.PATH, at=at)
    return {**_gone(tree), sshd.PATH: content}


def disabled(tree: Tree) -> Mapping[str, bytes | None]:
    """Return the files without what `enabled` put there; none where it put nothing there.

    Raises DoorwardError where the drop-in has others' lines in it.
    """
    changes = _gone(tree)
    try:
        main = tree.read(sshd.PATH).encode("utf-8", "surrogateescape")
    except FileError:
        return changes
    bare = _without_blocks(main)
    return {**changes, **({sshd.PATH: bare} if bare != main else {})}


def _gone(tree: Tree) -> dict[str, bytes | None]:
    """Return the drop-in as one that is to go, if doorward wrote it."""
    if not is_ours(tree.find(DROP_IN)):
        return {}
    _check_nobody_elses(tree)
    return {DROP_IN: None}


def _check_nobody_elses(tree: Tree) -> None:
    """Raise DoorwardError where the drop-in sets what `enabled` never does: it would be lost."""
    lines = sshd.parse(tree.read(DROP_IN), DROP_IN) if tree.is_file(DROP_IN) else ()
    for line in lines:
        if line.keyword and line.text.strip() not in _ASKS and line.name not in _ON_REQUEST:
            raise DoorwardError(
                f"{DROP_IN}:{line.number}: '{line.text.strip()}' was not put there by doorward",
                hint="The file is written, and removed, as a whole: move that line to another one.",
            )


def _without_blocks(content: bytes) -> bytes:
    for marks in (MARKS, _MATCH_MARKS):
        content = blocks.without(content, marks, sshd.PATH)
    return content


def _reads_drop_in(tree: Tree) -> bool:
    """Tell whether sshd reads the drop-in, for everybody, before lines that set the same.

    A Match line of a file that it includes before ends with that file.
    """
    try:
        config = sshd.load(tree)
    except PamconfError:
        return False
    before: list[sshd.Line] = []
    for node in config.nodes:
        if node.criteria:
            return False
        for file in node.files:
            if file.path == DROP_IN:
                return not any(one.name in _SET for one in before)
            before += _for_all(file)
        before.append(node.line)
    return False


def _for_all(file: sshd.File) -> Iterator[sshd.Line]:
    """Yield the lines of a file that are about everybody."""
    for node in file.nodes:
        if node.criteria:
            return
        for inner in node.files:
            yield from _for_all(inner)
        yield node.line


_SET = {line.partition(" ")[0].lower() for line in _ASKS} | {
    "authenticationmethods",
    "challengeresponseauthentication",
    "skeyauthentication",
}
"""Keywords that the drop-in sets, or other names of theirs."""
