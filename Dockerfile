# syntax=docker/dockerfile:1
# One image holds every service; SERVICE names the one that it starts:
#   docker build --build-arg SERVICE=orders -t gravity/orders .
# With `migrate` as the last argument it migrates and exits: node dist/apps/orders/src/main.js migrate

ARG NODE_IMAGE=node:24-bookworm-slim
ARG RUNTIME_IMAGE=debian:bookworm-slim

# Compiles with swc. Install scripts are off: no package that the build needs has one.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY apps apps
COPY libs libs
COPY tools tools
COPY test test
RUN node tools/build.mjs --clean && rm -rf dist/test && find dist -name '*.spec.js*' -delete

# Dependencies at run time: without the development tools and the embedded Postgres, an optional dependency.
FROM ${NODE_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force

# Node alone, without npm and yarn.
FROM ${RUNTIME_IMAGE} AS runtime
COPY --from=build /usr/local/bin/node /usr/local/bin/node
# The folder for the secrets of docker-compose.yml: a new volume takes its owner from here.
RUN groupadd --gid 10001 gravity \
 && useradd --uid 10001 --gid gravity --no-create-home --shell /usr/sbin/nologin gravity \
 && install -d -o gravity -g gravity /secrets
WORKDIR /app
COPY --from=modules /app/node_modules node_modules
COPY --from=build /app/dist dist
# Read at run time; the services find it in a folder above dist/.
COPY libs/contracts/proto libs/contracts/proto
COPY package.json LICENSE ./

ARG SERVICE=orders
# Requests live longer than a collection cycle of a small young generation: 64 MiB halve the time of the collector.
ENV SERVICE=${SERVICE} \
    NODE_ENV=production \
    NODE_OPTIONS="--enable-source-maps --max-semi-space-size=64" \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=8080 \
    GRPC_PORT=8081
# The services write nothing below /app, so the root file system can be read-only.
USER 10001:10001
EXPOSE 8080 8081 9090
STOPSIGNAL SIGTERM
# Probes use ADMIN_PORT where it is set.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ADMIN_PORT || process.env.HTTP_PORT}/health/live`).then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
# `exec` replaces the shell: node is process 1 and receives SIGTERM itself.
CMD ["sh", "-c", "exec node dist/apps/${SERVICE}/src/main.js"]
