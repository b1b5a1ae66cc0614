# syntax=docker/dockerfile:1
# Both processes in one image; kernelbypassd starts the data plane (dataplane.supervise: child).
#   docker build -t kernelbypass .
#   docker run --rm --network host --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_RAW --cap-add IPC_LOCK \
#       -v /etc/kernelbypass:/etc/kernelbypass:ro kernelbypass
# With a NIC: add --device /dev/vfio -v /dev/hugepages:/dev/hugepages

FROM mcr.microsoft.com/dotnet/sdk:10.0-bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends cmake gcc g++ make pkg-config libdpdk-dev libnuma-dev libpcap-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN native/build.sh && deploy/publish.sh

FROM mcr.microsoft.com/dotnet/aspnet:10.0-bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends dpdk iproute2 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin kernelbypass \
    && mkdir -p /run/kernelbypass /var/lib/kernelbypass /etc/kernelbypass \
    && chown kernelbypass: /run/kernelbypass /var/lib/kernelbypass
COPY --from=build /source/artifacts/publish /usr/local/lib/kernelbypass
COPY config/embedded.yaml /etc/kernelbypass/kernelbypass.yaml
RUN for program in kernelbypassd kernelbypass-dataplane kbctl; do ln -s ../lib/kernelbypass/$program /usr/local/bin/$program; done
ENV DOTNET_EnableDiagnostics=0
VOLUME /var/lib/kernelbypass
# Not root: file capabilities would be lost to no-new-privileges, so give --cap-add with --user root where ports need them.
USER kernelbypass
ENTRYPOINT ["/usr/local/bin/kernelbypassd", "--config", "/etc/kernelbypass/kernelbypass.yaml"]
