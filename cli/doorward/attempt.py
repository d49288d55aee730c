"""A login that is tried: authenticate and acct_mgmt of a service, through this machine's libpam.

pamela has libpam's functions and structures. Its conversations will not do: one shows no message,
and has no answer to a prompt that is echoed; the other asks at a terminal alone. And where
something fails in one of them, ctypes returns 0, which is a success to libpam. So this one is ours.
"""

import contextlib
import ctypes
import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pamela

from doorward.errors import DoorwardError
from doorward.proof import NO_PROOF
from pamconf.control import RETURNS

REPLY_SIZE = 512
"""Bytes of a reply with the zero at its end: PAM_MAX_RESP_SIZE."""

TTY, RHOST = pamela.PAM_TTY, pamela.PAM_RHOST
"""Items of PAM."""

_SUCCESS, _CONV_ERR = 0, 19


class Style(enum.Enum):
    """What a module wants with a message: PAM's numbers."""

    PROMPT_ECHO_OFF = 1
    PROMPT_ECHO_ON = 2
    ERROR_MSG = 3
    TEXT_INFO = 4

    @property
    def is_prompt(self) -> bool:
        """Whether it waits for a reply."""
        return self in {Style.PROMPT_ECHO_OFF, Style.PROMPT_ECHO_ON}


@dataclass(frozen=True)
class Message:
    """What a module said."""

    style: Style
    text: str


class Person(Protocol):
    """Who is spoken to."""

    def show(self, message: Message) -> None:
        """Show what is no prompt."""

    def reply(self, prompt: Message) -> bytearray | None:
        """Return the reply in REPLY_SIZE bytes, filled up with zeros; None: there is no more.

        It is wiped when it has been handed on.
        """


@dataclass(frozen=True)
class Verdict:
    """What a call of PAM's came to: its name among pamconf.control.RETURNS, and PAM's own words."""

    returned: str
    words: str

    @property
    def accepted(self) -> bool:
        """Whether it was a success."""
        return self.returned == RETURNS[_SUCCESS]


@dataclass(frozen=True)
class Attempt:
    """What was said, and what came of it; `acct_mgmt` is only asked where the first accepted."""

    messages: tuple[Message, ...]
    authenticate: Verdict
    acct_mgmt: Verdict | None

    @property
    def deciding(self) -> Verdict:
        """The verdict that lets them in, or refuses them."""
        return self.acct_mgmt or self.authenticate


def attempt(service: str, user: str, items: Mapping[int, str], person: Person) -> Attempt:
    """Try to log in, as far as a program asks before it lets somebody in: there is no session.

    `items` are those of PAM that are text. The module leaves no proof of it (doorward.proof).
    Raises DoorwardError where libpam cannot begin at all, and whatever the person raised.
    """
    conversation = _Conversation(person)
    with _started(service, user, conversation) as handle:
        handle.put_env(NO_PROOF, "1")
        for item, value in items.items():
            handle.set_item(item, value)
        authenticate = _call(pamela.PAM_AUTHENTICATE, handle, conversation)
        acct_mgmt = None
        if authenticate.accepted:
            acct_mgmt = _call(pamela.PAM_ACCT_MGMT, handle, conversation)
    return Attempt(tuple(conversation.said), authenticate, acct_mgmt)


@contextlib.contextmanager
def _started(service: str, user: str, conversation: "_Conversation") -> Iterator[Any]:
    try:
        handle = pamela.pam_start(service, user, conversation.function)
    except pamela.PAMError as error:
        raise DoorwardError(
            f"libpam cannot begin with the service '{service}': {error.message}",
            hint=f"'doorward pam lint {service}' says what is wrong in its rules.",
        ) from error
    try:
        yield handle
    finally:
        pamela.PAM_END(handle, conversation.status)


def _call(function: Any, handle: Any, conversation: "_Conversation") -> Verdict:  # noqa: ANN401 - pamela has no types
    conversation.status = function(handle, 0)
    if conversation.failure:
        raise conversation.failure
    words = pamela.pam_strerror(handle, conversation.status)
    return Verdict(RETURNS[conversation.status], words)


class _Conversation:
    """The function that modules call.

    `failure` is what it raised, of which C cannot be told, and `status` what libpam returned last.
    """

    def __init__(self, person: Person) -> None:
        self._person = person
        self.said: list[Message] = []
        self.failure: BaseException | None = None
        self.status = _SUCCESS
        self.function = pamela.CONV_FUNC(self._converse)  # must live as long as libpam has it

    def _converse(self, count: int, messages: Any, responses: Any, _context: object) -> int:  # noqa: ANN401 - pamela's structures
        try:
            replies = self._replies([_message(messages[at].contents) for at in range(count)])
        except BaseException as failure:  # noqa: BLE001 - also Ctrl-C: raised where C has returned
            self.failure = failure
            return _CONV_ERR
        if replies is None:
            return _CONV_ERR
        responses[0] = replies
        return _SUCCESS

    def _replies(self, messages: Sequence[Message]) -> Any | None:  # noqa: ANN401 - pamela's structure
        """Return an array of PamResponse that libpam frees, None where a reply is missing."""
        replies = _memory(len(messages) * ctypes.sizeof(pamela.PamResponse), pamela.PamResponse)
        whole = False
        try:
            whole = all(self._answer(one, replies[at]) for at, one in enumerate(messages))
        finally:
            if not whole:
                _free_replies(replies, len(messages))
        return replies if whole else None

    def _answer(self, message: Message, response: Any) -> bool:  # noqa: ANN401 - pamela's structure
        self.said.append(message)
        if not message.style.is_prompt:
            self._person.show(message)
            return True
        reply = self._person.reply(message)
        if reply is None:
            return False
        response.resp = _memory(REPLY_SIZE, ctypes.c_char)
        source = (ctypes.c_char * REPLY_SIZE).from_buffer(reply)
        ctypes.memmove(response.resp, source, REPLY_SIZE)
        ctypes.memset(source, 0, REPLY_SIZE)
        return True


def _message(message: Any) -> Message:  # noqa: ANN401 - pamela's structure
    """Read a PamMessage. Raises DoorwardError for a style that Linux-PAM has for programs alone."""
    if message.msg_style not in {style.value for style in Style}:
        raise DoorwardError(
            f"a module asks for what nobody can type (style {message.msg_style})",
            hint="Only the program that it is made for can answer: try this by that program.",
        )
    text = ctypes.cast(message.msg, ctypes.c_char_p).value or b""
    return Message(Style(message.msg_style), text.decode("utf-8", "backslashreplace"))


def _memory(size: int, kind: Any) -> Any:  # noqa: ANN401 - a ctypes type, and a pointer to it
    """Return `size` bytes of zeros that free(3) takes."""
    address = pamela.CALLOC(1, size)
    if not address:
        raise MemoryError
    return ctypes.cast(address, ctypes.POINTER(kind))


def _free_replies(replies: Any, count: int) -> None:  # noqa: ANN401 - pamela's structure
    for at in range(count):
        if replies[at].resp:
            ctypes.memset(replies[at].resp, 0, REPLY_SIZE)
            _free(replies[at].resp)
    _free(replies)


def _free(pointer: Any) -> None:  # noqa: ANN401 - a pointer of ctypes
    pamela.LIBC.free(ctypes.cast(pointer, ctypes.c_void_p))
