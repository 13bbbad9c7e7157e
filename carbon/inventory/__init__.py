"""hosts.yaml, the one inventory: read strictly, with everything derived that can be.

The check of its xpaths, `carbon.inventory.edits.check_edits`, stands apart: it needs lxml.
"""

from carbon.inventory.load import load, locate
from carbon.inventory.names import known_names, select

__all__ = ["known_names", "load", "locate", "select"]
