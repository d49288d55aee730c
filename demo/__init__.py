"""A real OpenSSH server and a real login screen that ask for codes: the demo, and tests/e2e.

For private hosts only: `python -m lab run .venv/bin/python -m demo`. It changes /etc and makes
accounts.
"""
