"""A process that looks like a Carbon server's JVM from outside: started in place of java.

Run as `python standin_server.py JAVA -D... org.wso2.carbon.bootstrap.Bootstrap ...`: it shows the
words from JAVA on as its command line, writes its pid file and log as the product does, and ends
at SIGTERM. Files in AS_HOME/standin change that: `die` (before it says started), `torn` (its
console ends within a line), `silent` (never says started), `deaf` (only SIGKILL ends it),
`console-only` (logs on its console alone), `warns` (a warning goes to its log all the same). It
logs where -Dcarbon.logs.path says.
"""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

AGENT = "org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent"
STARTUP = "org.wso2.carbon.core.internal.StartupFinalizerServiceComponent"


def pose_as(words: list[str]) -> None:
    """Write another command line over this process's own, as setproctitle does."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = int(fields[45]), int(fields[46])
    text = b"".join(word.encode() + b"\0" for word in words)
    ctypes.memmove(begin, text.ljust(end - begin, b"\0"), end - begin)


def say(home: Path, logger: str, message: str) -> None:
    line = f"TID: [-1234] [] [2026-11-22 12:00:00,000]  INFO {{{logger}}} -  {message} \n"
    if (home / "standin/console-only").exists():
        print(line, end="", flush=True)
        return
    folder = property_of(sys.argv[1:], "carbon.logs.path") or str(home / "repository/logs")
    with (Path(folder) / "wso2carbon.log").open("a") as log:
        log.write(line)


def property_of(words: list[str], name: str) -> str:
    values = [word.partition("=")[2] for word in words if word.startswith(f"-D{name}=")]
    return values[-1] if values else ""


def main() -> None:
    words = sys.argv[1:]
    home = Path(property_of(words, "carbon.home"))
    deaf = (home / "standin/deaf").exists()
    signal.signal(signal.SIGTERM, signal.SIG_IGN if deaf else signal.SIG_DFL)
    pose_as(words)
    (home / "wso2carbon.pid").write_bytes(f"{os.getpid()}\n".encode().ljust(100, b"\0"))
    if property_of(words, "carbon.logs.path"):
        time.sleep(0.5)  # no JVM logs sooner, and its log is known by its command line alone
    print("starting", os.environ.get("JVM_MEM_OPTS", ""), flush=True)
    if (home / "standin/warns").exists():
        with (home / "repository/logs/wso2carbon.log").open("a") as log:
            log.write(
                "TID: [-1234] [] [2026-11-22 12:00:00,000]  WARN {x.Y} -  default keystore \n"
            )
    say(home, AGENT, "Cluster initialization completed")
    if (home / "standin/torn").exists():
        print("cut sho", end="", flush=True)
    if (home / "standin/die").exists():
        sys.exit(1)
    if not (home / "standin/silent").exists():
        say(home, STARTUP, "WSO2 Carbon started in 1 sec")
    while True:
        signal.pause()


main()
