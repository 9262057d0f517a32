"""What leaves the store: files and folders, written where somebody asks, whole or not at all.

Read in this order: ``folders`` and ``files`` (one name at a time, links never followed), ``tree``
(how a path becomes a place), ``attributes``, ``extractor`` (one entry), ``target``
(the draft that becomes the result), ``reading`` (an archive, proven to its last byte), and what is
made of it: ``extraction`` (a folder), ``export`` (a file), ``image_layout`` (an OCI image layout).
What becomes of each entry is in docs/extraction.md.
"""

from pipeline.adapters.output.attributes import LeftOut
from pipeline.adapters.output.export import archive_chunks, export_archive, export_chunks
from pipeline.adapters.output.extraction import extract_archive, extract_archives
from pipeline.adapters.output.extractor import UNPRIVILEGED, ExtractionOptions, ExtractionReport
from pipeline.adapters.output.failures import WriteError
from pipeline.adapters.output.image_layout import export_blobs, export_layout
from pipeline.adapters.output.reading import Archive

__all__ = [
    "UNPRIVILEGED",
    "Archive",
    "ExtractionOptions",
    "ExtractionReport",
    "LeftOut",
    "WriteError",
    "archive_chunks",
    "export_archive",
    "export_blobs",
    "export_chunks",
    "export_layout",
    "extract_archive",
    "extract_archives",
]
