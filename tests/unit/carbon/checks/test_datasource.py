"""What the trial of a datasource shows, told in one sentence with a code and a remedy."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from carbon.checks.case import Case
from carbon.checks.datasource import tried
from carbon.checks.diagnosis import diagnose
from carbon.checks.finding import Finding
from carbon.checks.registry import trial_findings
from carbon.cluster import Datasource, Driver
from carbon.home.trial import TrialAnswer, TriedDatasource
from carbon.plan.model import Plan
from carbon.value import replace
from tests.unit.carbon.looks import make_facts
from tests.unit.carbon.nodes import make_cluster, make_node

DRIVER = "com.mysql.jdbc.Driver"
SOURCES = (
    Datasource(name="REG", url="jdbc:mysq://db:3306/reg?password=x", driver_class_name=DRIVER),
    Datasource(name="UM", url="jdbc:mysql://db:3306/um", driver_class_name=DRIVER),
)
NODE = make_node(datasources=SOURCES)


def case(*answers: TriedDatasource, untried: str = "", **own: Any) -> Case:
    answer = TrialAnswer(tried=answers, untried=untried)
    values = {
        "node": NODE,
        "cluster": make_cluster(NODE),
        "facts": make_facts(process=None, said={}),
    }
    return Case(**{**values, "trial": answer, **own})


def answer(
    result: Any, *, name: str = "REG", state: str = "", vendor: int = 0, said: str = "no"
) -> TriedDatasource:
    return TriedDatasource(name=name, result=result, sql_state=state, vendor_code=vendor, said=said)


def only(*answers: TriedDatasource) -> Finding:
    (finding,) = tried(case(*answers))
    return finding


# The codes are those that the drivers' own pages list; the texts are theirs.
@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (answer("refused", state="28000", vendor=1045), "database-login"),
        (answer("refused", state="42000", vendor=1044), "database-login"),
        (answer("refused", state="28P01"), "database-login"),
        (answer("refused", state="72000", vendor=1017), "database-login"),
        (answer("refused", state="S0001", vendor=18456), "database-login"),
        (answer("refused", state="42000", vendor=1049), "database-missing"),
        (answer("refused", state="3D000"), "database-missing"),
        (answer("refused", state="08S01"), "database-connection"),
        (answer("refused", state="08001", vendor=1049), "database-missing"),
        (answer("slow"), "database-connection"),
        (answer("url"), "database-url"),
        (answer("class"), "driver"),
        (answer("broken", said="NoClassDefFoundError: org/gone"), "driver-broken"),
        (answer("refused", state="HY000", vendor=1040), "database-refused"),
    ],
)
def test_each_fault_has_its_code_and_ends_a_rollout(seen: TriedDatasource, code: str) -> None:
    finding = only(seen)
    assert finding.code == code
    assert finding.blocks
    assert "REG" in finding.seen
    assert "`check_databases: false`" in finding.remedy


def test_the_words_of_the_driver_are_shown() -> None:
    said = "Access denied for user 'reg'@'10.0.0.4' (using password: YES)"
    assert only(answer("refused", state="28000", vendor=1045, said=said)).seen == (
        f"the database refuses the login of the datasource REG: {said}"
    )


def test_a_url_that_the_driver_does_not_take_is_shown_as_far_as_it_has_no_secret() -> None:
    assert only(answer("url")).seen == (
        f"the driver {DRIVER} does not take the url of the datasource REG,"
        " which begins with jdbc:mysq:"
    )


def test_what_several_datasources_suffer_from_alike_is_said_once() -> None:
    both = [answer("refused", name=name, state="28000") for name in ("REG", "UM")]
    assert "of the datasources REG and UM:" in only(*both).seen


def test_an_encrypted_connection_that_the_server_may_trust_ends_nothing() -> None:
    finding = only(answer("tls", said="PKIX path building failed"))
    assert (finding.code, finding.blocks) == ("database-tls", False)


def test_datasources_that_connect_are_right_and_none_that_were_not_tried_are() -> None:
    well = [answer("open", name=name) for name in ("REG", "UM")]
    assert not list(tried(case(*well)))
    assert "datasources" in diagnose(case(*well)).right
    old = diagnose(case(untried="java says: too old"))
    assert "datasources" not in old.right
    assert "datasources (java says: too old)" in old.unchecked
    assert "datasources" not in diagnose(case(trial=None)).right


def test_a_datasource_that_no_file_names_is_a_note_and_no_finding() -> None:
    node = replace(NODE, datasources=(replace(SOURCES[0], jndi_name="jdbc/REG"), SOURCES[1]))
    answers = tuple(answer("open", name=name) for name in ("REG", "UM"))
    trial = TrialAnswer(tried=answers, unused=("jdbc/REG",))
    diagnosis = diagnose(case(node=node, trial=trial))
    assert diagnosis.notes == (
        "no file of repository/conf names jdbc/REG (REG) but master-datasources.xml: only an"
        " application may use it",
    )
    assert not [each for each in diagnosis.findings if each.code.startswith("data")]
    assert not diagnose(case(*answers)).notes


def test_doctor_says_that_hosts_yaml_leaves_the_trial_out() -> None:
    off = replace(NODE, check_databases=False)
    assert "datasources (check_databases: false)" in diagnose(case(node=off, trial=None)).unchecked


def test_a_server_that_has_started_is_kept_out_by_something_likelier() -> None:
    started = case(answer("refused", state="28000"), facts=make_facts())
    assert [finding.weight for finding in tried(started)] == [50]


def test_a_driver_that_a_deploy_brings_is_not_called_wrong() -> None:
    """The advice was to correct hosts.yaml, which is right: all that lacks is a deploy."""
    driver = Driver(jar=Path("/x/driver.jar"), driver_class=DRIVER)
    node = replace(NODE, driver=driver)
    facts = make_facts(process=None, said={}, jars=())
    upload = PurePosixPath("repository/components/lib/driver.jar")
    plan = Plan(node=node, facts=facts, upload=upload)
    stock = case(answer("class"), node=node, facts=facts, plan=plan)
    diagnosis = diagnose(stock)
    (finding,) = [each for each in diagnosis.findings if each.code == "driver"]
    assert "datasources" not in diagnosis.right
    half = (answer("class", name="REG"), answer("open", name="UM"))
    partly = diagnose(case(*half, node=node, facts=facts, plan=plan))
    assert "datasources" not in partly.right, "one of them was never tried"
    assert "deploy` copies driver.jar there" in finding.remedy
    (finding,) = trial_findings(stock)
    assert finding.blocks, "it was tried with what the deploy brings"
    other = replace(node, driver=replace(driver, driver_class="another.Driver"))
    assert list(tried(replace(stock, node=other)))
