// What the page says, in the language of the person: Fluent catalogues in words/LANGUAGE/NAME.ftl, one for each view.

import { FluentBundle, FluentResource } from "@fluent/bundle";
import { signal } from "./view.js";

const FOLDER = new URL("../words/", import.meta.url);
const KEPT = "console-language";

/** Languages that have catalogues, with their own names. */
export const LANGUAGES = { en: "English", de: "Deutsch" };

/** Return the language that somebody gets who wants `wanted`, best first. */
export const chosenOf = (wanted) => wanted.map((one) => one.slice(0, 2).toLowerCase()).find((one) => one in LANGUAGES) ?? "en";

const kept = localStorage.getItem(KEPT);

/** The language of the page; `en-XA` is a made-up one, whose words are 40 % longer. */
export const language = signal(kept ?? chosenOf(navigator.languages ?? []));
const isMadeUp = language.value === "en-XA";
const folder = isMadeUp ? "en" : chosenOf([language.value]);

/** The language of numbers and times: with the region that the browser names. */
export const locale = isMadeUp ? "en" : (navigator.languages ?? []).find((one) => one.toLowerCase().startsWith(folder)) ?? folder;

const longer = (text) => text.replace(/\p{L}{3,}/gu, (word) => word + word.slice(-Math.max(1, Math.round(word.length * 0.4))));
const bundle = new FluentBundle(locale, { useIsolating: false, ...(isMadeUp && { transform: longer }) });
const loaded = new Map();

/** Load the catalogue of a view; what is there stays. Without an answer the next call tries again. */
export function loadWords(name) {
  if (!loaded.has(name)) {
    const work = fetch(new URL(`${folder}/${name}.ftl`, FOLDER)).then(async (answer) => {
      if (!answer.ok) throw new Error(`words/${folder}/${name}.ftl: ${answer.status}`);
      bundle.addResource(new FluentResource(await answer.text()));
    });
    loaded.set(name, work.catch((error) => {
      loaded.delete(name);
      throw error;
    }));
  }
  return loaded.get(name);
}

/** Have the page in another language; it begins anew. */
export function speak(chosen) {
  localStorage.setItem(KEPT, chosen);
  location.reload();
}

/** Return whether there is a sentence of this name. */
export const hasWords = (id) => bundle.hasMessage(id);

/** Return a sentence, such as that of `media-count` with `{ count: 3 }`. One that is missing is its name, which a test finds. */
export function t(id, values = {}) {
  const message = bundle.getMessage(id);
  if (!message?.value) return id;
  return bundle.formatPattern(message.value, values, []);
}

/**
 * Return what a Problem says: `{text, fields, users}`. `fields` has a sentence for each field that was sent wrongly. The
 * sentences of the origin are the last resort: they are English.
 */
export function said(problem) {
  if (problem.status === undefined) return { text: t("problem-page", { what: problem.message }), fields: {}, users: [] };
  const told = { code: problem.code, values: problem.values ?? {}, text: problem.detail || problem.title };
  const fields = Object.entries(problem.fields ?? {}).map(([name, text]) => [name, sentence({ ...problem.fieldsTold?.[name], text })]);
  return { text: sentence(told), fields: Object.fromEntries(fields), users: problem.users ?? [] };
}

/** Return the sentence of a code that the origin tells with its values (`warnings_told`, `problem_told`), or its own text. */
export function sentence({ code, values = {}, text }) {
  const plain = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plainOf(value)]));
  for (const id of [`problem-${code}`, `told-${code}`]) if (code && hasWords(id)) return t(id, plain);
  return text ?? code;
}

const plainOf = (value) => (typeof value === "number" ? value : Array.isArray(value) ? listed(value.map(String)) : value === null ? "" : String(value));

/** Return names as a sentence lists them. */
export const listed = (names) => new Intl.ListFormat(locale, { type: "conjunction" }).format(names);

/** Return a number as people write it; `options` are those of Intl.NumberFormat. */
export const number = (value, options) => new Intl.NumberFormat(locale, options).format(value);

const STEPS = [["byte", 1], ["kilobyte", 1e3], ["megabyte", 1e6], ["gigabyte", 1e9], ["terabyte", 1e12]];

/** Return an amount of bytes, in the unit that fits. */
export function bytes(value) {
  const [unit, size] = STEPS.findLast(([, least]) => value >= least) ?? STEPS[0];
  return number(value / size, { style: "unit", unit, maximumFractionDigits: value / size < 10 && size > 1 ? 1 : 0 });
}

/** Return a length in ms as a clock shows it: 0:07, 1:23, 1:02:03. */
export function duration(ms) {
  const all = Math.round(ms / 1000);
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (value) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/**
 * Return an instant. `zone` is that of the venue, else that of the browser; `says` adds the zone's name where it is not
 * that of the browser; `style`: `short` (the time alone on its day), `day`, `time` or `full`.
 */
export function when(instant, { zone, style = "full", says = true } = {}) {
  const at = new Date(instant);
  const named = zone && says && zone !== Intl.DateTimeFormat().resolvedOptions().timeZone;
  const day = { day: "numeric", month: "short", ...(at.getFullYear() !== new Date().getFullYear() && { year: "numeric" }) };
  const time = { hour: "numeric", minute: "2-digit", ...(named && { timeZoneName: "short" }) };
  const isToday = at.toDateString() === new Date().toDateString();
  const parts = { day, time, full: { weekday: "short", ...day, ...time }, short: isToday ? time : { ...day, ...time } }[style];
  return new Intl.DateTimeFormat(locale, { timeZone: zone || undefined, ...parts }).format(at);
}

const AGES = [["second", 1], ["minute", 60], ["hour", 3600], ["day", 86_400], ["week", 604_800], ["month", 2_629_800], ["year", 31_557_600]];

/** Return how long ago (or until, if below 0) something is: `3 minutes ago`. */
export function ago(seconds) {
  const [unit, size] = AGES.findLast(([, least]) => Math.abs(seconds) >= least) ?? AGES[0];
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(-Math.round(seconds / size), unit);
}
