"""Discovery at a mirror as a :class:`~pipeline.ports.Discovery`: a name, looked for elsewhere.

    ImageName, Labels -> Result[tuple[Candidate, ...], DiscoveryError]

The place is another name, whose pages are asked as its own would be, or a template, for which
nobody is asked. Keys are never looked for here: which keys speak for a name is not for a mirror to
say, so :meth:`MirrorDiscovery.public_keys` asks the name's own pages.
"""

from typing import final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.appc.template import render_template, template_values, why_unusable
from pipeline.errors import DiscoveryError, DiscoveryFailed, InvalidUrl
from pipeline.mirrors import NamePlace, UrlTemplate
from pipeline.names import ImageName, Labels
from pipeline.ports import Discovery
from pipeline.results import Candidate, KeyPlace


@final
class MirrorDiscovery:
    """Looks for images of one name at one place of a mirror."""

    def __init__(self, discovery: Discovery, place: NamePlace) -> None:
        """``place`` is one that :meth:`~pipeline.mirrors.Mirrors.for_name` gave for the name."""
        self._discovery = discovery
        self._place = place

    def endpoints(
        self, name: ImageName, labels: Labels
    ) -> Result[tuple[Candidate, ...], DiscoveryError]:
        """Return where the mirror may have the image.

        Errors: DiscoveryFailed, for ``name`` itself.
        """
        if isinstance(self._place, UrlTemplate):
            return _rendered(self._place.text, name, labels)
        found = self._discovery.endpoints(self._place, labels)
        if not is_successful(found):
            return Failure(DiscoveryFailed(name, "image", found.failure().attempts))
        return found

    def public_keys(self, name: ImageName) -> Result[tuple[KeyPlace, ...], DiscoveryError]:
        """Return what the name's own pages say."""
        return self._discovery.public_keys(name)


def _rendered(
    template: str, name: ImageName, labels: Labels
) -> Result[tuple[Candidate, ...], DiscoveryError]:
    values = template_values(name, labels)
    image = render_template(template, {**values, "ext": "aci"})
    signature = render_template(template, {**values, "ext": "aci.asc"})
    if image is None or signature is None:
        return _unusable(name, template, "it needs a label that was not given")
    reason = why_unusable(image, allow_http=False)
    if reason is not None:
        return _unusable(name, template, reason)
    return Success((Candidate(image, signature),))


def _unusable(
    name: ImageName, template: str, reason: str
) -> Result[tuple[Candidate, ...], DiscoveryError]:
    return Failure(DiscoveryFailed(name, "image", (InvalidUrl(template, reason),)))
