"""asyncssh as a client: it shows each prompt as sshd sends it, and logs in many times at once."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from demo.server import ADDRESS, Listening


@dataclass
class Outcome:
    """What came of a login: the prompts, whether each is echoed, and whose session it was.

    `session` is None where there was none.
    """

    prompts: list[tuple[str, bool]] = field(default_factory=list)
    session: str | None = None

    @property
    def let_in(self) -> bool:
        """Whether there was a session."""
        return self.session is not None


@dataclass
class _Client(asyncssh.SSHClient):
    """Answers prompts in order, once: where it is refused, asyncssh would begin again."""

    outcome: Outcome
    answers: Iterator[str]
    watch: Callable[[], None]
    together: asyncio.Barrier
    started: bool = False

    def kbdint_auth_requested(self) -> str | None:
        if self.started:
            return None
        self.started = True
        return ""

    async def kbdint_challenge_received(
        self,
        name: str,  # noqa: ARG002 - asyncssh's signature
        instructions: str,  # noqa: ARG002 - the same
        lang: str,  # noqa: ARG002 - the same
        prompts: Sequence[tuple[str, bool]],
    ) -> list[str] | None:
        """Answer one round. There is a round for each prompt, and a last one without any."""
        replies = []
        for prompt in prompts:
            self.outcome.prompts.append(prompt)
            self.watch()
            await self.together.wait()
            reply = next(self.answers, None)
            if reply is None:
                return None
            replies.append(reply)
        return replies


async def _log_in(
    server: Listening,
    user: str,
    answers: Sequence[str],
    source: str,
    watch: Callable[[], None],
    together: asyncio.Barrier,
    key: Path | None = None,
) -> Outcome:
    outcome = Outcome()
    try:
        connection = await asyncssh.connect(
            ADDRESS,
            server.port,
            username=user,
            client_factory=lambda: _Client(outcome, iter(answers), watch, together),
            client_keys=[str(key)] if key else None,
            agent_path=None,
            config=None,
            known_hosts=asyncssh.import_known_hosts(
                f"[{ADDRESS}]:{server.port} {server.host_key}\n"
            ),
            local_addr=(source, 0),
            login_timeout="2m",
            preferred_auth="publickey,keyboard-interactive" if key else "keyboard-interactive",
        )
    except asyncssh.PermissionDenied:
        return outcome
    async with connection, connection.create_process("id -un; cat") as session:
        outcome.session = (await session.stdout.readline()).strip()
        watch()
        session.stdin.write_eof()
        await session.wait()
    return outcome


def log_in(
    server: Listening,
    user: str,
    *answers: str,
    source: str = ADDRESS,
    watch: Callable[[], None] = lambda: None,
    key: Path | None = None,
) -> Outcome:
    """Log in once, from the address `source`; `watch` is called at each prompt and in the session.

    With a `key`, that is shown first.

    Where there are more prompts than answers, the login ends at the first that has none.
    """
    one = asyncio.Barrier(1)
    return asyncio.run(_log_in(server, user, answers, source, watch, one, key))


def log_in_together(server: Listening, user: str, *answers: str, logins: int) -> list[Outcome]:
    """Log in that many times: each answers a prompt only when all have been asked."""

    async def run() -> list[Outcome]:
        together = asyncio.Barrier(logins)
        return await asyncio.gather(
            *(
                _log_in(server, user, answers, ADDRESS, lambda: None, together)
                for _ in range(logins)
            )
        )

    return asyncio.run(run())
