"""One web process of a cluster: uvicorn on the shared port. `python -m realtime.launcher.web`."""

from __future__ import annotations

import os
import socket
from types import FrameType

import django
import uvicorn
from django.conf import settings

from realtime.fast_path.first_request import HurriedProtocol
from realtime.fast_path.shared_frames import fitting_protocol
from realtime.launcher.processes import shared_door
from realtime.launcher.shutdown import LAST_MOMENT_OF_CHILD, REQUEST_SECONDS, be_gone_in, leave, say_bye

LARGEST_FRAME = 4096


class DrainingServer(uvicorn.Server):
    """Says bye to the sockets before uvicorn closes them without a word of ours."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            be_gone_in(LAST_MOMENT_OF_CHILD)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        from realtime.live import hub  # needs Django, which main() has set up

        for server in self.servers:
            server.close()
        for door in sockets or []:
            door.close()
        await say_bye(hub.drain)
        await super().shutdown(sockets)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cinema.settings")
    django.setup()
    config = uvicorn.Config(
        "asgi:application",
        http=HurriedProtocol,
        ws=fitting_protocol(),
        ws_per_message_deflate=False,
        ws_max_size=LARGEST_FRAME,
        timeout_graceful_shutdown=int(REQUEST_SECONDS),
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # the product reads TRUSTED_PROXIES itself
    )
    config.load()  # before the door opens: whoever is sent here must not wait for our imports
    DrainingServer(config).run(sockets=[shared_door(settings.PORT, listen=True)])
    leave()


if __name__ == "__main__":
    main()
