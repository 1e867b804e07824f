# One image for every part: the command says which (serve, consume, admin, migrate, check).
# Debian's slim image and not Alpine: Robyn has no wheel for musl.
ARG PYTHON=python:3.11-slim-bookworm
ARG RUST=rust:1.95-slim-bookworm

FROM ${RUST} AS wheel
# An abi3 wheel is built with Debian's own Python 3.11 and runs on any later one.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir maturin==1.16.0
WORKDIR /src
COPY . .
RUN /opt/build/bin/maturin build --release --locked --interpreter python3 --out /wheels

FROM ${PYTHON} AS packages
RUN python -m venv /opt/ingest
COPY requirements/run.txt /tmp/run.txt
RUN /opt/ingest/bin/pip install --no-cache-dir --require-hashes --requirement /tmp/run.txt
COPY --from=wheel /wheels /tmp/wheels
RUN /opt/ingest/bin/pip install --no-cache-dir --no-index --no-deps /tmp/wheels/*.whl

FROM ${PYTHON}
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent ingest
COPY --from=packages /opt/ingest /opt/ingest
ENV PATH=/opt/ingest/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /tmp
# Exec form: ingest is process 1 and gets SIGTERM itself.
ENTRYPOINT ["ingest"]
CMD ["--help"]
