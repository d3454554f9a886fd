"""Django settings of the reference server. The state directory comes from the environment."""

from __future__ import annotations

import os
from pathlib import Path

from central.boot import DEMO_VARIABLE, HSM_VARIABLE, STATE_VARIABLE, secret

STATE = Path(os.environ[STATE_VARIABLE])

#: Host and port of the 加密机 (`central.hsm`); "" where there is none.
HSM = os.environ.get(HSM_VARIABLE, "")
#: Whether this serves a demo or a test: then the HSM may be a virtual one.
DEMO = os.environ.get(DEMO_VARIABLE) == "1"

SECRET_KEY = secret(STATE / "django.secret")
DEBUG = False
#: Names under which terminals and operators reach the server, separated by commas.
ALLOWED_HOSTS = os.environ.get("KIOSK_CENTRAL_HOSTS", "127.0.0.1,localhost").split(",")

INSTALLED_APPS = [
    "central.apps.CentralConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "central.encoding.say_what_is_understood",
    "central.contract.speak_one_major_version",
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
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": STATE / "central.db",
        "OPTIONS": {
            # A terminal deletes its copy on our word, so our commit must be on disk first.
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
STATIC_URL = "static/"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

#: As `central.encoding.BODY_LIMIT`, which cannot be imported before Django is set up.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # Django logs a refused request with its path only; bodies are never logged.
    "loggers": {"django.request": {"level": "ERROR"}},
}
