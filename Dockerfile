# The image of workers: one for both roles, for `migrate` and for every other command.
#
#   docker build -t microblog-streams .
#   docker run --rm microblog-streams --help
#
# It runs under any user id, and on a read-only root: what a worker writes is below /data (a volume of its own).

FROM python:3.11.13-slim-bookworm AS build
WORKDIR /source
COPY setup.cfg pyproject.toml constraints.txt README.md LICENSE ./
COPY microblog_streams/ microblog_streams/
COPY agents/ agents/
COPY tables/ tables/
COPY web/ web/
RUN python -m venv /opt/microblog \
 && /opt/microblog/bin/pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt '.[traces]' \
 && /opt/microblog/bin/python -m compileall -q /opt/microblog \
 && /opt/microblog/bin/pip uninstall -y pip setuptools

FROM python:3.11.13-slim-bookworm
LABEL org.opencontainers.image.title="microblog-streams" \
      org.opencontainers.image.description="A microblogging platform on Faust stream processing" \
      org.opencontainers.image.licenses="Apache-2.0"
# tini reaps what ends, and passes SIGTERM on.
RUN apt-get update \
 && apt-get install -y --no-install-recommends 'tini=0.19.0-1*' \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/microblog /opt/microblog
RUN install -d -o 10001 -g 0 -m 0770 /data
ENV PATH=/opt/microblog/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MICROBLOG_DATA_DIR=/data \
    MICROBLOG_WEB_HOST=0.0.0.0 \
    MICROBLOG_WEB_PORT=6066
USER 10001:0
VOLUME /data
EXPOSE 6066
# Readiness, not health: a lasting outage of Kafka must not restart the workers.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:6066/ready', timeout=2)"]
ENTRYPOINT ["tini", "--", "microblog-streams"]
CMD ["worker"]
