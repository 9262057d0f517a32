from typing import Self

class Fingerprint(str):
    def __new__(cls, content: str) -> Self: ...
