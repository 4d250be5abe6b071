// Pictures and a name -> a class more, and what that changes: the panel.

import { element, make } from "./elements.js";
import { FEWEST } from "../enrollment/enroll.js";
import { InputError } from "../errors.js";
import { decodePicture } from "../pictures/picture.js";
import { foundOf, leftOut, percent, STRINGS, taughtCount } from "./strings.js";
import { makeThumbnail } from "./table.js";

/** @typedef {import("../enrollment/estimate.js").Estimate} Estimate */

export class TeachPanel {
  /** @param {{add: (name: string, files: File[]) => Promise<void>, undo: () => void, save: () => void}} on */
  constructor(on) {
    /** @type {Map<File, HTMLElement>} */
    this.pictures = new Map();
    this.name = element("teach-name", HTMLInputElement);
    this.button = element("teach-add", HTMLButtonElement);
    this.name.addEventListener("input", () => this.#refresh());
    element("teach-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.button.disabled) void on.add(this.name.value.trim(), [...this.pictures.keys()]);
    });
    element("teach-undo", HTMLButtonElement).addEventListener("click", on.undo);
    element("teach-save", HTMLButtonElement).addEventListener("click", on.save);
    this.#refresh();
  }

  /**
   * @param {Iterable<File>} files
   * @throws {InputError} names those that can't be read, once the others are taken
   */
  async collect(files) {
    const refused = [];
    for (const file of files) {
      try {
        await this.#take(file);
      } catch (fault) {
        if (!(fault instanceof InputError)) throw fault;
        refused.push(file.name);
      }
    }
    if (refused.length) throw new InputError(leftOut(refused));
  }

  /** @param {File} file */
  async #take(file) {
    const bitmap = await decodePicture(file);
    const button = make("button", "", "thumbnail-button");
    button.setAttribute("type", "button");
    button.setAttribute("aria-label", STRINGS.teachRemove);
    button.append(makeThumbnail(bitmap));
    bitmap.close();
    const entry = make("li");
    entry.append(button);
    button.addEventListener("click", () => {
      entry.remove();
      this.pictures.delete(file);
      this.#refresh();
    });
    this.pictures.set(file, entry);
    element("teach-pictures", HTMLElement).append(entry);
    this.#refresh();
  }

  /** Forget the pictures and the name, which have been used. */
  clear() {
    this.pictures.clear();
    this.name.value = "";
    element("teach-pictures", HTMLElement).replaceChildren();
    this.#refresh();
  }

  /**
   * @param {import("../model/card.js").Card} card
   * @param {boolean} isOffered whether the model can learn a class
   * @param {boolean} canUndo whether a class was taught here
   */
  show(card, isOffered, canUndo) {
    element("teach", HTMLElement).hidden = !isOffered;
    element("teach-outcome", HTMLElement).hidden = !card.enrolled.length;
    element("teach-undo", HTMLButtonElement).hidden = !canUndo;
    if (card.enrolled.length) element("teach-rows", HTMLElement).replaceChildren(...outcome(card));
  }

  #refresh() {
    const count = this.pictures.size;
    element("teach-count", HTMLElement).textContent = taughtCount(count);
    this.button.disabled = count < FEWEST || !this.name.value.trim();
  }
}

/**
 * @param {import("../model/card.js").Card} card
 * @returns {HTMLElement[]} rows: what, before, now
 */
function outcome({ measured, enrolled }) {
  const rows = [makeRow(STRINGS.accuracy, measured.trained?.accuracy, measured.accuracy)];
  rows.push(makeRow(STRINGS.answered, measured.trained?.accepted, measured.accepted));
  for (const name of enrolled) rows.push(makeRow(foundOf(name), undefined, measured.added?.[name]));
  return rows;
}

/**
 * @param {string} title
 * @param {Estimate | undefined} before
 * @param {Estimate | undefined} now
 */
function makeRow(title, before, now) {
  const row = make("tr");
  const header = make("th", title);
  header.setAttribute("scope", "row");
  row.append(header, makeFigure(before), makeFigure(now));
  return row;
}

/** @param {Estimate | undefined} estimate */
function makeFigure(estimate) {
  const cell = make("td", "", "number");
  if (!estimate || estimate.value === null || estimate.low === null || estimate.high === null) {
    cell.textContent = "–";
    return cell;
  }
  cell.append(make("span", percent(estimate.value), "figure"));
  const details = make("span", "", "hint");
  details.append(make("span", `${(100 * estimate.low).toFixed(0)} – ${percent(estimate.high, 0)}`), make("span", `n = ${estimate.n}`));
  cell.append(details);
  return cell;
}
