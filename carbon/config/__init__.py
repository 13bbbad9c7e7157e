"""What hosts.yaml changes in a Carbon server's files, as pure functions from bytes to bytes.

Every patch keeps the bytes that it need not change, changes nothing when run again, leaves
values alone that Secure Vault keeps, and proves its result before it returns it.
"""

from carbon.config.axis2 import Clustering, read_clustering
from carbon.config.carbon_xml import CarbonSettings, read_carbon
from carbon.config.datasources import DatasourceSettings, read_datasources
from carbon.config.diff import mask_secrets, masked_diff
from carbon.config.files import (
    NEIGHBOURS,
    Patched,
    managed_files,
    outdated_secrets,
    patch,
)

__all__ = [
    "NEIGHBOURS",
    "CarbonSettings",
    "Clustering",
    "DatasourceSettings",
    "Patched",
    "managed_files",
    "mask_secrets",
    "masked_diff",
    "outdated_secrets",
    "patch",
    "read_carbon",
    "read_clustering",
    "read_datasources",
]
