# The meeting server: pages, rooms, signaling. Build from the root of the repository:
#   docker build -f docker/server.Dockerfile -t visavis-server .
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/visavis visavis

WORKDIR /app
COPY constraints.txt ./
COPY docker/server-requirements.txt docker/
RUN pip install --constraint constraints.txt --requirement docker/server-requirements.txt

COPY pyproject.toml README.md LICENSE NOTICE ./
COPY codec codec
COPY client client
COPY server server
COPY visavis visavis
COPY avatar_store avatar_store
COPY web web
RUN pip install --no-deps --editable .

USER visavis
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=3)"]
CMD ["visavis", "serve", "--host", "0.0.0.0", "--port", "8080", "--hosted", "0"]
