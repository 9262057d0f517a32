"""What leaves the store: files and folders, written where somebody asks, whole or not at all.

Read in this order: ``folders`` (one name at a time, links never followed), ``tree`` (how a path
becomes a place), ``attributes``, ``whiteouts``, ``extractor`` (one entry), ``target`` (the draft
that becomes the result), ``extraction`` (archives into a folder). What is made of each entry is
in docs/extraction.md.
"""

from pipeline.adapters.output.attributes import LeftOut
from pipeline.adapters.output.extraction import Archive, extract_archive, extract_archives
from pipeline.adapters.output.extractor import UNPRIVILEGED, ExtractionOptions, ExtractionReport

__all__ = [
    "UNPRIVILEGED",
    "Archive",
    "ExtractionOptions",
    "ExtractionReport",
    "LeftOut",
    "extract_archive",
    "extract_archives",
]
