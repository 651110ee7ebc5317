// What is half typed stays: a page that is drawn again meanwhile does not put back what was there before.

import { useState } from "../lib/view.js";

/** Return the attributes of an input that shows `value` until somebody types; `take(text)` gets what is typed. */
export function useTyped(value, take) {
  const [typed, setTyped] = useState(null);
  const type = (event) => {
    setTyped(event.target.value);
    take(event.target.value);
  };
  return { value: typed ?? value, onInput: type, onBlur: () => setTyped(null) };
}
