// Modules of the page on given values: a JSON list of jobs on standard input -> a JSON list of what they gave.
//
// Started by tests/test_web_values.py. Bytes travel as base64.

import { NearestVectors } from "../../inference/web/src/anomaly/nearest.js";
import { Scorer } from "../../inference/web/src/anomaly/scorer.js";
import { answersOf, readCard } from "../../inference/web/src/model/card.js";
import { splitArtefact } from "../../inference/web/src/model/artefact.js";
import { decide } from "../../inference/web/src/model/decide.js";
import { readEnrolled } from "../../inference/web/src/model/enrolled.js";
import { addClass, packFiles } from "../../inference/web/src/enrollment/enroll.js";
import { droppedPictures, freeKey, picturesOf } from "../../inference/web/src/pictures/files.js";
import { halfToNumber, toHalf } from "../../inference/web/src/formats/half.js";
import { readNeighbours } from "../../inference/web/src/model/neighbours.js";
import { widen } from "../../inference/web/src/pictures/region.js";
import { Resize } from "../../inference/web/src/pictures/resize.js";
import { resultsToJson } from "../../inference/web/src/formats/results.js";
import { sha256 } from "../../inference/web/src/formats/sha256.js";
import { agrees, enlarge, readVectors } from "../../inference/web/src/model/vectors.js";

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const text = (data) => Buffer.from(data).toString("base64");

const JOBS = {
  resize({ pixels, from, to, channels, strip }) {
    const resize = new Resize(from[1], from[0], to[1], to[0]);
    const data = bytes(pixels);
    const stride = from[1] * channels * strip;
    for (let place = 0; place < data.length; place += stride) {
      resize.addRows(data.subarray(place, place + stride), channels);
    }
    return text(resize.finish());
  },
  distances({ vectors, positions, features }) {
    const [known, some] = [vectors, positions].map((one) => new Float32Array(bytes(one).buffer));
    return [...new NearestVectors(known, features).distances(some)];
  },
  sha256: ({ data }) => sha256(bytes(data)),
  split({ data }) {
    const { flatbuffer, files } = splitArtefact(bytes(data));
    return { flatbuffer: text(flatbuffer), files: Object.fromEntries([...files].map(([name, one]) => [name, text(one)])) };
  },
  card: ({ data }) => readCard(splitArtefact(bytes(data))),
  weigh({ data, features, probabilities, answers, added = 0 }) {
    const { files } = splitArtefact(bytes(data));
    const neighbours = readNeighbours(files, probabilities[0].length, features[0].length);
    const likeness = added ? readEnrolled(files, neighbours, added) : neighbours;
    const rows = features.map((one) => Float32Array.from(one));
    return {
      standing: rows.map((one) => neighbours.standing(neighbours.project(one))),
      margins: rows.map((one) => likeness.margins?.(neighbours.project(one))),
      weighed: rows.map((one, n) => [...likeness.weigh(Float32Array.from(probabilities[n]), one, answers)]),
    };
  },
  enrolledAlone: ({ data }) => readEnrolled(splitArtefact(bytes(data)).files, null, 1),
  decide: ({ probabilities, card }) => decide(probabilities, card),
  answers: ({ card }) => answersOf(card),
  widen: ({ box, margin, width, height }) => widen(box, margin, width, height),
  results: ({ results }) => resultsToJson(results),
  keys: ({ files }) => picturesOf(files).map((picture) => picture.key),
  // entry: as a browser gives it, with the entries of a folder, null where it cannot be opened
  async dropped({ entry }) {
    const pictures = await droppedPictures({ items: [{ webkitGetAsEntry: () => droppedEntry(entry, "") }] });
    return Promise.all(pictures.map(async ({ key, file }) => [key, await file.text()]));
  },
  enlarge({ data, size }) {
    const { pictures, side } = readVectors(splitArtefact(bytes(data)).files);
    return pictures.map((picture) => text(enlarge(picture, side, ...size)));
  },
  async agrees({ data, size, fault }) {
    const vectors = readVectors(splitArtefact(bytes(data)).files);
    let looks = 0;
    const look = async () => {
      const row = Float32Array.from(vectors.scores[looks % vectors.scores.length]);
      const isWrong = fault === "always" || (fault === "second run" && looks >= vectors.scores.length);
      looks++;
      return [isWrong ? row.reverse() : row];
    };
    return agrees(async () => (await look())[0], size, vectors);
  },
  enroll({ data, name, features }) {
    return text(addClass(bytes(data), name, features.map((one) => Float32Array.from(one))));
  },
  packed({ data }) {
    const { flatbuffer, files } = splitArtefact(bytes(data));
    return text(packFiles(flatbuffer, files));
  },
  halves: ({ values }) => values.map((value) => halfToNumber(toHalf(value))),
  // a network that gives the mean colour of each cell, as that of tests/tiny_detector.py does
  async anomalies({ data, pixels, size: [height, width], side, stride, threshold, vector }) {
    const artefact = splitArtefact(bytes(data));
    const scorer = new Scorer(artefact.files, readCard(artefact), { side, stride, features: 3 });
    scorer.threshold = threshold ?? scorer.threshold;
    const size = { width, height };
    const seen = scorer.seenSize(size);
    const resize = new Resize(width, height, seen.width, seen.height);
    resize.addRows(bytes(pixels), 3);
    const network = async (tile) => cellMeans(tile, side, stride);
    const map = await scorer.score(network, resize.finish(), seen);
    const rgb = bytes(pixels);
    const grey = Uint8Array.from({ length: width * height }, (_, n) => {
      const [red, green, blue] = rgb.subarray(3 * n, 3 * n + 3);
      return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    });
    const numbers = vector ? [...(await scorer.numbers(network, bytes(vector)))] : [];
    return { map: { ...map, values: [...map.values] }, answer: scorer.answer({ map, size, seen }, grey), numbers };
  },
  free: ({ key, taken }) => freeKey(key, new Set(taken)),
};

let input = "";
for await (const piece of process.stdin) input += piece;
console.log(JSON.stringify(await Promise.all(JSON.parse(input).map(run))));

async function run({ job, ...values }) {
  try {
    return await JOBS[job](values);
  } catch (fault) {
    return { fault: fault.message };
  }
}

function droppedEntry([name, content], folder) {
  const fullPath = `${folder}/${name}`;
  if (!Array.isArray(content)) return { fullPath, file: (give, fail) => (content === null ? fail() : give(new Blob([content]))) };
  const parts = [content.map((inner) => droppedEntry(inner, fullPath)), []];
  return { fullPath, isDirectory: true, createReader: () => ({ readEntries: (give) => give(parts.shift()) }) };
}

function cellMeans(tile, side, stride) {
  const cells = side / stride;
  const means = new Float32Array(cells * cells * 3);
  for (let place = 0; place < tile.length; place++) {
    const pixel = Math.floor(place / 3);
    const cell = Math.floor(pixel / side / stride) * cells + Math.floor((pixel % side) / stride);
    means[cell * 3 + (place % 3)] += tile[place] / 255 / stride ** 2;
  }
  return means;
}
