"""The datasources of master-datasources.xml."""

from __future__ import annotations

from collections.abc import Collection

from carbon.cluster import Datasource, Node
from carbon.config.edits import Edits, is_secured
from carbon.config.reading import text
from carbon.home import layout
from carbon.secret import Secret
from carbon.value import Value
from carbon.xmledit import Element, New, XmlDocument


class DatasourceSettings(Value, kw_only=True):
    """What master-datasources.xml says about one datasource; never its password."""

    name: str
    jndi_name: str | None
    url: str | None
    username: str | None
    driver_class_name: str | None
    password_secured: bool


def edit(node: Node, edits: Edits) -> None:
    """Edit each datasource that hosts.yaml names, and add those that are not there.

    Raises ConfigFileError if one is there twice, one to add has no JNDI name, a JNDI name is that
    of another datasource, or one is an XA data source or of another type than RDBMS.
    """
    ours = {datasource.name for datasource in node.datasources}
    for datasource in node.datasources:
        _refuse_same_jndi(datasource, edits.document, ours)
        present = _find(datasource.name, edits.document)
        if present is None:
            _add(datasource, edits)
        else:
            _edit(datasource, present, edits)


def read_datasources(
    data: bytes, *, file: str = str(layout.DATASOURCES)
) -> tuple[DatasourceSettings, ...]:
    """Read the live datasources back."""
    document = XmlDocument.parse(data, file=file)
    return tuple(_read(element, document) for element in _live(document))


def _live(document: XmlDocument) -> list[Element]:
    return document.findall("/datasources-configuration/datasources/datasource")


def _find(name: str, document: XmlDocument) -> Element | None:
    matches = [each for each in _live(document) if text(document.child(each, "name")) == name]
    return document.only(matches, called=f"the datasource {name}")


def _configuration(datasource: Datasource) -> dict[str, str | Secret]:
    """Return the elements of its <configuration> that hosts.yaml gives, in the usual order."""
    settings = {
        "url": datasource.url,
        "username": datasource.username,
        "password": datasource.password,
        "driverClassName": datasource.driver_class_name,
        **datasource.properties,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _edit(datasource: Datasource, element: Element, edits: Edits) -> None:
    if datasource.description is not None:
        edits.set_child(element, "description", datasource.description, after=("name",))
    if datasource.jndi_name is not None:
        _set_jndi_name(datasource.jndi_name, element, edits)
    settings = _configuration(datasource)
    configuration = edits.document.find("definition/configuration", within=element)
    if configuration is None:
        raise edits.document.error(
            f"the datasource {datasource.name} has no <definition> with a <configuration>",
            at=element,
            action="correct it by hand, or take it out so that it is added anew",
        )
    _refuse_other_type(datasource, element, edits.document)
    _refuse_xa(datasource, configuration, edits.document)
    edits.set_children(configuration, settings, called=datasource.name)


def _refuse_other_type(datasource: Datasource, element: Element, document: XmlDocument) -> None:
    """Refuse what another reader of the product reads, which knows nothing of <url>."""
    definition = document.find("definition", within=element)
    kind = None if definition is None else definition.get("type")
    if kind not in (None, "RDBMS"):
        raise document.error(
            f"the datasource {datasource.name} is of the type {kind}, not RDBMS: <url> in it has no"
            " effect",
            at=definition,
            action="name another datasource in hosts.yaml, or take this one out of the file so that"
            " it is added anew",
        )


def _refuse_xa(datasource: Datasource, configuration: Element, document: XmlDocument) -> None:
    """Refuse an XA data source: its pool is given an object made of dataSourceProps alone.

    A <url> beside it has no effect (kernel 4.4.1, RDBMSDataSourceUtils.java:291, :322-334).
    """
    for name in ("dataSourceClassName", "dataSourceProps"):
        if (element := document.child(configuration, name)) is not None:
            raise document.error(
                f"{datasource.name} is an XA data source: its address and login stand in"
                " dataSourceProps, and <url> beside them has no effect",
                at=element,
                action="edit these properties with `files:` in hosts.yaml, or take the datasource"
                " out of the file so that it is added anew",
            )


def _refuse_same_jndi(datasource: Datasource, document: XmlDocument, ours: Collection[str]) -> None:
    """Refuse a JNDI name that another datasource has: which of the two counts, nobody can say.

    `ours` are those of hosts.yaml: they get their JNDI names in this very patch.
    """
    for element in _live(document):
        other = text(document.child(element, "name"))
        jndi = text(document.find("jndiConfig/name", within=element))
        if jndi == datasource.jndi_name is not None and other not in ours:
            raise document.error(
                f"the datasource {other} has the JNDI name {jndi}, which hosts.yaml gives to"
                f" {datasource.name}",
                at=element,
                action=f"call it {other} in hosts.yaml, or give one of them another `jndi`",
            )


def _set_jndi_name(name: str, element: Element, edits: Edits) -> None:
    jndi = edits.document.child(element, "jndiConfig")
    if jndi is None:
        edits.insert(element, _new_jndi(name), after=("name", "description"))
    else:
        edits.set_child(jndi, "name", name)


def _new_jndi(name: str) -> New:
    return New("jndiConfig", (New("name", name),))


def _add(datasource: Datasource, edits: Edits) -> None:
    if datasource.jndi_name is None:
        raise edits.document.error(
            f"it has no datasource {datasource.name}, and to add one its JNDI name is needed",
            action=f"give {datasource.name} a jndi in hosts.yaml, such as "
            f"jdbc/{datasource.name}, or correct its name",
        )
    description = datasource.description
    settings = tuple(New(name, value) for name, value in _configuration(datasource).items())
    new = New(
        "datasource",
        (
            New("name", datasource.name),
            *((New("description", description),) if description is not None else ()),
            _new_jndi(datasource.jndi_name),
            New("definition", (New("configuration", settings),), attributes={"type": "RDBMS"}),
        ),
    )
    datasources = edits.document.find("/datasources-configuration/datasources")
    if datasources is None:
        raise edits.document.error(
            "it has no <datasources> in <datasources-configuration>",
            action="put the pack's own master-datasources.xml back",
        )
    edits.patch.append(datasources, new)


def _read(element: Element, document: XmlDocument) -> DatasourceSettings:
    def find(path: str) -> Element | None:
        return document.find(path, within=element)

    password = find("definition/configuration/password")
    return DatasourceSettings(
        name=text(find("name")) or "",
        jndi_name=text(find("jndiConfig/name")),
        url=text(find("definition/configuration/url")),
        username=text(find("definition/configuration/username")),
        driver_class_name=text(find("definition/configuration/driverClassName")),
        password_secured=password is not None and is_secured(password),
    )
