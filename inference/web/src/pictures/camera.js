// The live camera, where the browser allows it: on a page with HTTPS, or from this machine.

import { InputError } from "../errors.js";
import { element } from "../panels/elements.js";
import { STRINGS } from "../panels/strings.js";

const BETWEEN_LOOKS_MS = 150; // a phone is to stay cool

export class Camera {
  /**
   * @param {(video: HTMLVideoElement) => Promise<void>} onFrame is waited for before the next one
   * @param {(fault: unknown) => void} onFault is told why the camera has stopped by itself
   */
  constructor(onFrame, onFault) {
    this.onFrame = onFrame;
    this.onFault = onFault;
    this.video = document.createElement("video");
    this.video.muted = true;
    this.video.setAttribute("playsinline", "");
    this.button = element("camera", HTMLButtonElement);
    this.button.hidden = !navigator.mediaDevices?.getUserMedia; // absent on a page without HTTPS
    /** @type {MediaStream | null} */
    this.stream = null;
    this.isAsking = false;
  }

  get running() {
    return this.stream !== null;
  }

  /**
   * Ask for the camera, and watch it. A person may leave the question open for as long as they like.
   * @throws where the person or the browser refuses
   */
  async start() {
    if (this.isAsking) return; // a second question would open a second camera
    this.isAsking = true;
    const asked = navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    const stream = await asked.finally(() => (this.isAsking = false));
    this.stream = stream;
    this.video.srcObject = stream;
    this.button.textContent = STRINGS.stopCamera;
    for (const track of stream.getTracks()) {
      track.onended = () => this.#fail(stream, new InputError(STRINGS.cameraLost)); // unplugged, or no longer allowed
    }
    void this.#watch(stream).catch((fault) => this.#fail(stream, fault));
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.button.textContent = STRINGS.startCamera;
  }

  /** @param {MediaStream} stream */
  async #watch(stream) {
    await this.video.play();
    while (this.stream === stream) {
      if (this.video.videoWidth) await this.onFrame(this.video);
      await new Promise((resume) => setTimeout(resume, BETWEEN_LOOKS_MS));
    }
  }

  /**
   * @param {MediaStream} stream that ended, perhaps after another was started
   * @param {unknown} fault
   */
  #fail(stream, fault) {
    if (this.stream !== stream) return;
    this.stop();
    this.onFault(fault);
  }
}
