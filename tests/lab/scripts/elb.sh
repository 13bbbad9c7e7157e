# Run an ELB's group management on this host, at /opt/wso2/elb: a stand-in that is a member of the
# workers' domain at port 4500, knows the manager at $1, and manages the sub-domain worker.
home=/opt/wso2/elb
cp -a /opt/pack $home
address=$(hostname -i)
carbon-agent $home "$LAB_AGENT"
carbon-join $home "$address" elb "$1"
sed -i -e '/<groupManagement/s/enable="false"/enable="true"/' \
    -e 's|\(<parameter name="localMemberPort">\)[^<]*|\14500|' $home/repository/conf/axis2/axis2.xml
chown -R deploy:deploy /opt/wso2
runuser -u deploy -- env JAVA_HOME=/opt/java setsid sh $home/bin/wso2server.sh \
    > $home/repository/logs/console.log 2>&1 < /dev/null &
until grep -qs 'WSO2 Carbon started' $home/repository/logs/wso2carbon.log; do sleep 0.1; done
