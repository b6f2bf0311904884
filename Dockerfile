FROM rust:1.95-slim-bookworm AS build
# SQLite, libpq and the cryptography are compiled from source: a C compiler is all they need.
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN cargo build --release --locked --bin ayni

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --user-group --uid 10001 --no-create-home --home-dir /var/lib/ayni --shell /usr/sbin/nologin ayni \
    && install -d -o ayni -g ayni -m 0700 /var/lib/ayni
COPY --from=build /build/target/release/ayni /usr/local/bin/ayni

USER ayni
WORKDIR /var/lib/ayni
# Inside a container every address is the container's own: what is reachable is what gets published.
ENV AYNI_BIND=0.0.0.0:8080 \
    AYNI_DATABASE=sqlite:///var/lib/ayni/ayni.db \
    AYNI_KEYS=/var/lib/ayni/keys
# The database (with SQLite) and the signing keys: keep and back up both.
VOLUME /var/lib/ayni
EXPOSE 8080

# The image has no HTTP client; bash can speak enough HTTP to ask whether the process answers.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${AYNI_BIND##*:} && printf 'GET /livez HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && IFS= read -r line <&3 && [[ $line == 'HTTP/1.1 20'* ]]"]

ENTRYPOINT ["ayni"]
CMD ["serve"]
