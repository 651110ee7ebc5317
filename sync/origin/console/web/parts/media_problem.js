// What became of a file that was sent, in the language of the person.

import { hasWords, sentence } from "../lib/words.js";

/** Return the sentences of a media: why it cannot be shown, or what was mended; those of the origin where we have none. */
export function mediaProblem({ problem, problem_told: told = [] }) {
  if (!problem) return [];
  return told.length > 0 && told.every(({ code }) => hasWords(`told-${code}`)) ? told.map(sentence) : [problem];
}
