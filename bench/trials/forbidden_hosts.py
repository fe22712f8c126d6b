"""Promise 32: nobody is sent where they must not go, by webhooks, SFTP, S3 or Sheets.

Through the API and the jobs, all in this process: webhooks, SFTP and S3 sources to sixty targets
(metadata, private, loopback; decimal, hexadecimal, octal and IPv6 ways of writing), addresses that
parsers read differently, names that change their mind between two questions, servers that are
allowed and redirect to one that is not, service accounts that name other hosts, a proxy of the
environment. A guard counts every connection that is tried, and listeners on loopback those that
come: both must count none. Then the operator allows everything, and the same targets are tried: the
trial is not blind.

usage: python -m bench.trials.forbidden_hosts [--seed N]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from uuid import uuid4

from cryptography.fernet import Fernet

from bench.stack import database_only
from bench.trials.callers import Callers, Redirector
from bench.trials.forbidden_targets import (
    BUCKETS,
    CONFUSING,
    FORBIDDEN,
    MALFORMED,
    REGIONS,
    bracketed,
)
from bench.trials.line_guard import LineGuard, Listeners
from bench.trials.verdict import Verdict, now_seed, quietly
from bursar import network
from bursar.config import settings
from bursar.errors import BursarError

PUBLIC = "8.8.8.8"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
EVERYTHING = "0.0.0.0/0, ::/0, localhost"
# What an answer may say: it was refused before anybody was asked, or has no address at all.
REFUSED = {"host_not_allowed", "source_name_unknown", "invalid_input"}
# The same where the host may be a public one, which the guard keeps from being reached.
UNREACHED = REFUSED | {"source_path_missing", "source_no_connection", "delivery_failed"}


class Trial:
    """The callers, the guard, and what counts as refused."""

    def __init__(self, verdict: Verdict, callers: Callers, guard: LineGuard) -> None:
        self.verdict, self.callers, self.guard = verdict, callers, guard
        self.listeners = Listeners()

    def none_reached(self, what: str, public: bool = False) -> None:
        """Nobody was called; where `public`, nobody but the public address."""
        tried = [one for one in self.guard.tried if not (public and one == PUBLIC)]
        self.verdict.require(tried == [], f"{what}: connections to {sorted(set(tried))}")
        self.verdict.require(self.listeners.hits == 0, f"{what}: {self.listeners.hits} hits")
        self.guard.forget()

    def refused(self, kind: str, target: object, codes: set[str], allowed: set[str]) -> None:
        """Every answer was a refusal of a kind that is foreseen."""
        self.verdict.require(codes <= allowed, f"{kind} to {target!r}: {sorted(codes)}")
        self.verdict.counts[f"{kind}_targets"] += 1

    def targets(self) -> None:
        """Every way of writing, through each of the ways out."""
        port = self.listeners.port

        def one(host: str) -> tuple[str, set[str], set[str], set[str]]:
            url = f"http://{bracketed(host)}:{port}"
            called = self.callers
            return (host, called.webhook(f"{url}/hook"), called.sftp(host, port),
                    called.s3(endpoint_url=url))  # fmt: skip

        # Boto pauses between its attempts, so many are under way at once.
        with ThreadPoolExecutor(8) as pool:
            for host, webhook, sftp, s3 in pool.map(one, [*FORBIDDEN, *MALFORMED]):
                self.refused("webhook", host, webhook, REFUSED)
                self.refused("sftp", host, sftp, REFUSED)
                # What is no host by itself can be a part of a whole address.
                ways = UNREACHED if host in MALFORMED else REFUSED | {"source_path_missing"}
                self.refused("s3", host, s3, ways)
        self.none_reached("targets")

    def confusing(self) -> None:
        """Addresses that parsers read differently, and other places for a host."""
        port = self.listeners.port
        for url in (text.replace("{p}", str(port)) for text in CONFUSING):
            self.refused("confusing", url, self.callers.webhook(url), UNREACHED)
            self.refused("confusing", url, self.callers.s3(endpoint_url=url), UNREACHED)
        for region in REGIONS:
            named = region.replace("{p}", str(port))
            self.refused("region", named, self.callers.s3(region=named), UNREACHED)
        for bucket in BUCKETS:
            named = bucket.replace("{p}", str(port))
            self.refused("bucket", named, self.callers.s3(bucket=named), UNREACHED)
        self.none_reached("confusing addresses", public=True)

    def rebinding(self, chance: random.Random) -> None:
        """Names that are public when they are judged, and something else a moment later."""
        port = self.listeners.port
        private = ["127.0.0.1", "::1", "127.0.0.2", "169.254.169.254", "10.0.0.1"]
        for n in range(20):
            inside = chance.choice(private)
            answers = [[PUBLIC]] * (n % 3 + 1) + [[inside]] * 9
            if n % 4 == 3:
                answers = [[PUBLIC, inside], [inside, PUBLIC]] * 5
            names = [f"{uuid4().hex}.trial" for _ in range(3)]
            self.guard.names |= {name: [list(answer) for answer in answers] for name in names}
            for codes in (
                self.callers.webhook(f"http://{names[0]}:{port}/"),
                self.callers.sftp(names[1], port),
                self.callers.s3(endpoint_url=f"http://{names[2]}:{port}"),
            ):
                self.refused("rebinding", answers, codes, UNREACHED)
        self.none_reached("rebinding", public=True)

    def withdrawn(self) -> None:
        """Webhooks that were allowed when they were made, and are not when they are called."""
        port = self.listeners.port
        for host in FORBIDDEN:
            if "%" in host:
                continue
            with allowing(EVERYTHING):
                made = self.callers.make_webhook(f"http://{bracketed(host)}:{port}/hook")
            self.refused("withdrawn", host, self.callers.deliver(made), REFUSED)
        self.none_reached("withdrawn")

    def redirects(self, redirector: Redirector) -> None:
        """An allowed server that sends its callers to one that is not."""
        port = self.listeners.port
        hosts = (
            "127.0.0.2",
            "[::1]",
            "169.254.169.254",
            "metadata.trial",
            "2130706434",
            "10.0.0.1",
        )
        self.guard.names["metadata.trial"] = [["169.254.169.254"]]
        ways = UNREACHED | {"sign_in_refused", "source_fault", "source_busy"}
        with allowing("127.0.0.1"):
            for host in hosts:
                for status in (301, 302, 303, 307, 308):
                    redirector.lead_to(f"http://{host}:{port}/latest/", status)
                    calls = (
                        self.callers.webhook(f"{redirector.url}/hook"),
                        self.callers.s3(endpoint_url=redirector.url),
                        self.callers.sheets(redirector.url),
                    )
                    for codes in calls:
                        self.refused("redirect", (host, status), codes, ways)
        self.verdict.require(redirector.asked >= 3 * 30, f"redirected only {redirector.asked}")
        self.none_reached("redirects")

    def accounts(self) -> None:
        """Service accounts that name hosts of their own."""
        port = self.listeners.port
        fields = ("token_uri", "auth_uri", "auth_provider_x509_cert_url", "client_x509_cert_url",
                  "universe_domain")  # fmt: skip
        for host in ("127.0.0.1", "[::1]", "169.254.169.254", "2130706433", "localhost"):
            for field in fields:
                scheme = "" if field == "universe_domain" else "http://"
                named = {field: f"{scheme}{host}:{port}"}
                codes = self.callers.sheets("", **named)
                self.refused("sheets", named, codes, UNREACHED | {"sign_in_refused"})
        self.none_reached("service accounts")

    def not_blind(self, redirector: Redirector) -> None:
        """With everything allowed the same targets are reached, or kept back by the guard alone."""
        port, reached = self.listeners.port, 0
        with allowing(EVERYTHING):
            for host in FORBIDDEN:
                self.guard.forget()
                with suppress(BursarError, OSError):
                    network.connect(host, port).close()
                reached += bool(self.guard.tried)
            url = f"http://127.0.0.1:{port}"
            redirector.lead_to(f"http://127.0.0.2:{port}/", 302)
            calls: dict[str, Callable[[], set[str]]] = {
                "webhook": lambda: self.callers.webhook(url),
                "sftp": lambda: self.callers.sftp("::1", port),
                "s3": lambda: self.callers.s3(endpoint_url=url),
                "sheets": lambda: self.callers.sheets(redirector.url),
            }
            for kind, call in calls.items():
                before = self.listeners.hits
                call()
                self.verdict.require(self.listeners.hits > before, f"blind for {kind}")
        self.verdict.require(reached >= len(FORBIDDEN) - 2, f"only {reached} can be reached at all")
        self.verdict.counts["reached_when_allowed"] = reached


@contextmanager
def allowing(hosts: str) -> Iterator[None]:
    """What the operator allows, for a while."""
    before, settings().allow_private_hosts = settings().allow_private_hosts, hosts
    yield
    settings().allow_private_hosts = before


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    verdict = Verdict("32 nobody is sent where they must not go", options.seed)
    quietly()
    for name in ("no_proxy", "NO_PROXY"):
        os.environ.pop(name, None)
    store = tempfile.mkdtemp(prefix="bursar-trial-")
    guard, redirector = LineGuard(), Redirector()
    guard.names["public.trial"] = [[PUBLIC]]
    guard.own_ports.add(redirector.port)
    with database_only() as stack:
        os.environ |= {
            "BURSAR_DATABASE_URL": stack.urls.database_url,
            "BURSAR_BROKER_URL": "memory://",
            "BURSAR_FILE_STORE": store,
            "BURSAR_SECRET_KEY": "k" * 48,
            "BURSAR_SECRETS_KEY": Fernet.generate_key().decode(),
            "BURSAR_ALLOW_PRIVATE_HOSTS": "",
            "BURSAR_RATE_LIMIT": "1000000 per minute",
            "BURSAR_TOPUP_RATE_LIMIT": "1000000 per minute",
        }
        settings.cache_clear()
        trial = Trial(verdict, Callers(stack), guard)
        proxy = f"http://127.0.0.1:{trial.listeners.port}"
        os.environ |= dict.fromkeys(PROXIES, proxy)
        with guard.watching():
            trial.targets()
            trial.confusing()
            trial.rebinding(random.Random(options.seed))
            trial.withdrawn()
            trial.redirects(redirector)
            trial.accounts()
            hits = trial.listeners.hits
            for name in PROXIES:
                del os.environ[name]
            trial.not_blind(redirector)
    trial.listeners.stop()
    redirector.stop()
    shutil.rmtree(store, ignore_errors=True)
    verdict.close(hits=hits)


if __name__ == "__main__":
    main()
