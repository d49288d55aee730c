"""Private hosts: throwaway Debian machines in which tests and the demo run.

See README.md in this folder. The standard library alone is used here, so that the
machine's own Python runs it as well as the one in `.venv`.
"""
