"""What every test stands on: settings that touch nothing of the developer's, a real database file or PostgreSQL."""

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite(
    "tests.booking.model.seat_model", "tests.payments.model.money_model"
)  # say what differed

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("suite")

_open = ExitStack()


def pytest_addoption(parser):
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="where tests of the database run; postgresql: DATABASE_URL, or one started for this run",
    )


def pytest_configure(config):
    """Runs before Django reads its settings: pytest-django waits while DJANGO_SETTINGS_MODULE is not set."""
    if not hasattr(config, "workerinput"):  # workers of xdist inherit what the controller has set up
        _prepare_environment(config.getoption("--database"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "cinema.settings"
    from django.conf import settings as django_settings

    from tests import emptying, seat_guard

    emptying.install()
    seat_guard.install()
    django_settings.CACHES = {
        "default": django_settings.ONE_PROCESS
    }  # the database would have to be there to be emptied
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if config.getoption("--database") == "sqlite":
        # A file: the in-memory database ignores the busy timeout, so writers would not queue.
        django_settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(
            django_settings.DATA_DIR / "test.sqlite3"
        )


def _prepare_environment(database):
    from bench.support.postgres import running_postgres
    from bench.support.servers import every_setting

    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-tests-"))
    _open.callback(shutil.rmtree, folder, ignore_errors=True)
    address = _open.enter_context(running_postgres()) if database == "postgresql" else ""
    os.environ["BOOKMYSEAT_GIVEN_REDIS"] = os.environ.get("REDIS_URL", "")
    os.environ |= dict.fromkeys(every_setting(), "")  # empty is the default, and hides the developer's .env
    os.environ |= {"DATABASE_URL": address}
    os.environ |= {"DATA_DIR": str(folder), "DEBUG": "1", "PAYMENTS": "demo", "RATE_LIMITS": "1", "LOOP": "external"}


def pytest_unconfigure(config):
    _open.close()


def pytest_collection_modifyitems(config, items):
    database = config.getoption("--database")
    for item in items:
        folder = Path(item.path).relative_to(Path(__file__).parent).parts[0]
        if folder == "browser":
            item.add_marker("browser")
            if os.environ.get("BOOKMYSEAT_NO_BROWSER"):
                item.add_marker(pytest.mark.skip(reason="no Chromium here"))
        elif folder in ("launcher", "cluster") or {"valkey", "redis_url"} & set(item.fixturenames):
            item.add_marker("server")
        if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(item.fixturenames):
            item.add_marker("database")
    other = "postgresql_only" if database == "sqlite" else "sqlite_only"
    strangers = [item for item in items if item.get_closest_marker(other)]
    if strangers:
        config.hook.pytest_deselected(items=strangers)
        items[:] = [item for item in items if item not in strangers]


@pytest.fixture(autouse=True)
def _empty_cache():
    """Rate limits count in the cache; no test begins with what another one used up."""
    from django.core.cache import cache

    cache.clear()
    yield


@pytest.fixture
def valkey():
    """A Valkey of this test's own, to kill, freeze and restart."""
    from bench.support.valkey import start_valkey

    with start_valkey() as server:
        yield server


@pytest.fixture
def redis_url():
    """The Redis that REDIS_URL named when the tests were started, else a Valkey of this test's own."""
    from bench.support.valkey import start_valkey

    if given := os.environ.get("BOOKMYSEAT_GIVEN_REDIS"):
        yield given
        return
    with start_valkey() as server:
        yield server.url
