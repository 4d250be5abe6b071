// What comes between while the page works, in Chromium, told as JSON on standard output. Started by
// tests/test_web_interruptions.py.
//
// Arguments: the page's address, and a JSON file with {chromium, models, yellow, broken}. models: two with other titles
// than the page's, of which the second finds anomalies.

import { readFile } from "node:fs/promises";

import { choose, FAKE_CAMERA, idle, launch, listen, open, useModel, WAIT } from "./person.mjs";

const MANY = 40; // pictures
const WATCHED_MS = 1500;

const [address, settingsFile] = process.argv.slice(2);
const settings = JSON.parse(await readFile(settingsFile, "utf8"));
const browser = await launch(settings.chromium, FAKE_CAMERA);
const report = {};
try {
  const page = await browser.newPage();
  const heard = listen(page);
  await open(page, address);
  report.clearedAtFirst = await clearMeanwhile(page, "rows", "", chooseTwice);
  await choose(page, settings.yellow, settings.yellow.length);
  report.clearedAnew = await clearMeanwhile(page, "status", "1 / ", () => useModel(page, settings.models[0]));
  await page.evaluate(countFrames);
  await changeModels(page);
  report.restarted = await restartCamera(page);
  report.lost = await loseCamera(page);
  report.asked = await leaveQuestionOpen(page);
  await open(page, address);
  report.partly = await teachPartly(page);
  report.full = await teachWithoutRoom(page);
  await open(page, address);
  report.reloaded = await page.locator("#model-classes").textContent();
  report.console = heard.console;
} finally {
  await browser.close();
}
console.log(JSON.stringify(report));

// "Clear" as soon as an element changes and has this text; gives what is left when all is done
async function clearMeanwhile(page, id, text, task) {
  await page.evaluate(clearOnce, [id, text]);
  await task(page);
  await idle(page);
  const left = { rows: await page.locator("#rows tr").count(), status: await page.locator("#status").textContent() };
  await page.evaluate(() => document.getElementById("clear").click());
  return left;
}

function clearOnce([id, text]) {
  const watched = document.getElementById(id);
  new MutationObserver((_, observer) => {
    if (!watched.textContent.includes(text)) return;
    observer.disconnect();
    document.getElementById("clear").click();
  }).observe(watched, { childList: true, characterData: true, subtree: true });
}

// many pictures, and as many behind them
async function chooseTwice(page) {
  await page.evaluate(async (count) => {
    const canvas = document.createElement("canvas");
    const picture = await new Promise((give) => canvas.toBlob(give));
    const chosen = new DataTransfer();
    for (let n = 0; n < count; n++) chosen.items.add(new File([picture], `${n}.png`));
    for (const id of ["choose", "folder"]) {
      const input = document.getElementById(id);
      input.files = chosen.files;
      input.dispatchEvent(new Event("change"));
    }
  }, MANY);
}

// keep the camera's stream, and count its frames that are shown
function countFrames() {
  globalThis.frames_ = 0;
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (picture, ...more) {
    if (picture instanceof HTMLVideoElement && this.canvas.id === "view") globalThis.frames_++;
    return draw.call(this, picture, ...more);
  };
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => (globalThis.stream_ = await ask(wanted));
}

async function anotherFrame(page) {
  const before = await page.evaluate(() => globalThis.frames_);
  await page.waitForFunction((count) => globalThis.frames_ > count, before, WAIT);
}

async function framesShown(page) {
  const before = await page.evaluate(() => globalThis.frames_);
  await page.waitForTimeout(WATCHED_MS);
  return (await page.evaluate(() => globalThis.frames_)) - before;
}

async function changeModels(page) {
  await page.locator("#camera").click();
  await page.locator("#answer").waitFor({ state: "visible", ...WAIT });
  for (const model of [1, 0, 1, 0, 1, 0]) {
    await useModel(page, settings.models[model]);
    await idle(page);
    await anotherFrame(page);
  }
}

async function restartCamera(page) {
  for (let time = 0; time < 4; time++) {
    await page.evaluate(() => {
      document.getElementById("camera").click();
      document.getElementById("camera").click();
    });
    await saysOfCamera(page, "Stop the camera");
    await idle(page);
  }
  return framesShown(page);
}

async function loseCamera(page) {
  await page.evaluate(() => globalThis.stream_.getTracks()[0].dispatchEvent(new Event("ended")));
  await saysOfCamera(page, "Live camera");
  return page.locator("#fault").textContent();
}

function saysOfCamera(page, words) {
  return page.waitForFunction((text) => document.getElementById("camera").textContent === text, words, WAIT);
}

// gives how often the browser asked; the pictures must be answered meanwhile
async function leaveQuestionOpen(page) {
  await page.evaluate(() => {
    globalThis.asked_ = 0;
    navigator.mediaDevices.getUserMedia = () => new Promise(() => globalThis.asked_++);
  });
  for (let time = 0; time < 2; time++) await page.locator("#camera").click();
  await choose(page, settings.yellow, settings.yellow.length);
  return page.evaluate(() => globalThis.asked_);
}

async function teachPartly(page) {
  const [first, ...others] = settings.yellow;
  await page.locator("#teach-name").fill("yellow");
  await page.locator("#teach-choose").setInputFiles([first, settings.broken, ...others]);
  await page.locator("#fault").waitFor({ state: "visible", ...WAIT });
  return { taken: await page.locator("#teach-pictures li").count(), fault: await page.locator("#fault").textContent() };
}

// gives what the page says of a class that the browser has no room for
async function teachWithoutRoom(page) {
  const client = await page.context().newCDPSession(page);
  await client.send("Storage.overrideQuotaForOrigin", { origin: new URL(address).origin, quotaSize: 1 });
  await page.locator("#teach-add").click();
  await page.waitForFunction(() => document.getElementById("status").textContent.includes("was added"), null, WAIT);
  return page.locator("#status").textContent();
}
