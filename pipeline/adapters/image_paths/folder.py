"""An image layout that is a folder, ``oci:DIR``: its files, read through a transport.

The user names the folder: what links in it lead to is the user's own affair, as long as it is a
regular file.
"""

from dataclasses import dataclass
from functools import partial
from typing import final

from pipeline.adapters.image_paths.failures import required
from pipeline.adapters.image_paths.intake import Intake, check, file_request, read_file
from pipeline.adapters.image_paths.layout import blob_path
from pipeline.documents import fetch_document
from pipeline.limits import Limits
from pipeline.oci import Descriptor
from pipeline.ports import Quarantine, Transport
from pipeline.reference import file_url
from pipeline.results import QuarantinedBlob


@final
@dataclass(frozen=True, slots=True)
class FolderFiles:
    """The :class:`~pipeline.adapters.image_paths.layout.LayoutFiles` of a folder."""

    path: str
    transport: Transport
    quarantine: Quarantine
    limits: Limits

    @property
    def url(self) -> str:
        """The folder's URL."""
        return file_url(self.path)

    def read(self, path: str, max_bytes: int) -> bytes:
        """Return a small file's content."""
        request = file_request(self._url_of(path), max_bytes, self.limits)
        return required(fetch_document(self.transport, request)).untrusted_body

    def take(self, wanted: Descriptor) -> QuarantinedBlob:
        """Copy a blob into quarantine, its size and digest checked."""
        url = self._url_of(blob_path(wanted.digest))
        begin = partial(Intake, self.quarantine, wanted.digest.algorithm)
        request = file_request(url, self.limits.image_bytes, self.limits)
        member = read_file(self.transport, request, begin).finish()
        check(url, wanted, member.blob.size, member.digest)
        return member.blob

    def _url_of(self, path: str) -> str:
        return f"{self.url.rstrip('/')}/{path}"
