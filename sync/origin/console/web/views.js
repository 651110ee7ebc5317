// The views of the console. To add one: a folder views/NAME with view.js (exports View) and view.css, words/LANGUAGE/NAME.ftl,
// its name in the navigation (shell-view-NAME in shell.ftl), and a line here.

/**
 * `group` is the heading it stands under: `show` (what screens show), `watch` (screens and proof), `manage`; without one it
 * stands in no navigation. `role` is the least that it needs. `first`: on a phone it stands at the bottom.
 */
export const VIEWS = [
  { name: "start", icon: "home", group: "show", first: true, key: "s" },
  { name: "media", icon: "image", group: "show", first: true, key: "m" },
  { name: "playlists", icon: "list", group: "show", first: true, key: "p" },
  { name: "schedule", icon: "calendar", group: "show", key: "t" },
  { name: "campaigns", icon: "megaphone", group: "show", key: "a" },
  { name: "preview", icon: "play", group: "show", key: "v" },
  { name: "releases", icon: "send", group: "show", key: "u" },
  { name: "screens", icon: "monitor", group: "watch", first: true, key: "d" },
  { name: "reports", icon: "chart", group: "watch", key: "r" },
  { name: "people", icon: "users", group: "manage", role: "administrator" },
  { name: "spaces", icon: "layers", group: "manage", role: "administrator" },
  { name: "keys", icon: "key", group: "manage", role: "administrator" },
  { name: "audit", icon: "clock", group: "manage", role: "administrator" },
  { name: "account", icon: "user", group: "manage" },
];

const ROOT = new URL(".", import.meta.url);
const loading = new Map();

/** Return what shows a view, once its code, its look and its words (by `loadWords`) are there. */
export function loadView(name, loadWords) {
  if (!loading.has(name)) {
    const work = Promise.all([import(`./views/${name}/view.js`), styled(`views/${name}/view.css`), loadWords(name)]);
    loading.set(name, work.then(([module]) => module.View).catch((error) => {
      loading.delete(name);
      throw error;
    }));
  }
  return loading.get(name);
}

function styled(path) {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL(path, ROOT).href });
  return new Promise((resolve) => {
    link.onload = link.onerror = resolve; // without its look a view can still be used
    document.head.append(link);
  });
}
