// The one door to tus-js-client, which sends files in pieces. It is a classic script, and is loaded when a file is sent.

import { Problem } from "../lib/api.js";

const SCRIPT = new URL("../libraries/tus-js-client/dist/tus.min.js", import.meta.url);

let loading = null;

/** Return its module; throws a Problem if the origin does not answer. */
export function loadTus() {
  loading ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: SCRIPT.href });
    script.onload = () => resolve(globalThis.tus);
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Problem({ code: "no-answer", title: "No answer" }));
    };
    document.head.append(script);
  });
  return loading;
}
