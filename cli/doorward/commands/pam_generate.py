"""`doorward pam generate`: the files with which services ask for a code, printed."""

import click

from doorward.commands import options
from doorward.commands.choices import choices_options, wanted
from doorward.protection import changes
from doorward.terminal import say, say_json
from pamconf.lines import text_of
from pamconf.tree import Tree


@click.command(
    epilog="""\b
Examples:
  doorward pam generate sshd --nullok
  doorward pam generate lightdm --skip-local
  doorward pam generate sshd --json | jq -r '.["/etc/pam.d/sshd"]'
"""
)
@options.services_argument
@choices_options
@click.option("--i-know", is_flag=True, help="Also what --help warns of.")
@options.root_option
@options.json_option
def command(
    *, names: tuple[str, ...], root: str, as_json: bool, i_know: bool, **given: object
) -> None:
    """Print the files with which SERVICE asks for a code. Nothing is changed.

    They are this machine's own files, or DIR's, with the rules in them, for those who put files in
    place with tools of their own. `pam enable` writes the same, and looks before whom it locks out.
    """
    tree = Tree(root)
    asked = wanted(names, tree, i_know=i_know, **given)
    found = changes.enabled(tree, asked.names, asked.choices, asked.sshd, asked.after)
    texts = {path: text_of(content or b"") for path, content in found.items()}
    if as_json:
        say_json(texts)
        return
    for at, (path, text) in enumerate(texts.items()):
        if at:
            say()
        say(f"==> {path} <==")
        click.echo(text, nl=False)
