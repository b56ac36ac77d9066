# Foldstream as an image: `docker build -t foldstream .`, then any command of `foldstream --help`; a worker if none is given.
FROM python:3.11.15-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3 AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/foldstream
COPY requirements.lock ./
RUN /opt/foldstream/bin/pip install --require-hashes --only-binary :all: --requirement requirements.lock
COPY LICENSE README.md pyproject.toml ./
COPY schemas/ schemas/
COPY app/ app/
COPY tables/ tables/
COPY agents/ agents/
RUN /opt/foldstream/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11.15-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3

RUN useradd --system --uid 10001 --user-group --no-create-home foldstream \
    && install --directory --owner=foldstream --group=foldstream /data
COPY --from=build /opt/foldstream /opt/foldstream
ENV PATH=/opt/foldstream/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FOLDSTREAM_DATADIR=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 6066

# Alive, not ready: whatever restarts unhealthy containers must not interrupt a long recovery.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:6066/healthz', timeout=4)"]
ENTRYPOINT ["foldstream"]
CMD ["worker"]
