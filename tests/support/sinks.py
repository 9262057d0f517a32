"""A sink in memory that can be resumed, and that notes what it was told."""

from dataclasses import dataclass, field

from returns.result import Failure, Result, Success

from pipeline.errors import DiskFull, StoreError
from pipeline.ports import BodyStart, ResumePoint
from pipeline.results import Validators


@dataclass(slots=True)
class ResumableSink:
    """Holds what came, and offers it again by its validators, as a partial on disk does.

    A whole body is offered but for its last byte, so that the server says whether it still stands.
    Full after ``room`` bytes. ``written`` counts every byte that was ever taken. What is
    ``content_addressed`` is offered without a validator.
    """

    room: int = 1 << 30
    content_addressed: bool = False
    content: bytearray = field(default_factory=bytearray)
    begun: list[BodyStart] = field(default_factory=list)
    written: int = 0

    @classmethod
    def holding(
        cls, content: bytes, total: int | None, etag: str | None, modified: str | None = None
    ) -> "ResumableSink":
        """Return a sink with what an earlier run left."""
        start = BodyStart("https://earlier/", 0, total, Validators(etag, modified))
        return cls(content=bytearray(content), begun=[start])

    def resume_point(self) -> ResumePoint | None:
        start = self.begun[-1] if self.begun else None
        if start is None:
            return None
        if start.validators == Validators() and not self.content_addressed:
            return None
        offset = len(self.content) if start.total is None else min(len(self.content), start.total)
        if offset == start.total:
            offset -= 1
        validators = Validators() if self.content_addressed else start.validators
        point = ResumePoint(offset, validators, start.total, self.content_addressed)
        return point if offset > 0 else None

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        point = self.resume_point()
        offered = 0 if point is None else point.offset
        assert start.offset in {0, offered}, "begun where nothing was offered"
        del self.content[start.offset :]
        self.begun.append(start)
        return Success(None)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        if len(self.content) + len(chunk) > self.room:
            return Failure(DiskFull("/full"))
        self.content += chunk
        self.written += len(chunk)
        return Success(None)
