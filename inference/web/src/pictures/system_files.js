// Names of files and folders that are no pictures of the user's: inference/pictures/system_files.py.

const ADDED = new Set([
  "thumbs.db",
  "ehthumbs.db",
  "desktop.ini",
  "__macosx",
  "$recycle.bin",
  "system volume information",
  "lost+found",
  "@eadir", // Synology
  "#recycle",
]);

/**
 * @param {string} name
 * @returns {boolean} whether a file or folder is left out of a folder's, without a word: hidden, or of the system
 */
export function isPassedOver(name) {
  return name.startsWith(".") || ADDED.has(name.toLowerCase());
}
