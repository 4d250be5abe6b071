// The page's service worker with a server that is slow or a browser that is full, in Chromium, told as JSON on standard
// output. Started by tests/test_web_interruptions.py.
//
// Argument: Chromium. Each path gives "new" from its second request on; /body sends its headers at once and the rest late,
// /silent sends all of it late.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

import { launch, WAIT } from "./person.mjs";

const LATE_MS = 4000; // the worker is patient for three seconds
const WORKER = await readFile(new URL("../../inference/web/service_worker.js", import.meta.url));

const asked = new Map();
const server = createServer((request, response) => {
  const { url } = request;
  if (url === "/service_worker.js") return response.setHeader("Content-Type", "text/javascript").end(WORKER);
  if (url === "/") return response.setHeader("Content-Type", "text/html").end("<title>page</title>");
  asked.set(url, (asked.get(url) ?? 0) + 1);
  const isNew = asked.get(url) > 1;
  response.setHeader("Cache-Control", "no-store");
  if (isNew && url === "/body") response.flushHeaders();
  setTimeout(() => response.end(isNew ? "new" : "old"), isNew && url !== "/full" ? LATE_MS : 0);
});
await new Promise((resume) => server.listen(0, "127.0.0.1", resume));
const address = `http://127.0.0.1:${server.address().port}`;
const browser = await launch(process.argv[2]);
const report = {};
try {
  const page = await browser.newPage();
  await page.goto(address);
  await page.evaluate(() => navigator.serviceWorker.register("service_worker.js"));
  await page.waitForFunction(() => navigator.serviceWorker.controller, null, WAIT);
  for (const path of ["body", "silent"]) {
    await page.evaluate(get, path);
    await isKept(page, path, "old");
  }
  [report.body, report.silent] = await Promise.all(["body", "silent"].map((path) => page.evaluate(get, path)));
  await isKept(page, "silent", "new"); // though the page did not wait for it
  const client = await page.context().newCDPSession(page);
  await client.send("Storage.overrideQuotaForOrigin", { origin: address, quotaSize: 1 });
  report.full = await page.evaluate(get, "full");
} finally {
  await browser.close();
  server.close();
}
console.log(JSON.stringify(report));

function get(path) {
  return fetch(path).then((response) => response.text()).catch(String);
}

function isKept(page, path, text) {
  const read = async ([name, wanted]) => (await (await caches.match(name))?.text()) === wanted;
  return page.waitForFunction(read, [path, text], WAIT);
}
