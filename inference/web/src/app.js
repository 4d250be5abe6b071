// The page: what a person does -> pictures through the classifier -> what the panels show.

import { Detector } from "./anomaly/detector.js";
import { hideAnswer, inOneLine, showAnswer } from "./panels/answer_panel.js";
import { Camera } from "./pictures/camera.js";
import { announce, announced, element } from "./panels/elements.js";
import { InputError } from "./errors.js";
import { freeKey, saveFile } from "./pictures/files.js";
import { KeptModel } from "./enrollment/kept_models.js";
import { loadModel } from "./model/load.js";
import { showModel } from "./panels/model_panel.js";
import { Overlay } from "./panels/overlay.js";
import { DecodingAhead, decodePicture } from "./pictures/picture.js";
import { resultsToJson } from "./formats/results.js";
import { looking, progress, STRINGS } from "./panels/strings.js";
import { makeThumbnail, Table } from "./panels/table.js";
import { Teacher } from "./enrollment/teacher.js";
import { Viewer } from "./panels/viewer.js";

const BETWEEN_SHOWN_MS = 300;

/**
 * @typedef {import("./pictures/region.js").Box} Box
 * @typedef {import("./pictures/files.js").Picture} Picture
 * @typedef {import("./model/model.js").Evidence} Evidence
 * @typedef {{file: Blob, box: Box | null, answer: import("./model/decide.js").Answer | null, evidence: Evidence | null}} Item
 */

export class App {
  constructor() {
    /** @type {import("./model/model.js").Model | null} */
    this.model = null;
    /** @type {Map<string, Item>} */
    this.items = new Map(); // "Clear" makes another one
    this.current = "";
    this.lastShown = 0;
    /** @type {Promise<void>} */
    this.work = Promise.resolve(); // one thing at a time, in the order asked for
    this.waiting = 0; // things
    this.viewer = new Viewer((box) => this.enqueue(() => this.look(this.current, box)));
    this.table = new Table((key) => this.enqueue(() => this.look(key, this.items.get(key)?.box ?? null)));
    this.camera = new Camera(
      (video) => this.inTurn(() => this.watch(video)),
      (fault) => this.report(fault),
    );
    this.teacher = new Teacher(this);
    this.overlay = new Overlay(() => this.enqueue(() => this.lookAgain()));
  }

  /**
   * @param {() => Promise<void> | void} task to be done when no other is under way
   * @returns {Promise<void>}
   */
  inTurn(task) {
    const done = this.work.then(task);
    this.work = done.catch(() => {}); // whoever gave the task is told
    return done;
  }

  /** @param {() => Promise<void>} task that a person has asked for and waits for */
  enqueue(task) {
    this.waiting++;
    element("main", HTMLElement).ariaBusy = "true";
    const done = this.inTurn(() => this.perform(task)).catch((fault) => this.report(fault));
    return done.finally(() => {
      if (--this.waiting === 0) element("main", HTMLElement).ariaBusy = "false";
    });
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
    await this.use(await this.teacher.first());
  }

  /** @param {Blob} file that a person has chosen or dropped */
  async useModel(file) {
    await this.use(await KeptModel.open(new Uint8Array(await file.arrayBuffer())));
  }

  /** @param {KeptModel} kept */
  async use(kept) {
    announce(STRINGS.loading);
    const { model, canLearn, accelerate } = await loadModel(kept.current);
    this.model?.close();
    this.model = model;
    this.viewer.allowBoxes(model.takesBoxes);
    this.overlay.use(model instanceof Detector ? model : null);
    showModel(model.card);
    this.teacher.show(kept, canLearn);
    announce(model.notice || STRINGS.ready);
    void accelerate().then((exchange) => exchange && this.inTurn(exchange));
    for (const item of this.items.values()) Object.assign(item, { answer: null, evidence: null }); // of the model before
    await this.lookAgain();
  }

  /** Answer all pictures anew, first that which is shown. */
  async lookAgain() {
    const { items } = this;
    const shown = items.has(this.current) ? this.current : Array.from(items.keys()).at(-1);
    if (!shown) return;
    await this.look(shown, items.get(shown)?.box ?? null);
    const said = announced();
    const others = Array.from(items).filter(([key]) => key !== shown);
    for (const [place, [key, { box }]] of others.entries()) {
      if (this.items !== items) return;
      announce(progress(place + 1, others.length));
      this.lastShown = performance.now(); // no other picture takes the place of the one that is shown
      await this.look(key, box, false);
    }
    if (this.items !== items) return;
    this.table.flush();
    announce(said);
  }

  /** @param {Picture[] | Promise<Picture[]>} chosen */
  add(chosen) {
    const { items } = this; // of now: what was chosen before "Clear" is not wanted after it
    return this.enqueue(async () => this.#answer(await chosen, items));
  }

  /**
   * @param {Picture[]} pictures
   * @param {Map<string, Item>} items
   */
  async #answer(pictures, items) {
    if (!this.model) throw new InputError(STRINGS.noModel);
    this.camera.stop();
    const ahead = new DecodingAhead(pictures.map(({ file }) => file));
    for (const [place, { key, file }] of pictures.entries()) {
      if (this.items !== items) return;
      const free = freeKey(key, items);
      items.set(free, { file, box: null, answer: null, evidence: null });
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
    if (!item || !this.model) return;
    const isWanted = () => this.items.get(key) === item; // until "Clear"
    if (waitedFor) announce(STRINGS.working);
    const isShown = waitedFor || this.isShowingDue();
    /** @type {ImageBitmap | null} */
    let bitmap = null;
    try {
      bitmap = await (decoding ?? decodePicture(item.file));
      const onProgress = (/** @type {number} */ share) => waitedFor && isWanted() && announce(looking(share));
      const used = this.model.takesBoxes ? box : null;
      const seen = await this.model.look(bitmap, bitmap, { box: used, evidence: item.evidence, onProgress });
      if (!isWanted()) return;
      Object.assign(item, { box: used, answer: seen.answer, evidence: seen.evidence ?? null });
      this.table.put(key, seen, makeThumbnail(bitmap));
      if (isShown) this.show(key, bitmap, used, seen);
      if (waitedFor) announce(`${key}: ${inOneLine(seen, this.model.card)}`);
    } catch (fault) {
      if (!(fault instanceof InputError)) throw fault;
      if (!isWanted()) return;
      if (item.answer && box !== item.box) throw fault; // of a new box: the picture's earlier answer stays
      item.answer = null;
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
   * @param {import("./model/model.js").Seen} seen
   */
  show(key, bitmap, box, seen) {
    this.current = key;
    this.lastShown = performance.now();
    this.viewer.show(bitmap, bitmap, box, key);
    this.showSeen(seen);
  }

  /** @param {import("./model/model.js").Seen} seen of the picture that is shown */
  showSeen(seen) {
    if (!this.model) return;
    if (seen.evidence && "regions" in seen.answer) this.overlay.show(seen.evidence, seen.answer.regions, this.viewer.canvas);
    showAnswer(seen, this.model.card);
  }

  /** @param {HTMLVideoElement} video */
  async watch(video) {
    if (!this.model || !this.camera.running) return; // stopped by what was done before
    const size = { width: video.videoWidth, height: video.videoHeight };
    const seen = await this.model.look(video, size, {});
    if (!this.camera.running) return;
    this.current = "";
    this.viewer.show(video, size, null, STRINGS.startCamera);
    this.showSeen(seen);
  }

  /** At once, since the browser may ask the person first: what else they want does not wait for that. */
  async toggleCamera() {
    if (this.camera.running) return this.camera.stop();
    await this.perform(() => this.camera.start()).catch(() => this.report(new InputError(STRINGS.cameraRefused)));
  }

  clear() {
    this.items = new Map();
    this.table.clear();
    this.viewer.hide();
    hideAnswer();
    announce(STRINGS.ready);
  }

  save() {
    const done = Array.from(this.items).flatMap(([key, { answer, box }]) => (answer ? [{ key, answer, box }] : []));
    const text = resultsToJson(done.map(({ key, answer, box }) => [key, { answer, box }]));
    saveFile("results.json", text, "application/json");
  }
}
