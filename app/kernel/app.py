"""The application of this process: tables and agents are declared on it."""

from app.kernel.application import application
from app.settings import settings

app = application(settings())
