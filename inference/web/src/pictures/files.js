// What a person chose or dropped -> pictures with the keys that the runner would give them, or a model.

import { isPassedOver } from "./system_files.js";

/** @typedef {{key: string, file: Blob}} Picture */

/**
 * @param {Iterable<File>} files
 * @returns {Picture[]}
 */
export function picturesOf(files) {
  const listed = Array.from(files).filter((file) => isListed(file.webkitRelativePath));
  return listed.map((file) => ({ key: keyOf(file.webkitRelativePath || file.name), file }));
}

/**
 * @param {DataTransfer} transfer
 * @returns {Promise<Picture[]>} of files and whole folders, sorted
 */
export async function droppedPictures(transfer) {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry()); // all at once: they expire
  /** @type {Picture[]} */
  const found = [];
  for (const entry of entries) if (entry) await collect(entry, found);
  return found.sort((one, other) => (one.key < other.key ? -1 : 1));
}

/** @param {string} name */
export function isModel(name) {
  return name.toLowerCase().endsWith(".tflite");
}

/**
 * Let the browser save a file where it keeps downloads.
 * @param {string} name
 * @param {BlobPart} content
 * @param {string} type
 */
export function saveFile(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/**
 * @param {string} key
 * @param {{has: (key: string) => boolean}} taken
 * @returns {string} the key, with a number where it is taken: phones call every photograph image.jpg
 */
export function freeKey(key, taken) {
  const point = key.lastIndexOf(".") > 0 ? key.lastIndexOf(".") : key.length;
  let free = key;
  for (let number = 2; taken.has(free); number++) free = `${key.slice(0, point)}-${number}${key.slice(point)}`;
  return free;
}

/**
 * @param {FileSystemEntry} entry
 * @param {Picture[]} found
 */
async function collect(entry, found) {
  const path = entry.fullPath.slice(1);
  if (!isListed(path)) return;
  try {
    if (entry.isDirectory) {
      for (const inner of await listFolder(/** @type {FileSystemDirectoryEntry} */ (entry))) await collect(inner, found);
    } else {
      found.push({ key: keyOf(path), file: await openFile(/** @type {FileSystemFileEntry} */ (entry)) });
    }
  } catch {
    found.push({ key: keyOf(path), file: new Blob() }); // cannot be opened: is reported as what is no picture
  }
}

/**
 * @param {FileSystemFileEntry} entry
 * @returns {Promise<File>}
 */
function openFile(entry) {
  return new Promise((give, fail) => entry.file(give, fail));
}

/**
 * @param {FileSystemDirectoryEntry} folder
 * @returns {Promise<FileSystemEntry[]>}
 */
async function listFolder(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    // a browser gives at most a hundred at a time
    const some = await new Promise((give, fail) => reader.readEntries(give, fail));
    if (!some.length) return all;
    all.push(...some);
  }
}

/**
 * @param {string} path
 * @returns {boolean} false: it is in a folder that was chosen, and hidden there or of the system
 */
function isListed(path) {
  return !path.split("/").slice(1).some(isPassedOver);
}

/**
 * @param {string} path
 * @returns {string} relative to the folder that was chosen, as the runner's keys are
 */
function keyOf(path) {
  return path.includes("/") ? path.slice(path.indexOf("/") + 1) : path;
}
