"""Files of our own in the layouts of the product's, with the look-alikes that these have."""

from __future__ import annotations

import difflib

AXIS2 = b"""\
<!-- no XML declaration; the transport's parameters have the names of the cluster's -->
<axisconfig name="AxisJava2.0">
    <parameter name="domain">not.the.cluster</parameter>
    <transportReceiver name="http" class="org.example.Listener">
        <parameter name="port">9763</parameter>
    </transportReceiver>

    <!--clustering class="org.example.SampleAgent" enable="false"/-->
    <clustering class="org.wso2.carbon.core.clustering.hazelcast.HazelcastClusteringAgent"
                enable="false">

        <parameter name="AvoidInitiation">true</parameter>
        <parameter name="membershipScheme">multicast</parameter>
        <!--<parameter name="licenseKey">0123456789</parameter>-->

        <parameter name="domain">wso2.carbon.domain</parameter>
        <parameter name="mcastPort">45564</parameter>

        <!-- localMemberHost & localMemberBindAddress differ -->
        <parameter name="localMemberHost">127.0.0.1</parameter>
        <!--
        <parameter name="localMemberBindPort">4001</parameter>
        -->
        <parameter name="localMemberPort">4000</parameter>

        <parameter name="properties">
            <property name="backendServerURL" value="https://${hostName}:${httpsPort}/services/"/>
            <property name="subDomain" value="worker"/>
        </parameter>

        <members>
            <member>
                <hostName>127.0.0.1</hostName>
                <port>4000</port>
            </member>
        </members>

        <groupManagement enable="false">
            <applicationDomain name="wso2.as.domain"
                               description="AS group"
                               agent="org.example.HazelcastGroupManagementAgent"
                               subDomain="worker"
                               port="2222"/>
        </groupManagement>
    </clustering>
</axisconfig>
"""

ESB_PROPERTIES = b"""\
        <parameter name="properties">
            <property name="backendServerURL" value="https://${hostName}:${httpsPort}/services/"/>
\t    <!-- Manager -->
\t    <!--property name="port.mapping.8280" value="9764"/>
            <property name="subDomain" value="mgt"/-->

\t    <!--property name="subDomain" value="worker"/-->
        </parameter>
"""

CARBON_XML = b"""\
<?xml version="1.0" encoding="ISO-8859-1"?>

<!-- \xe9: not UTF-8 -->
<Server xmlns="http://wso2.org/projects/carbon/carbon.xml">

    <Name>WSO2 Application Server</Name>
    <ServerKey>AS</ServerKey>
    <Version>5.2.1</Version>

    <!--
       Host name of this server
    -->
    <!--HostName>www.example.org</HostName-->

    <!--MgtHostName>mgt.example.org</MgtHostName-->

    <Ports>
        <!-- e.g. Offset=2 -->
        <Offset>0</Offset>
        <JMX>
            <RMIRegistryPort>9999</RMIRegistryPort>
            <RMIServerPort>11111</RMIServerPort>
        </JMX>
    </Ports>

    <Security>
        <KeyStore>
            <Password>wso2carbon</Password>
        </KeyStore>
    </Security>

    <DeploymentSynchronizer>
        <Enabled>false</Enabled>
        <AutoCommit>false</AutoCommit>
        <AutoCheckout>true</AutoCheckout>
        <RepositoryType>svn</RepositoryType>
        <SvnUrl>http://svnrepo.example.com/repos/</SvnUrl>
        <SvnUser>username</SvnUser>
        <SvnPassword>password</SvnPassword>
        <SvnUrlAppendTenantId>true</SvnUrlAppendTenantId>
    </DeploymentSynchronizer>

    <!--<DeploymentSynchronizer>
        <Enabled>true</Enabled>
    </DeploymentSynchronizer>-->
</Server>
"""

SECURED_CARBON_XML = (
    CARBON_XML.replace(b'"ISO-8859-1"?>\n\n<!--', b'"ISO-8859-1" standalone="no"?><!--')
    .replace(
        b'-->\n<Server xmlns="http://wso2.org/projects/carbon/carbon.xml">',
        b'--><Server xmlns="http://wso2.org/projects/carbon/carbon.xml"'
        b' xmlns:svns="http://org.wso2.securevault/configuration">',
    )
    .replace(
        b"<SvnPassword>password<",
        b'<SvnPassword svns:secretAlias="Carbon.DeploymentSynchronizer.SvnPassword">password<',
    )
)
"""As ciphertool leaves it: joined lines, and an alias where the password was."""

CATALINA = b"""\
<?xml version='1.0' encoding='utf-8'?>
<Server port="8005" shutdown="SHUTDOWN">
  <Service name="Catalina">
    <!--
\toptional attributes:
\tproxyPort="443"
    -->
    <Connector  protocol="org.apache.coyote.http11.Http11NioProtocol"
                port="9443"
                scheme="https"
                secure="true"
                SSLEnabled="true"
                keystorePass="wso2carbon"
                URIEncoding="UTF-8"/>
    <Connector  protocol="org.apache.coyote.http11.Http11NioProtocol"
                port="9763"
                redirectPort="9443"\x20
                URIEncoding="UTF-8"/>
    <Connector protocol="AJP/1.3" port="8009"/>
    <Engine name="Catalina" defaultHost="localhost"/>
  </Service>
</Server>
"""

LATER_CATALINA = b"""\
<?xml version='1.0' encoding='utf-8'?>
<Server port="8005" shutdown="SHUTDOWN">
    <Service name="Catalina">
        <Connector protocol="org.apache.coyote.http11.Http11NioProtocol"
                   port="9763"
                   URIEncoding="UTF-8"></Connector>
        <Connector protocol="org.apache.coyote.http11.Http11NioProtocol"
                   port="9443"
                   SSLEnabled="true">
            <SSLHostConfig protocols="TLSv1.2">
                <Certificate certificateKeystorePassword="wso2carbon"/>
            </SSLHostConfig>
        </Connector>
    </Service>
</Server>
"""

DATASOURCES = b"""\
 <datasources-configuration xmlns:svns="http://org.wso2.securevault/configuration">

    <datasources>

        <datasource>
            <name>WSO2_CARBON_DB</name>
            <description>The local one</description>
            <jndiConfig>
                <name>jdbc/WSO2CarbonDB</name>
            </jndiConfig>
            <definition type="RDBMS">
                <configuration>
                    <url>jdbc:h2:repository/database/WSO2CARBON_DB</url>
                    <username>wso2carbon</username>
                    <password>wso2carbon</password>
                    <driverClassName>org.h2.Driver</driverClassName>
                    <maxActive>50</maxActive>
                    <validationQuery>SELECT 1</validationQuery>
                </configuration>
            </definition>
        </datasource>

        <!--datasource>
            <name>SAMPLE_DATA_SOURCE</name>
            <definition type="RDBMS">
                <configuration>
                    <password svns:secretAlias="Sample.Password"></password>
                    <dataSourceProps>
                        <property name="url">jdbc:mysql://localhost:3306/Test1</property>
                        <property name="password">123</property>
                    </dataSourceProps>
                </configuration>
            </definition>
        </datasource-->
    </datasources>

</datasources-configuration>
"""

REGISTRY = b"""\
<?xml version="1.0" encoding="ISO-8859-1"?>\r
<wso2registry>\r
    <currentDBConfig>wso2registry</currentDBConfig>\r
    <readOnly>false</readOnly>\r
\r
    <dbConfig name="wso2registry">\r
        <dataSource>jdbc/WSO2CarbonDB</dataSource>\r
    </dbConfig>\r
\r
    <!--mount path="/_system/config" overwrite="true|false|virtual">\r
        <instanceId>instanceid</instanceId>\r
    </mount-->\r
\r
    <versionResourcesOnChange>false</versionResourcesOnChange>\r
</wso2registry>\r
"""


def crlf(data: bytes) -> bytes:
    """Return a file as kernels 4.4 and later ship axis2.xml."""
    return data.replace(b"\n", b"\r\n")


def changes(old: bytes, new: bytes) -> list[str]:
    """Return the lines of a diff that begin with - or +, without the context."""
    before, after = (data.decode("latin-1").split("\n") for data in (old, new))
    return [line for line in difflib.ndiff(before, after) if line[0] in "-+"]
