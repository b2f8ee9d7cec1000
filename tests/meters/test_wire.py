"""Bytes on the wire, as the kernel counts them."""

import socket

from compare.meters.wire import WireMeter, least_bytes, sent_bytes

TABLE = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo
    lo: 2627305369  946953    0    0    0     0          0         0 2627305369  946953    0    0
  eth0:4982306253  139481    0    0    0     0          0         0  8804460   97748    0    0
"""


def test_what_is_sent_is_counted_over_all_interfaces() -> None:
    assert sent_bytes(TABLE) == 2627305369 + 8804460
    assert sent_bytes("") is None


def test_a_meter_counts_what_goes_over_the_loopback_interface() -> None:
    megabytes = b"x" * 3_000_000
    with socket.create_server(("127.0.0.1", 0)) as server:
        meter = WireMeter()
        meter.start()
        with socket.create_connection(server.getsockname()) as one, server.accept()[0] as other:
            one.settimeout(20)
            sent = received = 0
            while received < len(megabytes):
                if sent < len(megabytes):
                    sent += one.send(megabytes[sent : sent + 100_000])
                received += len(other.recv(200_000))
        found = meter.stop()
    assert found is not None
    assert found >= len(megabytes)


def test_two_ranks_send_each_gradient_once_and_three_four_times_in_all() -> None:
    assert least_bytes(2, 1000) == 2000
    assert least_bytes(3, 1000) == 4000
