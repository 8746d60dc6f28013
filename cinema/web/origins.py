"""The address of this site: for an answer to the request itself, and for a link in a mail.

ALLOWED_HOSTS says which names of hosts are believed, nothing about ports, and everybody writes their own Host header.
So a mail, which somebody else may get, takes from it a port only that this site is known to have. `X-Forwarded-Host`
and `X-Forwarded-Port` are never believed, `X-Forwarded-Proto` from TRUSTED_PROXIES only (`cinema.web.client_address`).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port

from cinema.web.problems import Invalid

DEFAULT_PORTS = {"http": "80", "https": "443"}
LONGEST = 200  # characters of an origin, as bookings store it


def origin_of(request: HttpRequest) -> str:
    """Scheme and host as this request names them, for addresses that only its sender gets.

    Raises:
        Invalid: no server can have this port, or the name is too long.
        DisallowedHost: ALLOWED_HOSTS has no such host, or it is none.
    """
    host = request.get_host()
    _, port = split_domain_port(host)
    origin = f"{request.scheme}://{host}"
    if port and not (len(port) <= 5 and 1 <= int(port) <= 65_535):
        raise Invalid("The address of this site has no such port.", errors={"host": "has a port that does not exist"})
    if len(origin) > LONGEST:
        raise Invalid("The address of this site is not as long as that.", errors={"host": "is too long"})
    return origin


def mail_origin_of(request: HttpRequest) -> str:
    """Scheme and host for the links of a mail that this request causes.

    The port of the Host header stays when it is the server's own, or when CSRF_TRUSTED_ORIGINS names this scheme, host
    and port. Otherwise it is the port that CSRF_TRUSTED_ORIGINS names for the host, else none behind a proxy or with
    https, else the server's own.

    Raises:
        Invalid, DisallowedHost: as `origin_of`.
    """
    given = urlsplit(origin_of(request))
    scheme = "https" if settings.HTTPS else given.scheme
    domain, port = split_domain_port(given.netloc.lower())
    named = [urlsplit(origin).netloc for origin in settings.CSRF_TRUSTED_ORIGINS if origin.startswith(f"{scheme}://")]
    ports = [split_domain_port(netloc.lower())[1] for netloc in named if split_domain_port(netloc.lower())[0] == domain]
    own = str(request.META.get("SERVER_PORT", ""))
    if port and port not in (*ports, own, str(settings.PORT), DEFAULT_PORTS[scheme]):
        is_direct = scheme == "http" and not settings.TRUSTED_PROXIES
        port = ports[0] if ports else own if is_direct and own.isdigit() else ""
    return f"{scheme}://{domain}" if port in ("", DEFAULT_PORTS[scheme]) else f"{scheme}://{domain}:{port}"
