"""Fabric's settings, with the files of SSH read by us: see remote/ssh/ssh_config.py."""

from __future__ import annotations

import fabric

from carbon.errors import UsageError
from carbon.text import local_path


class Settings(fabric.Config):
    """The settings of one run of the program."""

    def _load_ssh_files(self) -> None:
        if self._runtime_ssh_path is not None:
            files = [self._runtime_ssh_path]
        elif self.load_ssh_configs:
            files = [self._user_ssh_path, self._system_ssh_path]
        else:
            return
        from remote.ssh.ssh_config import read_ssh_config  # a list of verbs needs no SSH

        paths = [local_path(str(file)) for file in files]
        if self._runtime_ssh_path is not None and not paths[0].is_file():
            raise UsageError(
                f"the settings cannot be read: the file {paths[0]} does not exist",
                action="correct -S, or leave it out: ~/.ssh/config is read then",
            )
        self._set(base_ssh_config=read_ssh_config(paths))
