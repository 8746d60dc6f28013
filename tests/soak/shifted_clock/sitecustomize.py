"""With this folder in PYTHONPATH each Python process has a shifted clock, from its first line; so have its children."""

import os
import time

if offset := os.environ.get("BOOKMYSEAT_CLOCK_OFFSET"):
    import time_machine

    time_machine.travel(time.time() + float(offset), tick=True).start()
