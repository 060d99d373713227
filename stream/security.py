"""How the broker is talked to: the settings' TLS and SASL, for Faust and for Kafka's clients."""

import ssl
from typing import Any

from faust.auth import SASLCredentials, SSLCredentials
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from faust.types.auth import CredentialsT

from stream.settings import Settings

__all__ = ["admin_security", "client_options", "credentials"]


def credentials(settings: Settings) -> CredentialsT | None:
    """Return what Faust is given as ``broker_credentials``; None for a plain connection."""
    context = _context(settings)
    if settings.sasl_username is not None:
        return SASLCredentials(
            mechanism=settings.sasl_mechanism,
            username=settings.sasl_username,
            password=settings.sasl_password or "",
            ssl_context=context,
        )
    return None if context is None else SSLCredentials(context)


def admin_security(settings: Settings) -> dict[str, Any]:
    """Return the same as kafka-python's clients take it."""
    found = credentials(settings)
    if found is None:
        return {}
    cafile = None if settings.ssl_cafile is None else str(settings.ssl_cafile)
    options = {"security_protocol": found.protocol.value, "ssl_cafile": cafile}
    if settings.sasl_username is None:
        return options
    return options | {
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": settings.sasl_password,
    }


def client_options(settings: Settings) -> dict[str, Any]:
    """Return how aiokafka's own clients find the broker and are let in."""
    hosts = (url.strip().removeprefix("kafka://") for url in settings.broker.split(";"))
    return {"bootstrap_servers": list(hosts), **credentials_to_aiokafka_auth(credentials(settings))}


def _context(settings: Settings) -> ssl.SSLContext | None:
    if settings.ssl_cafile is None:
        return None
    return ssl.create_default_context(cafile=str(settings.ssl_cafile))
