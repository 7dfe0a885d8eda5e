"""Images go to models that read them; for the others they are refused before anything is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.agent.run import RunRequest
from gateway.api.errors import ApiError
from routing.backend import ModelBackend, accepts_images


def require_image_reader(
    run: RunRequest, images: Sequence[str], models: Mapping[str, ModelBackend]
) -> None:
    """Raises a 400 that names the first of `images` (paths) if the model asked first reads none.

    The expert may still be lent a decision over an image that it can't read; then it declines.
    """
    if not images:
        return
    role = "intermediary" if run.role == "gateway" else run.role
    if run.role == "gateway" and run.escalation == "always" and "expert" in models:
        role = "expert"
    if accepts_images(models[role]):
        return
    others = [name for name, backend in models.items() if accepts_images(backend)]
    instead = f"; model {others[0]!r} does" if others else ""
    problem = f"the model {models[role].model!r} ({role}) reads no images{instead}"
    raise ApiError(400, problem, param=images[0], code="images_not_supported")
