"""Python runs this at the start of a program that has this folder in PYTHONPATH: its clock is ahead by the seconds in
the file CLOCK_AHEAD_FILE, and is set anew when the file changes. The monotonic clock is the machine's."""

import os
import threading
import time

import time_machine

file = os.environ["CLOCK_AHEAD_FILE"]


def read():
    with open(file) as text:
        return float(text.read())


def follow(own_clock, ahead):
    while True:
        time.sleep(0.05)
        if (now := read()) != ahead:
            ahead = now
            own_clock.move_to(time_machine.escape_hatch.time.time() + ahead)
            time.time()  # its clock runs from the first reading on


first = read()
started = time_machine.travel(time.time() + first, tick=True).start()
time.time()
threading.Thread(target=follow, args=(started, first), name="set clock", daemon=True).start()
