"""Serve a model until it is stopped."""

from __future__ import annotations

import contextlib
import logging
import socket
from pathlib import Path

from genmix_da.errors import UserError
from genmix_da.use.loading import load_model

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
PORT = 8000
_AT_ONCE = 64  # requests; further ones are answered 503


def serve(
    checkpoint: str | Path,
    *,
    host: str = HOST,
    port: int = PORT,
    device: str = "auto",
    weights: str | None = None,
    threshold: float | None = None,
    graph: bool = False,
    max_images: int = 16,
    max_megabytes: float = 25.0,
    max_megapixels: float = 100.0,
) -> None:
    """Serve a page and a JSON endpoint until the process is stopped; see `make_app`.

    Args:
        checkpoint, device, weights: see `genmix_da.load_model`.
        host: address to listen at; another than this machine's own lets others in.
        port: 0 takes any that is free.
        threshold, graph: see `Answerer`.
        max_images: pictures a request.
        max_megabytes, max_megapixels: a picture.

    Raises:
        UserError: a package is missing, the port is taken, or a value can't be; see `load_model`
            and `Answerer`.
    """
    try:
        import uvicorn

        from genmix_da.serving.app import LOOPBACK, make_app
    except ImportError as error:
        raise UserError(
            f"serve needs {error.name}; run: pip install 'genmix-da[serve]'."
        ) from error
    from genmix_da.adaptation.config import check_threshold
    from genmix_da.serving.answers import Answerer
    from genmix_da.serving.uploads import Limits

    check_threshold("threshold", threshold)
    limits = Limits(max_images, max_megabytes, max_megapixels)
    listening = listen(host, port)
    with listening:
        model = load_model(checkpoint, device, weights, graph=graph)
        named = Path(checkpoint).resolve()
        name = named.name if named.is_dir() else named.stem
        local = host in LOOPBACK
        app = make_app(Answerer(model, name, threshold, graph), limits, local=local)
        shown = f"[{host}]" if ":" in host else host
        logger.info("http://%s:%d (Ctrl-C stops it)", shown, listening.getsockname()[1])
        if not local:
            logger.warning("whoever reaches %s can use it: there is no login", host)
        config = uvicorn.Config(
            app,
            log_level="warning",
            limit_concurrency=_AT_ONCE,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        with contextlib.suppress(KeyboardInterrupt):  # how it is meant to be stopped
            uvicorn.Server(config).run(sockets=[listening])
        logger.info("stopped")


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound before the model is loaded, so that a taken port costs no wait.

    Raises:
        UserError: the address can't be listened at.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        made = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise UserError(f"no address {host!r} to listen at: {error.strerror}.") from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen()
    except OSError as error:
        made.close()
        raise UserError(
            f"port {port} of {host} can't be listened at ({error.strerror}); give another --port, "
            "0 for any that is free."
        ) from error
    return made
