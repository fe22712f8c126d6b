# One image for every process; which one it is, the command says (see docker-compose.yml).
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/bursar
WORKDIR /src
# First what changes rarely, so that a change of the code does not fetch everything again.
COPY requirements/run.txt requirements/
RUN /opt/bursar/bin/pip install --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md ./
COPY bursar bursar
COPY connectors connectors
COPY ops ops
COPY schema schema
COPY tasks tasks
COPY web web
COPY worker worker
RUN /opt/bursar/bin/pip install --no-deps --no-build-isolation . \
    && /opt/bursar/bin/python -m compileall -q /opt/bursar

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/bursar --shell /usr/sbin/nologin bursar \
    && install -d -o bursar -g bursar -m 0750 /var/lib/bursar /var/lib/bursar/files
COPY --from=build /opt/bursar /opt/bursar
ENV PATH=/opt/bursar/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BURSAR_HOME=/var/lib/bursar \
    BURSAR_ENVIRONMENT=production \
    BURSAR_BIND=0.0.0.0 \
    BURSAR_SECRETS_DIR=/run/secrets
USER bursar
WORKDIR /var/lib/bursar
VOLUME /var/lib/bursar/files
EXPOSE 8750
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8750/healthz', timeout=4)"]
CMD ["python", "-m", "gunicorn", "-c", "python:web.gunicorn", "web.wsgi:app"]
