"""Where files come from. Uploads come in through the web; nothing else brings files yet."""
