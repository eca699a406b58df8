# The hosted client: tracks and renders for people who have only a browser. Build from the root of the repository:
#   docker build -f docker/client.Dockerfile -t visavis-client .
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN apt-get update \
  && apt-get install --yes --no-install-recommends libegl1 libgles2 libgl1 libglib2.0-0 \
  && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/visavis visavis

WORKDIR /app
COPY constraints.txt pyproject.toml README.md LICENSE NOTICE ./
COPY codec codec
COPY assets assets
COPY avatar_store avatar_store
COPY renderer renderer
COPY tracker tracker
COPY enrolment enrolment
COPY client client
COPY server server
COPY visavis visavis
RUN pip install --constraint constraints.txt --editable .
COPY docker/client_health.py docker/

USER visavis
# Avatars that were received, and the compiled kernels. Kernels fit one kind of CPU: on another one the first start
# compiles them again (about a minute), which the volume then keeps.
ENV VISAVIS_HOME=/var/lib/visavis XDG_CACHE_HOME=/var/lib/visavis/cache
RUN visavis warm-up
VOLUME /var/lib/visavis

ENV VISAVIS_SERVER=http://127.0.0.1:8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=4 CMD ["python", "docker/client_health.py"]
CMD ["visavis", "host"]
