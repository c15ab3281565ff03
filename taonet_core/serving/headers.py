"""Headers that keep a browser from doing what no page here asks for."""

from __future__ import annotations

from taonet_core.serving.asgi import App, Message, Receive, Scope, Send

#: Where pages of the app may load what from. Streamlit writes styles into the page, makes modules
#: of components from blobs, and starts with one inline script; its workers are blobs, too.
_APP = {
    "default-src": "'self'",
    "script-src": "'self' blob: {inline}",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' data: blob:",
    "connect-src": "'self' blob: data:",
    "worker-src": "'self' blob:",
    "frame-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
#: An answer that is data: nothing may come of it.
_DATA = {"default-src": "'none'"}
_PERMISSIONS = (
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=(), serial=(), hid=()"
)


def policy(rules: dict[str, str], frame_ancestors: str) -> str:
    """Return rules as a Content-Security-Policy."""
    stated = [f"{name} {value}".strip() for name, value in rules.items()]
    return "; ".join([*stated, f"frame-ancestors {frame_ancestors}"])


def app_policy(frame_ancestors: str, inline_scripts: str) -> str:
    """Return the policy of pages of the app.

    Parameters
    ----------
    frame_ancestors : str
        Who may show them in a frame.
    inline_scripts : str
        Hashes of the scripts written into its first page.
    """
    script = _APP["script-src"].format(inline=inline_scripts).strip()
    return policy(_APP | {"script-src": script}, frame_ancestors)


def data_policy() -> str:
    """Return the policy of answers that are data."""
    return policy(_DATA, "'none'")


class Headers:
    """Adds security headers to every answer.

    Parameters
    ----------
    app : ASGI application
    content_policy : str
        Content-Security-Policy.
    """

    def __init__(self, app: App, *, content_policy: str) -> None:
        self._app = app
        self._added = [
            (b"content-security-policy", content_policy.encode("ascii")),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"same-origin"),
            (b"permissions-policy", _PERMISSIONS.encode("ascii")),
            (b"cross-origin-opener-policy", b"same-origin"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, with the headers."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in self._added}
                kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
                message = {**message, "headers": [*kept, *self._added]}
            await send(message)

        return await self._app(scope, receive, told)
