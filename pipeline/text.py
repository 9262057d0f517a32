"""Text from outside, made safe to show: ``str -> str``, no errors.

Names, labels, user IDs and URLs come from people who may mean harm. Whatever of theirs goes into
a message, a table or a log passes through here first. Nothing here parses or validates.
"""

import unicodedata
from urllib.parse import urlsplit, urlunsplit

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(untrusted_text: str, *, limit: int = 300) -> str:
    r"""Escape what could move the cursor, colour, reorder or fake a line of output.

    Control, format (bidirectional overrides among them), surrogate, private and unassigned
    code points become ``\x..``, ``\u....`` or ``\U........``; a backslash is doubled, so that
    the result says unambiguously what the input was. Longer than ``limit`` characters, the
    middle of the text is replaced by an ellipsis.

    >>> printable("evil\x1b[2Jname")
    'evil\\x1b[2Jname'
    >>> printable("a" * 9, limit=5)
    'aa…aa'
    """
    if len(untrusted_text) > limit:
        kept = (limit - 1) // 2
        untrusted_text = f"{untrusted_text[:kept]}…{untrusted_text[-kept:]}"
    return "".join(_escape(character) for character in untrusted_text)


def _escape(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if unicodedata.category(character) not in _UNSAFE_CATEGORIES:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quoted(untrusted_text: str) -> str:
    """Return :func:`printable` text between double quotes, for messages.

    >>> quoted("a b")
    '"a b"'
    """
    return f'"{printable(untrusted_text)}"'


def redact_url(url: str) -> str:
    """Return ``url`` without user name, password and query values, printable.

    Query values often hold signed tokens, so their names stay and their values go.

    >>> redact_url("https://user:secret@example.com/a.aci?token=s3cret&x#part")
    'https://example.com/a.aci?token=…&x'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        # Whatever cannot be split cannot be redacted in parts either.
        return "(unreadable URL)"
    host = parts.netloc.rpartition("@")[2]
    query = "&".join(
        f"{name}=…" if equals else name
        for name, equals, _ in (item.partition("=") for item in parts.query.split("&"))
    )
    return printable(urlunsplit((parts.scheme, host, parts.path, query, "")))
