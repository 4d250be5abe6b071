// Pictures' files -> the pixels that the page hands to the network, in Chromium.
//
// Arguments: the page's address, Chromium, height and width for the network, then files. Gives a JSON list: the pixels of
// each as base64, or null where the browser can't read it. Started by tests/test_web.py.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(new URL("../../inference/web/package.json", import.meta.url));
const { build } = require("esbuild");
const { chromium } = require("playwright-core");

const [address, executablePath, height, width, ...files] = process.argv.slice(2);
const bundled = await build({
  entryPoints: [fileURLToPath(new URL("../../inference/web/src/pictures/picture.js", import.meta.url))],
  bundle: true,
  format: "iife",
  globalName: "picture",
  write: false,
});
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const page = await browser.newPage();
  await page.goto(address);
  await page.evaluate(`${bundled.outputFiles[0].text}; globalThis.picture = picture;`);
  const found = [];
  for (const file of files) {
    found.push(await page.evaluate(decode, [(await readFile(file)).toString("base64"), Number(height), Number(width)]));
  }
  console.log(JSON.stringify(found));
} finally {
  await browser.close();
}

async function decode([text, height, width]) {
  const file = new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]);
  try {
    const bitmap = await picture.decodePicture(file);
    const pixels = picture.cutOut(bitmap, bitmap, null, { input_size: [height, width], region_margin: 0 });
    return btoa(String.fromCharCode(...pixels));
  } catch (fault) {
    return null;
  }
}
