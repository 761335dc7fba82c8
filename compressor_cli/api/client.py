"""The service as we call it: every answer becomes a Job or one of our errors.

A POST is sent once. What may be done after a failure is in the class of the error: TemporaryTrouble
means that nothing was accepted, MaybeAccepted that nobody knows and that it must not be sent again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from compressor_cli.api.contract import MAX_JSON, Job, Json, read_job, read_json
from compressor_cli.api.headers import asked_pause, clock_skew
from compressor_cli.api.hiding import Hiding
from compressor_cli.api.http import Answer, Body, Http, Timeouts
from compressor_cli.api.origin import same_origin, shown
from compressor_cli.api.trouble import NotHttp, Unreachable
from compressor_cli.errors import (
    BadAnswer,
    CompressorError,
    KeyProblem,
    MaybeAccepted,
    NotKnown,
    Refused,
    TemporaryTrouble,
    Throttled,
)

_LONGEST_MESSAGE = 500
_THROTTLED = (429, 503)
_BROKEN = (408, 500, 502, 504)
_GONE = (404, 410)
_CHECK_URL = "check the API URL: compressor config get api_url"
_LOST = "the jobs that were submitted from here: compressor jobs"


@dataclass(frozen=True, slots=True)
class Look:
    """What a request told about a job; `retry_after` in seconds, None if nothing was said."""

    job: Job
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """`text` as the service sent it; `skew`: seconds that our clock is ahead, None if unknown."""

    text: str
    skew: float | None


class JsonBody:
    """A JSON object as a request body, whose last byte is handed over on its own."""

    content_type = "application/json"

    def __init__(self, value: Json) -> None:
        self._bytes = json.dumps(value).encode()
        self.length = len(self._bytes)
        self.complete = False

    def __iter__(self) -> Iterator[bytes]:
        yield self._bytes[:-1]
        self.complete = True
        yield self._bytes[-1:]


class ApiClient:
    """The Compressor API at `api_url`, with `key` as Bearer or Basic; safe in many threads."""

    def __init__(
        self, *, api_url: str, key: str, auth: str = "bearer", timeouts: Timeouts | None = None
    ) -> None:
        self.api_url = api_url
        self._hiding = Hiding(key)
        basic = base64.b64encode(f"{key}:".encode()).decode()
        self._authorization = f"Basic {basic}" if auth == "basic" else f"Bearer {key}"
        timeouts = timeouts or Timeouts()
        self._posts = Http(timeouts=timeouts, api_url=api_url, keep_alive=False)
        self._gets = Http(timeouts=timeouts, api_url=api_url)

    def close(self) -> None:
        self._posts.close()
        self._gets.close()

    def authorization(self, url: str) -> dict[str, str]:
        """The header that carries the key, if `url` is on the API's own origin; else nothing."""
        return {"Authorization": self._authorization} if same_origin(url, self.api_url) else {}

    def account(self) -> Account:
        """`GET /account`. Raises KeyProblem for a bad key."""
        status, headers, text = self._get("/account")
        if not 200 <= status < 300:
            raise self._refusal(status, headers, text)
        return Account(self._hiding.text(text.decode("utf-8", "replace")), clock_skew(headers))

    def job(self, job_id: str) -> Look:
        """`GET /jobs/{id}`: one look. A failed job is an answer here, whatever its HTTP code."""
        status, headers, text = self._get(f"/jobs/{quote(job_id, safe='')}")
        if 200 <= status < 300:
            job = self._job(text, asked=job_id)
        else:
            failed = self._failed_job(status, text, job_id)
            if failed is None:
                refusal = self._refusal(status, headers, text)
                raise NotKnown(refusal.message, hint=_LOST) if status in _GONE else refusal
            job = failed
        return Look(job, asked_pause(headers))

    def upload(self, body: Body) -> Look:
        """`POST /upload` with a multipart body. May hold on while the service works."""
        return self._post("/upload", body)

    def fetch(self, url: str, *, headers: Mapping[str, str], options: Json) -> Look:
        """`POST /fetch`: the service retrieves `url` itself, with `headers`."""
        request: Json = {**options, "url": url}
        if headers:
            request["headers"] = dict(headers)
        return self._post("/fetch", JsonBody(request))

    def _get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        url = self.api_url + path
        with self._gets.exchange("GET", url, headers=self.authorization(url)) as answer:
            return answer.status, answer.headers, answer.read(MAX_JSON)

    def _post(self, path: str, body: Body) -> Look:
        url = self.api_url + path
        status = 0
        try:
            with self._posts.exchange(
                "POST", url, headers=self.authorization(url), body=body
            ) as answer:
                status = answer.status
                return self._submitted(answer, body)
        except Unreachable:
            raise
        except (TemporaryTrouble, BadAnswer, NotHttp) as error:
            refused = isinstance(error, Throttled) or (isinstance(error, NotHttp) and error.binary)
            if refused or not (body.complete or 200 <= status < 300):
                raise
            raise _unknown(error.message) from None

    def _submitted(self, answer: Answer, body: Body) -> Look:
        if 200 <= answer.status < 300:
            return Look(self._job(answer.read(MAX_JSON)), asked_pause(answer.headers))
        text = _words(answer)
        failed = self._failed_job(answer.status, text, None)
        if failed is not None:
            return Look(failed)
        refusal = self._refusal(answer.status, answer.headers, text)
        if answer.status == 503 and "retry-after" not in answer.headers and body.complete:
            raise _unknown(refusal.message)
        raise refusal

    def _refusal(self, status: int, headers: Mapping[str, str], text: bytes) -> CompressorError:
        said = self._said(text, headers.get("content-type", ""))
        what = f"the service answered {status}" + (f": {said}" if said else "")
        if status in (401, 403):
            return KeyProblem(what, hint="check the key: compressor auth status")
        if status in _THROTTLED:
            return Throttled(what, retry_after=asked_pause(headers))
        if status in _GONE:
            return Refused(what, hint=_CHECK_URL)
        if status >= 500 or status in _BROKEN:
            return TemporaryTrouble(what)
        if 300 <= status < 400:
            where = self._hiding.text(shown(headers.get("location", ""))) or "nowhere"
            return Refused(
                f"the service answered {status}, a redirect to {where}, which is not followed",
                hint=_CHECK_URL,
            )
        return Refused(what)

    def _said(self, text: bytes, content_type: str) -> str:
        """The service's own words in an error answer, short and without our key."""
        try:
            message = read_json(text).get("message")
            said = message if isinstance(message, str) else ""
        except BadAnswer:
            said = "" if "html" in content_type else text.decode("utf-8", "replace").strip()
        return self._hiding.text(said)[:_LONGEST_MESSAGE]

    def _job(self, text: bytes, *, asked: str | None = None) -> Job:
        """The job in an answer, without our key wherever it is told again, but for the URL."""
        body = read_json(text)
        job = read_job(body, asked=asked)
        try:
            clean = {name: self._hiding.json(value) for name, value in body.items()}
        except RecursionError:
            raise BadAnswer("the service's answer is nested too deeply") from None
        if "id" in body:
            clean["id"] = body["id"]
        return replace(read_job(clean, asked=asked), url=job.url)

    def _failed_job(self, status: int, text: bytes, asked: str | None) -> Job | None:
        """The failed job that an error answer tells of, if any: the HTTP code is not documented."""
        try:
            job = self._job(text, asked=asked)
        except BadAnswer:
            return None
        refusal_of_the_request = status in (401, 403, 408, *_GONE, *_THROTTLED) or status >= 500
        named = job.raw.get("id") is not None and job.id != ""
        says_so = job.word == "failed" or (named and not refusal_of_the_request)
        return job if says_so and job.state == "failed" else None


def _words(answer: Answer) -> bytes:
    """The body of a refusal; nothing if it breaks off, since the code alone decides."""
    try:
        return answer.read(MAX_JSON)
    except (TemporaryTrouble, BadAnswer):
        return b""


def _unknown(what: str) -> MaybeAccepted:
    return MaybeAccepted(
        f"the upload was sent whole, but whether it was accepted is unknown ({what})",
        hint="it was not sent again, since that might be paid twice; look in the dashboard of the "
        "service before you submit it anew",
    )
