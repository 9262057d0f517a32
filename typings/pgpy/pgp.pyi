"""The part of pgpy that is used: reading single packets. PGPKey and PGPSignature have no
annotations of their own; names between double underscores are pgpy's public ways to the numbers.
"""

from abc import ABCMeta
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.dsa import DSAPublicKey
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from pgpy.types import Fingerprint

class _KeyMaterial(Protocol):
    def __pubkey__(
        self,
    ) -> RSAPublicKey | DSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey: ...

class PGPKey(metaclass=ABCMeta):
    @classmethod
    def from_blob(cls, blob: bytes) -> PGPKey | tuple[PGPKey, object]: ...
    @property
    def __key__(self) -> _KeyMaterial: ...
    @property
    def fingerprint(self) -> Fingerprint: ...

class PGPSignature(metaclass=ABCMeta):
    @classmethod
    def from_blob(cls, blob: bytes) -> PGPSignature: ...
    @property
    def __sig__(self) -> bytes | bytearray: ...
