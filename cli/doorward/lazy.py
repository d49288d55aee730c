"""Groups of commands whose --help is there at once."""

import importlib
from collections.abc import Mapping
from typing import Any

import click

from pamconf.nearest import nearest


class LazyGroup(click.Group):
    """Imports the one command that is run, and none to list them.

    `listed` says of each command what it does; it is `command` in the module whose name is `prefix`
    and the command's.
    """

    def __init__(self, *, prefix: str, listed: Mapping[str, str], **settings: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(**settings)
        self._prefix = prefix
        self._listed = listed

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is asked for, or say which may have been meant."""
        if self.get_command(ctx, args[0]) is None:
            near = nearest(args[0], self._listed)
            meant = f"; did you mean '{near}'?" if near else ""
            ctx.fail(f"No such command '{args[0]}'{meant}")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names, in their order."""
        return list(self._listed)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import a command."""
        if cmd_name not in self._listed:
            return None
        module = importlib.import_module(f"{self._prefix}{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list for --help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._listed.items()))
