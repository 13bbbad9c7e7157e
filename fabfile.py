"""The command line: `fab --list` shows the verbs."""

from pathlib import Path

from invoke import Collection

from tasks import (
    access,
    adopt,
    boot,
    check,
    clone,
    completion,
    deploy,
    init,
    install,
    lb,
    lifecycle,
    observe,
    privilege,
    program,
)
from tasks.executor import VerbTask

ns = Collection()
for module in (
    *(install, deploy, clone, lifecycle, boot, observe, check, init, adopt, access, privilege),
    completion,
):
    for verb in vars(module).values():
        if isinstance(verb, VerbTask):
            ns.add_task(verb)
ns.add_collection(lb.namespace)
if (Path(__file__).parent / "lab").is_dir():  # a checkout has the lab, an installation does not
    from tasks import lab

    ns.add_collection(lab.namespace)

program.adopt()
