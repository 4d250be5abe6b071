// What a person does with the page in Chromium: opens it, chooses pictures, saves the results.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../inference/web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

export const PHONE = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 1.5 };
export const WAIT = { timeout: 60_000 };
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
