# The worker as one static binary on an image that holds nothing else: no
# shell, no package manager, certificates to speak TLS with.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t steward .

FROM golang:1.26-bookworm AS build
WORKDIR /src
# Modules first: they change less often than the code.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN make static VERSION="$VERSION" && mkdir /empty

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /src/bin/steward-static /usr/local/bin/steward
# A named volume takes over this folder's owner, so that the worker can write to
# it without being root.
COPY --from=build --chown=65532:65532 /empty /data
USER 65532:65532
# steward.yaml, playbooks and messages; only ever read.
ENV STEWARD_WORKSPACE=/workspace
WORKDIR /workspace
# The database, and previews: the only things that must outlive a container.
VOLUME /data
# 8080 faces customers (unsubscribe links), 8081 shows health and metrics and is
# for the inside.
EXPOSE 8080 8081
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s --retries=3 \
    CMD ["/usr/local/bin/steward", "health", "--url", "http://127.0.0.1:8081/readyz"]
ENTRYPOINT ["/usr/local/bin/steward"]
CMD ["run"]
