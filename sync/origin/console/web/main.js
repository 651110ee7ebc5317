// Where the page begins: the words of the frame, who is logged in, then the frame.

import { loadWords, locale } from "./lib/words.js";
import { html, render } from "./lib/view.js";
import { applyTheme } from "./lib/theme.js";
import { Shell } from "./shell/shell.js";

applyTheme();
document.documentElement.lang = locale;
await Promise.all(["ui", "shell", "parts"].map(loadWords));
const app = document.querySelector("#app");
app.replaceChildren();
render(html`<${Shell} />`, app);
