"""Many jobs on a cluster of Dask's: the only package that imports distributed.

| module | what it has |
|---|---|
| :mod:`~pipeline.adapters.dask.engine` | :class:`DaskEngine`, an engine of the port |
| :mod:`~pipeline.adapters.dask.cluster` | a connection to a scheduler; its failures are ours |
| :mod:`~pipeline.adapters.dask.task` | what runs on a worker |

Needs ``image-pipeline[dask]``, here and on each worker, in the same versions.
"""

from pipeline.adapters.dask.cluster import is_exposed
from pipeline.adapters.dask.engine import DaskEngine

__all__ = ["DaskEngine", "is_exposed"]
