// What a person does -> what the page is to do.

import { element } from "./panels/elements.js";
import { droppedPictures, isModel, picturesOf } from "./pictures/files.js";

/** @typedef {import("./app.js").App} App */

/** @param {App} app */
export function listen(app) {
  for (const id of ["take", "choose", "folder"]) {
    const input = element(id, HTMLInputElement);
    input.addEventListener("change", () => {
      const pictures = picturesOf(input.files ?? []);
      input.value = ""; // so that the same file can be chosen again
      void app.add(pictures);
    });
  }
  element("model-file", HTMLInputElement).addEventListener("change", (event) => {
    const file = /** @type {HTMLInputElement} */ (event.target).files?.[0];
    if (file) void app.enqueue(() => app.useModel(file));
  });
  element("camera", HTMLButtonElement).addEventListener("click", () => app.toggleCamera());
  element("save", HTMLButtonElement).addEventListener("click", () => app.save());
  element("clear", HTMLButtonElement).addEventListener("click", () => app.clear());
  for (const id of ["teach-take", "teach-choose"]) {
    const input = element(id, HTMLInputElement);
    input.addEventListener("change", () => {
      const files = Array.from(input.files ?? []);
      input.value = "";
      void app.enqueue(() => app.teacher.panel.collect(files));
    });
  }
  listenToDrops(app);
}

/** @param {App} app */
function listenToDrops(app) {
  const sign = element("drop-sign", HTMLElement);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    sign.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) sign.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    sign.hidden = true;
    if (!event.dataTransfer) return;
    const model = Array.from(event.dataTransfer.files).find((file) => isModel(file.name));
    void (model ? app.enqueue(() => app.useModel(model)) : app.add(droppedPictures(event.dataTransfer)));
  });
}
