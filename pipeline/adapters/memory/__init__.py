"""Ports in memory: for tests, and for pipelines that keep nothing on disk.

They behave as those on disk do (:mod:`pipeline.testing.conformance` holds both to it), except
that nothing outlasts the process, and that memory grows with the images.
"""

from pipeline.adapters.memory.quarantine import (
    MemoryPartial,
    MemoryQuarantine,
    MemoryWriter,
    memory_quarantine,
)
from pipeline.adapters.memory.store import MemoryStore

__all__ = ["MemoryPartial", "MemoryQuarantine", "MemoryStore", "MemoryWriter", "memory_quarantine"]
