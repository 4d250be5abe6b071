// The live camera, where the browser allows it: on a page with HTTPS, or from this machine.

import { element } from "../panels/elements.js";
import { STRINGS } from "../panels/strings.js";

const BETWEEN_LOOKS_MS = 150; // a phone is to stay cool

export class Camera {
  /** @param {(video: HTMLVideoElement) => Promise<void>} onFrame is waited for before the next one */
  constructor(onFrame) {
    this.onFrame = onFrame;
    this.video = document.createElement("video");
    this.video.muted = true;
    this.video.setAttribute("playsinline", "");
    this.button = element("camera", HTMLButtonElement);
    this.button.hidden = !navigator.mediaDevices?.getUserMedia; // absent on a page without HTTPS
    /** @type {MediaStream | null} */
    this.stream = null;
  }

  get running() {
    return this.stream !== null;
  }

  /** @throws where the person or the browser refuses */
  async start() {
    this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    this.video.srcObject = this.stream;
    this.button.textContent = STRINGS.stopCamera;
    await this.video.play();
    void this.#watch();
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.button.textContent = STRINGS.startCamera;
  }

  async #watch() {
    while (this.running) {
      if (this.video.videoWidth) await this.onFrame(this.video);
      await new Promise((resume) => setTimeout(resume, BETWEEN_LOOKS_MS));
    }
  }
}
