// Versions of a model that a person has taught -> kept in this browser, also after a reload; nothing is sent anywhere.

import { sha256 } from "../formats/sha256.js";

const DATABASE = "touchstone";
const STORE = "models";
const LATEST = "latest"; // key of what was taught last: {served: hash of the model of this address, base: bytes}

export class KeptModel {
  /**
   * @param {Uint8Array<ArrayBuffer>} base the file as it came
   * @param {Uint8Array<ArrayBuffer>[]} versions with more and more classes
   */
  constructor(base, versions) {
    this.base = base;
    this.versions = versions;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} base
   * @returns {Promise<KeptModel>} with what was taught to it before
   */
  static async open(base) {
    return new KeptModel(base, (await read(sha256(base))) ?? []);
  }

  /** @returns {Uint8Array<ArrayBuffer>} the file in use */
  get current() {
    return this.versions.at(-1) ?? this.base;
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} version the file with one class more
   * @param {string} served hash of the model of this address
   * @returns {Promise<boolean>} whether it will be there after a reload
   */
  add(version, served) {
    this.versions.push(version);
    return this.#keep(served);
  }

  /**
   * Go back to the file before, byte for byte.
   * @param {string} served
   */
  undo(served) {
    this.versions.pop();
    return this.#keep(served);
  }

  /** @param {string} served */
  async #keep(served) {
    const isKept = await write(sha256(this.base), this.versions.length ? this.versions : null);
    return (await write(LATEST, this.versions.length ? { served, base: this.base } : null)) && isKept;
  }
}

/**
 * @param {string} served hash of the model of this address, "" for none
 * @returns {Promise<Uint8Array<ArrayBuffer> | null>} the model that was taught last, as it came; null: none, or at another
 *   model of this address
 */
export async function latestTaught(served) {
  const latest = await read(LATEST);
  return latest?.served === served ? latest.base : null;
}

/** @returns {Promise<IDBDatabase | null>} null: the browser keeps nothing, as in some private windows */
function openDatabase() {
  return new Promise((give) => {
    try {
      const request = indexedDB.open(DATABASE, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => give(request.result);
      request.onerror = () => give(null);
    } catch {
      give(null);
    }
  });
}

/**
 * @param {string} key
 * @returns {Promise<any>}
 */
async function read(key) {
  const database = await openDatabase();
  if (!database) return null;
  return finish(database, database.transaction(STORE).objectStore(STORE).get(key)).catch(() => null);
}

/**
 * @param {string} key
 * @param {any} value null: forget it
 * @returns {Promise<boolean>} whether the browser has done it: it may be out of room
 */
async function write(key, value) {
  const database = await openDatabase();
  if (!database) return false;
  const store = database.transaction(STORE, "readwrite").objectStore(STORE);
  return finish(database, value === null ? store.delete(key) : store.put(value, key)).then(() => true, () => false);
}

/**
 * @param {IDBDatabase} database
 * @param {IDBRequest} request
 * @returns {Promise<any>}
 */
function finish(database, request) {
  return new Promise((give, fail) => {
    request.onsuccess = () => give(request.result);
    request.onerror = () => fail(request.error);
  }).finally(() => database.close());
}
