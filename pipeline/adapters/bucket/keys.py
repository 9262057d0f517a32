"""What is called how in a bucket. Everything here is below the store's prefix.

    store.json                              which format the store has
    blobs/<algorithm>/<hex>                 what images are made of
    images/<algorithm>/<hex>                a record: the image is there
    needed/<algorithm>/<hex>/<entry>        an image needs this blob
    newest/<time>-<order>.<entry>           images, the newest import first
    names/<sha256 of name>/<time>-<order>.<entry>   archives of a name, likewise
    urls/<sha256 of URL>                    what a URL gave

An ``<entry>`` is ``<algorithm>-<hex>.<token>``: it counts only while the image's record has the
same token. So a record, once written, makes its entries count all at once, and what a stopped
commit or removal left counts for nothing. A URL may hold a secret, and names any character.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final, final

from pipeline.digest import HEX_LENGTH, Digest, DigestAlgorithm
from pipeline.written.values import digest_of

FORMAT: Final = "store.json"
IMAGES: Final = "images"
NEWEST: Final = "newest/"

_ENTRY: Final = re.compile(
    r"(?:(?P<place>[0-9]{19}-[0-9]{19})\.)?sha(?:256|512)-(?P<hex>[0-9a-f]+)\.(?P<token>[0-9a-f]{32})",
    re.ASCII,
)
_LATEST: Final = 10**19 - 1
"""What 19 digits can say; times and orders are below 2**63, which has as many."""


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """An image, and by which token its record knows the entries that belong to it."""

    image_id: Digest
    token: str

    def __str__(self) -> str:
        """Return the end of an entry's key."""
        return f"{self.image_id.image_id}.{self.token}"


def blob(digest: Digest) -> str:
    """Return where a blob lies."""
    return f"blobs/{digest.algorithm}/{digest.hex}"


def record(image_id: Digest) -> str:
    """Return where an image's record lies."""
    return records(image_id.algorithm, image_id.hex)


def records(algorithm: DigestAlgorithm, hex_prefix: str) -> str:
    """Return how the keys of records begin whose image's ID begins so."""
    return f"{IMAGES}/{algorithm}/{hex_prefix}"


def needed(digest: Digest) -> str:
    """Return how the entries' keys of a blob begin."""
    return f"needed/{digest.algorithm}/{digest.hex}/"


def named(name: str) -> str:
    """Return how the entries' keys of a name begin."""
    return f"names/{_hashed(name)}/"


def url(untrusted_url: str) -> str:
    """Return where is kept what a URL gave."""
    return f"urls/{_hashed(untrusted_url)}"


def place(imported_at: int, order: int) -> str:
    """Return what sorts an import, at that microsecond, before all earlier ones."""
    return f"{_LATEST - imported_at:019}-{_LATEST - order:019}."


def entry_of(key: str) -> Entry | None:
    """Return an entry by its key; None for what this program has not written there."""
    match = _ENTRY.fullmatch(key.rpartition("/")[2])
    if match is None or len(match["hex"]) not in HEX_LENGTH.values():
        return None
    return Entry(digest_of(match["hex"]), match["token"])


def image_of(key: str) -> Digest | None:
    """Return a record's image by its key; None for what is no record's."""
    parts = key.split("/")
    if len(parts) != 3 or len(parts[2]) not in HEX_LENGTH.values():
        return None
    image_id = digest_of(parts[2])
    return image_id if record(image_id) == key and re.fullmatch("[0-9a-f]+", parts[2]) else None


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
