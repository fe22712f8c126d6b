"""Where nobody may be sent, in every way that somebody could write it. `{p}` stands for a port."""

from __future__ import annotations

from tests.bursar.test_network import FORBIDDEN, MALFORMED

# Read as one host by some and as another by others; `public.trial` is public.
CONFUSING = (
    "http://127.0.0.1:{p}\\@public.trial/", "http://public.trial@127.0.0.1:{p}/",
    "http://127.0.0.1:{p}#@public.trial/", "http://127.0.0.1:{p}?@public.trial/",
    "http://public.trial#@127.0.0.1:{p}/", "http://public.trial:80@127.0.0.1:{p}/",
    "http://127.0.0.1:{p}\\.public.trial/", "http://public.trial\\@127.0.0.1:{p}/",
    "http://127.0.0.1%2f@public.trial:{p}/", "http://127.0.0.1%00.public.trial:{p}/",
    "http://①②⑦.0.0.1:{p}/", "http://127。0。0。1:{p}/", "http://ⓛocalhost:{p}/",
    "http://[127.0.0.1]:{p}/", "http://[::1]x:{p}/", "http://[::1:{p}/", "http://[::1%25lo]:{p}/",
    "http:///127.0.0.1:{p}/", "http:127.0.0.1:{p}", "//127.0.0.1:{p}/", "file:///etc/passwd",
    "gopher://127.0.0.1:{p}/", "HTTP://LOCALHOST:{p}/", "http://127.0.0.1:{p}:{p}/",
)  # fmt: skip
# Other places in which a source could name a host.
REGIONS = ("x.127.0.0.1", "@127.0.0.1:{p}/#", "127.0.0.1/", "169.254.169.254#", "us-east-1.evil")
BUCKETS = ("127.0.0.1:{p}/", "@127.0.0.1:{p}", "x@127.0.0.1", "..", "127.0.0.1",
           "arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/x")  # fmt: skip


def bracketed(host: str) -> str:
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


__all__ = ["BUCKETS", "CONFUSING", "FORBIDDEN", "MALFORMED", "REGIONS", "bracketed"]
