"""The server behind the proxy: how a user names it, and where to connect."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from ...schemas.errors import RequestError

__all__ = ["Upstream", "Vendor", "parse_upstream"]

Vendor = Literal["openai", "azure", "other"]

_SECURE: Final = {"wss": True, "https": True, "ws": False, "http": False}
_AZURE_HOSTS: Final = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
_HINT: Final = "Write openai, azure:RESOURCE, or a URL such as wss://host[:port][/prefix]."


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A base URL, taken apart.

    Attributes:
        secure: whether TLS is spoken.
        host: name or address, IPv6 without brackets.
        port: TCP port.
        prefix: path put before each request's own; empty or with a leading and no trailing slash.
        authorization: value of an ``Authorization`` header made from the URL's userinfo; a secret.
    """

    secure: bool
    host: str
    port: int
    prefix: str = ""
    authorization: str | None = field(default=None, repr=False)

    @property
    def authority(self) -> str:
        """``host[:port]`` as the ``Host`` header has it: the scheme's own port left out (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The base URL without userinfo."""
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.prefix}"

    @property
    def vendor(self) -> Vendor:
        """Whose conventions for keys apply, by the host name."""
        if self.host.endswith(_AZURE_HOSTS):
            return "azure"
        return "openai" if self.host == "openai.com" or self.host.endswith(".openai.com") else "other"


def parse_upstream(text: str) -> Upstream:
    """Parse what a user names as the upstream.

    ``openai`` is ``wss://api.openai.com``, ``azure:RESOURCE`` is ``wss://RESOURCE.openai.azure.com``; else a URL with
    one of the schemes ws, wss, http, https.

    Raises:
        RequestError: the text does not name an upstream.
    """
    if text == "openai":
        return Upstream(secure=True, host="api.openai.com", port=443)
    if text.startswith("azure:"):
        resource = text.removeprefix("azure:")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*", resource):
            raise RequestError(f"{text!r} is not the name of an Azure resource.", hint=_HINT)
        return Upstream(secure=True, host=f"{resource.lower()}.openai.azure.com", port=443)
    try:
        url = urlsplit(text)
        secure = _SECURE.get(url.scheme)
        port = url.port
        host = url.hostname
    except ValueError:
        secure = port = host = None
        url = None
    if url is None or secure is None or not host:
        raise RequestError("The upstream is not an address to connect to.", hint=_HINT)
    if url.query or url.fragment:
        raise RequestError("The upstream URL must end with its path; each client brings its own query.", hint=_HINT)
    authorization = None
    if url.username is not None:
        pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return Upstream(
        secure=secure,
        host=host,
        port=port if port is not None else (443 if secure else 80),
        prefix=url.path.rstrip("/"),
        authorization=authorization,
    )
