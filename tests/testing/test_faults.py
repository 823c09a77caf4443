"""The stand-in fails where it is told to, as often as it is told to."""

import time

import oss2
import pytest
import requests

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


def test_it_fails_so_often_and_then_no_more(client, server, refusal):
    server.put("uploads", "a", b"x")
    server.fail(times=2)

    assert refusal(client.get_object, "a") == (503, "ServiceUnavailable")
    assert refusal(client.head_object, "a") == (503, "ServiceUnavailable")
    assert client.get_object("a").read() == b"x"


def test_it_fails_for_chosen_requests(client, server, refusal):
    server.put("uploads", "a", b"x")
    server.fail(
        times=None, status=403, code="AccessDenied", when=lambda request: request.method == "PUT"
    )

    assert refusal(client.put_object, "a", b"y") == (403, "AccessDenied")
    assert client.get_object("a").read() == b"x"
    server.heal()
    client.put_object("a", b"y")


def test_it_drops_the_connection_within_a_body(client, server):
    server.put("uploads", "a", b"0123456789")
    server.cut(4)

    with client.get_object("a") as result, pytest.raises(requests.RequestException):
        result.read()


def test_it_sends_a_wrong_byte(client, server):
    server.put("uploads", "a", b"0123456789")
    server.corrupt()

    with client.get_object("a") as result:
        result.read()
        assert result.client_crc != result.server_crc


@pytest.mark.parametrize(("after_work", "stored"), [(False, []), (True, ["a"])])
def test_it_resets_the_connection_before_or_after_the_work(client, server, after_work, stored):
    server.reset(after_work=after_work)

    with pytest.raises(oss2.exceptions.RequestError):
        client.put_object("a", b"x")

    assert server.keys("uploads") == stored
    assert server.exchanges[0].status == 0


def test_it_delays(client, server):
    client.timeout = (1, 0.05)
    server.delay(5)

    with pytest.raises(oss2.exceptions.RequestError):
        client.get_object("a")


def test_it_stops_at_once_even_while_it_delays(client, server):
    client.timeout = (1, 0.05)
    server.delay(60)
    with pytest.raises(oss2.exceptions.RequestError):
        client.get_object("a")
    started = time.monotonic()

    server.stop()

    assert time.monotonic() - started < 2
