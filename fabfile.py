"""The command line: `fab --list` shows the verbs."""

from invoke import Collection

from tasks import access, clone, deploy, lab, lb, lifecycle, observe, privilege

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
    clone.clone,
    lifecycle.restart,
    lifecycle.stop,
    lifecycle.history,
    lifecycle.rollback,
    lifecycle.remove,
    observe.status,
    observe.doctor,
    observe.logs,
    access.run,
    access.trust,
    privilege.sudoers,
):
    ns.add_task(verb)
ns.add_collection(lb.namespace)
ns.add_collection(lab.namespace)
