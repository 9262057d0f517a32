"""Paths of URLs, as any server may read them: ``str, root -> bool``. Pure."""

from urllib.parse import unquote


def is_below(untrusted_path: str, root: str) -> bool:
    """Tell whether a path is ``root`` or below it, whoever resolves it.

    Servers and proxies take ``%2f`` for a slash or not, some a backslash, and resolve ``..`` before
    or after that: what one of them could read as a path elsewhere is not below. All is below ``/``.

    >>> [is_below(path, "/a/") for path in ("/a", "/a/b", "/ab", "/a/../b", "/a/%2e%2E%2fb")]
    [True, True, False, False, False]
    """
    wanted = root.rstrip("/")
    if not wanted:
        return True
    path = unquote(untrusted_path).replace("\\", "/")
    return not {".", ".."} & set(path.split("/")) and f"{path}/".startswith(f"{wanted}/")
