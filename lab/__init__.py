"""The lab: a small cluster's worth of hosts in containers, with real SSH, MariaDB and nginx."""

from lab.handle import Lab
from lab.hosts import LabHost
from lab.machine import attach, down, find, prepare, up
from lab.shell import LabError

__all__ = ["Lab", "LabError", "LabHost", "attach", "down", "find", "prepare", "up"]
