"""What of AS_HOME a clone takes along."""

import pytest

from carbon.home.layout import CLONED_EMPTY, EMPTY_DIRECTORIES, NOT_CLONED, STATE, travels


@pytest.mark.parametrize(
    "path",
    [
        "wso2carbon.pid",
        "wso2carbon.lck",
        "tmp/axis2-tmp-1.tmp.lck",
        "repository/logs/wso2carbon.log",
        "repository/logs/heap-dump.hprof",
        "lib/tomcat/work/Catalina/localhost/carbon/index_jsp.class",
        "repository/database/WSO2CARBON_DB.h2.db",
        "repository/deployment/server/webapps/app.war",
        "repository/deployment/server/.svn/entries",
        "repository/tenants/1/webapps/app.war",
        "repository/components/default/configuration/org.eclipse.osgi/.manager/.fileTable.1",
        "repository/components/worker/configuration/org.eclipse.core.runtime/.contributors.1",
        "solr/data/index/write.lock",
        "repository/conf/solr/registry-indexing/data/index/segments_1",
        "repository/conf/solr/data/index/segments_1",
        "password",
        "password-tmp",
        "password-persist",
        "repository/data/x",
        "modules/x",
        "updates/x",
        ".git/config",
        ".provision",
        ".provision/record",
        ".provision/generations/1/files/repository/conf/carbon.xml",
    ],
)
def test_the_sources_own_state_stays_behind(path: str) -> None:
    assert not travels(path)


@pytest.mark.parametrize(
    "path",
    [
        ".",
        "bin/wso2server.sh",
        "bin/bootstrap.jar",
        "lib/endorsed/x.jar",
        "lib/tomcat",
        "repository/components/lib/mariadb-java-client-2.7.6.jar",
        "repository/components/dropins/svnkit-1.3.9.wso2v2.jar",
        "repository/components/plugins/org.wso2.carbon.core_4.2.0.jar",
        "repository/conf/carbon.xml",
        "repository/conf/solr/registry-indexing/conf/schema.xml",
        "repository/conf/security/cipher-text.properties",
        "repository/resources/security/wso2carbon.jks",
    ],
)
def test_the_pack_and_its_configuration_travel(path: str) -> None:
    assert travels(path)


@pytest.mark.parametrize("path", ["password-policy.xml", "tmpfiles", "repository/logs2/x", "xtmp"])
def test_a_similar_name_is_not_an_excluded_one(path: str) -> None:
    assert travels(path)


def test_an_excluded_name_counts_only_at_its_own_place() -> None:
    assert travels("repository/resources/modules/x")
    assert travels("repository/components/plugins/tmp")


def test_bundles_info_is_no_cache_but_the_profile() -> None:
    """bundles.info and config.ini travel out of a directory whose caches stay, with its parents."""
    configuration = "repository/components/worker/configuration"
    assert travels(configuration)
    assert travels(f"{configuration}/config.ini")
    assert travels(f"{configuration}/org.eclipse.equinox.simpleconfigurator")
    assert travels(f"{configuration}/org.eclipse.equinox.simpleconfigurator/bundles.info")
    assert not travels(f"{configuration}/org.eclipse.equinox.simpleconfigurator/other")
    assert not travels(f"{configuration}/org.eclipse.equinox.simple")


def test_the_state_of_patches_travels_with_the_patched_plugins() -> None:
    """Applied patches and their record belong together: half of them would be applied again."""
    assert travels("repository/components/patches/.metadata/prePatchedJARs.txt")
    assert travels("repository/components/patches/patch0000/x.jar")


@pytest.mark.parametrize("directory", EMPTY_DIRECTORIES, ids=str)
def test_directories_that_the_server_needs_travel_empty(directory: object) -> None:
    assert travels(str(directory))
    assert travels(f"./{directory}/")
    assert not travels(f"{directory}/x")
    assert not travels(f"./{directory}/x/y")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "bin/../../x", "tmp/../../x"])
def test_a_path_that_leaves_the_home_never_travels(path: str) -> None:
    assert not travels(path)


def test_every_exclusion_says_why() -> None:
    assert all((*NOT_CLONED.values(), *CLONED_EMPTY.values()))
    assert str(STATE) in NOT_CLONED
