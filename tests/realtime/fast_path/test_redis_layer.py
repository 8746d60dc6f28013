"""A layer that is thrown away forgets its channels, where channels_redis shows them."""

import asyncio
from types import SimpleNamespace

from channels_redis.pubsub import RedisPubSubChannelLayer

from realtime.fast_path.redis_layer import forget_channels


async def test_a_cancelled_receive_does_not_unsubscribe(monkeypatch):
    layer = RedisPubSubChannelLayer(hosts=["redis://127.0.0.1:1"])
    layer.channels["channel"] = asyncio.Queue()
    asked = []
    monkeypatch.setattr(type(layer._get_layer()), "_get_shard", lambda self, channel: asked.append(channel))
    reader = asyncio.create_task(layer.receive("channel"))
    await asyncio.sleep(0)
    forget_channels(layer)
    reader.cancel()
    await asyncio.wait([reader])
    assert reader.cancelled() and asked == []


def test_a_layer_that_hides_its_channels_is_reported(caplog):
    forget_channels(SimpleNamespace())
    forget_channels(SimpleNamespace(channels=None))
    assert caplog.text.count("no dict of channels") == 2
