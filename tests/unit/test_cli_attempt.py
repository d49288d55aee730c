"""The conversation of `doorward pam try`: what modules say and hear, by libpam's own structures."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field

import pamela
import pytest
from doorward.attempt import REPLY_SIZE, Message, Style, _Conversation
from doorward.errors import DoorwardError

SUCCESS, CONV_ERR = 0, 19
OFF, ON, ERROR, INFO = (style.value for style in Style)


@dataclass
class Typist:
    """Somebody who types these replies, and then no more."""

    replies: Sequence[str] = ()
    shown: list[str] = field(default_factory=list)
    buffers: list[bytearray] = field(default_factory=list)

    def show(self, message: Message) -> None:
        """Read a message."""
        self.shown.append(message.text)

    def reply(self, prompt: Message) -> bytearray | None:
        """Type the next reply."""
        self.shown.append(prompt.text)
        if len(self.buffers) == len(self.replies):
            return None
        reply = bytearray(REPLY_SIZE)
        text = self.replies[len(self.buffers)].encode()
        reply[: len(text)] = text
        self.buffers.append(reply)
        return reply


class Interrupted(Typist):
    """Somebody who presses Ctrl-C."""

    def reply(self, prompt: Message) -> bytearray | None:  # noqa: ARG002 - as Typist's
        """Press it."""
        raise KeyboardInterrupt


def say(conversation: _Conversation, *messages: tuple[int, str]) -> tuple[int, list[bytes | None]]:
    """What a module gets that says all this at once: the status, and the replies."""
    texts = [ctypes.create_string_buffer(text.encode()) for _, text in messages]
    char = ctypes.POINTER(ctypes.c_char)
    structures = [
        pamela.PamMessage(style, ctypes.cast(text, char))
        for (style, _), text in zip(messages, texts, strict=True)
    ]
    pointers = (ctypes.POINTER(pamela.PamMessage) * len(messages))(
        *(ctypes.pointer(one) for one in structures)
    )
    responses = ctypes.POINTER(pamela.PamResponse)()
    status = conversation.function(len(messages), pointers, ctypes.pointer(responses), None)
    if not responses:
        return status, []
    replies = [responses[at].resp for at in range(len(messages))]
    return status, [reply and ctypes.cast(reply, ctypes.c_char_p).value for reply in replies]


def test_several_messages_at_once() -> None:
    """A module that asks twice in one breath would get its answers mixed up, or crash."""
    typist = Typist(["hunter2", ""])
    conversation = _Conversation(typist)
    messages = ((INFO, "Hello é"), (OFF, "Password: "), (ERROR, "No!"), (ON, "Code: "))
    status, replies = say(conversation, *messages)
    assert status == SUCCESS
    assert [reply or None for reply in replies] == [None, b"hunter2", None, None]
    assert replies[3] == b""
    assert typist.shown == ["Hello é", "Password: ", "No!", "Code: "]
    assert [(one.style.value, one.text) for one in conversation.said] == list(messages)


def test_a_reply_is_wiped() -> None:
    """A password would stay in this process's memory, and be swapped out or dumped."""
    typist = Typist(["hunter2"])
    say(_Conversation(typist), (OFF, "Password: "))
    assert typist.buffers == [bytearray(REPLY_SIZE)]


def test_the_end_of_the_input_is_no_reply() -> None:
    """A script that ends too early would type an empty password, or hang."""
    conversation = _Conversation(Typist(["hunter2"]))
    assert say(conversation, (OFF, "Password: "), (OFF, "Code: ")) == (CONV_ERR, [])
    assert conversation.failure is None


def test_ctrl_c_is_no_success() -> None:
    """What is raised in a function that C calls would count as an answer."""
    conversation = _Conversation(Interrupted())
    assert say(conversation, (OFF, "Password: ")) == (CONV_ERR, [])
    assert isinstance(conversation.failure, KeyboardInterrupt)


@pytest.mark.parametrize("style", [0, 5, 7, -1])
def test_what_nobody_can_type(style: int) -> None:
    """A binary prompt of a program's own would be shown as text."""
    conversation = _Conversation(Typist())
    assert say(conversation, (style, "?")) == (CONV_ERR, [])
    assert isinstance(conversation.failure, DoorwardError)


def test_text_that_is_none() -> None:
    """A module in another language's encoding would be the end of the attempt."""
    conversation = _Conversation(Typist())
    message = pamela.PamMessage(
        INFO, ctypes.cast(ctypes.create_string_buffer(b"\xe9"), ctypes.POINTER(ctypes.c_char))
    )
    pointers = (ctypes.POINTER(pamela.PamMessage) * 1)(ctypes.pointer(message))
    responses = ctypes.POINTER(pamela.PamResponse)()
    assert conversation.function(1, pointers, ctypes.pointer(responses), None) == SUCCESS
    assert conversation.said == [Message(Style.TEXT_INFO, "\\xe9")]
