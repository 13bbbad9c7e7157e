# Bring the manager back to what its first boot made of it, with the agent $1, and start it.
carbon-manager stop 2> /dev/null || true
rm -rf /opt/wso2/as /tmp/carbon-provision.lock*
cp -a /opt/pack /opt/wso2/as
carbon-agent /opt/wso2/as "${1:-$LAB_AGENT}"
chown -R deploy:deploy /opt/wso2
address=$(hostname -i)
carbon-join /opt/wso2/as "$address" mgt "$address"
carbon-manager start
