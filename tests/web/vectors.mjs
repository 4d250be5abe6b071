// Models with test vectors on the page: one that gives the answers of its export, and one that does not.
//
// Arguments: the page's address, Chromium, then the .tflite files. Gives a JSON list of what the page says of each.
// Started by tests/test_web.py.

import { launch, open, PHONE, WAIT } from "./person.mjs";

const [address, executablePath, ...models] = process.argv.slice(2);
const browser = await launch(executablePath);
try {
  const page = await browser.newPage(PHONE);
  await open(page, address);
  const said = [];
  for (const model of models) {
    await page.evaluate(() => (document.getElementById("status").textContent = "waiting"));
    await page.locator("#model-file").setInputFiles(model);
    await page.waitForFunction(
      () => {
        const status = document.getElementById("status").textContent;
        return status.startsWith("Ready.") || (status === "" && !document.getElementById("fault").hidden);
      },
      null,
      WAIT,
    );
    said.push(await page.evaluate(() => [document.getElementById("status").textContent, document.getElementById("fault").textContent]));
  }
  console.log(JSON.stringify(said));
} finally {
  await browser.close();
}
