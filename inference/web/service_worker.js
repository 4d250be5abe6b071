// The network first, so that a new version or another model shows at once; the cache where there is none.

const CACHE = "touchstone";
const PATIENCE_MS = 3000; // a server that is off may leave a request open for minutes

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return;
  const fresh = fetch(event.request);
  const kept = fresh.then((response) => keep(event.request, response)); // first: a response that is read cannot be cloned
  event.waitUntil(kept.catch(() => {})); // no network, or no room: the page has its answer all the same
  event.respondWith(answer(event.request, fresh));
});

/**
 * @param {Request} request
 * @param {Promise<Response>} fresh
 */
async function answer(request, fresh) {
  const cached = await caches.match(request, { ignoreSearch: true });
  if (!cached) return fresh;
  const late = new Promise((give) => setTimeout(() => give(cached), PATIENCE_MS));
  return Promise.race([fresh.catch(() => cached), late]);
}

/**
 * @param {Request} request
 * @param {Response} response
 */
async function keep(request, response) {
  if (!response.ok || new URL(request.url).origin !== location.origin) return;
  const copy = response.clone();
  const cache = await caches.open(CACHE);
  await cache.put(request, copy);
}
