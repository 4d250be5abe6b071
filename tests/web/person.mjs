// What a person does with the page in Chromium: opens it, chooses pictures, saves the results; and what axe finds.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../inference/web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

export const PHONE = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 1.5 };
export const WAIT = { timeout: 60_000 };
export const FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"];

export function launch(executablePath, more = []) {
  return chromium.launch({ executablePath, args: [...QUIET, ...more] });
}

// gives what the console complains of and what the page asks for, both to be filled as it happens
export function listen(page) {
  const heard = { console: [], requests: [] };
  page.on("console", (message) => {
    if (message.type() === "error") heard.console.push(message.text());
  });
  page.on("pageerror", (fault) => heard.console.push(String(fault)));
  page.on("request", (request) => heard.requests.push(request.url()));
  return heard;
}

export async function open(page, address) {
  await page.goto(address);
  await page.waitForFunction(() => document.getElementById("status").textContent === "Ready.", null, WAIT);
}

export async function choose(page, files, count) {
  await page.locator("#choose").setInputFiles(files);
  await page.waitForFunction((rows) => document.querySelectorAll("#rows tr").length === rows, count, WAIT);
}

export async function save(page) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#save").click()]);
  return readFile(await download.path(), "utf8");
}

// gives what the page then says of its model, or of the fault
export async function useModel(page, file) {
  const title = await page.locator("#model-title").textContent();
  await page.locator("#model-file").setInputFiles(file);
  await page.waitForFunction(
    (before) => document.querySelector("#fault:not([hidden])") || document.getElementById("model-title").textContent !== before,
    title,
    WAIT,
  );
  const faults = await page.locator("#fault:not([hidden])").allTextContents();
  return faults[0] ?? page.locator("#model-title").textContent();
}

// wait until all that was asked for is done
export function idle(page) {
  return page.waitForFunction(() => document.querySelector("main").ariaBusy === "false", null, WAIT);
}

// what axe finds that would hinder people
export async function findFaults(page) {
  await page.evaluate(await readFile(require.resolve("axe-core/axe.min.js"), "utf8"));
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map((node) => node.html) }));
}

// where: what is at the top of the screen
export async function screenshot(page, folder, name, where) {
  if (!folder) return;
  await page.evaluate((top) => {
    document.activeElement?.blur();
    document.querySelector(top).scrollIntoView();
  }, where);
  await page.screenshot({ path: `${folder}/${name}.png` });
}

export async function timed(task) {
  const start = performance.now();
  await task();
  return performance.now() - start;
}
