// Libraries that come as classic scripts only, loaded when somebody needs them.

const FOLDER = new URL("../libraries/", import.meta.url);
const loading = new Map();

function script(path) {
  if (!loading.has(path)) {
    const tag = Object.assign(document.createElement("script"), { src: new URL(path, FOLDER).href });
    loading.set(path, new Promise((resolve, reject) => {
      tag.onload = resolve;
      tag.onerror = () => {
        loading.delete(path);
        tag.remove();
        reject(new Error(`${path} cannot be loaded`));
      };
    }));
    document.head.append(tag);
  }
  return loading.get(path);
}

/** Return uPlot, which draws plots. */
export async function loadPlots() {
  if (!document.querySelector("link[href$='uPlot.min.css']")) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("uplot/dist/uPlot.min.css", FOLDER).href }));
  }
  await script("uplot/dist/uPlot.iife.min.js");
  return globalThis.uPlot;
}

/** Return tus-js-client, which sends files that go on where the line broke. */
export async function loadTus() {
  await script("tus-js-client/dist/tus.min.js");
  return globalThis.tus;
}
