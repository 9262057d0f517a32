"""URL templates of discovery tags: ``template, values -> URL``. No I/O.

Source: appc/spec v0.8.11 ``spec/discovery.md`` "Discovery Templates". Each ``{label}`` is replaced
once, by a value that is percent-encoded (RFC 3986 section 2.1), so that no value can add a path,
a query, a host or another ``{label}``. rkt replaces one after the other and encodes nothing.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from pipeline.names import ImageName, Labels

DEFAULT_VERSION: Final = "latest"
"""What ``{version}`` stands for where no version is asked for."""

_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_NOT_IN_A_URL: Final = re.compile(r'[\x00-\x20\x7f-\xa0<>"{}|\\^`]')


def template_values(name: ImageName, labels: Labels) -> dict[str, str]:
    """Return what a template may name, encoded; the name keeps its slashes.

    The image's own name goes before a label ``name``, as in rkt.

    >>> template_values(ImageName("example.com/app"), Labels())
    {'version': 'latest', 'name': 'example.com/app'}
    """
    values: dict[str, str] = {
        label.name: quote(label.value, safe="", errors="replace") for label in labels.items
    }
    version = values.get("version") or DEFAULT_VERSION
    return {**values, "version": version, "name": quote(name, safe="/")}


def render_template(template: str, values: Mapping[str, str]) -> str | None:
    """Return the template with every ``{label}`` replaced; None where a brace is left over.

    >>> render_template("https://h/{name}.{ext}", {"name": "a/b", "ext": "aci"})
    'https://h/a/b.aci'
    >>> render_template("https://h/{colour}", {}) is None
    True
    """
    rendered = _PLACE.sub(lambda place: values.get(place[1], place[0]), template)
    return None if "{" in rendered or "}" in rendered else rendered


def why_unusable(url: str, *, allow_http: bool) -> str | None:
    """Return what is wrong with a URL that a page names, in a few words, or None.

    >>> why_unusable("http://h/x", allow_http=False)
    'it is not https'
    >>> why_unusable("https://h/../x", allow_http=False)
    'its path holds a segment "." or ".."'
    """
    if _NOT_IN_A_URL.search(url) is not None:
        return "it holds characters that no URL does"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "it is not a URL"
    if parts.scheme not in {"https", "http"}:
        return "it is neither https nor http"
    if parts.scheme == "http" and not allow_http:
        return "it is not https"
    if not parts.hostname or "%" in parts.netloc:
        return "it names no host"
    if "@" in parts.netloc:
        return "it holds a user name or password"
    if any(unquote(segment) in {".", ".."} for segment in parts.path.split("/")):
        return 'its path holds a segment "." or ".."'
    return None
