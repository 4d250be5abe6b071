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
   * @returns {Promise<boolean>} whether it will be so after a reload
   */
  undo(served) {
    this.versions.pop();
    return this.#keep(served);
  }

  /** @param {string} served */
  #keep(served) {
    const { base, versions } = this;
    const isTaught = versions.length > 0;
    return write({ [sha256(base)]: isTaught ? versions : null, [LATEST]: isTaught ? { served, base } : null });
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
  const transaction = database.transaction(STORE);
  const request = transaction.objectStore(STORE).get(key);
  const isDone = await committed(transaction);
  database.close();
  return isDone ? request.result : null;
}

/**
 * @param {Record<string, any>} values by their keys, null: forget it
 * @returns {Promise<boolean>} whether the browser keeps all of them; else none, as where it is out of room
 */
async function write(values) {
  const database = await openDatabase();
  if (!database) return false;
  const transaction = database.transaction(STORE, "readwrite");
  const isDone = committed(transaction);
  const store = transaction.objectStore(STORE);
  try {
    for (const [key, value] of Object.entries(values)) {
      if (value === null) store.delete(key);
      else store.put(value, key);
    }
  } catch {
    transaction.abort(); // a value larger than the browser takes
  }
  return isDone.finally(() => database.close());
}

/**
 * @param {IDBTransaction} transaction
 * @returns {Promise<boolean>} whether it was done: at its commit, after its requests, there may be no room
 */
function committed(transaction) {
  return new Promise((give) => {
    transaction.oncomplete = () => give(true);
    transaction.onabort = () => give(false); // also after an error of a request
  });
}
