"""Tables of the Product."""

from app.domain.product import Product, Reservation, product_decider
from app.handlers.aggregate_repository import AggregateRepository, Answers, Snapshot
from app.streams.app import app

products = app.Table("product", value_type=Snapshot[Product])
reservations = app.Table("reservation", value_type=Reservation)
product_answers = app.Table("product-answer", value_type=Answers)

product_aggregate = AggregateRepository(app, product_decider, products, product_answers, reservations)
