// Pure: who else is at a playlist, by what they changed lately.

const LATELY_MS = 10 * 60_000;

/** Return others than `me` (as the session says) who changed it in the last minutes, the latest first: `{name, at}`. */
export function othersIn(history, me, now) {
  const found = new Map();
  for (const { actor, at } of history) {
    const instant = Date.parse(at);
    if (now - instant > LATELY_MS || isMe(actor, me) || actor.kind === "origin") continue;
    if (!found.has(actor.id || actor.name)) found.set(actor.id || actor.name, { name: actor.name, at: instant });
  }
  return [...found.values()];
}

const isMe = (actor, me) => (me?.account ? actor.id === me.account : actor.name === me?.name);
