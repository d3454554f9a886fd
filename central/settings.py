"""Django settings of the reference server, from the environment.

| variable               | what it says                                           | default       |
|------------------------|--------------------------------------------------------|---------------|
| KIOSK_CENTRAL_STATE    | the folder (set by `central.boot`)                     |               |
| KIOSK_CENTRAL_DATABASE | postgresql://USER:PASSWORD@HOST:PORT/NAME?host=/SOCKET | SQLite there  |
| KIOSK_CENTRAL_HOSTS    | names under which it is reached, with commas           | this machine  |
| KIOSK_CENTRAL_PROXY    | "1": a proxy in front ends TLS (docs/operators.md)     | no proxy      |
| KIOSK_CENTRAL_BACKUP   | "commit" or "declared" (`central.standing`)            | commit        |
| KIOSK_CENTRAL_HSM      | HOST:PORT of the 加密机 (`central.hsm`)                | none          |
| KIOSK_CENTRAL_MESSAGES | "demo": 短信 are kept and not sent (`central.ports.messages`) | none   |
| KIOSK_CENTRAL_PORTRAIT_DECODER | program that opens ID cards' portraits         | none          |
"""

from __future__ import annotations

import os
from pathlib import Path

from central.boot import (
    DATABASE_VARIABLE,
    DEMO_VARIABLE,
    HSM_VARIABLE,
    MESSAGES_VARIABLE,
    STATE_VARIABLE,
    secret,
)
from central.database import described
from sync.wire.doors import LARGEST

STATE = Path(os.environ[STATE_VARIABLE])

#: Host and port of the 加密机 (`central.hsm`); "" where there is none.
HSM = os.environ.get(HSM_VARIABLE, "")
#: Whether this serves a demo or a test: then the HSM may be a virtual one.
DEMO = os.environ.get(DEMO_VARIABLE) == "1"
#: See `central.ports.portrait_decoder`.
PORTRAIT_DECODER = os.environ.get("KIOSK_CENTRAL_PORTRAIT_DECODER", "")
#: How it is known that what the centre keeps is safe: `central.standing`.
BACKUP = os.environ.get("KIOSK_CENTRAL_BACKUP", "commit")

#: See `central.ports.messages`.
MESSAGES = os.environ.get(MESSAGES_VARIABLE, "")

SECRET_KEY = secret(STATE / "django.secret")
DEBUG = False

# Who has the database tries passwords with special machines: scrypt needs memory for each try,
# which they lack, and takes a third of the time of Django's first choice here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]

ALLOWED_HOSTS = os.environ.get("KIOSK_CENTRAL_HOSTS", "127.0.0.1,localhost").split(",")

# Behind a proxy that ends TLS: it says so in a header, which it must set itself.
_PROXIED = os.environ.get("KIOSK_CENTRAL_PROXY", "") == "1"
if _PROXIED:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _PROXIED
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "central.apps.CentralConfig",
    "central.desk.site.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "central.contract.speak_one_major_version",
    "central.api.at_the_doors",
    "central.browser_policy.for_operators",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "central.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "desk" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {"default": described(os.environ.get(DATABASE_VARIABLE, ""), STATE)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
STATIC_URL = "static/"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

#: The doors have their own limits (`sync.wire.doors`); nothing is longer than the largest.
DATA_UPLOAD_MAX_MEMORY_SIZE = LARGEST

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "central.logs.WithoutTexts",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # A refused request with its path only; bodies are never logged.
        "django.request": {"level": "ERROR"},
        # Statements of the database hold what citizens entered.
        "django.db.backends": {"level": "ERROR", "handlers": [], "propagate": False},
    },
}
