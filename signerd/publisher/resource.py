"""What lies at which path."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web

from signerd.ca.answer_ocsp import AnswerOcsp, OcspAnswer
from signerd.ca.authority import Authority
from signerd.ca.current_crl import CurrentCrls
from signerd.core.clock import Clock
from signerd.core.status import CrlIssuer, CrlRecord
from signerd.pki.bundle import cms_bundle, pem_bundle
from signerd.pki.ocsp import MalformedOcspRequest, OcspRefusal, parse_ocsp_get
from signerd.publisher import path
from signerd.publisher.representation import NO_STORE, Representation, respond
from signerd.signing.answer_timestamp import AnswerTimestamp

# RFC 2585, sections 3 and 4; RFC 6960, C.1 and C.2; RFC 5280, 4.2.2.1; RFC 8555, 9.1.
_CRL_TYPE: Final = "application/pkix-crl"
_CERTIFICATE_TYPE: Final = "application/pkix-cert"
_PEM_TYPE: Final = "application/pem-certificate-chain"
_CMS_TYPE: Final = "application/pkcs7-mime"
_OCSP_REQUEST_TYPE: Final = "application/ocsp-request"
_OCSP_RESPONSE_TYPE: Final = "application/ocsp-response"
# RFC 3161, 3.4.
_TIME_STAMP_QUERY_TYPE: Final = "application/timestamp-query"
_TIME_STAMP_REPLY_TYPE: Final = "application/timestamp-reply"
_CERTIFICATE_CACHE_S: Final = 3600.0
_RETRY_S: Final = "1"


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything that relying parties find here. cache_s: longest time in seconds that caches keep
    what may change. time_stamps: None where there are none."""

    crls: CurrentCrls
    ocsp: AnswerOcsp
    authority: Authority
    clock: Clock
    cache_s: float
    time_stamps: AnswerTimestamp | None = None

    def routes(self) -> list[web.RouteDef]:
        """HEAD is answered wherever GET is, anything else by 405."""
        return [
            web.get(path.ISSUING_CRL, self._full_crl),
            web.get(path.ISSUING_DELTA_CRL, self._delta_crl),
            web.get(path.ROOT_CRL, self._root_crl),
            web.post(path.OCSP, self._ocsp_post),
            web.get(path.OCSP + "/{request:.+}", self._ocsp_get),
            web.post(path.TIME_STAMPS, self._time_stamp),
            web.get(path.ISSUING_CERTIFICATE, self._issuing_certificate),
            web.get(path.ROOT_CERTIFICATE, self._root_certificate),
            web.get(path.PEM_CHAIN, self._pem_chain),
            web.get(path.CMS_CHAIN, self._cms_chain),
            web.get(path.HEALTH, self._health),
        ]

    async def _full_crl(self, request: web.Request) -> web.Response:
        return self._crl(request, self.crls.full(CrlIssuer.ISSUING))

    async def _delta_crl(self, request: web.Request) -> web.Response:
        return self._crl(request, self.crls.delta(CrlIssuer.ISSUING))

    async def _root_crl(self, request: web.Request) -> web.Response:
        return self._crl(request, self.crls.full(CrlIssuer.ROOT))

    def _crl(self, request: web.Request, crl: CrlRecord | None) -> web.Response:
        if crl is None:
            raise web.HTTPServiceUnavailable(
                text="the CRL is not there yet; ask again\n",
                headers={**NO_STORE, "Retry-After": _RETRY_S},
            )
        found = Representation(
            crl.der, _CRL_TYPE, crl.this_update_utc, crl.next_update_utc, self.cache_s
        )
        return respond(request, found, self.clock.now())

    async def _ocsp_post(self, request: web.Request) -> web.Response:
        if request.content_type != _OCSP_REQUEST_TYPE:
            raise web.HTTPUnsupportedMediaType(
                text=f"send {_OCSP_REQUEST_TYPE}\n", headers={"Accept": _OCSP_REQUEST_TYPE}
            )
        return self._answered(request, await self.ocsp.answer(await request.read()))

    async def _ocsp_get(self, request: web.Request) -> web.Response:
        # As it came: what percent-encodes `/` and what does not are the same here.
        encoded = request.raw_path.partition("?")[0].removeprefix(path.OCSP)
        try:
            der = parse_ocsp_get(encoded)
        except MalformedOcspRequest:
            return self._answered(request, OcspAnswer(OcspRefusal.MALFORMED_REQUEST.der))
        return self._answered(request, await self.ocsp.answer(der))

    def _answered(self, request: web.Request, answer: OcspAnswer) -> web.Response:
        if answer.this_update_utc is None or answer.next_update_utc is None:
            return web.Response(
                body=answer.der, content_type=_OCSP_RESPONSE_TYPE, headers=dict(NO_STORE)
            )
        found = Representation(
            answer.der,
            _OCSP_RESPONSE_TYPE,
            answer.this_update_utc,
            answer.next_update_utc,
            self.cache_s,
        )
        return respond(request, found, self.clock.now())

    async def _time_stamp(self, request: web.Request) -> web.Response:
        if self.time_stamps is None:
            raise web.HTTPNotFound(text="there are no time stamps here\n")
        if request.content_type != _TIME_STAMP_QUERY_TYPE:
            raise web.HTTPUnsupportedMediaType(
                text=f"send {_TIME_STAMP_QUERY_TYPE}\n", headers={"Accept": _TIME_STAMP_QUERY_TYPE}
            )
        return web.Response(
            body=await self.time_stamps.answer(await request.read()),
            content_type=_TIME_STAMP_REPLY_TYPE,
            headers=dict(NO_STORE),
        )

    async def _issuing_certificate(self, request: web.Request) -> web.Response:
        return self._certificate(request, self.authority.certificate, _CERTIFICATE_TYPE)

    async def _root_certificate(self, request: web.Request) -> web.Response:
        return self._certificate(request, self.authority.root_certificate, _CERTIFICATE_TYPE)

    async def _pem_chain(self, request: web.Request) -> web.Response:
        return self._certificate(request, pem_bundle(self._chain()), _PEM_TYPE)

    async def _cms_chain(self, request: web.Request) -> web.Response:
        return self._certificate(request, cms_bundle(self._chain()), _CMS_TYPE)

    def _chain(self) -> list[bytes]:
        return [self.authority.certificate, self.authority.root_certificate]

    def _certificate(self, request: web.Request, body: bytes, content_type: str) -> web.Response:
        issuer = self.authority.issuer
        found = Representation(
            body, content_type, issuer.not_before_utc, issuer.not_after_utc, _CERTIFICATE_CACHE_S
        )
        return respond(request, found, self.clock.now())

    async def _health(self, _: web.Request) -> web.Response:
        """Whether what is served here can be relied upon now."""
        problem = self._problem(self.clock.now())
        status = web.HTTPServiceUnavailable.status_code if problem else web.HTTPOk.status_code
        return web.Response(text=f"{problem or 'ok'}\n", status=status, headers=dict(NO_STORE))

    def _problem(self, now_utc: datetime) -> str:
        for issuer in CrlIssuer:
            crl = self.crls.full(issuer)
            if crl is None:
                return f"the {issuer} CRL is not there yet"
            if crl.next_update_utc <= now_utc:
                return f"the {issuer} CRL ended at {crl.next_update_utc:%Y-%m-%dT%H:%M:%SZ}"
        return ""
