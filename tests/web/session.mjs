// A person's session with the page in Chromium, told as JSON on standard output. Started by tests/test_web.py.
//
// Arguments: the page's address, and a JSON file with {chromium, pictures, first, box, broken, other, colours,
// screenshots}. When it says "offline" it waits for a line, so that the server can be stopped.

import { once } from "node:events";
import { readFile } from "node:fs/promises";

import { choose, FAKE_CAMERA, findFaults, launch, listen, open, PHONE, save, screenshot, timed, useModel, WAIT } from "./person.mjs";

const [address, settingsFile] = process.argv.slice(2);
const settings = JSON.parse(await readFile(settingsFile, "utf8"));

const browser = await launch(settings.chromium, FAKE_CAMERA);
const report = {};
try {
  const context = await browser.newContext({ ...PHONE, acceptDownloads: true });
  const page = await context.newPage();
  Object.assign(report, listen(page));
  report.start = await timed(() => open(page, address));
  await page.waitForFunction(() => document.documentElement.dataset.offline === "ready", null, WAIT);
  report.empty = await findFaults(page);
  report.focus = await tabThrough(page);
  report.first = await timed(() => choose(page, [settings.first], 1));
  report.whole = await save(page);
  await drag(page, settings.box);
  report.boxed = await save(page);
  await screenshot(page, settings.screenshots, "phone_box", "#answer");
  await page.locator("#clear").click();
  report.all = await timed(() => choose(page, settings.pictures, settings.pictures.length));
  report.results = await save(page);
  report.times = await page.locator("#answer-time").textContent();
  await page.locator("details").evaluateAll((all) => all.forEach((one) => (one.open = true)));
  report.full = await findFaults(page);
  await page.emulateMedia({ colorScheme: "dark" });
  report.dark = await findFaults(page);
  report.widest = await page.evaluate(() => document.documentElement.scrollWidth);
  await page.locator("details").evaluateAll((all) => all.forEach((one) => (one.open = false)));
  await screenshot(page, settings.screenshots, "phone_results", "#results");
  await page.locator("#clear").click();
  await choose(page, [settings.broken, settings.first], 2);
  report.partly = await page.locator("#rows").innerText();
  await page.locator("#clear").click();
  report.camera = await watchCamera(page);
  report.refused = await useModel(page, settings.broken);
  report.other = await useModel(page, settings.other);
  await choose(page, settings.colours, settings.colours.length);
  report.added = await save(page);
  console.error("offline");
  await once(process.stdin, "data");
  await open(page, address);
  await choose(page, [settings.first], 1);
  report.offline = await save(page);
} finally {
  await browser.close();
}
console.log(JSON.stringify(report));
process.exit(0);

// box: shares of the picture, [left, top, right, bottom]
async function drag(page, [left, top, right, bottom]) {
  const canvas = page.locator("#view");
  await canvas.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await canvas.boundingBox();
  const before = await page.locator("#answer-time").textContent();
  await page.mouse.move(x + left * width, y + top * height);
  await page.mouse.down();
  await page.mouse.move(x + right * width, y + bottom * height, { steps: 4 });
  await page.mouse.up();
  await page.waitForFunction((text) => document.getElementById("answer-time").textContent !== text, before, WAIT);
}

async function watchCamera(page) {
  await page.locator("#camera").click();
  await page.locator("#answer").waitFor({ state: "visible", ...WAIT });
  const answer = await page.locator("#answer-result").textContent();
  const size = await page.locator("#view").evaluate((canvas) => [canvas.width, canvas.height]);
  await page.locator("#camera").click();
  return { answer, size };
}

// what a person meets who only has a keyboard
async function tabThrough(page) {
  await page.evaluate(() => document.activeElement?.blur());
  const met = [];
  for (let step = 0; step < 12; step++) {
    await page.keyboard.press("Tab");
    met.push(await page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName));
  }
  return met;
}
