// Pictures and their answers -> the rows of the table of results.

import { ANOMALY } from "../anomaly/scorer.js";
import { UNKNOWN } from "../model/card.js";
import { element, make } from "./elements.js";
import { counted, percent, STRINGS } from "./strings.js";

const THUMBNAIL_SIDE = 96; // pixels; shown at half of that, for a phone's screen of twice the density

/** @typedef {{error?: string, answer?: import("../model/decide.js").Answer}} Outcome */

export class Table {
  /** @param {(key: string) => void} onChoose is told which picture a person wants to see again */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.body = element("rows", HTMLElement);
    /** @type {Map<string, HTMLElement>} */
    this.rows = new Map();
    this.failed = new Set();
    this.waiting = document.createDocumentFragment();
  }

  /**
   * Make a picture's row; a new one waits for flush, since a page that is laid out anew for each takes its time.
   * @param {string} key
   * @param {Outcome} outcome
   * @param {HTMLCanvasElement | null} thumbnail
   */
  put(key, outcome, thumbnail) {
    const row = make("tr");
    const header = make("th");
    header.setAttribute("scope", "row");
    header.append(wordOf(outcome), outcome.error ? make("span", key, "name") : this.#chooser(key));
    const picture = make("td");
    if (thumbnail) picture.append(thumbnail);
    row.append(picture, header);
    if (outcome.answer) row.append(make("td", percent(outcome.answer.confidence), "number"));
    else header.setAttribute("colspan", "2");
    const old = this.rows.get(key);
    if (old) old.replaceWith(row);
    else this.waiting.append(row);
    this.rows.set(key, row);
    if (outcome.error) this.failed.add(key);
    else this.failed.delete(key);
  }

  /** Show all rows. */
  flush() {
    this.body.append(this.waiting);
    this.#count();
  }

  clear() {
    this.rows.clear();
    this.failed.clear();
    this.waiting.replaceChildren();
    this.body.replaceChildren();
    this.#count();
  }

  #count() {
    element("results", HTMLElement).hidden = this.rows.size === 0;
    const text = counted(this.rows.size - this.failed.size, this.failed.size);
    element("count", HTMLElement).textContent = text;
  }

  /** @param {string} key */
  #chooser(key) {
    const button = make("button", key, "link name");
    button.addEventListener("click", () => this.onChoose(key));
    return button;
  }
}

/**
 * @param {ImageBitmap} bitmap
 * @returns {HTMLCanvasElement} its middle, square
 */
export function makeThumbnail(bitmap) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = THUMBNAIL_SIDE;
  canvas.className = "thumbnail";
  canvas.setAttribute("aria-hidden", "true"); // the name stands beside it
  const side = Math.min(bitmap.width, bitmap.height);
  const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
  canvas.getContext("2d", { willReadFrequently: true })?.drawImage(bitmap, left, top, side, side, 0, 0, THUMBNAIL_SIDE, THUMBNAIL_SIDE);
  return canvas;
}

/** @param {Outcome} outcome */
function wordOf({ error, answer }) {
  if (error || !answer) return make("span", error, "fault");
  if (answer.result === UNKNOWN) return make("strong", STRINGS.unknown, "is-unknown");
  return make("strong", answer.result, "regions" in answer && answer.result === ANOMALY ? "is-anomaly" : "");
}
