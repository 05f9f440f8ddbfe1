"""The bank's verification service, asked over HTTP: a real server on this machine."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date

import pytest
from aiohttp import web

from signerd.config.secret_source import Secret
from signerd.core.error import ServiceUnavailable
from signerd.core.evidence import DocumentKind
from signerd.identity.document import (
    DocumentOutcome,
    DocumentVerdict,
    DocumentVerifier,
    IdentityDocument,
)
from signerd.identity.http_document_verifier import HttpDocumentVerifier

DOCUMENT = IdentityDocument(
    DocumentKind.RESIDENT_CARD, Secret("9005121234567"), Secret("김하늘"), date(2020, 2, 29)
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
GENUINE = '{"outcome": "GENUINE", "reference": "case-7", "more": 1}'


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A server with one resource; its URL."""
    app = web.Application()
    app.router.add_post("/verify", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/verify"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def asking(
    handler: Handler, *, timeout_s: float = 60, authorization: Secret | None = None
) -> AsyncIterator[DocumentVerifier]:
    async with (
        serving(handler) as url,
        HttpDocumentVerifier(url, timeout_s=timeout_s, authorization=authorization) as verifier,
    ):
        yield verifier


async def problem_of(verifier: DocumentVerifier) -> str:
    with pytest.raises(ServiceUnavailable) as caught:
        await verifier.verify(DOCUMENT)
    assert caught.value.reason == "DOCUMENT_SERVICE_UNAVAILABLE"
    assert caught.value.retry_after_s == 5
    shown = f"{caught.value.message} {caught.value.__cause__}"
    assert "9005121234567" not in shown
    assert "김하늘" not in shown
    text = caught.value.message.removeprefix("the verification service for identity documents ")
    return text.removesuffix("; try again, and tell the operator if this repeats")


def answering(text: str | bytes, status: int = 200, **headers: str) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        body = text if isinstance(text, bytes) else text.encode()
        return web.Response(body=body, status=status, headers=headers)

    return answer


async def test_the_question_goes_out_and_the_verdict_comes_back() -> None:
    """The service gets the document as JSON with our authorisation, and its word is taken."""
    seen: list[object] = []

    async def answer(request: web.Request) -> web.Response:
        seen.extend([await request.json(), request.headers["Authorization"]])
        return web.Response(text=GENUINE)

    async with asking(answer, authorization=Secret("Bearer abc")) as verifier:
        verdict = await verifier.verify(DOCUMENT)

    assert verdict == DocumentVerdict(DocumentOutcome.GENUINE, "case-7")
    assert seen == [
        {
            "kind": "RESIDENT_CARD",
            "number": "9005121234567",
            "name": "김하늘",
            "issue_date": "2020-02-29",
        },
        "Bearer abc",
    ]


@pytest.mark.parametrize("outcome", DocumentOutcome)
async def test_every_outcome_is_understood(outcome: DocumentOutcome) -> None:
    """The four words of the service; a reference may be absent."""
    async with asking(answering(f'{{"outcome": "{outcome}"}}')) as verifier:
        assert await verifier.verify(DOCUMENT) == DocumentVerdict(outcome, "")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (answering(GENUINE, status=500), "answered HTTP 500"),
        (answering(GENUINE, status=201), "answered HTTP 201"),
        (answering("", status=302, Location="/verify"), "answered HTTP 302"),
        (answering(""), "answered something that is no verdict"),
        (answering("genuine"), "answered something that is no verdict"),
        (answering('{"outcome": "genuine"}'), "answered something that is no verdict"),
        (answering('{"outcome": null}'), "answered something that is no verdict"),
        (answering('["GENUINE"]'), "answered something that is no verdict"),
        (answering(b'{"outcome": "GENUINE\xff"}'), "answered something that is no verdict"),
        (answering(b'{"outcome":"GENUINE","reference":"\xff"}'), "answered something that"),
        (answering(GENUINE.replace("case-7", "x" * 129)), "answered an unusable reference"),
        (answering(GENUINE.replace("case-7", "a\\nb")), "answered an unusable reference"),
        (answering(GENUINE + " " * 16_384), "answered more than 16384 bytes"),
    ],
)
async def test_anything_but_a_verdict_is_no_answer(answer: Handler, problem: str) -> None:
    """Errors, redirects, other words and too much of it: to be tried again, nothing decided."""
    async with asking(answer) as verifier:
        assert (await problem_of(verifier)).startswith(problem)


async def test_a_question_is_asked_once() -> None:
    """The daemon does not repeat by itself what may cost money."""
    asked: list[None] = []

    async def answer(_request: web.Request) -> web.Response:
        asked.append(None)
        return web.Response(status=503)

    async with asking(answer) as verifier:
        await problem_of(verifier)
    assert len(asked) == 1


async def test_a_service_that_is_silent_is_given_up() -> None:
    """After the time-out the caller hears so, also in the middle of an answer."""
    release = asyncio.Event()

    async def silent(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response(text=GENUINE)

    async def halting(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"outcome"')
        await release.wait()
        return response

    for handler in (silent, halting):
        release.clear()
        async with asking(handler, timeout_s=0.2) as verifier:
            assert await problem_of(verifier) == "did not answer within 0.2 seconds"
            release.set()


async def test_a_service_that_breaks_off_is_no_answer() -> None:
    """A connection that ends within the answer decides nothing."""

    async def breaking(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(GENUINE.encode())
        assert request.transport is not None
        request.transport.abort()
        return response

    async with asking(breaking) as verifier:
        assert (await problem_of(verifier)).startswith("cannot be reached (Client")


async def test_nobody_there_is_an_error_to_be_tried_again() -> None:
    """A refused connection, and a server that speaks no TLS."""
    async with serving(answering(GENUINE)) as url:
        secure = url.replace("http:", "https:")
        async with HttpDocumentVerifier(
            secure, timeout_s=60, tls=ssl.create_default_context()
        ) as verifier:
            assert (await problem_of(verifier)).startswith("cannot be reached (Client")
    async with HttpDocumentVerifier(url, timeout_s=60) as verifier:
        assert await problem_of(verifier) == "cannot be reached (ClientConnectorError)"


@pytest.mark.parametrize(
    "url", ["http://verify.bank.example/", "http://10.0.0.1/", "ftp://localhost/", "https://", "x"]
)
def test_personal_data_goes_nowhere_in_the_clear(url: str) -> None:
    """Only https, or this machine."""
    with pytest.raises(ValueError, match="use https"):
        HttpDocumentVerifier(url, timeout_s=1)


def test_this_machine_and_https_are_taken() -> None:
    """A verifier behind a local proxy, or the bank's own."""
    for url in ("http://localhost:1/", "http://[::1]:1/", "https://verify.bank.example/"):
        HttpDocumentVerifier(url, timeout_s=1)


async def test_asking_outside_the_context_is_a_mistake_of_the_caller() -> None:
    """The connections live in the context."""
    with pytest.raises(RuntimeError, match="context"):
        await HttpDocumentVerifier("http://localhost:1/", timeout_s=1).verify(DOCUMENT)
