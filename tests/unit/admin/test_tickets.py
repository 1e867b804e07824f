"""Tickets hold for their time, once when taken, and no more of them than are kept."""

from __future__ import annotations

from ingest.admin.tickets import Tickets


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_ticket_holds_until_its_end() -> None:
    clock = Clock()
    tickets = Tickets(10, 5, clock)
    ticket = tickets.issue()
    clock.now += 9.9
    assert tickets.holds(ticket)
    clock.now += 0.2
    assert not tickets.holds(ticket)
    assert not tickets.take(ticket)


def test_a_ticket_is_taken_once() -> None:
    tickets = Tickets(10, 5)
    ticket = tickets.issue()
    assert tickets.take(ticket)
    assert not tickets.take(ticket)
    assert not tickets.holds(ticket)


def test_another_one_does_not_hold() -> None:
    tickets = Tickets(10, 5)
    tickets.issue()
    assert not tickets.holds("")
    assert not tickets.take("guess")


def test_the_oldest_goes() -> None:
    tickets = Tickets(10, 2)
    first, second, third = tickets.issue(), tickets.issue(), tickets.issue()
    assert [tickets.holds(one) for one in (first, second, third)] == [False, True, True]


def test_no_ticket_is_kept_as_it_is() -> None:
    tickets = Tickets(10, 5)
    ticket = tickets.issue()
    assert ticket not in repr(vars(tickets))
    assert ticket.encode() not in tickets._ends
