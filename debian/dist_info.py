"""Write what Python's packaging knows an installed distribution by: dist_info.py FOLDER VERSION.

From pyproject.toml, as the wheel has it too; dh_python3 makes the package's dependencies of it.
"""

import sys
import tomllib
from pathlib import Path


def main(folder: str, version: str) -> None:
    """Make FOLDER/NAME-VERSION.dist-info with its METADATA (PEP 376, core metadata 2.1)."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    fields = [
        ("Metadata-Version", "2.1"),
        ("Name", project["name"]),
        ("Version", version),
        ("Summary", project["description"]),
        ("License", project["license"]),
        ("Requires-Python", project["requires-python"]),
        *(("Requires-Dist", one) for one in project["dependencies"]),
    ]
    made = Path(folder, f"{project['name']}-{version}.dist-info")
    made.mkdir()
    (made / "METADATA").write_text("".join(f"{name}: {value}\n" for name, value in fields))


if __name__ == "__main__":
    main(*sys.argv[1:])
