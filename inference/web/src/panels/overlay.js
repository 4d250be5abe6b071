// Regions that a model found -> their outlines over the picture, and the slider that moves the threshold.

import { MOST_REGIONS } from "./answer_panel.js";
import { element } from "./elements.js";

const OUTLINE = "rgb(255 64 32)"; // as in the runner's previews
const OUTLINE_DARK = "rgb(168 32 12)"; // white digits can be read on it
const NUMBER_SIDE = 16; // pixels of the screen
const TINT = "rgb(255 64 32 / 35%)";
const THICKNESS = 1 / 250; // of the longer side

/**
 * @typedef {import("../anomaly/detector.js").Detector} Detector
 * @typedef {import("../anomaly/scorer.js").Evidence} Evidence
 * @typedef {import("../anomaly/components.js").Component} Component
 */

export class Overlay {
  /** @param {() => void} onThreshold is told of a threshold that a person has chosen */
  constructor(onThreshold) {
    this.canvas = element("overlay", HTMLCanvasElement);
    this.slider = element("threshold", HTMLInputElement);
    this.own = element("threshold-own", HTMLButtonElement);
    /** @type {Detector | null} */
    this.detector = null;
    /** @type {Evidence | null} */
    this.evidence = null;
    this.slider.addEventListener("input", () => this.#move(this.slider.valueAsNumber));
    this.slider.addEventListener("change", onThreshold);
    this.own.addEventListener("click", () => {
      this.#move(this.detector?.card.threshold ?? 0.5);
      onThreshold();
    });
    element("overlay-shown", HTMLInputElement).addEventListener("change", (event) => {
      this.canvas.hidden = !(/** @type {HTMLInputElement} */ (event.target).checked);
    });
  }

  /** @param {Detector | null} detector null: the model finds no anomalies */
  use(detector) {
    this.detector = detector;
    this.evidence = null;
    element("threshold-tools", HTMLElement).hidden = !detector;
    this.canvas.hidden = !detector || !element("overlay-shown", HTMLInputElement).checked;
    if (detector) this.#showThreshold();
  }

  /**
   * @param {Evidence} evidence of the picture that is shown
   * @param {{box: number[]}[]} regions of its answer, which get numbers
   * @param {{width: number, height: number}} size of the canvas that shows it
   */
  show(evidence, regions, { width, height }) {
    this.evidence = evidence;
    Object.assign(this.canvas, { width, height });
    this.#draw();
    const context = this.canvas.getContext("2d");
    const shown = width / Math.max(this.canvas.clientWidth, 1); // pixels of the canvas for one of the screen
    const factor = width / evidence.size.width;
    if (!context) return;
    const numbered = regions.slice(0, MOST_REGIONS).map(({ box }, place) => ({ box, number: place + 1 }));
    for (const { box, number } of numbered.reverse()) drawNumber(context, number, box, factor, shown);
  }

  /** @param {number} threshold */
  #move(threshold) {
    this.detector?.setThreshold(threshold);
    this.#showThreshold();
    if (this.evidence) this.#draw();
  }

  #showThreshold() {
    if (!this.detector) return;
    const { threshold } = this.detector.scorer;
    this.slider.value = String(threshold);
    element("threshold-value", HTMLOutputElement).value = threshold.toFixed(2);
    this.own.disabled = threshold === this.detector.card.threshold;
  }

  #draw() {
    const { canvas, detector, evidence } = this;
    const context = canvas.getContext("2d");
    if (!context || !detector || !evidence) return;
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const region of detector.regions(evidence, canvas)) drawRegion(context, region, canvas);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Component} region
 * @param {{width: number, height: number}} size
 */
function drawRegion(context, { runs }, size) {
  const thickness = Math.max(2, Math.round(THICKNESS * Math.max(size.width, size.height)));
  context.fillStyle = TINT;
  for (const { row, start, end } of runs) context.fillRect(start, row, end - start, 1);
  context.strokeStyle = OUTLINE;
  context.lineWidth = thickness;
  context.stroke(edgesOf(runs));
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} number
 * @param {number[]} box of the region, in pixels of the photograph
 * @param {number} factor from those to the canvas's
 * @param {number} unit a pixel of the screen, in the canvas's
 */
function drawNumber(context, number, [left, top, width, height], factor, unit) {
  const side = NUMBER_SIDE * unit;
  const keep = (/** @type {number} */ place, /** @type {number} */ length) => Math.min(Math.max(place, side / 2), length - side / 2);
  const x = keep((left + width) * factor + side / 2, context.canvas.width);
  const y = keep(top * factor, context.canvas.height);
  context.fillStyle = OUTLINE_DARK;
  context.beginPath();
  context.arc(x, y, side / 2, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = "#fff";
  context.font = `bold ${Math.round(0.65 * side)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(String(number), x, y);
}

/**
 * The edge between a region and what is outside, which a contour of its outer pixels would leave out around holes.
 * @param {import("../anomaly/components.js").Run[]} runs
 */
function edgesOf(runs) {
  const path = new Path2D();
  /** @type {Map<number, import("../anomaly/components.js").Run[]>} */
  const rows = new Map();
  for (const run of runs) rows.set(run.row, [...(rows.get(run.row) ?? []), run]);
  for (const { row, start, end } of runs) {
    for (const x of [start, end]) {
      path.moveTo(x, row);
      path.lineTo(x, row + 1);
    }
    for (const [near, y] of [[row - 1, row], [row + 1, row + 1]]) {
      let from = start;
      for (const other of rows.get(near) ?? []) {
        if (other.end <= from || other.start >= end) continue;
        line(path, from, Math.max(other.start, from), y);
        from = Math.min(other.end, end);
      }
      line(path, from, end, y);
    }
  }
  return path;
}

/**
 * @param {Path2D} path
 * @param {number} from
 * @param {number} to
 * @param {number} y
 */
function line(path, from, to, y) {
  if (to <= from) return;
  path.moveTo(from, y);
  path.lineTo(to, y);
}
