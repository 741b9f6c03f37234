# The ledger as an image: compiled from the sources, run by the image's own Node as a user who may
# write to /var/lib/netalloc and /var/lib/netalloc-tokens alone.
FROM node:26.10.0-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# The image has the Node that the project pins, so the packaged one is neither set up nor kept.
RUN npm ci --ignore-scripts --no-audit --no-fund && rm -rf node_modules/node node_modules/.bin/node
COPY tsconfig.json ./
COPY src src
COPY projections projections
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node node_modules/.bin/node

FROM node:26.10.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /srv/netalloc
COPY --from=build /build/package.json package.json
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY --from=build /build/src/bin.js src/bin.js
# A new volume takes over the owner of the directory that it is mounted on.
RUN mkdir -p /var/lib/netalloc /var/lib/netalloc-tokens \
  && chown 1000:1000 /var/lib/netalloc /var/lib/netalloc-tokens
USER 1000:1000
ENV NETALLOC_LISTEN=0.0.0.0:8470 NETALLOC_DATA=/var/lib/netalloc
EXPOSE 8470
ENTRYPOINT ["node", "src/bin.js"]
CMD ["serve"]
