"""Listening on an address, before anybody is told that something is there.

Belongs here: binding it, and saying that it can't be. Does not belong here: what is served.
"""

from __future__ import annotations

import socket

from warehouse.errors import SettingsError


def listen(host: str, port: int) -> list[socket.socket]:
    """Bind every address of the name.

    Raises
    ------
    SettingsError
        If one of them can't be, such as one that another server has.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        return [socket.create_server(address, family=family) for family, _, _, _, address in found]
    except OSError as error:
        # Python adds the address, which is named already
        why = (error.strerror or str(error)).partition(" (while ")[0]
        raise SettingsError(
            f"{host} port {port} can't be bound ({why}). Is another server there already? --port names "
            "another port, --host another address."
        ) from error
