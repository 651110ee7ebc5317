// The one door to what draws the page: preact with hooks and signals, and htm for templates without a build.

import { h } from "preact";
import htm from "htm";

export { Component, Fragment, createContext, h, render } from "preact";
export { useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
export { batch, computed, effect, signal, useComputed, useSignal, useSignalEffect } from "@preact/signals";

/** Return what a template describes: html`<button onClick=${press}>${text}</button>`. */
export const html = htm.bind(h);
