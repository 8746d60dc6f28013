"""The log: one record is one line, and no line shows what opens a booking, an account or a payment.

`configure_logging` is Django's LOGGING_CONFIG. It gives every handler this formatter, also those of uvicorn and of
Django's own servers, which were made before: whoever writes a line, its text is cleaned here and nowhere else.
"""

from __future__ import annotations

import logging
import logging.config
import re
from typing import Any

from cinema.plain_text import escape_controls

HIDDEN = "[hidden]"
PARAMETERS = "key|token|session|state|code|password"
_COLOUR = re.compile("\x1b\\[[0-9;]*m")  # Django's development server colours its lines
_SECRETS = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # Parameters that open something, in an address or in the `next` of another one.
        (
            rf"((?:[?&;]|%3F|%26)(?:{PARAMETERS})(?:=|%3D))(?:(?!%26)[^&\s\"'#;])+",
            rf"\1{HIDDEN}",
        ),
        (r"(/accounts/(?:password/reset/key|confirm-email)/)[^/\s\"'?]+", rf"\1{HIDDEN}"),
        (r"\b(cs_(?:demo|test|live)_)\w+", rf"\1{HIDDEN}"),  # sessions of payment pages
        (r"\b((?:[sr]k_(?:test|live)|whsec|whsec_demo)_)\w[\w-]*", rf"\1{HIDDEN}"),
        (r"\b(pi_\w+_secret_)\w+", rf"\1{HIDDEN}"),
        (r"(checkout\.stripe\.com/)[^\s\"']+", rf"\1{HIDDEN}"),
        (r"\b((?:bookmyseat_\w+|sessionid|csrftoken)=)[^;\s\"']+", rf"\1{HIDDEN}"),
        (r"(://[^:/\s@]*:)[^@/\s]+(?=@)", rf"\1{HIDDEN}"),  # the password in an address of a database
        # Of a mail address the first letter and the domain stay.
        (r"(?<![\w.+-])([\w.+-])[\w.+-]*((?:@|%40)[\w-]+(?:\.[\w-]+)+)", r"\1…\2"),
    )
)


def hide_secrets(text: str) -> str:
    """The text without keys, tokens, ids of sessions and payment pages, and with mail addresses shortened."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def log_text(text: str) -> str:
    """A text as it stands in the log: on one line, without secrets."""
    return hide_secrets(escape_controls(text))


class LineFormatter(logging.Formatter):
    """One record, one line. A traceback follows on lines of its own, each indented, so that none looks like a record.

    It does not use the traceback that another handler may have stored in the record.
    """

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname:<7} {name}: {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        template = _COLOUR.sub("", str(record.msg))
        record.message = log_text(template % record.args if record.args else template)
        record.asctime = self.formatTime(record)
        parts = [self.formatMessage(record)]
        if record.exc_info:
            parts += _indented(self.formatException(record.exc_info))
        if record.stack_info:
            parts += _indented(record.stack_info)
        return "\n".join(parts)


def _indented(trace: str) -> list[str]:
    return [f"  {log_text(line)}" for line in trace.split("\n")]


def configure_logging(config: dict[str, Any]) -> None:
    """Django's LOGGING, and `LineFormatter` for every handler that there is."""
    logging.config.dictConfig(config)
    formatter = LineFormatter()
    for logger in (logging.root, *logging.root.manager.loggerDict.values()):
        for handler in logger.handlers if isinstance(logger, logging.Logger) else ():
            handler.setFormatter(formatter)
