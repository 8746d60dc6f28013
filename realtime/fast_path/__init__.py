"""Code that knows undocumented parts of uvicorn, daphne, twisted, asyncio or channels_redis.

Each part is optional: its module names what it relies on, checks it at start, and uses the public interface without it.
Outside this folder only `realtime.launcher.web` imports a server: uvicorn, for its public Config.
"""
