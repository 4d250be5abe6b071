// Teaching a class: pictures through the network, the new file into use, kept, undone, saved.

import { Classifier } from "../model/classifier.js";
import { announce } from "../panels/elements.js";
import { addClass } from "./enroll.js";
import { InputError } from "../errors.js";
import { saveFile } from "../pictures/files.js";
import { KeptModel, latestTaught } from "./kept_models.js";
import { decodePicture } from "../pictures/picture.js";
import { sha256 } from "../formats/sha256.js";
import { progress, STRINGS, taught, untaught } from "../panels/strings.js";
import { TeachPanel } from "../panels/teach_panel.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

export class Teacher {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    this.served = ""; // hash of the model of this address
    /** @type {KeptModel | null} */
    this.kept = null;
    this.panel = new TeachPanel({
      add: (name, files) => app.enqueue(() => this.#add(name, files)),
      undo: () => void app.enqueue(() => this.#undo()),
      save: () => this.#save(),
    });
  }

  /** @returns {Promise<KeptModel>} the model of this address, or that which was taught here last */
  async first() {
    const answer = await fetch("model.tflite");
    const data = answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
    this.served = data ? sha256(data) : "";
    const base = (await latestTaught(this.served)) ?? data;
    if (!base) throw new InputError(STRINGS.noModel);
    return KeptModel.open(base);
  }

  /**
   * @param {KeptModel} kept what is in use from now on
   * @param {boolean} canLearn
   */
  show(kept, canLearn) {
    this.kept = kept;
    if (this.app.model) this.panel.show(this.app.model.card, canLearn, kept.versions.length > 0);
  }

  /**
   * @param {string} name
   * @param {File[]} files
   */
  async #add(name, files) {
    const { kept } = this;
    if (!kept) return;
    const features = await this.#featuresOf(files);
    announce(STRINGS.teaching);
    await new Promise((resume) => setTimeout(resume)); // so that the browser can paint
    const version = addClass(kept.current, name, features);
    const isKept = await kept.add(version, this.served);
    await this.app.use(kept);
    this.panel.clear();
    announce(taught(name, files.length, isKept));
  }

  async #undo() {
    const { kept } = this;
    if (!kept?.versions.length) return;
    const isKept = await kept.undo(this.served);
    await this.app.use(kept);
    announce(untaught(isKept));
  }

  /** @param {File[]} files */
  async #featuresOf(files) {
    const { model } = this.app;
    if (!(model instanceof Classifier)) throw new InputError(STRINGS.noModel);
    const features = [];
    for (const [place, file] of files.entries()) {
      announce(progress(place + 1, files.length));
      const bitmap = await decodePicture(file).catch((fault) => {
        throw new InputError(`${file.name}: ${fault.message}`); // it was moved or changed since it was chosen
      });
      features.push(await model.features(bitmap));
      bitmap.close();
    }
    return features;
  }

  #save() {
    if (this.kept) saveFile("model.tflite", this.kept.current, "application/octet-stream");
  }
}
