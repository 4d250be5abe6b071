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
    this.items = new Map();
    this.current = "";
    this.lastShown = 0;
    /** @type {Promise<void>} */
    this.work = Promise.resolve(); // one thing at a time, in the order asked for
    this.waiting = 0; // things
    this.viewer = new Viewer((box) => this.enqueue(() => this.look(this.current, box)));
    this.table = new Table((key) => this.enqueue(() => this.look(key, this.items.get(key)?.box ?? null)));
    this.camera = new Camera((video) => this.watch(video));
    this.teacher = new Teacher(this);
    this.overlay = new Overlay(() => this.enqueue(() => this.lookAgain()));
  }

  /** @param {() => Promise<void>} task */
  enqueue(task) {
    this.waiting++;
    element("main", HTMLElement).ariaBusy = "true";
    this.work = this.work.then(() => this.perform(task)).catch((fault) => this.report(fault));
    return this.work.finally(() => {
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
    void accelerate().then((exchange) => exchange && (this.work = this.work.then(exchange)));
    for (const item of this.items.values()) item.evidence = null; // of the model before
    await this.lookAgain();
  }

  /** Answer all pictures anew, first that which is shown. */
  async lookAgain() {
    const shown = this.items.has(this.current) ? this.current : Array.from(this.items.keys()).at(-1);
    if (!shown) return;
    await this.look(shown, this.items.get(shown)?.box ?? null);
    const said = announced();
    const others = Array.from(this.items).filter(([key]) => key !== shown);
    for (const [place, [key, { box }]] of others.entries()) {
      announce(progress(place + 1, others.length));
      this.lastShown = performance.now(); // no other picture takes the place of the one that is shown
      await this.look(key, box, false);
    }
    this.table.flush();
    announce(said);
  }

  /** @param {Picture[]} pictures */
  async add(pictures) {
    if (!this.model) throw new InputError(STRINGS.noModel);
    this.camera.stop();
    const ahead = new DecodingAhead(pictures.map(({ file }) => file));
    for (const [place, { key, file }] of pictures.entries()) {
      const free = freeKey(key, this.items);
      this.items.set(free, { file, box: null, answer: null, evidence: null });
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
    if (waitedFor) announce(STRINGS.working);
    const isShown = waitedFor || this.isShowingDue();
    /** @type {ImageBitmap | null} */
    let bitmap = null;
    try {
      bitmap = await (decoding ?? decodePicture(item.file));
      const onProgress = (/** @type {number} */ share) => waitedFor && announce(looking(share));
      const used = this.model.takesBoxes ? box : null;
      const seen = await this.model.look(bitmap, bitmap, { box: used, evidence: item.evidence, onProgress });
      Object.assign(item, { box: used, answer: seen.answer, evidence: seen.evidence ?? null });
      this.table.put(key, seen, makeThumbnail(bitmap));
      if (isShown) this.show(key, bitmap, used, seen);
      if (waitedFor) announce(`${key}: ${inOneLine(seen, this.model.card)}`);
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
    if (!this.model) return;
    const size = { width: video.videoWidth, height: video.videoHeight };
    const seen = await this.model.look(video, size, {});
    if (!this.camera.running) return;
    this.current = "";
    this.viewer.show(video, size, null, STRINGS.startCamera);
    this.showSeen(seen);
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
    saveFile("results.json", text, "application/json");
  }
}
