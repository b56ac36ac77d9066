"""Tables of the Customer."""

from app.domain.customer import Customer, Payment, customer_decider
from app.handlers.aggregate_repository import AggregateRepository, Answers, Snapshot
from app.streams.app import app

customers = app.Table("customer", value_type=Snapshot[Customer])
payments = app.Table("payment", value_type=Payment)
customer_answers = app.Table("customer-answer", value_type=Answers)

customer_aggregate = AggregateRepository(app, customer_decider, customers, customer_answers, payments)
