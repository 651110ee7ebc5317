// Lists and things of the origin, loaded on demand and kept up to date by hints: only what changed is loaded again.

import { api } from "./api.js";
import { onHint } from "./live.js";
import { useEffect, useMemo, useRef, useState } from "./view.js";

const PAGE = 60;
const GATHER_MS = 250; // hints come in bursts
const MOST_SINGLE = 8; // more at once are loaded as a list

// What else changes a list than its own topic: the topic of a path is its part after /v1/.
const ALSO = { channels: ["schedule", "releases", "release", "devices"], releases: ["release"], schedule: ["releases", "release"], publications: ["releases", "release"], reviews: ["playlists", "schedule", "campaigns"], uploads: ["uploads"] };

// By what single rows are asked for; other lists are loaded anew.
const SINGLE = { media: "id", devices: "id", playlists: "id", campaigns: "id" };

const topicOf = (path) => path.split(/[/?]/)[2];

/** Return whether a hint is about a path. */
export function concerns(hint, path) {
  const topic = topicOf(path);
  return hint.topic === "*" || hint.topic === topic || (ALSO[topic] ?? []).includes(hint.topic);
}

/** Return the rows of an answer: its only list of things, whatever it is called. */
export const rowsOf = (body) => Object.values(body ?? {}).find((value) => Array.isArray(value)) ?? [];

/** Return rows with those of `fresh` in the place of older ones, and without those of `asked` that are no more. */
export function renewed(rows, asked, fresh, key = "id") {
  const found = new Map(fresh.map((row) => [row[key], row]));
  return rows.filter((row) => !asked.includes(row[key]) || found.has(row[key])).map((row) => found.get(row[key]) ?? row);
}

/**
 * A list, page by page: `{rows, total, state, problem, more(), reload(), hasMore}`. `state` is `loading` (nothing is there
 * yet), `ready`, `more` (another page comes) or `failed`; rows that are there stay while others are loaded. Null as
 * `path`: nothing is asked.
 */
export function useList(path, query = {}) {
  const single = SINGLE[path && topicOf(path)];
  const asked = JSON.stringify([path, query]);
  const [shown, setShown] = useState({ rows: [], total: null, next: null, state: "loading", problem: null, asked });
  const held = useRef(shown);
  const turn = useRef(0);
  const set = (change) => {
    held.current = { ...held.current, ...change };
    setShown(held.current);
  };

  const load = async (state, work) => {
    const mine = (turn.current += 1);
    if (state) set({ state });
    try {
      const change = await work();
      if (mine === turn.current) set({ state: "ready", problem: null, asked, ...change });
    } catch (problem) {
      if (mine === turn.current && problem.name !== "AbortError") set({ state: "failed", problem, asked });
    }
  };
  const first = (state) =>
    load(state, async () => {
      const limit = query.limit ?? Math.max(PAGE, Math.min(1000, state === "loading" ? 0 : held.current.rows.length));
      const { body } = await api.get(path, { limit, ...query });
      return { rows: rowsOf(body), total: body.total ?? null, next: body.next ?? null };
    });
  const more = () => {
    const { next, state, rows } = held.current;
    if (!next || state === "more") return undefined;
    return load("more", async () => {
      const { body } = await api.get(path, { limit: PAGE, ...query, cursor: next });
      return { rows: [...rows, ...rowsOf(body)], total: body.total ?? held.current.total, next: body.next ?? null };
    });
  };
  const some = (ids) =>
    load(null, async () => {
      const { body } = await api.get(path, { ...query, limit: MOST_SINGLE, [single]: ids.join(",") });
      return { rows: renewed(held.current.rows, ids, rowsOf(body), single) };
    });

  useEffect(() => {
    if (path === null) return undefined;
    first("loading");
    return () => (turn.current += 1);
  }, [asked]);

  useEffect(() => {
    if (path === null) return undefined;
    return gathered((hint) => concerns(hint, path), (ids) => {
      const known = new Set(held.current.rows.map((row) => row[single]));
      const few = single && !(single in query) && ids && ids.length <= MOST_SINGLE && ids.every((id) => known.has(id));
      return few ? some(ids) : first(null);
    });
  }, [asked]);

  const isOld = shown.asked !== asked;
  return { ...shown, state: isOld ? "loading" : shown.state, hasMore: Boolean(shown.next), more, reload: () => first(null) };
}

/**
 * One thing: `{body, version, state, problem, reload(), set(body, version)}`. `set` shows what an answer said without
 * asking again. Null as `path`: nothing is asked.
 */
export function useThing(path, query = {}) {
  const asked = JSON.stringify([path, query]);
  const [shown, setShown] = useState({ body: null, version: null, state: "loading", problem: null, asked });
  const turn = useRef(0);
  const load = useMemo(
    () => async () => {
      const mine = (turn.current += 1);
      try {
        const { body, version } = await api.get(path, query);
        if (mine === turn.current) setShown({ body, version, state: "ready", problem: null, asked });
      } catch (problem) {
        if (mine === turn.current) setShown((before) => ({ ...(before.asked === asked ? before : { body: null, version: null }), state: "failed", problem, asked }));
      }
    },
    [asked],
  );
  useEffect(() => {
    if (path === null) return undefined;
    load();
    const end = gathered((hint) => isAbout(hint, path), load);
    return () => {
      turn.current += 1;
      end();
    };
  }, [asked]);
  const set = (body, version) => {
    turn.current += 1;
    setShown({ body, version: version ?? body?.version ?? null, state: "ready", problem: null, asked });
  };
  const mine = shown.asked === asked ? shown : { body: null, version: null, state: "loading", problem: null };
  return { ...mine, reload: load, set };
}

function isAbout(hint, path) {
  const id = decodeURIComponent(path.split("?")[0].split("/")[3] ?? "");
  return concerns(hint, path) && (hint.id === undefined || hint.topic !== topicOf(path) || !id || hint.id === id || path.split("/").length < 4);
}

/** Call `work(ids)` once for hints that come together; null: perhaps all changed. Returns what ends it. */
function gathered(isWanted, work) {
  let ids = new Set();
  let timer = 0;
  const end = onHint((hint) => {
    if (!isWanted(hint)) return;
    if (ids && hint.id !== undefined && hint.topic !== "*") ids.add(hint.id);
    else ids = null;
    timer ||= setTimeout(() => {
      const which = ids && [...ids];
      [ids, timer] = [new Set(), 0];
      work(which);
    }, GATHER_MS);
  });
  return () => {
    clearTimeout(timer);
    end();
  };
}
