from server.commands import AssignClient, ReportClientLost, ReportNoneFree, UnassignClient
from server.workers import WorkerPool


def make_pool(*capacities: int) -> WorkerPool:
    pool = WorkerPool(attach_timeout_s=10)
    for worker_id, capacity in enumerate(capacities, 1):
        pool.add(worker_id, capacity, (), (), 0.0)
    return pool


def test_the_emptiest_worker_is_chosen():
    pool = make_pool(2, 3)
    chosen = [pool.request(member_id, 0.0)[0].worker_id for member_id in "abcde"]
    assert chosen == [2, 1, 2, 1, 2]
    assert pool.request("f", 0.0) == [ReportNoneFree("f")]
    assert (pool.capacity, pool.assigned_count, pool.waiting_count) == (5, 5, 1)


def test_who_waits_is_served_in_order_as_places_become_free():
    pool = make_pool(1)
    for member_id in "abc":
        pool.request(member_id, 0.0)
    assert pool.release("b", 0.0) == []
    assert pool.release("a", 0.0) == [UnassignClient(1, "a"), AssignClient(1, "c")]
    pool.request("d", 0.0)
    pool.request("e", 0.0)
    assert pool.add(2, 1, (), (), 0.0) == [AssignClient(2, "d")]


def test_a_worker_that_is_gone_loses_all_its_members():
    pool = make_pool(2)
    for member_id in "abc":
        pool.request(member_id, 0.0)
    assert pool.remove(1, 0.0) == [ReportClientLost("a"), ReportClientLost("b")]
    assert pool.remove(1, 0.0) == []
    assert (pool.worker_count, pool.assigned_count, pool.waiting_count) == (0, 0, 1)


def test_a_worker_whose_clients_do_not_attach_is_the_last_choice():
    pool = make_pool(8, 2)
    assert pool.request("a", 0.0) == [AssignClient(1, "a")]
    assert pool.tick(9.9) == []
    assert pool.tick(10.0) == [UnassignClient(1, "a"), ReportClientLost("a")]
    assert pool.request("a", 10.0) == [AssignClient(2, "a")]
    pool.confirm("a")
    assert pool.tick(100.0) == []
    pool.request("b", 100.0)
    assert pool.request("c", 100.0) == [AssignClient(1, "c")]
    pool.confirm("c")
    assert pool.request("d", 100.0) == [AssignClient(1, "d")]


def test_a_member_that_asks_again_gets_another_worker():
    pool = make_pool(8, 1)
    pool.request("a", 0.0)
    assert pool.request("a", 0.0) == [UnassignClient(1, "a"), AssignClient(2, "a")]


def test_a_worker_that_comes_back_keeps_its_members_unless_they_have_another():
    pool = make_pool(3)
    for member_id in "ab":
        pool.request(member_id, 0.0)
        pool.confirm(member_id)
    pool.remove(1, 0.0)
    pool.request("c", 0.0)
    pool.add(2, 2, (), (), 0.0)
    commands = pool.add(3, 3, ("a", "b", "c"), ("a",), 50.0)
    assert commands == [UnassignClient(3, "c")]
    assert pool.tick(59.9) == [UnassignClient(2, "c"), ReportClientLost("c")]
    assert pool.tick(60.0) == [UnassignClient(3, "b"), ReportClientLost("b")]
    assert pool.assigned_count == 1


def test_who_is_in_a_room_is_served_before_those_who_wait_in_a_lobby():
    in_room = set()
    pool = WorkerPool(10, in_room.__contains__)
    for member_id in "abcd":
        pool.request(member_id, 0.0)
    in_room |= {"b", "d"}
    commands = pool.add(1, 3, (), (), 0.0)
    assert commands == [AssignClient(1, "b"), AssignClient(1, "d"), AssignClient(1, "a")]
