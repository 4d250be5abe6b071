// A network on the processor and on a graphics card, in Chromium with SwiftShader, which plays the card in software.
//
// Arguments: the page's address and Chromium; the page serves the model. Gives a JSON object. Started by tests/test_web.py.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(new URL("../../inference/web/package.json", import.meta.url));
const { build } = require("esbuild");
const { chromium } = require("playwright-core");

const CARD = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan", "--use-vulkan=swiftshader"];
const SOURCES = fileURLToPath(new URL("../../inference/web/src/", import.meta.url));
const [address, executablePath] = process.argv.slice(2);
const bundled = await build({
  stdin: {
    contents: `export * from "./model/artefact.js"; export * from "./model/graphics_card.js"; export * from "./model/network.js";`,
    resolveDir: SOURCES,
  },
  bundle: true,
  format: "iife",
  globalName: "parts",
  write: false,
});
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", ...CARD] });
try {
  const page = await browser.newPage();
  const console_ = [];
  page.on("console", (message) => message.type() === "error" && console_.push(message.text()));
  await page.goto(address);
  await page.waitForFunction(() => document.getElementById("status").textContent === "Ready.", null, { timeout: 60_000 });
  await page.evaluate(`${bundled.outputFiles[0].text}; globalThis.parts = parts;`);
  console.log(JSON.stringify({ ...(await page.evaluate(compare)), console: console_ }));
} finally {
  await browser.close();
}

// Runs in the page.
async function compare() {
  if (!(await navigator.gpu?.requestAdapter())) return { card: false };
  const model = new Uint8Array(await (await fetch("model.tflite")).arrayBuffer());
  const { flatbuffer } = parts.splitArtefact(model);
  const usual = await parts.Network.load(flatbuffer);
  const load = () => parts.Network.load(flatbuffer, "webgpu");
  const pixels = Uint8Array.from({ length: usual.shape.reduce((product, side) => product * side, 1) }, (_, n) => (n * 7919) % 251);
  const look = async (network) => Array.from((await network.look(pixels))[0]);

  const card = await load();
  const answers = [await look(usual), await look(card)];
  card.close();

  const slow = { shape: usual.shape, look: (one) => usual.look(one).then((found) => wait(1000, found)) };
  const odd = { ...slow, look: (one) => slow.look(one).then(([first]) => [first.map((value) => 1 - value)]) };
  const chosen = await parts.findFaster(slow, load);
  const onCard = chosen && (await look(chosen));
  chosen?.close();
  return {
    card: true,
    answers,
    onCard,
    different: await parts.findFaster(odd, load),
    fast: await parts.findFaster(usual, load, Infinity),
    slower: await parts.findFaster(usual, () => load().then((one) => ({ ...late(one), close: () => one.close() })), 0),
    missing: await parts.findFaster(slow, () => Promise.reject(new Error("no card"))),
  };

  function late(network) {
    return { shape: network.shape, look: (one) => network.look(one).then((found) => wait(1000, found)) };
  }

  function wait(ms, found) {
    return new Promise((give) => setTimeout(() => give(found), ms));
  }
}
