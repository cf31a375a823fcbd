"""The routes of a served model: a page, what the model is, and answers on pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from PIL import Image
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from genmix_da.serving.answers import Answerer
from genmix_da.serving.body_limit import BodyLimit
from genmix_da.serving.uploads import Limits, RefusedError, read_upload, too_heavy

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
_PAGE = {"/": ("index.html", "text/html"), "/page.css": ("page.css", "text/css")}
_PAGE |= {"/page.js": ("page.js", "text/javascript")}
# The page loads nothing from elsewhere, and nobody frames it.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def make_app(answerer: Answerer, limits: Limits | None = None, *, local: bool = True) -> FastAPI:
    """The application of a model, for uvicorn or any other ASGI server.

    `GET /` is the page, `GET /about` says what the model is, and `POST /predict` takes the files of
    a multipart form (whatever the field is called; `?cam=true` adds Grad-CAM):

        {"images": [{"name": ..., "predicted": ..., "rejected": ..., "uncertainty": ...,
                     "best_class": ..., "top": [{"class": ..., "probability": ...}, ...]}, ...]}

    A picture that can't be read has {"name": ..., "error": ...} in its place; where none can be,
    the status is that of the first: 413 too large, 415 no picture, 422 damaged. A form that can't
    be read has 400.

    Args:
        answerer: the model.
        limits: of requests; None: the defaults.
        local: refuse requests that name another host than this machine, as pages of other sites
            do that reach for it.
    """
    allowed = limits or Limits()
    app = FastAPI(title=f"GenMix-DA: {answerer.name}", docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit, largest=allowed.request_bytes)
    if local:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK))

    @app.middleware("http")
    async def headers(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    for place, (name, kind) in _PAGE.items():
        content = (resources.files(__package__) / "page" / name).read_bytes()
        app.add_api_route(place, _held(content, kind), include_in_schema=False)

    @app.get("/about")
    def about() -> dict[str, Any]:
        return answerer.about() | {"limits": vars(allowed)}

    @app.post("/predict")
    async def predict(request: Request, cam: bool = False) -> Response:
        try:
            names, contents = await _files(request, allowed)
        except RefusedError as error:
            return JSONResponse({"detail": error.reason}, error.status)
        status, answers = await run_in_threadpool(_answers, answerer, allowed, contents, cam)
        images = [{"name": name, **told} for name, told in zip(names, answers, strict=True)]
        if status == 200:
            return JSONResponse({"images": images})
        return JSONResponse({"detail": answers[0]["error"], "images": images}, status)

    return app


def _held(content: bytes, kind: str) -> Callable[[], Response]:
    return lambda: Response(content, media_type=kind)


async def _files(request: Request, limits: Limits) -> tuple[list[str], list[bytes | RefusedError]]:
    """Names and contents of the files in a form; of those of too many bytes the refusal.

    Raises:
        RefusedError: there is none, or too many.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise RefusedError(415, "send pictures as the files of a multipart form")
    names: list[str] = []
    contents: list[bytes | RefusedError] = []
    try:
        async with request.form(max_files=limits.images, max_fields=16) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            if not files:
                raise RefusedError(422, "there is no file in the form")
            for file in files:
                names.append(file.filename or "")
                heavy = (file.size or 0) > limits.image_bytes
                contents.append(too_heavy(limits) if heavy else await file.read())
    except HTTPException as error:  # of the form's parser, which knows nothing of pictures
        if not str(error.detail).startswith("Too many files"):
            raise
        raise RefusedError(413, f"a request may bring {limits.images} pictures") from error
    return names, contents


def _answers(
    answerer: Answerer, limits: Limits, contents: list[bytes | RefusedError], cam: bool
) -> tuple[int, list[dict[str, Any]]]:
    """(status, one answer a picture); a picture that can't be used costs the others nothing."""
    pictures: dict[int, Image.Image] = {}
    refused: dict[int, RefusedError] = {}
    for place, content in enumerate(contents):
        try:
            if isinstance(content, RefusedError):
                raise content
            pictures[place] = read_upload(content, limits)
        except RefusedError as error:
            refused[place] = error
    told = answerer.answer(list(pictures.values()), cam=cam) if pictures else []
    answers = dict(zip(pictures, told, strict=True))
    answers |= {place: {"error": error.reason} for place, error in refused.items()}
    status = 200 if pictures else refused[0].status
    return status, [answers[place] for place in range(len(contents))]
