"""Every setting of the product, read from the environment or `.env`. A bad value ends the start with a clear message.

Names and defaults are a public contract; `.env.example` describes each in a line.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from cinema.environment import Environment, kept_secret, why_weak
from cinema.files import tighten

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(BASE_DIR / ".env")

# ---- Deployment ---------------------------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG", default=True)
PORT = env.integer("PORT", default=8000, least=1, most=65535)
DATA_DIR = tighten(env.folder("DATA_DIR", default=BASE_DIR / "var", relative_to=BASE_DIR))
HTTPS = env.flag("HTTPS", default=False)
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
TRUSTED_NETWORKS = env.networks("TRUSTED_NETWORKS")
WORKERS = env.integer("WORKERS", default=2, least=1, most=64)
SECRET_KEY = env.text("SECRET_KEY") or (kept_secret(DATA_DIR / "secret_key") if DEBUG else "")
if not SECRET_KEY:
    env.refuse("SECRET_KEY", "must be set when DEBUG=0; a text of 50 random characters or more")
if not DEBUG and (weakness := why_weak(SECRET_KEY)):
    env.refuse("SECRET_KEY", weakness)
SECRET_KEY_FALLBACKS = env.items("SECRET_KEY_FALLBACKS")  # earlier keys: what they signed still opens

# ---- Apps, middleware, templates ----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "whitenoise.runserver_nostatic",  # before daphne, whose runserver it wraps: static files have one door
    "daphne",
    "cinema.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "channels",
    "csp",
    "cinema.apps.CinemaConfig",
    "booking.apps.BookingConfig",
    "payments.apps.PaymentsConfig",
    "realtime.apps.RealtimeConfig",
]
MIDDLEWARE = [
    "cinema.web.problems.ProblemMiddleware",
    "cinema.web.client_address.ForwardedSchemeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "cinema.web.request_input.MonitorMiddleware",
    "cinema.web.request_input.RequestInputMiddleware",
    "cinema.web.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "cinema.web.request_input.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "cinema.accounts.known_browsers.KnownBrowserMiddleware",
    "cinema.accounts.pages.PrivatePagesMiddleware",
    "cinema.accounts.pages.AccountFormsMiddleware",
]
ROOT_URLCONF = "cinema.urls"
ASGI_APPLICATION = "asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cinema.web.context.site",
            ],
            "builtins": ["django.templatetags.static", "django.templatetags.i18n", "cinema.templatetags.cinema"],
        },
    }
]

# ---- Database, Redis, loop ----------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {"default": env.database("DATABASE_URL", sqlite=DATA_DIR / "db.sqlite3")}
REDIS_URL = env.address("REDIS_URL", schemes=("redis", "rediss", "unix"))  # empty: one process only
LOOP = env.choice("LOOP", ("inside", "external"), default="inside")  # external: `manage.py work` runs the loop

# ---- Sales --------------------------------------------------------------------------------------------------------
SEAT_LOCK = timedelta(seconds=env.integer("SEAT_LOCK_SECONDS", default=300, least=1, most=3600))
MAX_SEATS_PER_BOOKING = env.integer("MAX_SEATS_PER_BOOKING", default=10, least=1, most=100)
SINGLE_SEATS = env.choice("SINGLE_SEATS", ("refuse", "allow"), default="refuse")
WHEELCHAIR_RELEASE = timedelta(minutes=env.integer("WHEELCHAIR_RELEASE_MINUTES", default=60, least=0, most=100_000))
DECLINE_POLICY = env.choice("DECLINE_POLICY", ("release", "retry"), default="release")
CANCEL_UNTIL = timedelta(minutes=env.integer("CANCEL_UNTIL_MINUTES", default=120, least=0, most=100_000))
PROCESSING_GRACE = timedelta(days=1)
CURRENCY = env.currency("CURRENCY", default="GBP")

# ---- Payments -----------------------------------------------------------------------------------------------------
STRIPE_PUBLISHABLE_KEY = env.text("STRIPE_PUBLISHABLE_KEY")
STRIPE_SECRET_KEY = env.text("STRIPE_SECRET_KEY")
STRIPE_WEBHOOK_SECRETS = env.items("STRIPE_WEBHOOK_SECRET")
STRIPE_API_BASE = env.text("STRIPE_API_BASE")
PAYMENTS = env.choice("PAYMENTS", ("demo", "stripe"), default="stripe" if STRIPE_SECRET_KEY else "demo")
DEMO_PAYMENTS_ANYWAY = env.flag("DEMO_PAYMENTS_ANYWAY", default=False)
DEMO_PAYMENTS = PAYMENTS == "demo" and not STRIPE_SECRET_KEY and (DEBUG or DEMO_PAYMENTS_ANYWAY)
if STRIPE_API_BASE and not STRIPE_SECRET_KEY.startswith(("sk_test_", "rk_test_")):
    env.refuse("STRIPE_API_BASE", "is for tests: it goes with a key that begins with sk_test_ or rk_test_")
if STRIPE_PUBLISHABLE_KEY and STRIPE_SECRET_KEY and STRIPE_PUBLISHABLE_KEY[3:7] != STRIPE_SECRET_KEY[3:7]:
    env.refuse("STRIPE_PUBLISHABLE_KEY", "and STRIPE_SECRET_KEY must both be of test mode or both live")
if PAYMENTS == "stripe" and not (STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRETS):
    env.refuse("PAYMENTS", "is stripe, so STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET must be set too")
if PAYMENTS == "demo" and STRIPE_SECRET_KEY:
    env.refuse("PAYMENTS", "is demo, but STRIPE_SECRET_KEY is set; take one of them away")
if PAYMENTS == "demo" and not DEMO_PAYMENTS:
    env.refuse("PAYMENTS", "is demo with DEBUG=0: set Stripe's keys, or DEMO_PAYMENTS_ANYWAY=1 for a public demo")

# ---- Mail ---------------------------------------------------------------------------------------------------------
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_HOST = env.text("EMAIL_HOST") or ("smtp.gmail.com" if EMAIL_HOST_USER else "")
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL", default=False)
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=bool(EMAIL_HOST) and not EMAIL_USE_SSL)
EMAIL_PORT = env.integer(
    "EMAIL_PORT", default=465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25, least=1, most=65535
)
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend" if EMAIL_HOST else "booking.mail.files.EmlFileBackend"
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL") or "BookMySeat <tickets@localhost>"
if EMAIL_USE_SSL and EMAIL_USE_TLS:
    env.refuse("EMAIL_USE_SSL", "and EMAIL_USE_TLS are both 1; a server speaks one of them")

# ---- Rate limits and live map -------------------------------------------------------------------------------------
RATE_LIMITS = env.flag("RATE_LIMITS", default=True)
LOCKS_PER_ADDRESS_PERCENT = env.integer("LOCKS_PER_ADDRESS_PERCENT", default=25, least=0, most=100)
WS_HEARTBEAT = timedelta(seconds=env.integer("WS_HEARTBEAT_SECONDS", default=15, least=1, most=50))
LIVE_POLL = timedelta(seconds=env.number("LIVE_POLL_SECONDS", default=2, least=0.1, most=60))
DEMO_STAFF_PASSWORD = env.text("DEMO_STAFF_PASSWORD")
DEMO_HISTORY_DAYS = env.integer("DEMO_HISTORY_DAYS", default=14, least=0, most=90)
# The cache is used for rate limits only. One process counts in memory; several count in the database, which sign-in
# needs anyway, because Redis may be down. Many entries: else many failed sign-ins would evict their own counts.
ONE_PROCESS = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
MANY_PROCESSES = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "rate_limits"}
IS_ALONE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3" and not REDIS_URL
CACHES: dict[str, dict[str, Any]] = {
    "default": (ONE_PROCESS if IS_ALONE else MANY_PROCESSES) | {"OPTIONS": {"MAX_ENTRIES": 50_000}}
}

# ---- Accounts -----------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_CHANGE_EMAIL = True  # one address per account; a new one is valid once it is confirmed
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # an unattended browser is not enough to take over an account
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Links that confirm an address carry a random key that is stored. A signed primary key, which is the default, would
# confirm another's address after a restored backup.
ACCOUNT_EMAIL_CONFIRMATION_HMAC = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = "BookMySeat: "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_ADAPTER = "cinema.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "add_email": "cinema.accounts.forms.ChangeEmailForm",
    "change_password": "cinema.accounts.forms.ChangePasswordForm",
    "reset_password": "cinema.accounts.forms.ResetPasswordForm",
}
# A second factor: codes of an app, and recovery codes. Security keys need a domain name and HTTPS, see decision 0074.
MFA_ADAPTER = "cinema.accounts.second_factor_adapter.SecondFactorAdapter"
MFA_FORMS = {
    "activate_totp": "cinema.accounts.code_forms.ActivateForm",
    "authenticate": "cinema.accounts.code_forms.SignInForm",
    "reauthenticate": "cinema.accounts.code_forms.AgainForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "BookMySeat"
MFA_TOTP_TOLERANCE = 1  # a code of the half minute before or after is right too; each is taken once
STAFF_SECOND_FACTOR = env.choice("STAFF_SECOND_FACTOR", ("optional", "refunds"), default="optional")
# Number / time / whom: `ip` is the client's address (a /64 of IPv6), `key` and `user` an account or a mailbox.
ACCOUNT_RATE_LIMITS: dict[str, str | None] | bool = RATE_LIMITS and {
    # Every password, right ones too, because each costs a hash; wrong ones: cinema/accounts/sign_in_limits.py.
    "login": None,
    "password": "30/m/ip",
    "password_known": "30/m/key",
    "network": "120/m/key",  # strangers of a /48 of IPv6, which has 65,536 networks that are an address each
    "login_failed": "5/5m/key,20/h/key",  # codes of a second factor
    # Mails that anybody can have sent to anybody: by mailbox.
    "reset_password": "20/m/ip",
    "reset_password_mail": "3/15m/key,10/d/key",
    "confirm_email": "1/3m/key,20/d/key",
}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# ---- Sessions, cookies, headers -----------------------------------------------------------------------------------
SESSION_ENGINE = "cinema.database.sessions"
SESSION_COOKIE_NAME = f"bookmyseat_{PORT}"  # two installations on one host must not share sessions
KNOWN_BROWSER_COOKIE_NAME = f"bookmyseat_known_{PORT}"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
MESSAGE_STORAGE = "cinema.web.messages.CookieMessages"
CSRF_FAILURE_VIEW = "cinema.web.problems.csrf_failure"
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_SSL_REDIRECT = False  # the reverse proxy terminates TLS and redirects
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS and TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "frame-src": ["https://www.youtube-nocookie.com", "https://player.vimeo.com"],  # trailers, loaded on request
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'", "https://checkout.stripe.com"],
        "frame-ancestors": ["'none'"],
    }
}

# ---- Static files -------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "cinema.web.bundles.BundleFinder",
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
STATIC_ROOT = DATA_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "cinema.web.static_files.WholeFilesStorage"
    },
}

# ---- Language, time, logs -----------------------------------------------------------------------------------------
LANGUAGE_CODE = env.language("LANGUAGE_CODE", default="en-gb")
TIME_ZONE = env.time_zone("TIME_ZONE", default="Europe/London")
USE_I18N = True
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024  # of a body, without files: `cinema.web.request_limits`
# W008: the reverse proxy redirects to https. The others only apply with HTTPS=1.
SILENCED_SYSTEM_CHECKS = ["security.W008"] + ([] if HTTPS else ["security.W004", "security.W012", "security.W016"])
LOGGING_CONFIG = "cinema.log_lines.configure_logging"  # gives each handler its formatter
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": []},  # Django's own handlers would write each line a second time
        "django.request": {"level": "ERROR"},
        "daphne": {"level": "WARNING"},
        # Else two lines per socket, a third of the cost of accepting one; uvicorn's own setting is not to propagate.
        "uvicorn": {"level": "WARNING", "propagate": True},
        "stripe": {"level": "WARNING"},
        "channels_redis": {"level": "CRITICAL"},  # else a traceback a second without Redis; the transport logs it once
    },
}
