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
const start = app.enqueue(() => app.loadFirstModel());
start.then(keepForOffline).catch((fault) => console.debug(fault)); // no room for it: the page works while it is served
