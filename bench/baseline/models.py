"""The reference system's rules as pydantic models."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, HttpUrl, model_validator

OLDEST = timedelta(days=30)
NEWEST = timedelta(minutes=5)
NEEDS_PRODUCT = frozenset({"purchase", "add_to_cart", "remove_from_cart", "product_view"})

EventType = Literal["page_view", "product_view", "add_to_cart", "remove_from_cart", "purchase"]
Text100 = Annotated[str, Field(max_length=100)]


def _in_window(timestamp: datetime) -> datetime:
    if timestamp.tzinfo is None:
        timestamp = timestamp.replace(tzinfo=UTC)
    now = datetime.now(UTC)
    if not now - OLDEST <= timestamp <= now + NEWEST:
        raise ValueError("timestamp is out of the window")
    return timestamp


class Properties(BaseModel):
    """The thirteen known properties, all optional and nullable."""

    page_url: HttpUrl | None = None
    product_id: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    product_name: Annotated[str, Field(max_length=500)] | None = None
    category: Annotated[str, Field(max_length=200)] | None = None
    price: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    quantity: Annotated[int, Field(ge=1, le=10_000)] | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    browser: Text100 | None = None
    os: Text100 | None = None
    source: Text100 | None = None
    button_clicked: Text100 | None = None
    device_type: Literal["mobile", "desktop", "tablet"] | None = None


class Event(BaseModel):
    """One event as a client sends it."""

    user_id: str | None = None
    session_id: str | None = None
    event_type: EventType
    timestamp: Annotated[datetime, AfterValidator(_in_window)]
    properties: Properties

    @model_validator(mode="after")
    def _needs(self) -> Self:
        known = self.properties
        if self.event_type in NEEDS_PRODUCT and known.product_id is None:
            raise ValueError(f"{self.event_type} needs product_id")
        if self.event_type == "purchase" and (known.price is None or known.quantity is None):
            raise ValueError("purchase needs price and quantity")
        return self


class Batch(BaseModel):
    """1 to 500 events."""

    events: Annotated[list[Event], Field(min_length=1, max_length=500)]


class Accepted(BaseModel):
    """The answer to one event."""

    status: Literal["accepted"] = "accepted"
    event_id: UUID


class BatchAccepted(BaseModel):
    """The answer to a batch."""

    status: Literal["accepted"] = "accepted"
    event_ids: list[UUID]
