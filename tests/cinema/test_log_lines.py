"""The log: one record is one line, and no line shows what opens something."""

import io
import logging
import time

import pytest
from django.conf import settings

from cinema.log_lines import LineFormatter, configure_logging, hide_secrets, log_text

FORGED = "/a\n2026-11-29 10:00:00,000 ERROR   money: nothing is paid"


@pytest.fixture
def written():
    """A logger with the product's formatter, and what it has written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.read = stream.getvalue
    return logger


@pytest.mark.parametrize(
    "control",
    ["\n", "\r", "\r\n", "\x00", "\x0b", "\x0c", "\x1b[2J", "\x7f", "\x85", "\x9b2J", "\u2028", "\u2029", "\u202e",
     "\u2066", "\u200b", "\u200e", "\ufeff", "\ud800"],
)  # fmt: skip
@pytest.mark.parametrize("as_argument", [True, False])
def test_a_record_is_one_line_without_control_characters(written, control, as_argument):
    text = f"/a{control}ERROR forged"
    written.error("Not Found: %s", text) if as_argument else written.error(text)
    line = written.read()
    assert line.endswith("ERROR forged\n") and line.count("\n") == 1
    assert control not in line[:-1]
    assert control[0].encode("unicode_escape").decode() in line
    line.encode("utf-8")


def test_every_way_to_a_message_is_cleaned(written):
    written.error("%(path)s", {"path": FORGED})
    written.error(ValueError(FORGED))
    written.getChild("a\nb").warning("plain")
    written.warning("%s %s", 1, b"\n\x1b")
    assert all(line[:4].isdigit() and line[4] == "-" for line in written.read().splitlines())


def test_a_traceback_keeps_its_lines_and_none_of_them_looks_like_a_record(written):
    try:
        raise ValueError(f"{FORGED}\x1b[2J")
    except ValueError:
        written.exception("failure: %s", FORGED)
    first, *rest = written.read().splitlines()
    assert first.endswith("\\n2026-11-29 10:00:00,000 ERROR   money: nothing is paid")
    assert rest[0] == "  Traceback (most recent call last):"
    assert all(line.startswith("  ") for line in rest) and "\x1b" not in written.read()


def test_a_traceback_that_another_handler_has_stored_is_not_used(written):
    try:
        raise ValueError("here")
    except ValueError as error:
        record = written.makeRecord("test", logging.ERROR, "", 0, "failure", (), (type(error), error, None))
    record.exc_text = "\nforged"
    written.handle(record)
    assert "forged" not in written.read() and record.exc_text == "\nforged"


def test_colours_of_the_development_server_are_left_out(written):
    written.info("\x1b[32;1mHTTP GET %s 200\x1b[0m", "/\x1b[31m")
    assert written.read().endswith("HTTP GET /\\x1b[31m 200\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('"GET /bookings/ABC/?key=MTIz:a-b_c HTTP/1.1" 200', '"GET /bookings/ABC/?key=[hidden] HTTP/1.1" 200'),
        ("/bookings/ABC/cancel/?seats=F7&key=x:y&back=1", "/bookings/ABC/cancel/?seats=F7&key=[hidden]&back=1"),
        ("/login/?next=/bookings/A/%3Fkey%3Dx%253Ay%26a%3D1", "/login/?next=/bookings/A/%3Fkey%3D[hidden]%26a%3D1"),
        ("/payments/cancel/ABC/?token=abc", "/payments/cancel/ABC/?token=[hidden]"),
        ("/payments/return/ABC/?session=cs_test_a1B2", "/payments/return/ABC/?session=[hidden]"),
        ("/payments/demo/cs_demo_0123abc/ 200", "/payments/demo/cs_demo_[hidden]/ 200"),
        ("session cs_live_a1B2c3 is expired", "session cs_live_[hidden] is expired"),
        ("https://checkout.stripe.com/c/pay/cs_test_1#fid x", "https://checkout.stripe.com/[hidden] x"),
        ("/accounts/password/reset/key/1-abc-def/", "/accounts/password/reset/key/[hidden]/"),
        ("/accounts/confirm-email/MQ:abc:def/", "/accounts/confirm-email/[hidden]/"),
        ("Invalid API Key: sk_live_abc", "Invalid API Key: sk_live_[hidden]"),
        ("whsec_abc and rk_test_x1", "whsec_[hidden] and rk_test_[hidden]"),
        ("pi_12_secret_34", "pi_12_secret_[hidden]"),
        ("Cookie: bookmyseat_8000=abc; csrftoken=def", "Cookie: bookmyseat_8000=[hidden]; csrftoken=[hidden]"),
        ("postgres://cinema:pass@db:5432/x refused", "postgres://cinema:[hidden]@db:5432/x refused"),
        ("redis://:pass@127.0.0.1:6379", "redis://:[hidden]@127.0.0.1:6379"),
        ("mira.lang+x@example.com was refused", "m…@example.com was refused"),
        ("?q=mira%40example.com", "?q=m…%40example.com"),
    ],
)  # fmt: skip
def test_what_opens_something_is_hidden(text, shown):
    assert hide_secrets(text) == shown


@pytest.mark.parametrize(
    "text", ["/showtimes/7/", "outbox: mail.confirmed:17 failed", "/?genre=drama&q=keys", "user@host", "a@b", "12:30"]
)
def test_other_text_stays(text):
    assert log_text(text) == text


@pytest.mark.parametrize("text", ["a" * 200_000, "/a" * 100_000, "a." * 100_000, "pi_a" * 50_000, "://:" * 50_000])
def test_a_long_line_takes_no_long_time(text):
    begun = time.perf_counter()
    log_text(text)
    assert time.perf_counter() - begun < 5


@pytest.fixture
def handlers_stay():
    """The handlers and levels of all loggers are afterwards what they were."""
    loggers = [logging.root, *(each for each in logging.root.manager.loggerDict.values() if hasattr(each, "handlers"))]
    before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, handlers, level, propagate in before:
        logger.handlers[:], logger.level, logger.propagate = handlers, level, propagate
    logging.root.manager._clear_cache()


def test_every_handler_of_every_logger_writes_clean_lines(handlers_stay):
    """Also one that a library made before LOGGING is read; those of uvicorn and of Django are taken off."""
    foreign = {name: logging.StreamHandler(io.StringIO()) for name in ("elsewhere", "uvicorn.access", "django.server")}
    logging.getLogger("uvicorn").propagate = False  # as uvicorn's own configuration leaves it
    for name, handler in foreign.items():
        handler.setFormatter(logging.Formatter("%(message)s"))
        logging.getLogger(name).addHandler(handler)
    configure_logging(settings.LOGGING)
    assert isinstance(foreign["elsewhere"].formatter, LineFormatter)
    assert [type(handler.formatter) for handler in logging.root.handlers] == [LineFormatter]
    for name in ("django", "django.server", "uvicorn", "uvicorn.access"):
        assert logging.getLogger(name).handlers == [] and logging.getLogger(name).propagate
