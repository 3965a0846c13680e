// The panes of the inbox: which conversation the address names, how wide the list is, whether the panel at the right shows.
import { createElement, useEffect, useRef, useSyncExternalStore } from "react";
import { useLocation } from "react-router";

/** The conversation in the address, known before the server answers; "" on the list alone. */
export const useOpenConversation = () => useLocation().pathname.replace(/\/+$/, "").split("/")[2] ?? "";

const NARROWEST = 280;
const WIDEST = 520;
const WIDTH = "inbox-list-width";
const STEP = 16;

const clamp = (width) => Math.min(WIDEST, Math.max(NARROWEST, Math.round(width)));

/** A handle at the edge of the list: drag it, or move it with the arrow keys; a double click gives back the usual width. */
export function PaneHandle({ label }) {
  const handle = useRef(null);
  const apply = (width) => {
    const root = document.documentElement;
    if (width) root.style.setProperty("--list-pane", `${width}px`);
    else root.style.removeProperty("--list-pane");
    handle.current?.setAttribute("aria-valuenow", String(width || current()));
  };
  const current = () => handle.current?.previousElementSibling?.getBoundingClientRect().width ?? 344;
  const keep = (width) => {
    apply(width);
    if (width) localStorage.setItem(WIDTH, String(width));
    else localStorage.removeItem(WIDTH);
  };
  useEffect(() => {
    const stored = Number(localStorage.getItem(WIDTH));
    if (stored) apply(clamp(stored));
  }, []);
  const drag = (event) => {
    event.preventDefault();
    const element = handle.current;
    element.setPointerCapture(event.pointerId);
    const left = element.previousElementSibling.getBoundingClientRect().left;
    const move = (moved) => apply(clamp(moved.clientX - left));
    const end = (ended) => {
      element.removeEventListener("pointermove", move);
      keep(clamp(ended.clientX - left));
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", end, { once: true });
  };
  const press = (event) => {
    const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (!by) return;
    event.preventDefault();
    keep(clamp(current() + by));
  };
  return createElement("div", {
    ref: handle,
    className: "pane-handle",
    role: "separator",
    tabIndex: 0,
    "aria-orientation": "vertical",
    "aria-label": label,
    "aria-valuemin": NARROWEST,
    "aria-valuemax": WIDEST,
    "aria-valuenow": 344,
    onPointerDown: drag,
    onKeyDown: press,
    onDoubleClick: () => keep(0),
  });
}

// The panel at the right is there on wide screens unless it was put away, and on others only while it is asked for.
const WIDE = "(min-width: 1200px)";
const PUT_AWAY = "inbox-context-hidden";
const listeners = new Set();
let drawer = false;

const wide = () => window.matchMedia(WIDE).matches;
const snapshot = () => (wide() ? localStorage.getItem(PUT_AWAY) !== "1" : drawer);
const subscribe = (listener) => {
  const media = window.matchMedia(WIDE);
  const changed = () => {
    drawer = false;
    listener();
  };
  listeners.add(listener);
  media.addEventListener("change", changed);
  return () => {
    listeners.delete(listener);
    media.removeEventListener("change", changed);
  };
};

/** Whether the panel at the right shows. */
export const useContextPanel = () => useSyncExternalStore(subscribe, snapshot, () => true);

/** Show it, or put it away. */
export const toggleContextPanel = () => {
  if (wide()) localStorage.setItem(PUT_AWAY, snapshot() ? "1" : "0");
  else drawer = !drawer;
  listeners.forEach((listener) => listener());
};

/** Scrolls the list: tells `onEnd` near its end, and stands where it stood when the page is left and opened again. */
let listTop = 0;
export function ListScroller({ id, className, hasMore, count, onEnd, children }) {
  const box = useRef(null);
  const asked = useRef(-1);
  useEffect(() => {
    box.current.scrollTop = listTop;
  }, []);
  const scroll = () => {
    const element = box.current;
    listTop = element.scrollTop;
    if (hasMore && asked.current !== count && element.scrollTop + 2 * element.clientHeight > element.scrollHeight) {
      asked.current = count; // once for what is shown now
      onEnd?.();
    }
  };
  return createElement("div", { id, ref: box, className, onScroll: scroll }, children);
}

/** Goes to the next or previous conversation of the list (`by` is 1 or -1). */
export const stepConversation = (by) => {
  const rows = [...document.querySelectorAll("[data-testid=conversation-row]")];
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.getAttribute("aria-current") === "page");
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
  next.click();
  next.scrollIntoView({ block: "nearest" });
};
