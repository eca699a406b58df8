import pytest

from server.limits import MAX_ADDRESSES, AddressLimit, PasscodeGuard, TokenBucket, address_key


def test_a_bucket_allows_a_burst_and_then_its_rate():
    bucket = TokenBucket(rate_per_s=2, burst=3, now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(0.5), bucket.take(0.5)] == [True, False]
    assert [bucket.take(1_000.0) for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_address_keys(address, key):
    assert address_key(address) == key


def test_addresses_have_buckets_of_their_own_and_do_not_fill_the_memory():
    limit = AddressLimit(rate_per_s=0.001, burst=1)
    assert [limit.take("192.0.2.1", 0.0), limit.take("192.0.2.1", 0.0), limit.take("192.0.2.2", 0.0)] == [
        True,
        False,
        True,
    ]
    for number in range(MAX_ADDRESSES):
        limit.take(f"10.{number // 65_536}.{number // 256 % 256}.{number % 256}", 0.0)
    assert limit.take("192.0.2.1", 0.0)  # forgotten by now


def test_guessing_a_passcode_takes_longer_and_longer():
    guard = PasscodeGuard("open sesame")
    for _ in range(5):
        assert guard.wait_s("192.0.2.1", 0.0) == 0.0
        assert not guard.check("192.0.2.1", "wrong", 0.0)
    assert guard.wait_s("192.0.2.1", 0.0) == 1.0
    assert not guard.check("192.0.2.1", "open sesame", 0.5)  # not told before its time
    assert not guard.check("192.0.2.1", "wrong", 1.0)
    assert guard.wait_s("192.0.2.1", 1.0) == 2.0
    assert guard.check("192.0.2.2", "open sesame", 1.0)
    assert guard.check("192.0.2.1", "open sesame", 3.0)
    assert guard.wait_s("192.0.2.1", 3.0) == 0.0
    now = 10.0
    for _ in range(40):
        now += guard.wait_s("192.0.2.1", now)
        guard.check("192.0.2.1", "wrong", now)
    assert guard.wait_s("192.0.2.1", now) == 900.0
