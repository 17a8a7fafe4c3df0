# syntax=docker/dockerfile:1
# The same steps as deploy/serve, in two stages: a builder with the Swift toolchain, and a small image to run.
#   docker build -t mllmseg . && docker run --rm -p 8080:8080 --read-only mllmseg

ARG SWIFT_VERSION=6.3
FROM swift:${SWIFT_VERSION}-bookworm AS builder

# Versions are the ones of the Debian release that the base image names.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libopenblas-dev libpng-dev libssl-dev libturbojpeg0-dev libwebp-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /source
# The dependencies first: their layer stays while only sources change.
COPY Package.swift ./
RUN swift package resolve
COPY Sources Sources
# Not built here, but the manifest names their folders.
COPY Tests Tests
RUN swift build -c release --product mllmseg --static-swift-stdlib \
    && mkdir /product \
    && strip -o /product/mllmseg .build/release/mllmseg \
    && cp -R .build/release/*.resources /product/
COPY Public /product/Public
COPY deploy/healthcheck /product/healthcheck


FROM debian:bookworm-slim

# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libopenblas0-pthread libpng16-16 libssl3 libstdc++6 libturbojpeg0 libwebp7 \
    && rm -rf /var/lib/apt/lists/*

COPY --from=builder /product /opt/mllmseg

# A number and not a name: Kubernetes' runAsNonRoot can check it.
USER 10001:10001
EXPOSE 8080
# bash's /dev/tcp: the image needs no curl. It finds the port as the server does.
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s CMD ["/opt/mllmseg/healthcheck"]
# From outside the container; inside, every option can be set as MLLMSEG_<OPTION> too.
ENV MLLMSEG_HOST=0.0.0.0
ENTRYPOINT ["/opt/mllmseg/mllmseg"]
CMD ["serve"]
