"""The command line: `fab --list` shows the verbs."""

from pathlib import Path

from invoke import Collection

from tasks import (
    access,
    adopt,
    check,
    completion,
    deploy,
    init,
    lb,
    lifecycle,
    observe,
    program,
)
from tasks.executor import VerbTask

ns = Collection()
for module in (deploy, lifecycle, observe, check, init, adopt, access, completion):
    for verb in vars(module).values():
        if isinstance(verb, VerbTask):
            ns.add_task(verb)
ns.add_collection(lb.namespace)
if (Path(__file__).parent / "lab").is_dir():  # a checkout has the lab, an installation does not
    from tasks import lab

    ns.add_collection(lab.namespace)

program.adopt()
