"""The trial of datasources: a connection to each, tried from the server with its JDK and driver."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from carbon.cluster import Datasource
from carbon.value import Value

TrialResult = Literal["open", "refused", "tls", "broken", "url", "class", "slow"]
"""refused: an SQLException; broken: another exception; url: the driver does not take it; class: no
JAR has it. remote/java/TryDatasources.java writes these words."""


class Trial(Value, kw_only=True):
    """What is to be tried on one server."""

    datasources: tuple[Datasource, ...]
    first: tuple[PurePosixPath, ...] = ()
    """JARs that will be there: the staged driver."""
    without: tuple[PurePosixPath, ...] = ()
    """JARs that will be gone."""
    jndi_names: tuple[str, ...] = ()
    """To look for in repository/conf: does anything there use them?"""


class TriedDatasource(Value, kw_only=True):
    """What became of one datasource."""

    name: str
    result: TrialResult
    sql_state: str = ""
    vendor_code: int = 0
    said: str = ""
    """What the driver or the database said, its secrets masked."""


class TrialAnswer(Value, kw_only=True):
    """What became of a trial."""

    tried: tuple[TriedDatasource, ...] = ()
    untried: str = ""
    """Why nothing could be tried: no JDK, or one that is too old."""
    unused: tuple[str, ...] = ()
    """The JNDI names that no other file of repository/conf has."""
