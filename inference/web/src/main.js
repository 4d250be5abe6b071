// The page's start.

import { App } from "./app.js";
import { fillTexts } from "./panels/elements.js";
import { listen } from "./listeners.js";
import { startRuntime } from "./model/network.js";
import { keepForOffline } from "./offline.js";

fillTexts();
void startRuntime();
const app = new App();
listen(app);
void app.enqueue(() => app.loadFirstModel()).then(keepForOffline);
