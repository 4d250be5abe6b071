// A person looks for anomalies with the page in Chromium, told as JSON on standard output. Started by tests/test_web_phone.py.
//
// Arguments: the page's address, and a JSON file with {chromium, pictures, large, threshold, screenshots}.

import { readFile } from "node:fs/promises";

import { choose, findFaults, idle, launch, listen, open, PHONE, save, screenshot, timed } from "./person.mjs";

const [address, settingsFile] = process.argv.slice(2);
const settings = JSON.parse(await readFile(settingsFile, "utf8"));
const browser = await launch(settings.chromium);
const report = {};
try {
  const page = await (await browser.newContext({ ...PHONE, acceptDownloads: true })).newPage();
  Object.assign(report, listen(page));
  await open(page, address);
  report.large = await timed(() => choose(page, [settings.large], 1));
  report.times = await page.locator("#answer-time").textContent();
  await screenshot(page, settings.screenshots, "phone_anomaly", "#answer");
  await screenshot(page, settings.screenshots, "phone_overlay", "#viewer");
  report.marked = await marked(page);
  report.offersBoxes = await page.locator("#box-form").isVisible();
  await page.locator("#clear").click();
  await choose(page, settings.pictures, settings.pictures.length);
  report.results = await save(page);
  report.full = await findFaults(page);
  const before = await marked(page);
  await setThreshold(page, settings.threshold);
  report.moved = [before, await marked(page)];
  report.higher = await save(page);
  await screenshot(page, settings.screenshots, "phone_threshold", "#viewer");
  await page.emulateMedia({ colorScheme: "dark" });
  report.dark = await findFaults(page);
  await screenshot(page, settings.screenshots, "phone_anomaly_dark", "#answer");
  report.widest = await page.evaluate(() => document.documentElement.scrollWidth);
  await settled(page, () => page.locator("#threshold-own").click());
  report.own = await save(page);
  await page.locator("#overlay-shown").click();
  report.hidden = !(await page.locator("#overlay").isVisible());
} finally {
  await browser.close();
}
console.log(JSON.stringify(report));

// how many pixels of the overlay are painted
function marked(page) {
  return page.locator("#overlay").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, place) => place % 4 === 3 && value > 0).length;
  });
}

async function setThreshold(page, value) {
  await settled(page, () =>
    page.locator("#threshold").evaluate((slider, to) => {
      slider.value = to;
      slider.dispatchEvent(new Event("input"));
      slider.dispatchEvent(new Event("change"));
    }, value),
  );
}

// do what answers all pictures anew, and wait until that is done
async function settled(page, task) {
  await task();
  await idle(page);
}
