"""Secure Vault and the password of the keystore."""

from __future__ import annotations

import re

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind
from carbon.home import layout

NO_PASSWORD = Kind(
    code="vault-password",
    seen="its secure vault wants the keystore's password at each start, and none is given",
    remedy='set `keystore_password:` in hosts.yaml, such as `!command "pass show ..."`',
    weight=99,
    log=r"SecretManager has not been initialized",
    logged="the secure vault of {node} was given no password for its keystore",
)
WRONG_PASSWORD = Kind(
    code="keystore-password",
    seen="{node} was given a wrong password for its keystore",
    remedy="correct `keystore_password:` in hosts.yaml",
    weight=98,
    log=r"[Kk]eystore was tampered with, or password was incorrect|Error loading keyStore",
)


def vault(case: Case) -> Findings:
    """A server with secure vault is given the password that it wants at each start."""
    enabled = uses_vault(case.facts.data_of(layout.SECRET_CONF) or b"")
    given = case.node.keystore_password or str(layout.PASSWORD_PERSIST) in case.facts.present
    if enabled and not given and not case.own.started:
        yield case.finding(NO_PASSWORD, blocks=case.starts)


def uses_vault(secret_conf: bytes) -> bool:
    """Tell whether secret-conf.properties names a provider of secrets."""
    named = rb"[ \t\f]*carbon\.secretProvider[ \t\f]*[=:][ \t\f]*\S"
    return any(re.match(named, line) for line in secret_conf.splitlines())
