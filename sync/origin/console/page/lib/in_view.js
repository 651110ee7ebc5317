// Which children of an element are in view.

const SETTLED_MS = 150; // scrolling and drawing change many at once
const MARGIN = "200px"; // what is about to come into view counts

/** Tell `tell(ids)` which children of `container`, by their `data-id`, are in view; call what is returned after each drawing. */
export function inView(container, tell) {
  const visible = new Set();
  const followed = new WeakSet();
  let told = "";
  let timer = 0;
  const settle = () => {
    timer = 0;
    for (const child of visible) if (!child.isConnected) visible.delete(child);
    const ids = [...visible].map((child) => child.dataset.id).sort();
    if (ids.join() === told) return;
    told = ids.join();
    tell(ids);
  };
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) visible[isIntersecting ? "add" : "delete"](target);
      timer ||= setTimeout(settle, SETTLED_MS);
    },
    { rootMargin: MARGIN },
  );
  return () => {
    for (const child of container.children) {
      if (followed.has(child)) continue;
      followed.add(child);
      observer.observe(child);
    }
  };
}
