"""The application of this process. Tables and agents are declared on it."""

from app.settings import settings
from app.streams.application import application

app = application(settings())
