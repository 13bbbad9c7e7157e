"""Edit XML files byte for byte: what an edit does not name stays as it was.

lxml reads the tree and evaluates XPath; expat tells where in the bytes each element stands; the
nth element of the one is the nth of the other. An edit is a splice into the original bytes, and
`XmlPatch.apply` proves afterwards that the new bytes parse to the intended tree and no other.

Whatever is wrong with a file, its encoding or a value is a ConfigFileError. DTDs are refused
before anything is parsed, so there are no entities and nothing is fetched.
"""

from carbon.xmledit.document import (
    XmlDocument,
    is_comment,
    is_element,
    local_name,
    own_text,
)
from carbon.xmledit.markup import Fragment, New
from carbon.xmledit.patch import XmlPatch
from carbon.xmledit.source import Element

__all__ = [
    "Element",
    "Fragment",
    "New",
    "XmlDocument",
    "XmlPatch",
    "is_comment",
    "is_element",
    "local_name",
    "own_text",
]
