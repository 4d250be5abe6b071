// The page in Chromium -> milliseconds as JSON on standard output. Started by benchmarks/page.py.
//
// On standard input: {address, chromium, phone: [file], photographs: [files], patches: [files]}.

import { createRequire } from "node:module";

const require = createRequire(new URL("../inference/web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

let input = "";
for await (const piece of process.stdin) input += piece;
const settings = JSON.parse(input);
const WAIT = { timeout: 120_000 };

const browser = await chromium.launch({
  executablePath: settings.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
const report = {};
try {
  const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
  const start = performance.now();
  await page.goto(settings.address);
  await page.waitForFunction(() => document.getElementById("status").textContent === "Ready.", null, WAIT);
  report.ready = performance.now() - start;
  await page.evaluate(watch);
  report.first = (await choose(page, settings.phone)).painted;
  report.photographs = (await choose(page, settings.photographs)).each;
  report.patches = (await choose(page, settings.patches)).each;
} finally {
  await browser.close();
}
console.log(JSON.stringify(report));

async function choose(page, files) {
  await page.locator("#clear").click({ force: true, timeout: 1000 }).catch(() => {}); // hidden before the first
  await page.evaluate(() => (globalThis.marks = { chosen: 0, answered: [], painted: 0 }));
  await page.locator("#choose").setInputFiles(files);
  await page.waitForFunction((count) => globalThis.marks.answered.length >= count, files.length, WAIT);
  await page.waitForFunction(() => globalThis.marks.painted > 0, null, WAIT);
  return page.evaluate(() => {
    const { chosen, answered, painted } = globalThis.marks;
    return { painted: painted - chosen, each: (answered[answered.length - 1] - chosen) / answered.length };
  });
}

// Runs in the page: notes when pictures are chosen, when each has a row in the table, and when the first is painted.
function watch() {
  globalThis.marks = { chosen: 0, answered: [], painted: 0 };
  document.addEventListener("change", () => (globalThis.marks.chosen = performance.now()), true);
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const row of change.addedNodes) {
        if (row.nodeName === "TR") globalThis.marks.answered.push(performance.now());
      }
    }
    const now = globalThis.marks;
    requestAnimationFrame(() => setTimeout(() => (now.painted ||= performance.now())));
  }).observe(document.getElementById("rows"), { childList: true });
}
