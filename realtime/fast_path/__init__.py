"""Code that knows undocumented parts of uvicorn, daphne, their libraries, asyncio, channels_redis or Django's handler.

Each part is optional: its module names what it relies on, checks it at start, and uses the public interface without it.
Outside this folder only `realtime.launcher.web` imports a server: uvicorn, for its public Config.

- uvicorn: `uvicorn_server` (its end), `uvicorn_http` (heads of requests), `uvicorn_frames` (sockets);
- daphne: `daphne_server` (its end), `daphne_http` (puts the classes of `daphne_requests` in the place of daphne's),
  `daphne_sockets` (messages of clients), `daphne_frames` (frames to them), `daphne_access_log`;
- both: `unfinished` (deadlines of connections), `raw_answers` (refusals as bytes), `shared_frames`.
"""
