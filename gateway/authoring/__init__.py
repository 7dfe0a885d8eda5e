"""Tools that authors register while gateways run: kept, and the same in all that share a store."""

from gateway.authoring.authoring import Authoring, NotAuthored

__all__ = ["Authoring", "NotAuthored"]
