// After the first visit the page works without a network: a service worker answers from the cache.

const CACHE = "touchstone"; // the name that service_worker.js knows too

/** Keep all that the page has loaded. Needs HTTPS, or this machine; elsewhere the page only works while it is served. */
export async function keepForOffline() {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register("service_worker.js");
  await navigator.serviceWorker.ready;
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  const ours = loaded.filter((address) => address.startsWith(location.origin));
  const cache = await caches.open(CACHE);
  const missing = [];
  for (const address of new Set([location.href.split("#")[0], ...ours])) {
    if (!(await cache.match(address))) missing.push(address);
  }
  await cache.addAll(missing);
  document.documentElement.dataset.offline = "ready";
}
