"""The Finder: text in, image out; from the store or, through the Fetcher, from wherever it is.

str -> Result[Stored, PipelineError]
"""

from dataclasses import dataclass
from pathlib import Path
from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.errors import FileUnreadable, PipelineError, UnsupportedReference
from pipeline.ports import PathProbe
from pipeline.recipes.dependencies import fetch_dependencies
from pipeline.recipes.fetcher import Fetcher
from pipeline.reference import ArchiveReference, DockerReference
from pipeline.results import Stored
from pipeline.stage import Stage
from pipeline.stages.parse import parse_reference


@final
@dataclass(frozen=True, slots=True)
class Finder:
    """Finds images by what a user writes, with their dependencies or without."""

    fetcher: Fetcher
    paths: PathProbe
    with_deps: bool = True

    def find_image(
        self, untrusted_text: str, signature: Path | None = None
    ) -> Result[Stored, PipelineError]:
        """Find or fetch one image and what it depends on.

        ``signature`` is the absolute path of a detached signature, where it does not lie beside
        the image.
        """

        def find(text: str) -> Result[Stored, PipelineError]:
            return self._find(text, signature)

        return self.fetcher.told(Stage("find", find))(untrusted_text)

    def _find(self, untrusted_text: str, signature: Path | None) -> Result[Stored, PipelineError]:
        parsed = self.fetcher.told(parse_reference(self.paths))(untrusted_text)
        if not is_successful(parsed):
            return Failure(parsed.failure())
        reference = parsed.unwrap()
        path = reference.path if isinstance(reference, ArchiveReference) else None
        if path is not None and not self.paths.is_file(path):
            # Otherwise the signature, which is read first, would be what is missed.
            return Failure(FileUnreadable(path, "there is no regular file of that name"))
        fetched = self.fetcher.fetch_image(
            reference, signature=None if signature is None else signature.as_uri()
        )
        if not is_successful(fetched) or not self.with_deps:
            return fetched
        below = fetch_dependencies(self.fetcher, fetched.unwrap())
        return Failure(below.failure()) if not is_successful(below) else Success(fetched.unwrap())

    def find_every_platform(self, untrusted_text: str) -> Result[tuple[Stored, ...], PipelineError]:
        """Fetch every image that a registry's index has under a name.

        Errors: UnsupportedReference for what is in no registry.
        """
        return self.fetcher.told(Stage("find", self._find_every_platform))(untrusted_text)

    def _find_every_platform(
        self, untrusted_text: str
    ) -> Result[tuple[Stored, ...], PipelineError]:
        parsed = self.fetcher.told(parse_reference(self.paths))(untrusted_text)
        if not is_successful(parsed):
            return Failure(parsed.failure())
        reference = parsed.unwrap()
        if not isinstance(reference, DockerReference):
            advice = "leave --all-platforms out, or name docker://HOST/PATH:TAG"
            return Failure(
                UnsupportedReference(
                    reference.string, "only a registry has images for several platforms", advice
                )
            )
        from pipeline.recipes.every_platform import fetch_every_platform

        return fetch_every_platform(self.fetcher, reference)

    def find_stored(self, untrusted_text: str) -> Result[Stored, PipelineError]:
        """Find an image in the store alone, whoever signed it: to show it or to remove it."""
        parsed = parse_reference(self.paths)(untrusted_text)
        if not is_successful(parsed):
            return Failure(parsed.failure())
        return self.fetcher.look_up(parsed.unwrap())

    def serve_stored(self, untrusted_text: str) -> Result[Stored, PipelineError]:
        """Find an image in the store alone, proven now under the reference that was written."""
        parsed = parse_reference(self.paths)(untrusted_text)
        if not is_successful(parsed):
            return Failure(parsed.failure())
        found = self.fetcher.look_up(parsed.unwrap())
        return found.bind(lambda stored: self.fetcher.proven(stored, parsed.unwrap()))
