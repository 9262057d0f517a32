"""Who is trusted over TLS, and what proves to a server who asks: settings as ``ssl`` contexts.

    HttpSettings, HostTls | None, bool -> Result[SSLContext, InvalidSetting]

The certificate authorities are the system's: what ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name,
else where this Python's OpenSSL looks, else where Linux distributions keep them, for a Python that
was built elsewhere. Those of the CA file come on top. TLS 1.2 or later (RFC 8996).

Files are read when a context is made, and here alone; nothing asks for a key's password.
"""

import re
import ssl
from pathlib import Path
from ssl import SSLContext
from typing import Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.http.settings import HostTls, HttpSettings
from pipeline.errors import InvalidSetting

SYSTEM_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora and RHEL of before
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # Alpine, and others by way of a link
)
"""Where distributions keep all authorities in one file."""

# Certificates in a folder that OpenSSL can look into are named by a hash of their subject.
_HASHED: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+", re.ASCII)


def make_context(
    settings: HttpSettings, host: HostTls | None = None, *, is_verified: bool = True
) -> Result[SSLContext, InvalidSetting]:
    """Make what TLS needs; with ``host``, for that one alone.

    Nobody's certificate is checked by one that is not ``is_verified``, or where settings say so.

    Errors: InvalidSetting that names the file and what is wrong with it.
    """
    context = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if is_verified and settings.verify_tls:
        _trust_system(context)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.ca_file is not None:
        trusted = _trust(context, "--ca-file", settings.ca_file)
        if not is_successful(trusted):
            return Failure(trusted.failure())
    return Success(context) if host is None else _fit_to(context, host)


def check_tls_files(settings: HttpSettings) -> Result[None, InvalidSetting]:
    """Load every file that the settings name, without a connection.

    Errors: InvalidSetting for the first that cannot be used.
    """
    if settings.ca_file is not None:
        trusted = _trust(_scratch(), "--ca-file", settings.ca_file)
        if not is_successful(trusted):
            return trusted
    for host in settings.hosts:
        fitted = _fit_to(_scratch(), host)
        if not is_successful(fitted):
            return Failure(fitted.failure())
    return Success(None)


def _scratch() -> SSLContext:
    return SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _trust_system(context: SSLContext) -> None:
    paths = ssl.get_default_verify_paths()
    # Either is None where there is no such file or folder, whatever the stubs say.
    if paths.cafile or (paths.capath and _holds_certificates(paths.capath)):
        context.set_default_verify_paths()
        return
    for bundle in SYSTEM_BUNDLES:
        # One that is there and cannot be read is as good as none: servers are then unknown.
        if is_successful(_trust(context, "the system's certificate authorities", bundle)):
            return


def _holds_certificates(folder: str) -> bool:
    try:
        return any(_HASHED.fullmatch(path.name) is not None for path in Path(folder).iterdir())
    except OSError:
        return False


def _trust(context: SSLContext, setting: str, path: str) -> Result[None, InvalidSetting]:
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        wanted = "a file that holds certificates in PEM form, and nothing broken"
        return Failure(InvalidSetting(setting, path, wanted))
    except (OSError, ValueError) as error:
        return Failure(_unreadable(setting, path, error))
    return Success(None)


def _fit_to(context: SSLContext, host: HostTls) -> Result[SSLContext, InvalidSetting]:
    place = f"{host.host}:{host.port}"
    for ca_file in host.ca_files:
        trusted = _trust(context, f"ca_file of {place}", ca_file)
        if not is_successful(trusted):
            return Failure(trusted.failure())
    if host.client_cert is None:
        if host.client_key is None:
            return Success(context)
        wanted = "a client_cert beside it"
        return Failure(InvalidSetting(f"client_key of {place}", host.client_key, wanted))
    return _prove_by(context, place, host.client_cert, host.client_key)


def _prove_by(
    context: SSLContext, place: str, certificate: str, key: str | None
) -> Result[SSLContext, InvalidSetting]:
    """Offer a client certificate; the one exception for both files says too little of which."""
    # 1. There is a certificate in the one file.
    found = _trust(_scratch(), f"client_cert of {place}", certificate)
    if not is_successful(found):
        return Failure(found.failure())
    # 2. There is a key in the other, readable without a password, and it belongs to that.
    setting, path = f"client_key of {place}", key or certificate
    try:
        # An empty password, so that nothing asks for one at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        wanted = "a private key in PEM form, without a password"
        if error.reason == "KEY_VALUES_MISMATCH":
            wanted = f"the key that belongs to {certificate}"
        return Failure(InvalidSetting(setting, path, wanted))
    except (OSError, ValueError) as error:
        return Failure(_unreadable(setting, path, error))
    return Success(context)


def _unreadable(setting: str, path: str, error: OSError | ValueError) -> InvalidSetting:
    # ValueError: a path that no file system could hold.
    reason = error.strerror if isinstance(error, OSError) else None
    return InvalidSetting(setting, path, f"a readable file ({reason or error})")
