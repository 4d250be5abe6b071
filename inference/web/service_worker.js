// The network first, so that a new version or another model shows at once; the cache where there is none.

const CACHE = "touchstone";
const PATIENCE_MS = 3000; // a server that is off may leave a request open for minutes

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(answer(event.request));
});

/** @param {Request} request */
async function answer(request) {
  const cached = await caches.match(request, { ignoreSearch: true });
  const fresh = fetch(request).then((response) => keep(request, response));
  if (!cached) return fresh;
  const late = new Promise((give) => setTimeout(() => give(cached), PATIENCE_MS));
  return Promise.race([fresh.catch(() => cached), late]);
}

/**
 * @param {Request} request
 * @param {Response} response
 */
async function keep(request, response) {
  if (response.ok && new URL(request.url).origin === location.origin) {
    const cache = await caches.open(CACHE);
    await cache.put(request, response.clone());
  }
  return response;
}
