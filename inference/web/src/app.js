// The page: what a person does -> pictures through the classifier -> what the panels show.

import { hideAnswer, inOneLine, showAnswer } from "./answer_panel.js";
import { Camera } from "./camera.js";
import { Classifier } from "./classifier.js";
import { announce, element, fillTexts } from "./elements.js";
import { InputError } from "./errors.js";
import { droppedPictures, freeKey, isModel, picturesOf } from "./files.js";
import { showModel } from "./model_panel.js";
import { startRuntime } from "./network.js";
import { keepForOffline } from "./offline.js";
import { DecodingAhead, decodePicture } from "./picture.js";
import { resultsToJson } from "./results.js";
import { progress, STRINGS } from "./strings.js";
import { makeThumbnail, Table } from "./table.js";
import { Viewer } from "./viewer.js";

const BETWEEN_SHOWN_MS = 300;

/**
 * @typedef {import("./region.js").Box} Box
 * @typedef {import("./files.js").Picture} Picture
 * @typedef {{file: Blob, box: Box | null, answer: import("./decide.js").Answer | null}} Item
 */

class App {
  constructor() {
    /** @type {Classifier | null} */
    this.classifier = null;
    /** @type {Map<string, Item>} */
    this.items = new Map();
    this.current = "";
    this.lastShown = 0;
    /** @type {Promise<void>} */
    this.work = Promise.resolve(); // one thing at a time, in the order asked for
    this.viewer = new Viewer((box) => this.enqueue(() => this.look(this.current, box)));
    this.table = new Table((key) => this.enqueue(() => this.look(key, this.items.get(key)?.box ?? null)));
    this.camera = new Camera((video) => this.watch(video));
  }

  /** @param {() => Promise<void>} task */
  enqueue(task) {
    this.work = this.work.then(() => this.perform(task)).catch((fault) => this.report(fault));
    return this.work;
  }

  /** @param {() => Promise<void>} task */
  perform(task) {
    element("fault", HTMLElement).hidden = true; // that of what was done before
    return task();
  }

  /** @param {unknown} fault */
  report(fault) {
    if (!(fault instanceof InputError)) console.error(fault);
    const box = element("fault", HTMLElement);
    box.textContent = fault instanceof Error ? fault.message : String(fault);
    box.hidden = false;
    announce("");
  }

  async loadFirstModel() {
    const answer = await fetch("model.tflite");
    if (!answer.ok) throw new InputError(STRINGS.noModel);
    await this.useModel(await answer.blob());
  }

  /** @param {Blob} file */
  async useModel(file) {
    announce(STRINGS.loading);
    const next = await Classifier.load(new Uint8Array(await file.arrayBuffer()));
    this.classifier?.close();
    this.classifier = next;
    showModel(next.card);
    announce(next.notice || STRINGS.ready);
    void next.accelerate().then((exchange) => exchange && (this.work = this.work.then(exchange)));
    const keys = Array.from(this.items.keys());
    for (const key of keys) await this.look(key, this.items.get(key)?.box ?? null, key === keys[keys.length - 1]);
  }

  /** @param {Picture[]} pictures */
  async add(pictures) {
    if (!this.classifier) throw new InputError(STRINGS.noModel);
    this.camera.stop();
    const ahead = new DecodingAhead(pictures.map(({ file }) => file));
    for (const [place, { key, file }] of pictures.entries()) {
      const free = freeKey(key, this.items);
      this.items.set(free, { file, box: null, answer: null });
      const isLast = place === pictures.length - 1;
      if (!isLast && this.isShowingDue()) announce(progress(place + 1, pictures.length));
      await this.look(free, null, isLast, ahead.take(place));
    }
  }

  isShowingDue() {
    return performance.now() - this.lastShown > BETWEEN_SHOWN_MS;
  }

  /**
   * @param {string} key
   * @param {Box | null} box
   * @param {boolean} waitedFor of many pictures only some are shown, since that takes longer than to look at them
   * @param {Promise<ImageBitmap> | null} decoding of the picture, where it was begun before
   */
  async look(key, box, waitedFor = true, decoding = null) {
    const item = this.items.get(key);
    if (!item || !this.classifier) return;
    if (waitedFor) announce(STRINGS.working);
    const isShown = waitedFor || this.isShowingDue();
    /** @type {ImageBitmap | null} */
    let bitmap = null;
    try {
      bitmap = await (decoding ?? decodePicture(item.file));
      const seen = await this.classifier.look(bitmap, bitmap, box);
      Object.assign(item, { box, answer: seen.answer });
      this.table.put(key, seen, makeThumbnail(bitmap));
      if (isShown) this.show(key, bitmap, box, seen);
      if (waitedFor) announce(`${key}: ${inOneLine(seen, this.classifier.card)}`);
    } catch (fault) {
      if (!(fault instanceof InputError)) throw fault;
      if (item.answer) throw fault; // of a box: the picture's earlier answer stays
      this.table.put(key, { error: fault.message }, null);
      announce(`${key}: ${fault.message}`);
    } finally {
      bitmap?.close();
      if (isShown) this.table.flush();
    }
  }

  /**
   * @param {string} key
   * @param {ImageBitmap} bitmap
   * @param {Box | null} box
   * @param {import("./classifier.js").Seen} seen
   */
  show(key, bitmap, box, seen) {
    if (!this.classifier) return;
    this.current = key;
    this.lastShown = performance.now();
    this.viewer.show(bitmap, bitmap, box, key);
    showAnswer(seen, this.classifier.card);
  }

  /** @param {HTMLVideoElement} video */
  async watch(video) {
    if (!this.classifier) return;
    const size = { width: video.videoWidth, height: video.videoHeight };
    const seen = await this.classifier.look(video, size, null);
    if (!this.camera.running) return;
    this.current = "";
    this.viewer.show(video, size, null, STRINGS.startCamera);
    showAnswer(seen, this.classifier.card);
  }

  async toggleCamera() {
    if (this.camera.running) return this.camera.stop();
    try {
      await this.camera.start();
    } catch {
      this.camera.stop();
      throw new InputError(STRINGS.cameraRefused);
    }
  }

  clear() {
    this.items.clear();
    this.table.clear();
    this.viewer.hide();
    hideAnswer();
    announce(STRINGS.ready);
  }

  save() {
    const done = Array.from(this.items).flatMap(([key, { answer, box }]) => (answer ? [{ key, answer, box }] : []));
    const text = resultsToJson(done.map(({ key, answer, box }) => [key, { answer, box }]));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "results.json";
    link.click();
    URL.revokeObjectURL(link.href);
  }
}

/** @param {App} app */
function listen(app) {
  for (const id of ["take", "choose", "folder"]) {
    const input = element(id, HTMLInputElement);
    input.addEventListener("change", () => {
      const pictures = picturesOf(input.files ?? []);
      input.value = ""; // so that the same file can be chosen again
      void app.enqueue(() => app.add(pictures));
    });
  }
  element("model-file", HTMLInputElement).addEventListener("change", (event) => {
    const file = /** @type {HTMLInputElement} */ (event.target).files?.[0];
    if (file) void app.enqueue(() => app.useModel(file));
  });
  element("camera", HTMLButtonElement).addEventListener("click", () => app.enqueue(() => app.toggleCamera()));
  element("save", HTMLButtonElement).addEventListener("click", () => app.save());
  element("clear", HTMLButtonElement).addEventListener("click", () => app.clear());
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
    const pictures = model ? Promise.resolve([]) : droppedPictures(event.dataTransfer);
    void app.enqueue(async () => (model ? app.useModel(model) : app.add(await pictures)));
  });
}

fillTexts();
void startRuntime();
const app = new App();
listen(app);
void app.enqueue(() => app.loadFirstModel()).then(keepForOffline);
