"""The installed program: the wheel holds this package, with tasks, remote and carbon in it."""

__version__ = "0.1.0"
"""The only place of the version: the wheel, `--version` and the changelog's test read it."""
