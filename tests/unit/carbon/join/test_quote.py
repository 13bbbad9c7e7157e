"""No log line that an error quotes shows a secret."""

from __future__ import annotations

import time

import pytest

from carbon.join.columns import LINE_LIMIT
from carbon.join.quote import quote
from carbon.secret import MASK


@pytest.mark.parametrize(
    "line",
    [
        "jdbc:mysql://db/x?user=wso2&password=S3cret& refused",
        "jdbc:sqlserver://db;databaseName=x;user=sa;Password=S3cret;encrypt=true",
        "Cannot open jdbc:oracle:thin:wso2/S3cret@db:1521/x",
        "svn://wso2:S3cret@repo/trunk",
        'properties {"username":"wso2","password":"S3cret"}',
        "keystorePass: S3cret",
        "PoolProperties[url=x, password='S3cret', username=wso2]",
        "<SvnPassword>S3cret</SvnPassword>",
        "api_key = S3cret",
    ],
)
def test_what_its_name_calls_a_secret_is_masked(line: str) -> None:
    assert quote(line) == line.replace("S3cret", MASK)


@pytest.mark.parametrize(
    "line",
    [
        "Access denied for user 'wso2'@'10.0.0.4' (using password: YES)",
        "Keystore was tampered with, or password was incorrect",
        "The default keystore (wso2carbon.jks) is currently being used",
        "passwordHashMethod=SHA-256",
        "Member joined [01e8b57f-49f2-4027-a1cc-d8c3bada2c09]: /10.0.0.4:4000",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert quote(line) == line


def test_a_secret_of_hosts_yaml_is_masked_wherever_it_stands() -> None:
    assert quote("login of wso2/hunter22 failed", ["hunter22"]) == f"login of wso2/{MASK} failed"
    assert quote("abc", ["a", ""]) == "abc"


@pytest.mark.parametrize(
    "piece", ["password", "<a", "://", "password=", "jdbc:oracle:x:", "://a:b"]
)
def test_a_long_line_costs_no_more_than_its_length(piece: str) -> None:
    began = time.process_time()
    for length in (40_000, 80_000, 640_000):
        assert len(quote(piece * (length // len(piece)))) <= 8 * LINE_LIMIT
    assert time.process_time() - began < 0.5
