// A person teaches a class with the page in Chromium, told as JSON on standard output. Started by tests/test_web_phone.py.
//
// Arguments: the page's address, and a JSON file with {chromium, colours, yellow, violet, screenshots}. The network is off
// from before the first class is taught to the end.

import { readFile } from "node:fs/promises";

import { choose, findFaults, launch, listen, open, PHONE, save, screenshot, timed, WAIT } from "./person.mjs";

const [address, settingsFile] = process.argv.slice(2);
const settings = JSON.parse(await readFile(settingsFile, "utf8"));
const browser = await launch(settings.chromium);
const report = {};
try {
  const context = await browser.newContext({ ...PHONE, acceptDownloads: true });
  const page = await context.newPage();
  Object.assign(report, listen(page));
  await open(page, address);
  await page.waitForFunction(() => document.documentElement.dataset.offline === "ready", null, WAIT);
  await context.setOffline(true);
  report.asked = report.requests.length;
  await choose(page, settings.colours, settings.colours.length);
  report.before = await save(page);
  await give(page, "yellow", settings.yellow);
  report.ready = await findFaults(page);
  await screenshot(page, settings.screenshots, "phone_teach", "#teach");
  report.seconds = await timed(() => add(page, "yellow"));
  report.taught = await save(page);
  report.outcome = await page.locator("#teach-outcome").innerText();
  report.full = await findFaults(page);
  await screenshot(page, settings.screenshots, "phone_taught", "#teach");
  report.once = await saveModel(page);
  report.sent = report.requests.slice(report.asked).filter((one) => !one.startsWith("blob:"));
  await give(page, "violet", settings.violet);
  await add(page, "violet");
  report.twice = await saveModel(page);
  await open(page, address);
  report.classes = await page.locator("#model-classes").textContent();
  report.reloaded = await saveModel(page);
  await undo(page);
  report.undone = await saveModel(page);
  await undo(page);
  await open(page, address);
  report.last = await page.locator("#model-classes").textContent();
  await give(page, "red", settings.yellow);
  await page.locator("#teach-add").click();
  await page.locator("#fault").waitFor({ state: "visible", ...WAIT });
  report.refused = await page.locator("#fault").textContent();
  await page.emulateMedia({ colorScheme: "dark" });
  report.dark = await findFaults(page);
  report.widest = await page.evaluate(() => document.documentElement.scrollWidth);
} finally {
  await browser.close();
}
console.log(JSON.stringify(report));

async function give(page, name, files) {
  await page.locator("#teach-name").fill(name);
  await page.locator("#teach-choose").setInputFiles(files);
  await page.waitForFunction((count) => document.querySelectorAll("#teach-pictures li").length === count, files.length, WAIT);
}

async function add(page, name) {
  await page.locator("#teach-add").click();
  await said(page, `“${name}” was added`);
}

async function undo(page) {
  await page.locator("#teach-undo").click();
  await said(page, "The class was removed");
  await page.evaluate(() => (document.getElementById("status").textContent = ""));
}

function said(page, words) {
  return page.waitForFunction((start) => document.getElementById("status").textContent.startsWith(start), words, WAIT);
}

async function saveModel(page) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#teach-save").click()]);
  return (await readFile(await download.path())).toString("base64");
}
