"""What every test uses: settings apart from the developer's own, and a database file or PostgreSQL."""

import os
import secrets
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# An assert in these modules prints what differed.
pytest.register_assert_rewrite("tests.booking.model.seat_model", "tests.payments.model.money_model")

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("suite")

_open = ExitStack()


def pytest_addoption(parser):
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="database of the tests; postgresql: DATABASE_URL, or a server started for this run",
    )


def pytest_configure(config):
    """Runs before Django reads its settings: pytest-django waits as long as DJANGO_SETTINGS_MODULE is not set."""
    if not hasattr(config, "workerinput"):  # workers of xdist inherit the controller's environment and options
        _choose_seed(config.option)
        _prepare_environment(config.getoption("--database"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "cinema.settings"
    from django.conf import settings as django_settings

    from tests import seat_guard, table_cleanup

    table_cleanup.install()
    seat_guard.install()
    # In memory: a cache in the database could be cleared only by tests that use the database.
    django_settings.CACHES = {"default": django_settings.ONE_PROCESS}
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if config.getoption("--database") == "sqlite":
        # A file: the in-memory database ignores the busy timeout, so writers would not queue.
        django_settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(
            django_settings.DATA_DIR / "test.sqlite3"
        )


def _choose_seed(options):
    """One number repeats a run: the order of the tests, what `random` gives each, and the examples of Hypothesis."""
    seed = getattr(options, "randomly_seed", None)  # not there with `-p no:randomly`
    if seed == "default":
        seed = options.randomly_seed = secrets.randbits(32)
    if isinstance(seed, int) and options.hypothesis_seed is None:
        options.hypothesis_seed = str(seed)


def pytest_terminal_summary(terminalreporter, config):
    """With -q pytest prints no header, and a failure without its seed cannot be repeated."""
    if (seed := getattr(config.option, "randomly_seed", None)) is not None:
        terminalreporter.write_line(f"Order and examples: --randomly-seed={seed}")


def _prepare_environment(database):
    from bench.support.postgres import running_postgres
    from bench.support.servers import every_setting

    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-tests-"))
    _open.callback(shutil.rmtree, folder, ignore_errors=True)
    address = _open.enter_context(running_postgres()) if database == "postgresql" else ""
    os.environ["BOOKMYSEAT_GIVEN_REDIS"] = os.environ.get("REDIS_URL", "")
    os.environ |= dict.fromkeys(every_setting(), "")  # empty is the default, and hides the developer's .env
    os.environ |= {"DATABASE_URL": address, "SINGLE_SEATS": "allow"}  # most tests take seats as they come
    os.environ |= {"DATA_DIR": str(folder), "DEBUG": "1", "PAYMENTS": "demo", "RATE_LIMITS": "1", "LOOP": "external"}


def pytest_unconfigure(config):
    _open.close()


def pytest_collection_modifyitems(config, items):
    database = config.getoption("--database")
    for item in items:
        folders = Path(item.path).relative_to(Path(__file__).parent).parts
        if folders[0] == "browser":
            item.add_marker("browser")
            if os.environ.get("BOOKMYSEAT_NO_BROWSER"):
                item.add_marker(pytest.mark.skip(reason="no Chromium here"))
        elif folders[:2] == ("realtime", "launcher") or {"valkey", "redis_url"} & set(item.fixturenames):
            item.add_marker("server")
        if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(item.fixturenames):
            item.add_marker("database")
    other = "postgresql_only" if database == "sqlite" else "sqlite_only"
    deselected = [item for item in items if item.get_closest_marker(other)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]


@pytest.fixture(autouse=True, scope="session")
def _urls():
    """All URLs, by the settings of the suite. `payments.urls` mounts the demo's pages if its first import finds demo
    payments on, and in a random order that import could come in a test that has turned them off."""
    import payments.urls  # noqa: F401


@pytest.fixture(autouse=True)
def _empty_cache():
    """Limits are counted in the cache and in the process; each test begins with none used and no proxy seen."""
    from django.core.cache import cache

    from booking.clients.pace import forget_uses
    from booking.seats.choice.lost_races import forget_lost
    from booking.seats.choice.policy import forget_policies
    from booking.seats.known_map import forget_maps
    from cinema.web.client_address import proxy_watch

    cache.clear()
    forget_uses()
    forget_lost()
    forget_policies()
    forget_maps()
    proxy_watch.forget()
    yield


@pytest.fixture
def valkey():
    """A Valkey for this test alone, to kill, freeze and restart."""
    from bench.support.valkey import start_valkey

    with start_valkey() as server:
        yield server


@pytest.fixture
def redis_url():
    """The Redis that REDIS_URL named when the tests were started, else a Valkey for this test alone."""
    from bench.support.valkey import start_valkey

    if given := os.environ.get("BOOKMYSEAT_GIVEN_REDIS"):
        yield given
        return
    with start_valkey() as server:
        yield server.url


@pytest.fixture
def clock_ahead(monkeypatch):
    """`clock_ahead(360)`: the clock of this process, which follows the database's, is 360 s ahead from now on."""
    import threading
    import time
    from datetime import UTC, datetime

    import time_machine

    from cinema.database import clock

    real, is_shifted = time_machine.escape_hatch.time.time, time_machine.escape_hatch.is_travelling()
    shift = time.time() - real() if is_shifted else 0.0  # the suite may run at another instant: `make soak ONLY=clocks`
    monkeypatch.setattr(clock, "_followed", clock.DatabaseClock(lambda: datetime.fromtimestamp(real() + shift, UTC)))
    monkeypatch.setattr(clock, "_thread", threading.current_thread())  # no other thread measures
    with time_machine.travel(time.time()) as own_clock:

        def set_ahead(seconds):
            own_clock.move_to(real() + shift + seconds)
            time.time()  # it runs from its first reading on

        yield set_ahead
