"""The command line: `fab --list` shows the verbs."""

from invoke import Collection

from tasks import deploy, lab, lifecycle

ns = Collection()
for verb in (
    deploy.driver,
    deploy.config,
    deploy.hosts,
    deploy.reset,
    deploy.start,
    deploy.verify,
    deploy.deploy,
    deploy.plan,
    lifecycle.restart,
    lifecycle.stop,
    lifecycle.history,
    lifecycle.rollback,
    lifecycle.remove,
):
    ns.add_task(verb)
ns.add_collection(lab.namespace)
