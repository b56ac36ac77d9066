"""What the rows of a view were folded from: the first row of its store. By which code, their generations say."""

from app.streams.logs.identity import LogIdentity
from app.streams.state.table import Table

view_identities = Table[LogIdentity](None, name="identity", value_type=LogIdentity)
ROW = "view"
