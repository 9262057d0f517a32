from pgpy.pgp import PGPKey as PGPKey
from pgpy.pgp import PGPSignature as PGPSignature
