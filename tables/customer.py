"""The Customer's tables."""

from app.domain import customer
from app.domain.customer import Customer, customer_decider, Payment
from app.kernel.app import app
from tables.aggregate import Aggregate, Answers, Snapshot

customers = app.Table("customer", value_type=Snapshot[Customer])
payments = app.Table("payment", value_type=Payment)
customer_answers = app.Table("customer-answer", value_type=Answers)

customer_aggregate = Aggregate(app, customer_decider, customers, payments, customer_answers, customer)
