"""The meta tags of a discovery page: ``bytes -> tuple[MetaTag, ...]``, no errors.

Grammar (appc/spec v0.8.11 ``spec/discovery.md`` "Meta Discovery")::

    <meta name="ac-discovery" content="PREFIX SP URL-TEMPLATE">
    <meta name="ac-discovery-pubkeys" content="PREFIX SP URL">

Names of tags and attributes are read in either case, entities are decoded, and of an attribute
that stands twice the first counts (HTML Standard 13.2.5.33; rkt let the last count). Reading
ends with the head. Whatever cannot be understood is passed over: a page is written by hand.

The page is fed to the parser in one piece and the parser is never closed: closing looks once more
for the end of every construct that has none, which takes quadratic time on hostile pages. What is
left costs up to five microseconds a byte, so no more than a long head is looked at.
"""

from contextlib import suppress
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final, Literal, final

from pipeline.limits import DISCOVERY_HEAD_BYTES, DISCOVERY_TAGS

Purpose = Literal["ac-discovery", "ac-discovery-pubkeys"]
"""What a tag is for; its name, in exactly this case as in rkt."""

_PURPOSES: Final[dict[str, Purpose]] = {
    "ac-discovery": "ac-discovery",
    "ac-discovery-pubkeys": "ac-discovery-pubkeys",
}
# Elements whose content is text to a browser without scripts and to rkt, not tags.
_TEXT_ELEMENTS: Final = frozenset(
    {"iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp"}
)
_WHITE_SPACE: Final = " \t\r\n\f"


@final
@dataclass(frozen=True, slots=True)
class MetaTag:
    """One tag: ``prefix`` says for which names it speaks, ``location`` where to look."""

    purpose: Purpose
    prefix: str
    location: str


def parse_page(untrusted_page: bytes) -> tuple[MetaTag, ...]:
    """Return the discovery tags in a page's head, at most ``limits.DISCOVERY_TAGS``.

    What lies beyond ``limits.DISCOVERY_HEAD_BYTES`` is not looked at.

    >>> parse_page(b'<META name=ac-discovery content="example.com https://h/{name}.{ext}">')
    (MetaTag(purpose='ac-discovery', prefix='example.com', location='https://h/{name}.{ext}'),)
    """
    reader = _HeadReader()
    head = untrusted_page[:DISCOVERY_HEAD_BYTES]
    # html.parser asserts that declarations are well-formed, and a character reference of thousands
    # of digits is no int to Python (ValueError). What was read until then counts.
    with suppress(_HeadEnded, AssertionError, ValueError):
        reader.feed(head.decode("utf-8", errors="replace"))
    return tuple(reader.tags)


class _HeadEnded(Exception):  # noqa: N818 - it leaves the parser early; nothing is wrong
    pass


@final
class _HeadReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[MetaTag] = []
        self._text_element: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._text_element is not None:
            return
        if tag == "body":
            raise _HeadEnded
        if tag in _TEXT_ELEMENTS:
            self._text_element = tag
        elif tag == "meta":
            self._add(dict(reversed(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._text_element:
            self._text_element = None
        elif tag == "head" and self._text_element is None:
            raise _HeadEnded

    def _add(self, attributes: dict[str, str | None]) -> None:
        purpose = _PURPOSES.get(attributes.get("name") or "")
        if purpose is None:
            return
        content = (attributes.get("content") or "").strip(_WHITE_SPACE)
        prefix, _, location = content.partition(" ")
        if location:
            self.tags.append(MetaTag(purpose, prefix, location.strip(_WHITE_SPACE)))
        if len(self.tags) >= DISCOVERY_TAGS:
            raise _HeadEnded
