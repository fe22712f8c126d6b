"""What gunicorn serves."""

from bursar import logs
from bursar.database import database
from web.ready import prepared

logs.configure()
database()  # refuse to start as a role that row-level security does not bind
app = prepared()
