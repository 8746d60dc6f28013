"""What every test stands on: settings that touch nothing of the developer's, a real database file or PostgreSQL."""

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("suite")

_open = ExitStack()
_GIVEN = ("SECRET_KEY", "HTTPS", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "TRUSTED_PROXIES", "PORT", "WORKERS")
_GIVEN += ("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE")
_GIVEN += ("SEAT_LOCK_SECONDS", "MAX_SEATS_PER_BOOKING", "DECLINE_POLICY", "CURRENCY", "TIME_ZONE", "LANGUAGE_CODE")
_GIVEN += ("EMAIL_HOST", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "DEMO_STAFF_PASSWORD", "MAKELEVEL")


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

    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if config.getoption("--database") == "sqlite":
        # A file: the in-memory database ignores the busy timeout, so writers would not queue.
        django_settings.DATABASES["default"]["TEST"] = {"NAME": str(django_settings.DATA_DIR / "test.sqlite3")}


def _prepare_environment(database):
    from tests.postgres import running_postgres

    folder = Path(tempfile.mkdtemp(prefix="bookmyseat-tests-"))
    _open.callback(shutil.rmtree, folder, ignore_errors=True)
    if database == "postgresql":
        os.environ["DATABASE_URL"] = _open.enter_context(running_postgres())
    else:
        os.environ["DATABASE_URL"] = ""
    for name in _GIVEN:
        os.environ[name] = ""  # empty is the default, and .env does not override what is set
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
        elif folder in ("launcher", "cluster") or "valkey" in item.fixturenames:
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
    from tests.valkey import start_valkey

    with start_valkey() as server:
        yield server
