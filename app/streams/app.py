"""The application of this process. Tables and agents are declared on it."""

from app.embedded_kafka.status import located
from app.settings import settings
from app.streams.application import application

app = application(located(settings()))
