// Everything that the page needs -> dist/: one script, LiteRT's WebAssembly, and what is copied as it is.

import { cp, mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const DIST = `${HERE}dist/`;
const COPIED = ["index.html", "style.css", "manifest.webmanifest", "service_worker.js", "icon.svg", "icon-192.png", "icon-512.png"];
// with relaxed SIMD and, for browsers that lack it, without; those with threads or for graphics cards are not used
const RUNTIMES = ["litert_wasm_internal", "litert_wasm_compat_internal"];

await rm(DIST, { recursive: true, force: true });
await mkdir(`${DIST}wasm`, { recursive: true });
for (const name of COPIED) await cp(HERE + name, DIST + name);
for (const name of RUNTIMES) {
  for (const ending of ["js", "wasm"]) {
    await cp(`${HERE}node_modules/@litertjs/core/wasm/${name}.${ending}`, `${DIST}wasm/${name}.${ending}`);
  }
}
await build({
  entryPoints: [`${HERE}src/main.js`],
  outfile: `${DIST}app.js`,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "eof", // LiteRT's licence, Apache-2.0, stays in the file
});
