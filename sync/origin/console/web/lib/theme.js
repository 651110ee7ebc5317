// Light or dark: as the system, unless a person chose.

const KEPT = "console-theme";

/** What people choose from; the first one is how it begins. */
export const THEMES = ["system", "light", "dark"];

/** Return what was chosen. */
export const theme = () => localStorage.getItem(KEPT) ?? THEMES[0];

/** Have the page look as was chosen, or as `chosen` from now on. */
export function applyTheme(chosen = theme()) {
  localStorage.setItem(KEPT, chosen);
  document.documentElement.dataset.theme = chosen;
}
