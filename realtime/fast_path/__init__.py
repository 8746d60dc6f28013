"""All that relies on undocumented parts of uvicorn, daphne, twisted, autobahn, asyncio, channels_redis and Django.

Each module names in its docstring what it relies on and in which version, checks it, and works by public means where it
is missing (tests/realtime/fast_path takes each name away). Nothing else in the product may import these servers.
"""
