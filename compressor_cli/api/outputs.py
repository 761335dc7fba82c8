"""Fetching outputs: wherever they lie, without the key unless it is the API's own origin.

Whether an output needs the key is not documented: it is asked for without, and with the key only
when the API's own origin refuses that. Redirects are followed by hand, each target checked again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin

from compressor_cli.api.client import ApiClient
from compressor_cli.api.headers import asked_pause
from compressor_cli.api.http import Answer, Http, Timeouts, addresses, direct
from compressor_cli.api.origin import check_output_url, check_resolved, same_origin
from compressor_cli.errors import NotKnown, Refused, TemporaryTrouble, Throttled

MAX_HOPS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_NOT_FOR_A_KEY = (400, 401, 403, 404, 410)
"""A link that carries its own permission answers so to a key: then it was the link that ended."""


class Expired(NotKnown):
    """The output's URL is no longer good; the job may know a fresh one."""


class OutputClient:
    """Opens output URLs. `api` lends its key to URLs on its own origin, and only to those."""

    def __init__(self, api: ApiClient, *, timeouts: Timeouts | None = None) -> None:
        self._api = api
        self._local = direct(api.api_url)
        self._http = Http(timeouts=timeouts or Timeouts(), api_url=api.api_url)

    def close(self) -> None:
        self._http.close()

    @contextmanager
    def open(self, url: str, *, headers: dict[str, str]) -> Iterator[Answer]:
        """The 200 or 206 answer (416 too, when a range was asked) with its body still to come.

        Raises Expired (401, 403, 404, 410), Throttled, TemporaryTrouble (5xx, network), Refused.
        """
        with self._following(url, headers) as answer:
            if answer.status not in (200, 206, 416):
                raise _refusal(answer)
            yield answer

    @contextmanager
    def _following(self, url: str, headers: dict[str, str]) -> Iterator[Answer]:
        hops, refused = 0, 0  # refused: the code that the present URL gave without the key
        while True:
            self._check(url)
            key = self._api.authorization(url) if refused else {}
            with self._http.exchange("GET", url, headers=headers | key) as answer:
                if answer.status in _REDIRECTS and "location" in answer.headers:
                    hops, refused = hops + 1, 0
                    url = _target(url, answer.headers["location"])
                elif answer.status in (401, 403) and not key and self._is_ours(url):
                    refused = answer.status
                elif key and answer.status in _NOT_FOR_A_KEY:
                    raise Expired(f"the output's server answered {refused}")
                else:
                    yield answer
                    return
            if hops > MAX_HOPS:
                raise Refused("the output is redirected in circles")

    def _is_ours(self, url: str) -> bool:
        return same_origin(url, self._api.api_url)

    def _check(self, url: str) -> None:
        """Raises Refused for a URL that no honest service names, before any connection is made."""
        check_output_url(url, api_url=self._api.api_url)
        if not self._local and not self._is_ours(url):
            check_resolved(addresses(url), api_url=self._api.api_url)


def _target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise Refused("the output is redirected to a malformed URL") from None


def _refusal(answer: Answer) -> Exception:
    what = f"the output's server answered {answer.status}"
    if answer.status in (401, 403, 404, 410):
        return Expired(what)
    if answer.status in (429, 503):
        return Throttled(what, retry_after=asked_pause(answer.headers))
    return TemporaryTrouble(what) if answer.status >= 500 else Refused(what)
