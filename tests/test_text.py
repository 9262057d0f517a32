"""Text from outside, made safe to show."""

import ast
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text import printable, quoted, redact_url

ANY_TEXT = st.text(st.characters())


class TestPrintable:
    """What is shown cannot move the cursor, colour, reorder or fake a line of output."""

    @given(ANY_TEXT)
    def test_no_unsafe_character_is_left(self, text: str) -> None:
        shown = printable(text)
        assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
        assert len(shown.splitlines()) <= 1

    @given(st.text(st.characters(), max_size=100))
    def test_says_unambiguously_what_the_text_was(self, text: str) -> None:
        literal = printable(text).replace("'", "\\'")
        assert ast.literal_eval(f"'{literal}'") == text

    @given(ANY_TEXT, st.integers(3, 20))
    def test_length_is_bounded(self, text: str, limit: int) -> None:
        assert len(printable(text, limit=limit)) <= limit * len("\\U0010ffff")
        assert ("…" in printable(text, limit=limit)) >= (len(text) > limit)

    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("\x1b[31m", "\\x1b[31m"),
            ("a\nb", "a\\x0ab"),
            ("\N{RIGHT-TO-LEFT OVERRIDE}", "\\u202e"),
            ("\N{LINE SEPARATOR}", "\\u2028"),
            ("\udc80", "\\udc80"),
            ("\U000e0001", "\\U000e0001"),
            ("\\x1b", "\\\\x1b"),
            ("é日", "é日"),
        ],
    )
    def test_examples(self, text: str, wanted: str) -> None:
        assert printable(text) == wanted
        assert quoted(text) == f'"{wanted}"'


SECRET = st.from_regex(r"[A-Za-z0-9]{8,12}", fullmatch=True).map(lambda text: f"s3cr3t{text}")


class TestRedactUrl:
    """A URL is shown without user info and query values, wherever they stand."""

    @given(
        st.sampled_from(("https", "http", "ftp", "docker", "HTTPS")),
        st.sampled_from(("example.com", "h:80", "[::1]:1")),
        st.sampled_from(("{}@", "user:{}@", "{0}:{0}@", "a@{}@")),
        st.sampled_from(("/a.aci", "", "/@x")),
        SECRET,
    )
    def test_user_info_goes(self, scheme: str, host: str, user: str, path: str, word: str) -> None:
        shown = redact_url(f"{scheme}://{user.format(word)}{host}{path}")
        assert word not in shown
        assert f"//{host}{path}" in shown

    @given(st.lists(st.sampled_from(("t={}", "x=1&t={}", "t={}&t={}")), min_size=1), SECRET)
    def test_query_values_go(self, query: list[str], word: str) -> None:
        text = "&".join(query).replace("{}", word)
        shown = redact_url(f"https://example.com/a.aci?{text}#{word}")
        assert word not in shown
        assert shown.count("t=…") == text.count("t=")

    @given(ANY_TEXT)
    def test_any_text_is_shown_safely(self, text: str) -> None:
        shown = redact_url(text)
        assert printable(shown.replace("\\", "")) == shown.replace("\\", "")

    def test_unreadable(self) -> None:
        assert redact_url("https://[::1/s3cr3t") == "(unreadable URL)"

    @given(st.from_regex(r"https://[a-z]{1,9}(:[0-9]{2})?/[a-z/.]{0,9}", fullmatch=True))
    def test_plain_urls_stay(self, url: str) -> None:
        assert redact_url(url) == url
