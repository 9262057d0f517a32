"""Which parts are taken for the rest of what is held; case by case."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.http.ranges import (
    can_resume,
    check_part,
    if_range,
    range_fields,
    resume_validators,
)
from pipeline.ports import Request, ResumePoint
from pipeline.results import Validators

OLD = "Wed, 01 Jan 2020 00:00:00 GMT"
POINT = ResumePoint(5, Validators('"v"'), 10)
DATED = ResumePoint(5, Validators(None, OLD), 10)
PART = {"content-range": "bytes 5-9/10", "content-length": "5", "etag": '"v"'}


class TestWhatMayBeResumed:
    @pytest.mark.parametrize("etag", ['"v"', '""', '"\xff!#"'])
    def test_a_strong_etag(self, etag: str) -> None:
        assert resume_validators({"etag": etag, "last-modified": OLD}) == Validators(etag)

    @pytest.mark.parametrize(
        "etag", ['W/"v"', "v", '"v', '"a", "b"', '"a b"', '"\x7f"', f'"{"x" * 1024}"']
    )
    def test_no_other_nor_a_date_beside_it(self, etag: str) -> None:
        """RFC 9110 13.1.5: no date for who has an entity tag."""
        headers = {"etag": etag, "last-modified": OLD, "date": "Thu, 02 Jan 2020 00:00:00 GMT"}
        assert resume_validators(headers) == Validators()

    @pytest.mark.parametrize(
        ("date", "strong"),
        [
            ("Wed, 01 Jan 2020 00:01:00 GMT", True),
            ("Wed, 01 Jan 2020 00:00:59 GMT", False),
            ("Tue, 31 Dec 2019 00:00:00 GMT", False),
            ("junk", False),
            ("", False),
        ],
    )
    def test_a_date_long_before_the_answer(self, date: str, strong: bool) -> None:
        """RFC 9110 8.8.2.2: the body may have changed twice within the second it names."""
        headers = {"last-modified": OLD, "date": date}
        assert resume_validators(headers) == Validators(None, OLD if strong else None)

    @pytest.mark.parametrize(
        "headers",
        [
            {"accept-ranges": "none"},
            {"accept-ranges": " None "},
            {"content-encoding": "gzip"},
            {"content-encoding": "identity, gzip"},
        ],
    )
    def test_nothing_where_there_are_no_ranges_of_it(self, headers: dict[str, str]) -> None:
        assert resume_validators({"etag": '"v"'} | headers) == Validators()

    def test_what_changes_nothing(self) -> None:
        headers = {"etag": '"v"', "accept-ranges": "bytes", "content-encoding": "identity"}
        assert resume_validators(headers) == Validators('"v"')

    @pytest.mark.parametrize(
        ("point", "said"),
        [
            (POINT, '"v"'),
            (DATED, OLD),
            (ResumePoint(5, Validators('"v"', OLD)), '"v"'),
            (ResumePoint(5, Validators('W/"v"', OLD)), None),
            (ResumePoint(5, Validators('"v"\r\nX: y')), None),
            (ResumePoint(5, Validators(None, "yesterday")), None),
            (ResumePoint(5, Validators()), None),
        ],
    )
    def test_what_is_asked(self, point: ResumePoint, said: str | None) -> None:
        assert if_range(point) == said
        assert can_resume(Request("https://h/", 10, 1, 1), point) is (said is not None)

    @pytest.mark.parametrize("offset", [0, -1])
    def test_nothing_where_nothing_is_held(self, offset: int) -> None:
        request = Request("https://h/", 10, 1, 1, content_addressed=True)
        for point in (
            ResumePoint(offset, Validators('"v"')),
            ResumePoint(offset, Validators(), content_addressed=True),
            None,
        ):
            assert not can_resume(request, point)

    @pytest.mark.parametrize("method", ["HEAD", "POST"])
    def test_nothing_but_by_a_get(self, method: Literal["HEAD", "POST"]) -> None:
        """RFC 9110 14.2: only GET has ranges."""
        assert not can_resume(Request("https://h/", 10, 1, 1, method=method), POINT)

    def test_what_a_digest_names_without_a_validator(self) -> None:
        """Where both sides say so: who asks for anything else would not notice a mixture."""
        point = ResumePoint(5, Validators('"of-another-place"'), 10, content_addressed=True)
        request = Request("https://h/", 10, 1, 1, content_addressed=True)
        assert can_resume(request, point)
        assert range_fields(point) == [("Range", "bytes=5-")]
        assert not can_resume(Request("https://h/", 10, 1, 1), point)
        assert range_fields(POINT) == [("Range", "bytes=5-"), ("If-Range", '"v"')]


class TestParts:
    def test_all_the_rest(self) -> None:
        assert check_part(PART, POINT).unwrap() == 10

    @pytest.mark.parametrize(
        "change",
        [
            {"content-range": "Bytes 5-9/10"},
            {"content-range": "bytes 05-09/010"},
            {"content-range": "bytes 5-9/*"},
            {"content-length": "05"},
            {"content-length": ""},
            {"content-encoding": "identity"},
            {"content-type": "application/octet-stream"},
            {"last-modified": "any, as the ETag is what is held"},
        ],
    )
    def test_other_ways_to_say_it(self, change: dict[str, str]) -> None:
        assert check_part(PART | change, POINT).unwrap() == 10

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"content-range": ""}, "without a readable Content-Range"),
            ({"content-range": "bytes */10"}, "without a readable Content-Range"),
            ({"content-range": "bytes 5-9"}, "without a readable Content-Range"),
            ({"content-range": "bytes 5-9/10, bytes 5-9/10"}, "without a readable"),
            ({"content-range": "lines 5-9/10"}, "without a readable Content-Range"),
            ({"content-range": "bytes -5-9/10"}, "without a readable Content-Range"),
            ({"content-range": "bytes 5-9/1" + "0" * 18}, "without a readable"),
            (
                {"content-range": "bytes \N{ARABIC-INDIC DIGIT FIVE}-9/10"},
                "without a readable Content-Range",
            ),
            ({"content-range": "bytes 4-9/10"}, "not all from byte 5"),
            ({"content-range": "bytes 6-9/10"}, "not all from byte 5"),
            ({"content-range": "bytes 0-9/10"}, "not all from byte 5"),
            ({"content-range": "bytes 5-8/10"}, "not all from byte 5"),
            ({"content-range": "bytes 5-10/10"}, "not all from byte 5"),
            ({"content-range": "bytes 5-4/5"}, "not all from byte 5"),
            ({"content-range": "bytes 5-10/11", "content-length": "6"}, "wanted one of 10"),
            ({"content-length": "4"}, "4 bytes for a part of 5"),
            ({"content-length": "6"}, "6 bytes for a part of 5"),
            ({"content-type": "Multipart/ByteRanges; boundary=x"}, "several parts"),
            ({"content-encoding": "gzip"}, "coded"),
            ({"etag": '"w"'}, "another version"),
            ({"etag": 'W/"v"'}, "another version"),
            ({"etag": ""}, "another version"),
        ],
    )
    def test_anything_else(self, change: dict[str, str], reason: str) -> None:
        assert reason in check_part(PART | change, POINT).failure()

    def test_an_etag_must_be_repeated(self) -> None:
        """RFC 9110 15.3.7: a 206 has the ETag that a 200 would have had."""
        silent = {name: value for name, value in PART.items() if name != "etag"}
        assert "another version" in check_part(silent, POINT).failure()

    @pytest.mark.parametrize(
        ("modified", "taken"), [(OLD, True), (None, True), ("Thu, 02 Jan 2020 00:00:00 GMT", False)]
    )
    def test_a_date_may_be_left_out(self, modified: str | None, taken: bool) -> None:
        """RFC 9110 15.3.7: a part that If-Range asked for should not repeat it."""
        headers = PART if modified is None else PART | {"last-modified": modified}
        assert is_successful(check_part(headers, DATED)) is taken

    def test_an_end_that_nobody_knows(self) -> None:
        """A part of a whole of unknown size may be any part."""
        unknown = ResumePoint(5, Validators('"v"'), None)
        assert check_part(PART, unknown).unwrap() == 10
        assert not is_successful(check_part(PART | {"content-range": "bytes 5-9/*"}, unknown))

    @given(st.dictionaries(st.sampled_from([*PART, "content-type"]), st.text()))
    def test_nothing_raises(self, headers: dict[str, str]) -> None:
        check_part(headers, POINT)
        resume_validators(headers)
