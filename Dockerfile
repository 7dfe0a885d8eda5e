# The gateway with the embedded model, as a user without rights. docker-compose.yml shows how it is run.
FROM python:3.13-slim AS build
RUN pip install --no-cache-dir uv==0.13.8
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /app
# The dependencies first: they change less often than the code.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-default-groups --extra embedded --extra expert --extra postgresql --extra otel --no-install-project
COPY README.md LICENSE ./
COPY gateway gateway
COPY tools tools
COPY routing routing
COPY policies policies
COPY models models
RUN uv sync --locked --no-default-groups --extra embedded --extra expert --extra postgresql --extra otel

FROM python:3.13-slim
# What llama.cpp is linked against.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 libstdc++6 \
  && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 gateway && install -d -o gateway -g gateway /data
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 \
  GATEWAY__TOOLS__NOTES_PATH=/data/notes.db GATEWAY__STORAGE__URL=sqlite:////data/gateway.db
WORKDIR /data
VOLUME /data
USER gateway
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
# A container has to listen on all its addresses, so without keys (GATEWAY__AUTH__ENABLED=true, docs/access.md)
# it does not start unless it is told --insecure-no-auth, as in docker-compose.yml.
ENTRYPOINT ["gateway", "serve", "--host", "0.0.0.0"]
