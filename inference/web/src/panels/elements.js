// Elements of the page by their id, and texts put into them.

import { STRINGS } from "./strings.js";

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

/**
 * @param {string} tag
 * @param {string} [text]
 * @param {string} [className]
 */
export function make(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Put the texts where the page names them: data-text="key". */
export function fillTexts() {
  for (const one of document.querySelectorAll("[data-text]")) {
    const key = one.getAttribute("data-text") ?? "";
    one.textContent = /** @type {Record<string, string>} */ (STRINGS)[key];
  }
}

/** @param {string} text that a screen reader is to say */
export function announce(text) {
  element("status", HTMLElement).textContent = text;
}

/** @returns {string} what was announced last */
export function announced() {
  return element("status", HTMLElement).textContent ?? "";
}
