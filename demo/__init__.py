"""A real OpenSSH server that asks for codes, and real logins to it: the demo, and tests/e2e.

For private hosts only: `python -m lab run .venv/bin/python -m demo`. It changes /etc and makes
accounts.
"""
