"""The JDK and the memory of the JVM."""

from __future__ import annotations

from carbon.checks.case import Case
from carbon.checks.finding import Findings, Kind
from carbon.home import layout

MISSING = Kind(
    code="java-home",
    seen="JAVA_HOME {java_home} has no bin/java",
    remedy="set `java_home:` in hosts.yaml to a JDK that is installed on {server}",
    weight=96,
    log=r"JAVA_HOME is not defined correctly|must set the JAVA_HOME",
    logged="JAVA_HOME of {node} does not lead to a JDK",
)
VERSION = Kind(
    code="java-version",
    seen="the JDK of {node} is not of a version that this product runs on",
    remedy="set `java_home:` in hosts.yaml to a JDK that the product supports",
    weight=96,
    log=r"UnsupportedClassVersionError",
)
OPTION = Kind(
    code="java-option",
    seen="the JVM of {node} refuses the option {option}{size}",
    remedy="correct JVM_MEM_OPTS and JAVA_OPTS in the `environment:` of {node}; or set `java_home:`"
    " in hosts.yaml to a JDK that knows the options of bin/wso2server.sh",
    weight=96,
    log=r"Unrecognized VM option '?(?P<option>[^'\s]*)"
    r"|Invalid (?:initial|maximum) heap size: ?(?P<size>\S*)",
)
NOT_CREATED = Kind(
    code="java-option",
    seen="the JVM of {node} could not be created",
    remedy=f"read the lines before that in its console, AS_HOME/{layout.CONSOLE_LOG}",
    weight=95,
    log=r"Could not create the Java Virtual",
)
NO_MEMORY = Kind(
    code="server-memory",
    seen="{server} has not enough free memory for the JVM",
    remedy="free memory there, or set JVM_MEM_OPTS in the `environment:` of {node}",
    weight=97,
    log=r"Could not reserve enough space|insufficient memory|Cannot allocate memory",
)
OUT_OF_MEMORY = Kind(
    code="jvm-memory",
    seen="the JVM of {node} ran out of memory",
    remedy="raise JVM_MEM_OPTS in its `environment:` in hosts.yaml (kernel 4.4.3 and later), or"
    " -Xmx in bin/wso2server.sh",
    weight=96,
    log=r"OutOfMemoryError(?!: unable to create)",
)
NO_THREADS = Kind(
    code="jvm-threads",
    seen="the JVM of {node} may not create another thread",
    remedy="let its account have more processes on {server}: `ulimit -u`, or TasksMax= of its unit",
    weight=96,
    log=r"unable to create (?:new )?native thread",
)


DIFFERS = Kind(
    code="java-differs",
    seen="its JVM is not that of `java_home`, {java_home}, although it was started with that",
    remedy="take JAVA_HOME out of AS_HOME/bin/wso2server.sh, or correct `java_home` of {node} in"
    " hosts.yaml; then `fab -H {node} restart`",
    weight=25,
)


def overridden(case: Case) -> Findings:
    """A start by this tool has the JDK of hosts.yaml, unless the start script sets another."""
    process = case.facts.process
    if process and "JAVA_HOME" in process.unlike and case.facts.recorded:
        yield case.finding(DIFFERS, java_home=case.node.java_home)


def java(case: Case) -> Findings:
    """There is a JDK at JAVA_HOME."""
    if case.facts.java_home is None:
        yield case.finding(
            MISSING,
            weight=20 if case.runs else None,
            blocks=case.starts,
            java_home=case.facts.java_missing or "(not set)",
        )
