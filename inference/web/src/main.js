// The page's start.

import { App } from "./app.js";
import { fillTexts } from "./elements.js";
import { listen } from "./listeners.js";
import { startRuntime } from "./network.js";
import { keepForOffline } from "./offline.js";

fillTexts();
void startRuntime();
const app = new App();
listen(app);
void app.enqueue(() => app.loadFirstModel()).then(keepForOffline);
