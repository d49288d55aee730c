"""The one place that starts programs that run to their end."""

import subprocess


def output_of(*argv: str, stdin: str = "") -> str:
    """Run a program and return what it wrote; secrets go to its `stdin`, never to its arguments.

    Raises RuntimeError with what it complained of when it fails.
    """
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout
