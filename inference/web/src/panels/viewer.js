// The picture that is looked at, and the box that a person drags on it or types in numbers.

import { element } from "./elements.js";
import { round } from "../pictures/region.js";

const LONGEST_SIDE = 1024; // of what is shown, in pixels
const SMALLEST_DRAG = 8; // of the picture as shown; less is a tap
const FIELDS = ["box-left", "box-top", "box-width", "box-height"];

/** @typedef {import("../pictures/region.js").Box} Box */

export class Viewer {
  /** @param {(box: Box | null) => void} onBox is told of a new box, null: the whole picture */
  constructor(onBox) {
    this.onBox = onBox;
    this.canvas = element("view", HTMLCanvasElement);
    this.size = { width: 0, height: 0 };
    /** @type {[number, number] | null} */
    this.start = null;
    this.takesBoxes = true;
    this.canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.#drag(event));
    this.canvas.addEventListener("pointerup", (event) => this.#end(event));
    this.canvas.addEventListener("pointercancel", () => this.#cancel());
    element("whole", HTMLButtonElement).addEventListener("click", () => this.onBox(null));
    element("box-form", HTMLFormElement).addEventListener("submit", (event) => this.#submit(event));
  }

  /**
   * @param {ImageBitmap | HTMLVideoElement} picture
   * @param {{width: number, height: number}} size
   * @param {Box | null} box
   * @param {string} name
   */
  show(picture, size, box, name) {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(size.width, size.height));
    this.size = { width: size.width, height: size.height }; // a closed bitmap forgets them
    this.canvas.width = Math.max(1, Math.round(size.width * scale));
    this.canvas.height = Math.max(1, Math.round(size.height * scale));
    this.canvas.setAttribute("aria-label", name);
    this.canvas.getContext("2d")?.drawImage(picture, 0, 0, this.canvas.width, this.canvas.height);
    element("viewer", HTMLElement).hidden = false;
    element("picture-name", HTMLElement).textContent = name;
    this.#frame(box);
    (box ?? [0, 0, size.width, size.height]).forEach((value, n) => {
      element(FIELDS[n], HTMLInputElement).value = String(value);
    });
  }

  /** @param {boolean} takesBoxes whether the model can be asked for a part of a picture */
  allowBoxes(takesBoxes) {
    this.takesBoxes = takesBoxes;
    this.canvas.classList.toggle("takes-boxes", takesBoxes);
    for (const one of document.querySelectorAll(".is-for-boxes")) one.toggleAttribute("hidden", !takesBoxes);
  }

  hide() {
    element("viewer", HTMLElement).hidden = true;
  }

  /**
   * @param {Box | null} box the frame around it, in shares of the picture
   */
  #frame(box) {
    const frame = element("frame", HTMLElement);
    frame.hidden = !box;
    element("whole", HTMLButtonElement).disabled = !box;
    if (!box) return;
    const { width, height } = this.size;
    const shares = { left: box[0] / width, top: box[1] / height, width: box[2] / width, height: box[3] / height };
    for (const [side, share] of Object.entries(shares)) frame.style.setProperty(side, `${100 * share}%`);
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    if (event.button !== 0 || !this.takesBoxes) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.start = this.#place(event);
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    if (this.start) this.#frame(this.#boxTo(event));
  }

  /** @param {PointerEvent} event */
  #end(event) {
    if (!this.start) return;
    const box = this.#boxTo(event);
    const shown = this.canvas.getBoundingClientRect().width / this.size.width;
    this.start = null;
    this.onBox(Math.min(box[2], box[3]) * shown >= SMALLEST_DRAG ? box : null);
  }

  #cancel() {
    this.start = null;
    this.#frame(null);
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    const [left, top, width, height] = FIELDS.map((id) => element(id, HTMLInputElement).valueAsNumber || 0);
    this.onBox([left, top, width, height]);
  }

  /**
   * @param {PointerEvent} event
   * @returns {[number, number]} in pixels of the picture
   */
  #place(event) {
    const shown = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - shown.left) / shown.width) * this.size.width;
    const y = ((event.clientY - shown.top) / shown.height) * this.size.height;
    return [Math.min(Math.max(round(x), 0), this.size.width), Math.min(Math.max(round(y), 0), this.size.height)];
  }

  /**
   * @param {PointerEvent} event
   * @returns {Box}
   */
  #boxTo(event) {
    const [x, y] = this.#place(event);
    const [fromX, fromY] = this.start ?? [x, y];
    return [Math.min(x, fromX), Math.min(y, fromY), Math.abs(x - fromX), Math.abs(y - fromY)];
  }
}
