"""channels_redis: forget a layer's channels, so that a cancelled `receive` does not unsubscribe.

That would wait for a connection that may be dead. Relies on channels_redis 4.3, undocumented: `channels` of a
`RedisPubSubChannelLayer`, a dict with a queue for each channel of this process. Checked at each call, one for each
lost subscription; where it is missing, the cancelled `receive` unsubscribes in its own task.
"""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger(__name__)


def forget_channels(layer: Any) -> None:
    channels = getattr(layer, "channels", None)
    if isinstance(channels, dict):
        channels.clear()
    else:
        log.warning("channels_redis has no dict of channels any more: a lost subscription is unsubscribed")
