"""What gunicorn serves."""

from bursar import logs
from bursar.database import database
from web.app import create_app

logs.configure()
database()  # refuse to start as a role that row-level security does not bind
app = create_app()
