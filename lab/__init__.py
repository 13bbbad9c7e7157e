"""The lab: a small cluster's worth of hosts in containers, with real SSH, MariaDB and nginx."""

from lab.handle import Lab, LabHost
from lab.machine import down, find, up
from lab.shell import LabError

__all__ = ["Lab", "LabError", "LabHost", "down", "find", "up"]
