"""The store on disk: an OCI image layout with an index beside it.

>>> import tempfile
>>> from pathlib import Path
>>> from pipeline.adapters.clock import SystemClock
>>> with tempfile.TemporaryDirectory() as folder:
...     store = open_store(Path(folder) / "store", clock=SystemClock()).unwrap()
...     store.list_images(), store.root.exists()
(<Success: ()>, False)
"""

from pipeline.adapters.layout.rooms import QuarantineFolder
from pipeline.adapters.layout.store import LayoutStore, open_store

__all__ = ["LayoutStore", "QuarantineFolder", "open_store"]
