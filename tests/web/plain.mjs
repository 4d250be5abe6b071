// A visit over plain HTTP, as a phone in the same network makes it: browsers then hide what they give to secure pages.
//
// Arguments: the page's address, Chromium, then pictures. Gives a JSON object. Started by tests/test_web.py.

import { choose, launch, listen, open, PHONE, save } from "./person.mjs";

const [address, executablePath, ...pictures] = process.argv.slice(2);
const browser = await launch(executablePath);
try {
  const page = await browser.newPage({ ...PHONE, acceptDownloads: true });
  const heard = listen(page);
  await open(page, address);
  const secure = await page.evaluate(() => isSecureContext);
  await choose(page, pictures, pictures.length);
  const camera = await page.locator("#camera").isVisible();
  console.log(JSON.stringify({ secure, camera, results: await save(page), console: heard.console }));
} finally {
  await browser.close();
}
