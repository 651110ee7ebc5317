// Pure: where media lie on a screen, and how loud they are: as the player does it (player/deck/window.py, planned_shots.py).

const LARGEST = 16_384; // pixels of an edge, for the X server of a screen

/** Return a number rounded as Python does: halves to the even neighbour. */
export function rounded(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/**
 * Return `{x, y, width, height}` of media in the pixels of `screen`; what is outside of it is cut off. `fit` is contain,
 * cover or fill.
 */
export function placed(screen, media, fit) {
  if (fit === "fill" || !(media.width >= 1) || !(media.height >= 1)) return { x: 0, y: 0, width: screen.width, height: screen.height };
  const [across, down] = [screen.width / media.width, screen.height / media.height];
  const scale = fit === "cover" ? Math.min(Math.max(across, down), LARGEST / Math.max(media.width, media.height)) : Math.min(across, down);
  const [width, height] = [Math.max(1, rounded(media.width * scale)), Math.max(1, rounded(media.height * scale))];
  return { x: Math.floor((screen.width - width) / 2), y: Math.floor((screen.height - height) / 2), width, height };
}

/** Return the same in percent of the screen, as a style. */
export function styled(screen, media, fit) {
  const { x, y, width, height } = placed(screen, media, fit);
  const [across, down] = [100 / screen.width, 100 / screen.height];
  return { left: `${x * across}%`, top: `${y * down}%`, width: `${width * across}%`, height: `${height * down}%` };
}

/**
 * Return how loud something is, 0 to 1 as browsers count: its own volume (percent), corrected to `target` LUFS as screens
 * do. The percent of the player are those of libVLC, whose gain is their cube.
 */
export function gainOf(volume, lufs, target = -23) {
  const correction = lufs === null || lufs === undefined ? 0 : target - lufs;
  return (Math.min(100, Math.round(volume * 10 ** (correction / 60))) / 100) ** 3;
}
