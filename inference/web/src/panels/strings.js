// Every text that a person reads, in one place; names of classes come from the model.

export const STRINGS = {
  title: "Touchstone",
  tagline: "What is in the picture, and when it does not know",
  loading: "Loading the model …",
  ready: "Ready.",
  otherBackend: "Ready. The model runs on the graphics card: the processor's answers are not those of its export.",
  otherAnswers:
    "In this browser the model gives other answers than when it was exported, so it is not used. Try another browser.",
  working: "Looking …",
  privacy: "Pictures never leave this device. The model runs here, in the browser.",
  takePhotograph: "Take a photograph",
  choosePictures: "Choose pictures",
  chooseFolder: "Choose a folder",
  startCamera: "Live camera",
  stopCamera: "Stop the camera",
  dropHint: "or drop pictures, a folder or a .tflite model on this page",
  dropHere: "Drop pictures, a folder or a model",
  picture: "Picture",
  boxHint: "Drag a box on the picture to look at that part alone.",
  boxNumbers: "Box in numbers",
  boxLeft: "Left",
  boxTop: "Top",
  boxWidth: "Width",
  boxHeight: "Height",
  boxUse: "Look at this box",
  wholePicture: "Whole picture",
  answer: "Answer",
  unknown: "unknown",
  unknownWhy: "Not sure enough: it may be none of the classes.",
  nearThreshold: "Near the threshold: look at it yourself.",
  noRegion: "No region is above the threshold.",
  threshold: "Threshold",
  thresholdLow: "finds more",
  thresholdHigh: "finds less",
  thresholdOwn: "Reset",
  overlayShown: "Show regions",
  findsAnomalies: "Finds regions that are unlike those of its training photographs",
  regionNames: "and names them",
  model: "Model",
  modelClasses: "classes",
  modelAdded: "added after the training",
  modelMore: "More about it",
  modelAccuracy: "Measured accuracy",
  modelSize: "Looks at",
  modelThreshold: "Unknown below",
  modelOther: "Use another model",
  results: "Results",
  resultsResult: "Result and file",
  resultsConfidence: "Confidence",
  save: "Save results.json",
  clear: "Clear",
  teach: "Teach a class",
  teachHint: "Take or choose 5 to 50 pictures of something new, like those that the model was trained on, and name it. The class is added here, within seconds. Nothing leaves this device.",
  teachName: "Name of the class",
  teachTake: "Take a picture",
  teachChoose: "Choose pictures of it",
  teachNone: "No pictures yet.",
  teachFew: "At least 2, better 5 to 50.",
  teachRemove: "Leave this picture out",
  teachAdd: "Add the class",
  teaching: "Adding the class …",
  teachUndo: "Undo the last class",
  teachUndone: "The class was removed: the model is what it was before.",
  teachLost: "This browser can’t keep it: save the model before you leave the page.",
  teachSave: "Save the model",
  teachNote: "Accuracy before: on test pictures. Now: on validation pictures of the trained classes and on those given, each judged without itself. Below them the 95 % interval.",
  before: "Before",
  now: "Now",
  accuracy: "Accuracy",
  answered: "Answered, not “unknown”",
  noModel: "This page has no model yet. Choose a .tflite file that export wrote.",
  noScript: "This page needs JavaScript.",
  cameraRefused: "The camera is not available. Allow it in the browser's settings, or take a photograph.",
  cameraLost: "The camera has stopped. Start it again, or take a photograph.",
};

/**
 * @param {string} label the best class of what is unknown
 * @param {number} confidence
 * @param {number} threshold
 */
export function nearest(label, confidence, threshold) {
  return `Nearest: ${label} with ${percent(confidence)}, below the ${percent(threshold)} that are needed.`;
}

/**
 * @param {number} share
 * @param {number} [digits]
 */
export function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)} %`;
}

/** @param {number} count of pictures of a new class */
export function taughtCount(count) {
  if (!count) return STRINGS.teachNone;
  return `${count} ${count === 1 ? "picture" : "pictures"}${count < 5 ? `. ${STRINGS.teachFew}` : ""}`;
}

/** @param {string} name of an added class */
export function foundOf(name) {
  return `Pictures of “${name}” recognised`;
}

/**
 * @param {string} name
 * @param {number} count
 * @param {boolean} isKept
 */
export function taught(name, count, isKept) {
  return `“${name}” was added from ${count} pictures.${isKept ? "" : ` ${STRINGS.teachLost}`}`;
}

/** @param {boolean} isKept */
export function untaught(isKept) {
  return `${STRINGS.teachUndone}${isKept ? "" : ` ${STRINGS.teachLost}`}`;
}

/** @param {string[]} names of files */
export function leftOut(names) {
  return `Left out, because this browser can’t read them as pictures: ${names.join(", ")}. Convert them to JPEG or PNG.`;
}

/** @param {number} count */
export function regionCount(count) {
  return `${count} ${count === 1 ? "region" : "regions"}`;
}

/**
 * @param {number} width
 * @param {number} height
 */
export function regionSize(width, height) {
  return `${width} × ${height}`;
}

/** @param {import("../model/model.js").Seen} seen */
export function duration({ networkMs, wholeMs }) {
  return `${networkMs ? `${time(networkMs)} in the network, ` : ""}${time(wholeMs)} in all`;
}

/** @param {number} ms */
function time(ms) {
  return ms < 1000 ? `${ms.toFixed(ms < 100 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @param {{value: number | null, low: number, high: number, n: number} | undefined} measured */
export function accuracy(measured) {
  if (typeof measured?.value !== "number") return "not measured";
  return `${percent(measured.value)} (95 % interval ${percent(measured.low)} to ${percent(measured.high)}, n = ${measured.n})`;
}

/**
 * @param {number} done
 * @param {number} failed
 */
export function counted(done, failed) {
  return `${done} ${done === 1 ? "picture" : "pictures"}${failed ? `, ${failed} that can't be read` : ""}`;
}

/**
 * @param {string[]} labels
 * @param {number} added how many of them, the last ones, were added after the training
 */
export function classes(labels, added) {
  const later = added ? `; ${STRINGS.modelAdded}: ${labels.slice(-added).join(", ")}` : "";
  return `${labels.length} ${STRINGS.modelClasses}: ${labels.slice(0, labels.length - added).join(", ")}${later}`;
}

/** @param {string[]} names of regions */
export function anomalies(names) {
  return `${STRINGS.findsAnomalies}${names.length ? `, ${STRINGS.regionNames}: ${names.join(", ")}` : ""}.`;
}

/** @param {[number, number]} size */
export function pixels([height, width]) {
  return `${width} × ${height} pixels`;
}

/**
 * @param {number} place
 * @param {number} count
 */
export function progress(place, count) {
  return `${STRINGS.working} ${place} / ${count}`;
}

/** @param {number} share of a picture that the network has seen */
export function looking(share) {
  return `${STRINGS.working} ${(100 * share).toFixed(0)} %`;
}
