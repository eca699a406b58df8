from pathlib import Path

import pytest

from server.config import ServerConfig, config_from_environment
from server.errors import ConfigError

SECRET = "a secret for tests only"


def test_the_environment_is_read_and_arguments_win():
    environment = {
        "VISAVIS_SECRET": SECRET,
        "VISAVIS_PORT": "9000",
        "VISAVIS_HOST": " 0.0.0.0 ",
        "VISAVIS_PASSCODE": "",
        "VISAVIS_REQUIRE_INVITE": "yes",
        "VISAVIS_PUBLIC_ORIGINS": "https://a.example, https://b.example:8443",
        "VISAVIS_TURN_URLS": "turn:t.example:3478 turns:t.example:5349",
        "VISAVIS_TURN_SECRET": "north",
        "VISAVIS_GRACE_S": "2.5",
    }
    config = config_from_environment(environment, port=9001, host=None)
    assert (config.secret, config.port, config.host, config.passcode) == (SECRET, 9001, "0.0.0.0", None)
    assert config.require_invite
    assert config.public_origins == ("https://a.example", "https://b.example:8443")
    assert config.turn_urls == ("turn:t.example:3478", "turns:t.example:5349")
    assert config.grace_s == 2.5
    assert SECRET not in repr(config)
    assert "north" not in repr(config)


def test_without_settings_a_secret_is_made_up_each_time():
    assert config_from_environment({}).secret != config_from_environment({}).secret


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SECRET", "short"),
        ("PORT", "http"),
        ("PORT", "65536"),
        ("GRACE_S", "nan"),
        ("MAX_MEMBERS", "0"),
        ("REQUIRE_INVITE", "perhaps"),
        ("PUBLIC_ORIGINS", "call.example.org"),
        ("PUBLIC_ORIGINS", "https://call.example.org/"),
        ("TURN_URLS", "turn:t.example"),
        ("STUN_URLS", "https://t.example"),
        ("STUN_URLS", "stun:"),
        ("STUN_URLS", "stun://t.example:3478"),
        ("STUN_URLS", "stun:t.example:0"),
        ("STUN_URLS", "stun:t.example:65536"),
        ("STUN_URLS", "stun:t.example:3478?transport=udp"),
    ],
)
def test_a_bad_setting_is_named(variable, value):
    with pytest.raises(ConfigError) as caught:
        config_from_environment({f"VISAVIS_{variable}": value})
    assert variable in str(caught.value) or value in str(caught.value)


def test_the_docs_name_every_setting():
    text = (Path(__file__).parents[2] / "docs" / "hosting.md").read_text()
    for name in ServerConfig.__dataclass_fields__:
        assert f"`VISAVIS_{name.upper()}`" in text, name


@pytest.mark.parametrize(
    "url",
    [
        "turn:t.example",
        "turns:t.example:5349?transport=tcp",
        "turn:192.0.2.7:3478?transport=udp",
        "turn:[2001:db8::7]:1",
    ],
)
def test_addresses_of_relays_that_browsers_take(url):
    assert ServerConfig(secret=SECRET, turn_urls=(url,), turn_secret="north").turn_urls == (url,)


@pytest.mark.parametrize(
    "url", ["turn:", "turn:t.example:port", "turn:t.example?transport=sctp", "turn:[::1", "turn:a b"]
)
def test_addresses_of_relays_that_browsers_refuse(url):
    with pytest.raises(ConfigError) as caught:
        ServerConfig(secret=SECRET, turn_urls=(url,), turn_secret="north")
    assert url in str(caught.value)
