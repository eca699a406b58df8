import pytest

from client.errors import ClientError
from client.server_url import parse_server_url


@pytest.mark.parametrize(
    "text", ["", "localhost:8080", "127.0.0.1", "ftp://host", "http://", "http://[::1", "http://h:99999"]
)
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(ClientError, match="no server address"):
        parse_server_url(text)


@pytest.mark.parametrize("text", ["http://127.0.0.1:8080", "https://call.example.org/", "http://[::1]:8080/below"])
def test_addresses_are_taken(text: str) -> None:
    url = parse_server_url(text) / "api/token"
    assert url.path.endswith("/api/token")
    assert url.host
