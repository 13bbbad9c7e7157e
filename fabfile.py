"""The command line: `fab --list` shows the verbs."""

from invoke import Collection

from tasks import deploy, lab

ns = Collection()
for verb in (
    deploy.driver,
    deploy.config,
    deploy.hosts,
    deploy.reset,
    deploy.start,
    deploy.verify,
    deploy.deploy,
):
    ns.add_task(verb)
ns.add_collection(lab.namespace)
