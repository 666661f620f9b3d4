# SPDX-License-Identifier: Apache-2.0
"""In whose hands a service is: the provider's own, or somebody else's (Article 11)."""

from __future__ import annotations

import ipaddress

from yarl import URL

from guiju.config import Party


def outside(url: str, party: Party = "auto") -> bool:
    """Whether a service is somebody else's.

    Args:
        url: its address; one on this machine or a private network is taken for the provider's own.
        party: what the settings say, which outranks the address.
    """
    if party != "auto":
        return party == "third_party"
    host = URL(url).host or ""
    if host == "localhost":
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return True
    return not (address.is_loopback or address.is_private)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its address or as `localhost`; no name is looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
