"""Everything that knows private parts of uvicorn, twisted or asyncio.

Each part is optional: without it, the public interface is used.
"""
