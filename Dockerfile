# One image for all programs of the project: ETL, producer, topics, db-init and pulse (target runtime); the same
# with what writes declarations and migrations of streams (target tools), or with what lint, tests and benchmark
# need (target test).

FROM node:24-slim AS base
# npm writes its cache and logs to /tmp, so that it also works where the root file system is read-only.
ENV npm_config_cache=/tmp/.npm \
    npm_config_update_notifier=false \
    npm_config_fund=false
WORKDIR /app

# What is installed changes with the lock file only. The packages that bring Node to a machine without
# Node 24 are taken out in the same layer: this image has it (190 MB).
FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/tmp/.npm,sharing=locked \
    npm ci --omit=dev --no-audit \
 && rm -rf node_modules/node-linux-* node_modules/node-darwin-* node_modules/node-bin-* node_modules/.bin/node

FROM base AS test-dependencies
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/tmp/.npm,sharing=locked \
    npm ci --no-audit \
 && rm -rf node_modules/node-linux-* node_modules/node-darwin-* node_modules/node-bin-* node_modules/.bin/node \
 && chown node:node /app node_modules

FROM test-dependencies AS test
COPY --chown=node:node . .
USER node
CMD ["npm", "test"]

# Of the development packages those that tools needs, in the versions of the lock file.
FROM base AS tools-dependencies
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/tmp/.npm,sharing=locked \
    node -e "for (const file of ['package.json', 'package-lock.json']) { \
      const json = JSON.parse(fs.readFileSync(file, 'utf8')), root = json.packages?.[''] ?? json; \
      for (const name of Object.keys(root.devDependencies)) \
        if (!['drizzle-kit', 'typescript', '@types/node', '@types/pg'].includes(name)) delete root.devDependencies[name]; \
      fs.writeFileSync(file, JSON.stringify(json)) }" \
 && npm ci --no-audit \
 && rm -rf node_modules/node-linux-* node_modules/node-darwin-* node_modules/node-bin-* node_modules/.bin/node

FROM base AS sources
COPY package.json ./
COPY migrations ./migrations
COPY scripts ./scripts
COPY producer ./producer
COPY streams ./streams
COPY etl ./etl

# new-stream, generate-migration and check-streams, on a folder of streams that is mounted at /streams:
#   docker run --rm -i --user "$(id -u):$(id -g)" -v ./streams:/streams <image> check-streams
FROM base AS tools
ENV STREAMS_DIR=/streams
COPY --from=tools-dependencies /app/node_modules ./node_modules
COPY --from=sources /app ./
USER node
ENTRYPOINT ["npm", "run", "--silent"]
CMD ["check-streams"]

# The last target is the one that a plain `docker build` makes.
FROM base AS runtime
# glibc gives large buffers back when they are freed: docs/LIMITS.md.
ENV NODE_ENV=production \
    MALLOC_MMAP_THRESHOLD_=131072
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=sources /app ./
USER node
EXPOSE 8080
# For the ETL; what serves no HTTP turns it off. The image has no curl, and needs none.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=2s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HTTP_PORT || 8080}/healthz`).then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
# node itself is the first process and handles SIGTERM; Compose puts an init before it (init: true).
CMD ["node", "--max-semi-space-size=4", "etl/main.ts"]
# Last, because they change with every commit.
ARG VERSION=0.3.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Global Sales Pulse" \
      org.opencontainers.image.description="Micro-batch ETL from Kafka to a Postgres warehouse that accounts for every message exactly once and proves it" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="node:24-slim"
