"""What each key of hosts.yaml means, in one sentence: for the reference page and for editors.

Keys are found by their path in `carbon.inventory.schema`; `*` stands for a free name. A test
holds both tables against each other.
"""

from __future__ import annotations

SECTIONS = {
    "cluster": "The cluster as a whole, and the settings that all nodes share.",
    "manager": "The manager; any shared key may stand here, too, and wins.",
    "elb": "The retired WSO2 ELB, if the cluster still has one; it is only read.",
    "database": "Where the central database listens, and its names in /etc/hosts.",
    "load_balancer": "An nginx before the workers, or commands of any other load balancer.",
    "workers": "The workers by name, in the order in which they are deployed.",
}

CLUSTER = {
    "domain": "The domain of the cluster in axis2.xml: members of other domains do not see it.",
    "limits": "The longest that each wait may take, in seconds.",
    "evidence": "What counts as joined; `strict`: over Tribes only GetConfigurationCommand.",
    "join_patterns": "More lines of the manager's log that mean a join: groups `host` and `port`.",
    "keep_generations": "How many deploys back `rollback` can go.",
    "limits.connect": "To reach a server over SSH (default 15).",
    "limits.command": "For a command on a server (default 60).",
    "limits.start": "For a server to start (default 300).",
    "limits.join": "For a server to join the cluster (default 120).",
    "limits.stop": "For a server to stop before it is killed (default 90).",
    "limits.drain": "For the requests in flight to end (default 60).",
    "limits.boot": "For a server to answer again after `boot --reboot` (default 600).",
}

SHARED = {
    "ssh": "How the server is entered, over what ~/.ssh/config says.",
    "home": "AS_HOME, the product's directory on the server.",
    "java_home": "The JDK of the server; without it, what the login finds.",
    "run_as": "The account that owns AS_HOME and runs the server, if it is not the SSH user.",
    "environment": "Variables for wso2server.sh; never secrets. Kernel 4.2.0 ignores JVM_MEM_OPTS.",
    "keystore_password": "For secure vault: written for each start, gone after it.",
    "health": "What a worker answers over HTTP before requests reach it again.",
    "health.path": "The path that is asked for (default /).",
    "health.status": "The one status that counts (default: any below 500).",
    "health.within": "For that answer, in seconds (default: `limits: join`).",
    "hooks": "Commands on your machine at points of a rollout: a text, or `run` and `within`.",
    "hooks.before_rollout": "Before anything is staged; only under `cluster`.",
    "hooks.before_stop": "Before a server that runs is taken out of rotation and stopped.",
    "hooks.after_join": "When it has joined, before it goes back into rotation.",
    "hooks.after_rollout": "When all servers are done; only under `cluster`.",
    "hooks.on_failure": "After the first failure of a rollout that has begun.",
    "service": "Who starts the server at boot and keeps it up; without it, only this tool does.",
    "service.systemd": "The unit of systemd: deploy installs it, or uses the one that is there.",
    "HostName": "carbon.xml: the name of the cluster for clients.",
    "MgtHostName": "carbon.xml: the name of the manager's console.",
    "proxyPort": "catalina-server.xml: the load balancer's ports, for redirects.",
    "agent": "The clustering class of axis2.xml; without it the pack's own is kept.",
    "pack": "The product's zip or tar.gz on your machine, for servers without an AS_HOME.",
    "driver": "The JDBC driver for repository/components/lib.",
    "datasources": "Datasources of master-datasources.xml by name: edited if there, else added.",
    "check_databases": "Try each datasource before a server is touched (default true).",
    "DeploymentSynchronizer": "carbon.xml: artifacts shared through Subversion.",
    "files": "Edits of other XML files below repository/conf; lists of both levels add up.",
    "artifacts": "Files and folders to bring below AS_HOME; lists of both levels add up.",
    "hosts": "More names for the server's /etc/hosts, each with its address.",
    "ssh.host": "What you would type after `ssh`; without it, localMemberHost.",
    "ssh.port": "The port of sshd.",
    "ssh.user": "The account that logs in.",
    "ssh.identity_file": "A private key, or a list of them.",
    "ssh.known_hosts": "Files of host keys, read beside your own.",
    "ssh.gateway": "A bastion as user@host:port, if ~/.ssh/config names no ProxyJump.",
    "ssh.legacy_ssh": "Accept what OpenSSH 5.3 needs, and nothing newer does.",
    "proxyPort.http": "The port for HTTP (default 80).",
    "proxyPort.https": "The port for HTTPS (default 443).",
    "driver.jar": "The JAR on your machine.",
    "driver.class": "The driver's class, for datasources that name none.",
    "datasources.*.jndi": "Its JNDI name; needed if the datasource is added.",
    "datasources.*.description": "Its description.",
    "datasources.*.url": "Its JDBC URL, without a password.",
    "datasources.*.username": "The user of the database.",
    "datasources.*.password": "The password, as !env, !file or !command.",
    "datasources.*.driverClassName": "Its driver's class; without it, that of `driver`.",
    "datasources.*.properties": "More elements of its <configuration>, such as maxActive.",
    "DeploymentSynchronizer.Enabled": "Whether artifacts are shared.",
    "DeploymentSynchronizer.RepositoryType": "Its kind (default svn).",
    "DeploymentSynchronizer.SvnUrl": "The URL of the repository.",
    "DeploymentSynchronizer.SvnUser": "The user of the repository.",
    "DeploymentSynchronizer.SvnPassword": "The password, as !env, !file or !command.",
    "DeploymentSynchronizer.SvnUrlAppendTenantId": "Add the tenant's number (default true).",
    "files[].file": "The file, relative to repository/conf.",
    "files[].xpath": "The element to edit.",
    "files[].namespaces": "The prefixes that the xpath uses.",
    "files[].value": "The text to set.",
    "files[].attribute": "Set this attribute in place of the element's text.",
    "files[].fragment": "XML to insert once, as the last child of the element.",
    "artifacts[].from": "The file or folder on your machine.",
    "artifacts[].to": "Where it goes, relative to AS_HOME; with / at its end, into that folder.",
    "artifacts[].absent": "The file of `to` goes away.",
    "artifacts[].template": "Its text has names of the node in it, as ${localMemberHost}.",
    "artifacts[].values": "More names for the template; a secret as !env, !file or !command.",
    "artifacts[].restart": "A change restarts it (default: not in repository/deployment/server).",
    "artifacts[].secret": "It is never shown, and of mode 640 at most.",
    "artifacts[].mode": "Its mode (default: that of the file on the server, else 644 or 755).",
}

NODE = {
    "server": "A name for the server; nodes that share a server name it alike.",
    "localMemberHost": "The server's own IP address in the cluster's network.",
    "localMemberPort": "Its port for the cluster (default 4000, 4001, ... on one server).",
    "Offset": "What all its ports are moved by (default 0, 1, ... on one server).",
    "subDomain": "Its subdomain (default mgt for the manager, worker for workers).",
    "members": "Its well-known members as ADDRESS:PORT (default: manager; first two workers).",
    "group_mgt_port": "The port of group management; by default none, for an ELB 4500.",
    "hostnames": "Its names in every server's /etc/hosts; for a manager by default MgtHostName.",
}

DATABASE = {
    "address": "The IP address of the database.",
    "port": "Its port (default 3306).",
    "hostnames": "Its names in every server's /etc/hosts.",
}

LOAD_BALANCER = {
    "take_out": "Command on your machine that takes a worker out; in place of the keys of nginx.",
    "put_back": "Command that puts it back.",
    "state": "Command that prints `in` or `out`, for proof; anything else means: not yet out.",
    "conf_dir": "Where nginx reads its vhosts (default /etc/nginx/conf.d).",
    "http_port": "The port for HTTP (default 80).",
    "https_port": "The port for HTTPS (default 443).",
    "stickiness": "How a session stays with its worker (default none).",
    "ssl_certificate": "The certificate on that server; with its key, or neither.",
    "ssl_certificate_key": "The key on that server.",
    "rotation_helper": "root has run what `fab -H lb sudoers --helper` prints: the login turns"
    " workers and may write no other line of nginx (default false).",
}
