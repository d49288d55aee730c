"""sshd: which settings count for a connection, where they come from, and how one may log in."""

from pamconf.sshd.admit import Admission, admission
from pamconf.sshd.ask import SSHD, Answer, connect, consult, query
from pamconf.sshd.authentication import Obstacle, PamAuth, Step, Way, ways
from pamconf.sshd.config import (
    DEFAULTS,
    LISTS,
    METHODS,
    PATH,
    BadConfigError,
    Effective,
    File,
    Node,
    Setting,
    Source,
    TooNewError,
    effective,
    load,
)
from pamconf.sshd.match import Connection
from pamconf.sshd.samples import nodes, samples
from pamconf.sshd.words import Line, parse, render

__all__ = [
    "DEFAULTS",
    "LISTS",
    "METHODS",
    "PATH",
    "SSHD",
    "Admission",
    "Answer",
    "BadConfigError",
    "Connection",
    "Effective",
    "File",
    "Line",
    "Node",
    "Obstacle",
    "PamAuth",
    "Setting",
    "Source",
    "Step",
    "TooNewError",
    "Way",
    "admission",
    "connect",
    "consult",
    "effective",
    "load",
    "nodes",
    "parse",
    "query",
    "render",
    "samples",
    "ways",
]
