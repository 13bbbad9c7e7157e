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

ns = Collection()
for verb in (
    install.install,
    deploy.driver,
    deploy.config,
    deploy.hosts,
    deploy.reset,
    deploy.start,
    deploy.verify,
    deploy.deploy,
    deploy.plan,
    clone.clone,
    lifecycle.restart,
    lifecycle.stop,
    lifecycle.history,
    lifecycle.rollback,
    lifecycle.remove,
    boot.boot,
    observe.status,
    observe.doctor,
    observe.logs,
    check.check,
    check.schema,
    init.init,
    adopt.adopt,
    access.run,
    access.trust,
    privilege.sudoers,
    completion.completion,
):
    ns.add_task(verb)
ns.add_collection(lb.namespace)
if (Path(__file__).parent / "lab").is_dir():  # a checkout has the lab, an installation does not
    from tasks import lab

    ns.add_collection(lab.namespace)

program.adopt()
