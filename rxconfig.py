"""How Reflex builds and serves SaaSBot. What an installation decides comes from `saasbot.infra.settings`."""

import reflex as rx

from saasbot.infra.origins import own_origins
from saasbot.infra.settings import settings
from saasbot.start.same_origin import SameOriginPlugin

_settings = settings()
_redis_url = _settings.redis_url.get_secret_value()

config = rx.Config(
    app_name="saasbot",
    # One port serves page, socket and API, so the browser only ever talks to the origin it came from.
    frontend_port=_settings.port,
    backend_port=_settings.port,
    api_url=_settings.public_url,
    deploy_url=_settings.public_url,
    backend_host="127.0.0.1",
    cors_allowed_origins=sorted(own_origins(_settings)),
    telemetry_enabled=False,
    # State is view data of open tabs: in memory for one process, in Redis for several, never pickled to disk.
    state_manager_mode=rx.constants.StateManagerMode.REDIS if _redis_url else rx.constants.StateManagerMode.MEMORY,
    redis_url=_redis_url or None,
    show_built_with_reflex=False,
    frontend_packages=["@fontsource-variable/inter@5.3.0"],
    plugins=[
        SameOriginPlugin(),
        rx.plugins.RadixThemesPlugin(
            theme=rx.theme(
                accent_color="jade", gray_color="slate", radius="medium", scaling="95%", has_background=False
            )
        ),
    ],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
