"""How much one caller may ask for: token buckets and a brake on guessing passcodes. No clock of their own."""

from __future__ import annotations

import hmac
import ipaddress
from collections import OrderedDict

FREE_TRIES = 5
"""Wrong passcodes that cost nothing; each further one doubles the wait."""

MAX_WAIT_S = 900.0
FORGET_AFTER_S = 3_600.0
MAX_ADDRESSES = 10_000
"""Addresses remembered; the ones seen longest ago are forgotten first."""


class TokenBucket:
    """Allows `burst` events at once and `rate_per_s` in the long run."""

    def __init__(self, rate_per_s: float, burst: float, now: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._level = burst
        self._updated = now

    def take(self, now: float) -> bool:
        """Whether one more event is allowed at `now`; it then counts."""
        self._level = min(self._burst, self._level + (now - self._updated) * self._rate_per_s)
        self._updated = now
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True


def address_key(address: str | None) -> str:
    """What counts as one caller: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class AddressLimit:
    """One token bucket for each address."""

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, address: str | None, now: float) -> bool:
        """Whether this address may do it once more; it then counts."""
        key = address_key(address)
        bucket = self._buckets.setdefault(key, TokenBucket(self._rate_per_s, self._burst, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return bucket.take(now)


class PasscodeGuard:
    """Compares passcodes in constant time and makes an address that guesses wait longer and longer."""

    def __init__(self, passcode: str) -> None:
        self._passcode = passcode.encode()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, address: str | None, now: float) -> float:
        """Seconds until this address may try again; 0 if it may try now."""
        count, last = self._failures.get(address_key(address), (0, now))
        if count < FREE_TRIES:
            return 0.0
        return max(0.0, last + min(MAX_WAIT_S, 2.0 ** min(count - FREE_TRIES, 32)) - now)

    def check(self, address: str | None, passcode: str, now: float) -> bool:
        """Whether `passcode` is the right one, which an address that must wait is not told."""
        if self.wait_s(address, now) > 0:
            return False
        key = address_key(address)
        count, last = self._failures.pop(key, (0, now))
        if hmac.compare_digest(passcode.encode(), self._passcode):
            return True
        if now - last > FORGET_AFTER_S:
            count = 0
        self._failures[key] = (count + 1, now)
        if len(self._failures) > MAX_ADDRESSES:
            self._failures.popitem(last=False)
        return False
