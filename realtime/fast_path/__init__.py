"""Everything that knows private parts of uvicorn, twisted or asyncio. Each part is optional: without it the long way is taken."""
